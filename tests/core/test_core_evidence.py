"""Evidence: row i of every array is ids[i], finite, and cannot be written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import EvidenceError
from foveal.core.evidence import SAMPLE_AXIS, Evidence
from generators import EVIDENCE, evidence, permutations, sample_ids

NAMES = st.sets(st.sampled_from(sorted(EVIDENCE)), min_size=1)


@given(NAMES.flatmap(evidence), st.data())
def test_rows_keep_ids_and_arrays_together(whole, data):
    order = data.draw(permutations(len(whole)))[: data.draw(st.integers(0, len(whole)))]
    some = whole.rows(order)
    assert some.ids == tuple(whole.ids[i] for i in order)
    assert some.fingerprint == whole.fingerprint
    for name, array in some.arrays.items():
        taken = np.take(whole.arrays[name], order, axis=SAMPLE_AXIS.get(name, 0))
        np.testing.assert_array_equal(array, taken)


@given(NAMES.flatmap(evidence))
def test_nobody_writes_into_evidence(whole):
    for array in whole.arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("name", sorted(EVIDENCE))
def test_a_row_too_few_or_a_bare_number_is_refused(name):
    short = {"mc_probs": np.full((3, 1, 2), 0.5), "probs": np.full((1, 2), 0.5)}
    for array in (short.get(name, np.zeros(1)), np.array(0.5)):
        with pytest.raises(EvidenceError, match=f"`{name}` must have 2 rows on axis"):
            Evidence(sample_ids(2), {name: array})


def test_broken_content_is_refused_by_name():
    with pytest.raises(EvidenceError, match="`misalignment` must be finite"):
        Evidence(("a",), {"misalignment": np.array([np.nan])})
    with pytest.raises(EvidenceError, match="`probs` must sum to 1"):
        Evidence(("a",), {"probs": np.array([[0.2, 0.2]])})
    with pytest.raises(EvidenceError, match="unique"):
        Evidence(("a", "a"), {})


def test_an_empty_pool_is_evidence_too():
    assert len(Evidence((), {"probs": np.zeros((0, 3)), "embedding": np.zeros((0, 4))})) == 0
