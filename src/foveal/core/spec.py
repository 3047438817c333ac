"""Specs: the whole description of an experiment, frozen; an unknown key is an error."""

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import Field, ValidationError, field_validator, model_validator

from foveal.core.annotation import RegionKind
from foveal.core.errors import SpecError, near_miss
from foveal.core.query import Setting
from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec_base import (
    BelowOne,
    Count,
    Fraction,
    Kept,
    NonNegative,
    Positive,
    Several,
    Spec,
)

FLIPPED_VIEWS = 4  # the image, and it flipped horizontally, vertically and both
RegionSource = Literal["oracle", "predicted", "atlas", "weak", "none"]


class DataSpec(Spec):
    """Where images come from and how they are brought to the network's grid."""

    source: str = Field(description="manifest (CSV, Parquet), folder, or npz")
    image_size: Annotated[int, Field(ge=16, le=2048)] = 128
    fit: Literal["pad", "squash"] = "pad"
    intensity: Literal["range", "percentile"] = Field(
        "range",
        description="range: 0..255 or 0..65535 as stored; percentile: 0.5 to 99.5 an image."
        " Pictures of a volume always take 0.5 to 99.5 of all its voxels, so that they compare",
    )
    window: tuple[float, Positive] | None = Field(
        None,
        description="center and width, as stored (CT: Hounsfield units), of what becomes black to"
        " white, instead of `intensity`; 40, 400 is usual for soft tissue",
    )
    val_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.2
    split_seed: int = Field(0, ge=0, description="used only where the manifest has no split")
    folds: Several | None = Field(
        None,
        description="for cross-validation: patients are dealt into so many folds, each of which is"
        " the test part once, whatever the source says; with as many as patients, one is left out",
    )
    fold: int | None = Field(None, ge=0, description="the one that is tested; all if None")
    leaks: Literal["exclude", "refuse", "report"] = Field(
        "exclude",
        description="candidates that repeat a val or test image: leave out, stop, or only tell",
    )
    keep: Mapping[Literal["train", "val", "test"], Mapping[str, Kept]] = Field(
        default_factory=dict,
        description="samples kept of a class on a side, the others are left out: an imbalance made"
        " for a study, with hidden labels, and recorded in the receipt",
    )
    laterality: bool = Field(
        False,
        description="true where left and right matter, as where the label holds a side of the body:"
        " images are then never flipped, neither to compare views nor in training",
    )

    @model_validator(mode="after")
    def _one_of_the_folds(self) -> Self:
        if self.fold is not None and self.fold >= (self.folds or 0):
            raise ValueError(f"`fold` ({self.fold}) must be below `folds` ({self.folds})")
        return self


class ModelSpec(Spec):
    """Network, its weights and head."""

    backbone: str = Field("mobilenet_v2", description="`mobilenet_v2` (embedded) or any timm name")
    weights: str = Field(
        "default",
        description="`default` (embedded, or timm's own), `none`, or a .safetensors or .npz file",
    )
    output_stride: Literal[8, 16, 32] = 16
    mode: Literal["features", "full"] = "features"
    head: Literal["linear", "prototype"] = "linear"
    pooling: Literal["mean", "attention"] | None = Field(
        None,
        description="attention: beside the mean over the image the head sees the mean over the"
        " region that the network outlines itself; needs `train.region_weight`. None: attention"
        " where that is on as usual",
    )
    adapter: Count = Field(128, description="channels of the 1 x 1 layer before the head")
    dropout: BelowOne = Field(0.0, description="of pooled features before the head; 0.5 is usual")
    distance: Literal["euclidean", "squared"] = "euclidean"
    temperature: Positive = Field(0.1, description="of the softmax over distances to prototypes")


class TrainSpec(Spec):
    """One training of the network; None means the usual value of the mode."""

    epochs: Count | None = None
    learning_rate: Positive | None = None
    weight_decay: NonNegative = 1e-4
    batch_size: Count | None = None
    class_weights: Literal["none", "balanced"] = "none"
    explanation_weight: NonNegative | None = Field(
        None,
        description="of the explanation loss; 0 switches it off. None: 2 where regions are bought",
    )
    region_weight: NonNegative | None = Field(
        None,
        description="of the region loss: the network also learns to outline what the expert"
        " outlined, and `regions.source: predicted` reads its outlines; 0 switches it off. None: 1"
        " where regions are bought and `model.mode` is features",
    )
    empty_regions: Literal["skip", "suppress"] = Field(
        "skip", description="images without a finding: no explanation loss, or a map of low energy"
    )
    augment: bool | None = None
    warm_start: bool = False
    patience: Count | None = Field(None, description="early stopping on the validation part")
    members: Count = Field(1, description="networks of the ensemble; each takes a training")
    draws: Count = Field(20, description="dropout draws of each network, where a strategy asks")
    precision: Literal["auto", "32", "bf16"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1


class RegionSpec(Spec):
    """Where the expected region of an unlabeled image comes from, and what the expert draws."""

    source: RegionSource = "predicted"
    annotate: RegionKind = "box"
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="of each batch, the samples for which a region is asked beside the class: the"
        " most misaligned, or random ones where no region is expected",
    )


