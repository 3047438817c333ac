"""SegmentSpec: network, loss and scores of the task `segmentation`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from foveal.core.spec_base import Count, Fraction, NonNegative, Positive, Spec

SegmentLoss = Literal["dice_ce", "focal", "dice_focal"]


class SegmentSpec(Spec):
    """How foreground is told from background, pixel by pixel."""

    widths: tuple[Count, ...] = Field(
        (16, 32, 64, 128), description="channels of the U-Net from the top level to the bottleneck"
    )
    loss: SegmentLoss = Field(
        "dice_ce", description="Dice with cross-entropy, focal, or Dice with focal"
    )
    gamma: NonNegative = Field(2.0, description="of the focal loss")
    threshold: Fraction = Field(0.5, description="probability from which a pixel is foreground")
    top_share: Positive = Field(
        0.01, le=1, description="of the pixels, the highest ones that a `top` score averages"
    )
    band: Positive = Field(
        0.1, le=0.5, description="a pixel counts to the boundary if its probability is so near .5"
    )
    target: Fraction = Field(
        0.1, description="a pixel counts to the target if its probability is at least this"
    )
    overlap: float = Field(0.25, ge=0, lt=1, description="of windows that slide over a volume")
    crop: Count | None = Field(
        None,
        description="side, in pixels of the grid, of the squares that training sees, half of them "
        "around foreground; None: whole pictures. Predictions are made of whole pictures",
    )
    paste: Fraction = Field(
        0.0,
        description="share of training images into which a lesion of another one is pasted",
    )

    @model_validator(mode="after")
    def _deep_enough(self) -> Self:
        if len(self.widths) < 2:
            raise ValueError("`widths` needs two levels or more")
        return self
