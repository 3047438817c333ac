"""Lessons keep rows, labels and regions together."""

import numpy as np
import pytest
import torch
from model_toys import Memory

from foveal.core.errors import DataError
from foveal.models import Lessons
from foveal.models.lessons import read_batch

ROWS, LABELS, BOUGHT = np.array([5, 0, 3]), np.array([1, 0, 1]), np.array([True, False, True])
REGIONS = np.stack([np.full((2, 2), v) for v in (0.25, 0.5, 1.0)])


@pytest.mark.parametrize("part", range(4))
def test_lengths_must_match(part):
    arrays = [ROWS, LABELS, REGIONS, BOUGHT]
    arrays[part] = arrays[part][:2]
    with pytest.raises(DataError, match="must match"):
        Lessons(*arrays)


@pytest.mark.parametrize("value", [255.0, -0.1, np.nan])
def test_regions_lie_in_the_unit_interval(value):
    regions = REGIONS.copy()
    regions[1, 0, 0] = value
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        Lessons(ROWS, LABELS, regions, BOUGHT)


def test_there_may_be_none():
    nothing = Lessons(ROWS[:0], LABELS[:0], REGIONS[:0], BOUGHT[:0])
    assert len(nothing) == 0


def test_a_batch_holds_what_belongs_to_its_rows():
    inputs = Memory(np.arange(6.0).reshape(6, 1, 1, 1))
    lessons = Lessons(ROWS, LABELS, REGIONS, BOUGHT)
    batch = read_batch(inputs, lessons, np.array([2, 0]), torch.device("cpu"))
    assert inputs.reads == [[3, 5]]
    assert batch.inputs.flatten().tolist() == [3, 5]
    assert batch.labels.tolist() == [1, 1]
    assert batch.labels.dtype == torch.int64
    assert batch.regions[:, 0, 0].tolist() == [1, 0.25]
    assert batch.regions.dtype == torch.float32
    assert batch.bought.tolist() == [True, True]
