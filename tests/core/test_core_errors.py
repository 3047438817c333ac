"""Errors say what was meant, and can be caught as what they are."""

import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core import errors
from foveal.core.errors import FovealError, near_miss, unknown_name

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, FovealError) and kind is not FovealError
]
NAMES = st.text("abcdefg_", min_size=3, max_size=8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_ours_and_a_familiar_one_too(kind):
    familiar = (ValueError, LookupError, PermissionError, OSError)
    assert issubclass(kind, FovealError)
    assert issubclass(kind, familiar)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_home_from_a_worker_process(kind):
    back = pickle.loads(pickle.dumps(kind("what, and what to do")))
    assert type(back) is kind
    assert str(back) == "what, and what to do"


@given(st.sets(NAMES, min_size=1, max_size=8), st.data())
def test_one_slip_of_the_finger_is_understood(names, data):
    right = data.draw(st.sampled_from(sorted(names)))
    place = data.draw(st.integers(0, len(right)))
    wrong = right[:place] + "x" + right[place:]
    told = near_miss(wrong, names)
    assert "Did you mean" in told
    assert told.endswith(f"Known: {', '.join(sorted(names))}")


def test_the_nearest_of_several_is_named():
    assert near_miss("entrpy", ["margin", "entropy", "eg_al"]).startswith(" Did you mean 'entropy'")


def test_nothing_near_is_not_guessed():
    assert near_miss("zzz", ["margin", "entropy"]) == " Known: entropy, margin"


def test_unknown_name_reads_as_a_sentence():
    assert str(unknown_name("strategy", "eg_all", ["random", "eg_al"])) == (
        "no strategy 'eg_all'. Did you mean 'eg_al'? Known: eg_al, random"
    )
