"""Preset: a published study as a record; its settings, its sizes, its numbers and its gaps."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from foveal.core.errors import SpecError
from foveal.core.spec_base import Count, NonNegative, Spec

Mode = Literal["features", "full"]
Measure = Literal["final", "gain", "first", "aubc", "lead", "share_to_full"]
Unit = Literal["", "%", "points", "images"]
PERCENT: frozenset[Unit] = frozenset({"%", "points"})


class Counts(Spec):
    """Samples of a class: in the seed set, of the training part (seed set included), and of the
    validation part."""

    seed: Count
    train: Count
    val: Count


class Imbalance(Spec):
    """A seed set and pool in which some classes are rare."""

    common: Counts
    rare: Counts


class Sizes(Spec):
    """How many labels a study takes, as published; smaller pools get a smaller study."""

    seed_set: Count | None = Field(None, description="none where `imbalance` makes the seed set")
    budget: Count
    first_share: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="of the candidates in the seed set, where the study goes by shares of the pool;"
        " the last round is then at `share`",
    )
    rounds: Count = Field(description="queries after the seed set")
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="of the candidates at most; a study that takes them all compares nothing"
    )


class Aspect(Spec):
    """One fact of the protocol: theirs, ours, and the settings under which they are the same."""

    aspect: str
    theirs: str
    ours: str = Field(description="`{train.epochs}` stands for that setting")
    same_if: Mapping[str, Any] = Field(
        default_factory=dict,
        description="settings; none means that it always differs. A list stands for the counts of"
        " classes, whatever their names",
    )


class Published(Spec):
    """One published number, and what of ours stands beside it.

    `measure`: `final` after the last round; `first` after the first query; `gain` of the first
    query; `aubc`; `lead` of the AUBC over that of `random`; `share_to_full`, the share of all
    labels that gives 95 % of what all of them give. `metric` is one of results.json, or
    `rare_recall`, or `rare_found` (beyond the seed set).
    """

    data: str = Field(description="the set it was published for")
    what: str
    arm: str
    metric: str
    measure: Measure
    value: float | None = Field(None, description="in `unit`; none where only words are public")
    spread: NonNegative | None = None
    told: str = Field("", description="what is public where no number is")
    unit: Unit = ""
    source: str


class Preset(Spec):
    """A study that `foveal reproduce` runs on the data a user names."""

    name: str
    title: str
    paper: str
    needs: Literal["", "regions", "rare"] = ""
    leave_one_out: bool = Field(False, description="each patient is the test part once")
    sizes: Sizes
    imbalance: Imbalance | None = None
    settings: Mapping[str, Any]
    full: Mapping[str, Any] = Field(
        default_factory=dict, description="what differs where all layers are trained; dotted keys"
    )
    published: tuple[Published, ...]
    protocol: tuple[Aspect, ...]
    not_public: tuple[str, ...]


def parse_preset(settings: Mapping[str, Any]) -> Preset:
    """A preset from plain data, as read from YAML.

    Raises:
        SpecError: naming what is wrong.
    """
    try:
        return Preset.model_validate(settings)
    except ValidationError as error:
        raise SpecError(f"the preset has errors: {error}") from None


def setting(spec: Mapping[str, Any], dotted: str) -> Any:
    """The value of a dotted key in nested settings; None where there is none."""
    value: Any = spec
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def filled(text: str, spec: Mapping[str, Any]) -> str:
    """A text with `{dotted.key}` replaced by the settings' values."""
    return re.sub(r"\{([\w.]+)\}", lambda found: _told(setting(spec, found[1])), text)


def same(aspect: Aspect, spec: Mapping[str, Any]) -> bool:
    """Whether a run with this spec is like the publication in this."""
    wanted = aspect.same_if
    return bool(wanted) and all(_equal(setting(spec, key), v) for key, v in wanted.items())


def _equal(found: Any, wanted: Any) -> bool:
    """Counts of classes are compared without the classes' names."""
    if isinstance(found, Mapping) and isinstance(wanted, list):
        return sorted(found.values()) == sorted(wanted)
    return bool(found == wanted)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_told(v)}" for key, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
