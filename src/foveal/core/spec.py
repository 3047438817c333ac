"""Specs: the whole description of an experiment, frozen; an unknown key is an error."""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from foveal.core.annotation import RegionKind
from foveal.core.errors import SpecError, near_miss
from foveal.core.query import Setting

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
RegionSource = Literal["oracle", "predicted", "atlas", "weak", "none"]


class Spec(BaseModel):
    """Frozen; refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSpec(Spec):
    """Where images come from and how they are brought to the network's grid."""

    source: str = Field(description="manifest (CSV, Parquet), folder, or npz")
    image_size: Annotated[int, Field(ge=16, le=2048)] = 128
    fit: Literal["pad", "squash"] = "pad"
    intensity: Literal["range", "percentile"] = Field(
        "range", description="range: 0..255 or 0..65535 as stored; percentile: 0.5 to 99.5 an image"
    )
    val_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.2
    split_seed: int = Field(0, ge=0, description="used only where the manifest has no split")
    leaks: Literal["exclude", "refuse", "report"] = Field(
        "exclude",
        description="candidates that repeat a val or test image: leave out, stop, or only tell",
    )


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
    adapter: Count = Field(128, description="channels of the 1 x 1 layer before the head")
    distance: Literal["euclidean", "squared"] = "euclidean"
    temperature: Positive = Field(0.1, description="of the softmax over distances to prototypes")


class TrainSpec(Spec):
    """One training of the network; None means the usual value of the mode."""

    epochs: Count | None = None
    learning_rate: Positive | None = None
    weight_decay: NonNegative = 1e-4
    batch_size: Count | None = None
    class_weights: Literal["none", "balanced"] = "none"
    explanation_weight: NonNegative = Field(0.0, description="0 switches the explanation loss off")
    empty_regions: Literal["skip", "suppress"] = Field(
        "skip", description="images without a finding: no explanation loss, or a map of low energy"
    )
    augment: bool | None = None
    warm_start: bool = False
    patience: Count | None = Field(None, description="early stopping on the validation part")
    precision: Literal["auto", "32", "bf16"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1


class RegionSpec(Spec):
    """Where the expected region of an unlabeled image comes from, and what the expert draws."""

    source: RegionSource = "predicted"
    annotate: RegionKind = "mask"


class AcquireSpec(Spec):
    """The query strategy, its parameters and the constraints on a batch."""

    strategy: str = "eg_al"
    parameters: Mapping[str, Setting] = Field(default_factory=dict)
    measure: Literal["soft_dice", "dice", "iou", "energy_inside", "pointing_game", "relevance"] = (
        Field("soft_dice", description="agreement of map and region; misalignment is 1 - this")
    )
    balance: Literal["none", "predicted"] = "none"
    per_group: Count | None = Field(None, description="at most so many of a patient in a batch")
    skip_near_duplicates: bool = True


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


class ArmSpec(Spec):
    """One arm of a comparison: a name and the settings in which it differs."""

    name: str = Field(min_length=1, max_length=60)
    set: Mapping[str, Any] = Field(default_factory=dict)


class ExperimentSpec(Spec):
    """All that decides an experiment's outcome."""

    name: str = Field("experiment", min_length=1, max_length=80)
    data: DataSpec
    model: ModelSpec = ModelSpec()
    train: TrainSpec = TrainSpec()
    regions: RegionSpec = RegionSpec()
    acquire: AcquireSpec = AcquireSpec()
    annotator: AnnotatorSpec = AnnotatorSpec()
    cost: CostSpec = CostSpec()
    seed_set: Count = 30
    budget: Count = 30
    labels: Count = 300
    seed: int = Field(0, ge=0)
    seeds: Count = Field(1, description="for comparisons: seed, seed + 1, ...")
    arms: tuple[ArmSpec, ...] = Field((), description="for comparisons")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.labels < self.seed_set:
            raise ValueError(
                f"`labels` ({self.labels}) must be at least `seed_set` ({self.seed_set})"
            )
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError("names of `arms` must differ")
        if self.train.explanation_weight and self.regions.annotate == "none":
            raise ValueError(
                "`train.explanation_weight` needs regions, but `regions.annotate` is none; set it "
                "to box or mask, or the weight to 0"
            )
        if self.regions.source in ("predicted", "atlas") and self.regions.annotate == "none":
            raise ValueError(
                f"`regions.source: {self.regions.source}` learns from bought regions, but "
                "`regions.annotate` is none; set it to box or mask, or the source to none or weak"
            )
        return self


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
