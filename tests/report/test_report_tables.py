"""Tables: what an arm is given and learns from, in words."""

import pytest

from foveal.report import tables


@pytest.mark.parametrize(
    ("run", "asked", "trained"),
    [
        ({"annotate": "none"}, "class only", "classes alone"),
        ({"annotate": "mask", "region_share": 1.0}, "class and mask", "classes alone"),
        (
            {"annotate": "box", "region_share": 0.25, "region_weight": 1.0},
            "class, and box of 25 %",
            "region loss 1",
        ),
        (
            {
                "annotate": "mask",
                "explanation_weight": 2.0,
                "region_weight": 0.5,
                "pooling": "attention",
            },
            "class and mask",
            "explanation loss 2, region loss 0.5, attention",
        ),
    ],
)
def test_what_is_asked_and_what_is_learned_from_it(run, asked, trained):
    assert tables.asked_of(run) == asked
    assert tables.trained_with(run) == trained