class ViewSpec(Spec):
    """Views of one image that should not change what is seen; the first is the image itself."""

    kind: Literal["flips", "noise"] = Field(
        "flips", description="flips: horizontal, vertical, both, in this order"
    )
    noise: Positive = Field(0.05, description="standard deviation, of intensities in [0, 1]")
    views: Several = Field(4, description="the image itself among them")

    @model_validator(mode="after")
    def _enough_flips(self) -> Self:
        if self.kind == "flips" and self.views > FLIPPED_VIEWS:
            raise ValueError(
                f"at most {FLIPPED_VIEWS} `views` where `kind` is flips (noise gives any number)"
            )
        return self


class SoughtSpec(Spec):
    """Samples of known classes that a targeted strategy looks for, or stays away from."""

    classes: tuple[str, ...] = Field((), description="names of the classes")
    exemplars: Literal["labeled", "val", "both"] = Field(
        "labeled",
        description="where they come from; labeled ones grow with what is found, and those of val"
        " cost labels that no arm trains on",
    )
    only: Literal["all", "misclassified"] = Field(
        "all", description="misclassified: those that the model of the round gets wrong"
    )


class AcquireSpec(Spec):
    """The query strategy, its parameters and the constraints on a batch."""

    strategy: str = "variance_reduction"
    parameters: Mapping[str, Setting] = Field(
        default_factory=dict,
        description="settings of the strategy; those of a part of a composed one are named"
        " `eg_al.weight`, or written below `eg_al`",
    )
    measure: Literal["soft_dice", "dice", "iou", "energy_inside", "pointing_game", "relevance"] = (
        Field("soft_dice", description="agreement of map and region; misalignment is 1 - this")
    )
    balance: Literal["none", "predicted"] = "none"
    per_group: Count | None = Field(None, description="at most so many of a patient in a batch")
    per_study: Count | None = Field(None, description="at most so many of a study in a batch")
    per_group_total: Count | None = Field(
        None, description="at most so many of a patient over all rounds, the seed set included"
    )
    study: str = Field("study", description="the manifest's column of studies")
    stratum: str = Field("", description="a column, such as site: each batch is shared among them")
    per_stratum: Literal["equal", "proportional"] = "equal"
    skip_near_duplicates: bool = True
    unit: Literal["sample", "volume"] = Field(
        "sample",
        description="volume: all slices of a volume are asked together or not at all, also in the"
        " seed set; caps and shares then count volumes, `budget` and `labels` still slices",
    )
    unit_reduce: Literal["mean", "top"] = Field(
        "mean",
        description="a volume's score: the mean of its slices' scores, or that of the top tenth",
    )
    views: ViewSpec = ViewSpec()
    target: SoughtSpec = SoughtSpec()
    private: SoughtSpec = SoughtSpec()

    @field_validator("parameters", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return dict(_dotted_keys(value)) if isinstance(value, Mapping) else value


class AnnotatorSpec(Spec):
    """The simulated expert."""

    kind: Literal["oracle", "noisy"] = "oracle"
    class_error: Fraction = Field(0.05, description="noisy: share of wrong classes")
    region_shift: Fraction = Field(0.05, description="noisy: standard deviation, of the image side")


class CostSpec(Spec):
    """Seconds of an expert's time. Defaults are assumptions; measure yours and set them."""

    class_seconds: NonNegative = 10.0
    box_seconds: NonNegative = Field(10.0, description="in addition to the class")
    mask_seconds: NonNegative = Field(40.0, description="in addition to the class")


class ReportSpec(Spec):
    """What is reported besides the usual; nothing that is decided depends on it."""

    subgroups: tuple[str, ...] = Field(
        (),
        description="columns of the manifest, such as site or sex, to be measured value by value",
    )
    log: tuple[Literal["mlflow", "tensorboard"], ...] = Field(
        (), description="where figures are logged as well"
    )


class ArmSpec(Spec):
    """One arm of a comparison: a name and the settings in which it differs."""

    name: str = Field(min_length=1, max_length=60)
    set: Mapping[str, Any] = Field(default_factory=dict)


class ExperimentSpec(Spec):
    """All that decides an experiment's outcome."""

    name: str = Field("experiment", min_length=1, max_length=80)
    task: Literal["classification", "segmentation"] = Field(
        "classification",
        description="what is learned: the class of each image, or foreground pixel by pixel",
    )
    data: DataSpec
    model: ModelSpec = ModelSpec()
    train: TrainSpec = TrainSpec()
    segment: SegmentSpec = SegmentSpec()
    regions: RegionSpec = RegionSpec()
    acquire: AcquireSpec = AcquireSpec()
    annotator: AnnotatorSpec = AnnotatorSpec()
    cost: CostSpec = CostSpec()
    report: ReportSpec = ReportSpec()
    seed_set: Count = 30
    seed_counts: Mapping[str, Kept] = Field(
        default_factory=dict,
        description="a seed set with so many of each class instead of a random one, for studies of"
        " imbalance; drawn with hidden labels, the same for every arm",
    )
    cold_start: str = Field(
        "random",
        description="random, or a strategy that needs nothing but the pretrained `embedding`"
        " (typiclust, probcover, k_means) to choose the seed set",
    )
    budget: Count = 30
    budget_seconds: Positive | None = Field(
        None,
        description="of an expert's time for each batch, instead of `budget`: what is wanted most"
        " for its seconds is asked; see `cost`",
    )
    labels: Count = 300
    seed: int = Field(0, ge=0)
    seeds: Count = Field(1, description="for comparisons: seed, seed + 1, ...")
    arms: tuple[ArmSpec, ...] = Field((), description="for comparisons")
    reference: bool = Field(
        False, description="for comparisons: also train on all candidates at once, for each seed"
    )
    baselines: bool = Field(
        True,
        description="for comparisons: random, stratified_random and, where regions are expected or"
        " outlined, foreground_random are arms even if `arms` does not name them",
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_of_task(cls, settings: Any) -> Any:
        """Segmentation learns from masks and expects none, unless something else is written."""
        if not isinstance(settings, Mapping) or settings.get("task") != "segmentation":
            return settings
        regions = settings.get("regions", {})
        if not isinstance(regions, Mapping):
            return settings  # refused below
        return {**settings, "regions": {"source": "none", "annotate": "mask", **regions}}

    @property
    def first(self) -> int:
        """Samples of the seed set."""
        return sum(self.seed_counts.values()) or self.seed_set

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # A stored spec holds the default too, so that value cannot be told from none.
        default = type(self).model_fields["seed_set"].default
        if self.seed_counts and self.seed_set not in (self.first, default):
            raise ValueError(
                f"`seed_set` ({self.seed_set}) must be the sum of `seed_counts` ({self.first}); "
                "leave it out"
            )
        if self.seed_counts and self.cold_start != "random":
            raise ValueError("give either `seed_counts` or `cold_start`, not both")
        if self.seed_counts and self.acquire.unit == "volume":
            raise ValueError("give either `seed_counts` or `acquire.unit: volume`, not both")
        if self.acquire.unit == "volume" and self.acquire.balance != "none":
            raise ValueError(
                "`acquire.balance` shares samples, but a volume has slices of several classes; "
                "leave it out, or set `acquire.unit: sample`"
            )
        if self.labels < self.first:
            raise ValueError(f"`labels` ({self.labels}) must be at least `seed_set` ({self.first})")
        if self.budget_seconds is not None and self.budget_seconds < self.cost.class_seconds:
            raise ValueError(
                f"`budget_seconds` ({self.budget_seconds:g}) must be at least the seconds of one "
                f"class (`cost.class_seconds`, {self.cost.class_seconds:g})"
            )
        if self.task == "segmentation":
            self._check_segmentation()
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError("names of `arms` must differ")
        for weight in ("explanation_weight", "region_weight"):
            if getattr(self.train, weight) and self.regions.annotate == "none":
                raise ValueError(
                    f"`train.{weight}` needs regions, but `regions.annotate` is none; set it to "
                    "box or mask, or the weight to 0"
                )
        if self.model.pooling == "attention" and not settled(self).train.region_weight:
            raise ValueError(
                "`model.pooling: attention` looks where the network has learned to outline, but "
                "`train.region_weight` is 0; set it above 0 (1 is usual), or `pooling` to mean"
            )
        if self.regions.source in ("predicted", "atlas") and self.regions.annotate == "none":
            raise ValueError(
                f"`regions.source: {self.regions.source}` learns from bought regions, but "
                "`regions.annotate` is none; set it to box or mask, or the source to none or weak"
            )
        return self

    def _check_segmentation(self) -> None:
        if self.regions != RegionSpec(source="none", annotate="mask"):
            raise ValueError(
                "`task: segmentation` learns from a mask of every sample and expects none "
                "beforehand; leave `regions` out"
            )
        for weight in ("explanation_weight", "region_weight"):
            if getattr(self.train, weight):
                raise ValueError(
                    f"`train.{weight}` is about networks for classes, but `task` is segmentation; "
                    "leave it out"
                )
        if self.report.subgroups:
            raise ValueError(
                "`report.subgroups` are measured where `task` is classification; leave it out"
            )


def settled(spec: ExperimentSpec) -> ExperimentSpec:
    """The spec with a value wherever it leaves open how regions teach.

    What is usual was found on development data (results/search): boxes taught by explanation and
    region loss together, and a head that attends to them, were best or level with the best. In
    mode `full` only the explanation loss was measured.
    """
    train, classes = spec.train, spec.task == "classification"
    buys = classes and spec.regions.annotate != "none"
    outlines = buys and spec.model.mode == "features"
    explanation, region = train.explanation_weight, train.region_weight
    pooling = spec.model.pooling or ("attention" if outlines and region is None else "mean")
    weights = {
        "explanation_weight": (2.0 if buys else 0.0) if explanation is None else explanation,
        "region_weight": (1.0 if outlines else 0.0) if region is None else region,
    }
    changes = {
        "model": spec.model.model_copy(update={"pooling": pooling}),
        "train": train.model_copy(update=weights),
    }
    return spec.model_copy(update=changes)


def check_views(spec: ExperimentSpec) -> None:
    """For runs that compare views: raise `SpecError` if these are flips although sides matter."""
    if spec.data.laterality and spec.acquire.views.kind == "flips":
        raise SpecError(
            f"strategy {spec.acquire.strategy!r} compares views of an image, and "
            "`acquire.views.kind: flips` turns left into right, but `data.laterality` says that "
            "sides matter; set `acquire.views.kind: noise`"
        )


def parse_spec(settings: Mapping[str, Any]) -> ExperimentSpec:
    """A spec from nested settings, as read from YAML.

    Raises:
        SpecError: naming each wrong key with the nearest right one, and each wrong value.
    """
    try:
        return ExperimentSpec.model_validate(settings)
    except ValidationError as error:
        lines = [_sentence(problem) for problem in error.errors(include_url=False)]
        raise SpecError("the experiment spec has errors:\n  " + "\n  ".join(lines)) from None


def with_settings(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested settings with dotted keys set: {"train.epochs": 3}."""
    result = {k: dict(v) if isinstance(v, Mapping) else v for k, v in settings.items()}
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        place = result
        for key in path:
            below = place.get(key)
            place[key] = dict(below) if isinstance(below, Mapping) else {}
            place = place[key]
        place[last] = value
    return result


def _dotted_keys(settings: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Keys below a key become dotted ones: {"eg_al": {"weight": 1}} is {"eg_al.weight": 1}.

    Of a key that is written both ways the later holds, as `with_settings` adds the change last.
    """
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{below}", v) for below, v in _dotted_keys(value))
        else:
            yield key, value


def _sentence(problem: Mapping[str, Any]) -> str:
    path = tuple(str(p) for p in problem["loc"])
    dotted = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"unknown key `{dotted}`.{near_miss(path[-1], _keys_at(path[:-1]))}"
    if problem["type"] == "missing":
        return f"`{dotted}` is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not path:
        return message
    return f"`{dotted}`: {message}, not {problem.get('input')!r}"


def _keys_at(path: tuple[str, ...]) -> list[str]:
    model: Any = ExperimentSpec
    for key in path:
        if key.isdigit():
            continue
        model = _model_in(model.model_fields[key].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    if get_origin(annotation) in (tuple, Union, types.UnionType, Annotated):
        return next(_model_in(a) for a in get_args(annotation) if a is not Ellipsis)
    return annotation
