"""Queries in the journal: what is new is kept, and what was written before it still reads."""

import json

import pytest

from foveal.core.query import Query
from foveal.store.records import queried, read_query


def through_json(entry):
    return json.loads(json.dumps(entry[1]))


def test_a_query_comes_back_as_it_was():
    query = Query(
        ids=("a", "b"),
        strategy="entropy",
        parameters={"log_base": "2"},
        scores={"score": (0.7, 0.6)},
        why=("first", "second"),
        seed=3,
        round=2,
        fingerprint="model",
        notes=("a note",),
        stands_for=(4, 9),
    )
    assert read_query(through_json(queried(query))) == query


def test_a_query_of_an_older_journal_still_reads():
    payload = through_json(queried(Query(("a", "b"), "entropy", why=("first", "second"))))
    del payload["query"]["stands_for"]
    query = read_query(payload)
    assert query.stands_for == ()
    assert query == Query(("a", "b"), "entropy", why=("first", "second"))


@pytest.mark.parametrize("counts", [[1], [1, 2, 3]])
def test_counts_belong_to_the_ids(counts):
    payload = through_json(queried(Query(("a", "b"), "entropy")))
    payload["query"]["stands_for"] = counts
    with pytest.raises(ValueError, match="`stands_for` must have 2 entries, one per id"):
        read_query(payload)
