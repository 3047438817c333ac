"""Bodies: what requests may hold; unknown keys are refused."""

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from foveal.core.access import Role

CaseKey = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
SampleKey = Annotated[str, Path(pattern="^[0-9A-Za-z]{1,64}$")]
SaveKey = Annotated[str, Field(pattern="^[0-9A-Za-z._-]{8,64}$")]
Seconds = Annotated[float, Field(ge=0, le=24 * 3600, allow_inf_nan=False)]


class Strict(BaseModel):
    """A body without unknown keys."""

    model_config = ConfigDict(extra="forbid")


class Login(Strict):
    """Name and password, or the token of an invitation; `program`: a bearer token, no cookie."""

    name: str = Field("", max_length=100)
    password: str = Field("", max_length=1000)
    token: str = Field("", max_length=200)
    program: bool = False


class NewAccount(Strict):
    """Someone who shall have access; an invitation is answered, with or without a password."""

    name: str = Field(max_length=100)
    role: Role = "reader"
    password: str = Field("", max_length=1000)


class Change(Strict):
    """What shall be different of an account; None stays."""

    role: Role | None = None
    password: str | None = Field(None, max_length=1000)
    enabled: bool | None = None


class NewPassword(Strict):
    """One's own password; `old` is needed where there is one."""

    old: str = Field("", max_length=1000)
    new: str = Field(max_length=1000)


class Answer(Strict):
    """What a reader says of a case.

    `seconds` is reading time as the page measured it, without pauses.
    """

    verdict: Literal["labeled", "skipped", "unsure", "bad"]
    label: str | None = Field(None, alias="class", max_length=200)
    shapes: dict[str, Any] | None = None
    seconds: Seconds = 0.0


class Sought(Strict):
    """A case the reader has answered and wants to correct."""

    sample: str = Field(max_length=64)


class Ruling(Strict):
    """What a lead decides about a case."""

    label: str | None = Field(None, alias="class", max_length=200)
    bad: bool = False
    shapes: dict[str, Any] | None = None
    seconds: Seconds = 0.0
    key: SaveKey
