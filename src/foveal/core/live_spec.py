"""LiveSpec: how people and model work together in a project."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from foveal.core.errors import SpecError
from foveal.core.spec_base import BelowOne, Count, Fraction, Kept, Positive, Several, Spec

Tool = Literal["box", "polygon", "brush"]
Reading = Literal["blinded", "assisted"]
TOOLS: tuple[Tool, ...] = ("box", "polygon", "brush")


class Preset(Spec):
    """A window that a reader can choose: values as stored (CT: Hounsfield units)."""

    name: str
    center: float
    width: Positive


class LiveSpec(Spec):
    """What readers see and how often the model learns from them."""

    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    tools: tuple[Tool, ...] = Field(TOOLS, description="regions readers draw; []: classes alone")
    reading: Reading = Field(
        "blinded",
        description="blinded: the model's map is shown after the answer; assisted: before",
    )
    train_every: Count = Field(20, description="labels between two trainings")
    queue: Annotated[int, Field(ge=4)] = Field(
        60, description="images ranked at a time; readers go on in it while the model learns"
    )
    overlap_readers: Count = Field(1, description="readers of a case that several read")
    overlap_share: Fraction = Field(0.0, description="share of cases that several readers read")
    repeat_share: BelowOne = Field(
        0.0, description="share of a reader's cases that are shown again, unmarked"
    )
    test_every: Several = Field(5, description="every so many cases one is of the test part")
    test_target: Kept = Field(100, description="test cases to be read in all")
    lease_seconds: Count = Field(900, description="a case is kept for its reader so long")
    idle_seconds: Count = Field(120, description="a longer pause is no reading time")
    presets: tuple[Preset, ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if len(set(self.classes)) != len(self.classes) or not all(self.classes):
            raise ValueError("`classes` must be names that differ, none of them empty")
        if len(set(self.tools)) != len(self.tools):
            raise ValueError("`tools` must not repeat")
        return self


def parse_live(settings: Mapping[str, Any]) -> LiveSpec:
    """A `LiveSpec` from plain settings.

    Raises:
        SpecError: naming the first setting that is unknown or out of range.
    """
    try:
        return LiveSpec.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise SpecError(
            f"`{where}`: {first['msg']}; known settings are {', '.join(LiveSpec.model_fields)}"
        ) from error
