"""A project's settings are refused where they could not work, and come back from JSON."""

import json

import pytest
from pydantic import ValidationError

from foveal.core.live_spec import TOOLS, LiveSpec, Preset


def test_it_comes_back_from_json():
    lung = Preset(name="lung", center=-600, width=1500)
    live = LiveSpec(classes=("a", "b"), tools=("box",), presets=(lung,), overlap_share=0.5)
    assert LiveSpec.model_validate(json.loads(live.model_dump_json())) == live
    assert LiveSpec(classes=("a", "b")).tools == TOOLS


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ["one"]},
        {"classes": ["a", "a"]},
        {"classes": ["a", ""]},
        {"tools": ["box", "box"]},
        {"tools": ["lasso"]},
        {"reading": "blind"},
        {"train_every": 0},
        {"queue": 1},
        {"overlap_share": 1.5},
        {"overlap_share": float("nan")},
        {"repeat_share": 1.0},
        {"lease_seconds": 0},
        {"presets": [{"name": "lung", "center": 0, "width": 0}]},
        {"trainevery": 5},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        LiveSpec.model_validate({"classes": ["a", "b"]} | wrong)
