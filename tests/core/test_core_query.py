"""Query: ranked, without repeats, and each score belongs to an id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import EvidenceError
from foveal.core.query import Query


@given(st.lists(st.sampled_from("abcde"), max_size=5))
def test_a_query_never_repeats_a_sample(ids):
    if len(set(ids)) < len(ids):
        with pytest.raises(EvidenceError, match="must not repeat"):
            Query(tuple(ids), "x")
    else:
        assert Query(tuple(ids), "x").ids == tuple(ids)


@given(st.integers(0, 4), st.integers(0, 4))
def test_scores_and_reasons_are_as_many_as_ids(n, m):
    ids = tuple("abcd"[:n])
    numbers, reasons = (0.5,) * m, ("because",) * m
    if n == m:
        Query(ids, "x", scores={"score": numbers}, why=reasons)
        return
    with pytest.raises(EvidenceError, match=f"'score' must have {n} values, not {m}"):
        Query(ids, "x", scores={"score": numbers})
    if m:
        with pytest.raises(EvidenceError, match=f"{n} ids but {m} reasons"):
            Query(ids, "x", why=reasons)
