"""Laws of the chain: an event reads as it was written, and no alteration goes unseen."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.core.errors import SchemaError
from foveal.store.events import GENESIS, after, canonical_json, chain_hash, follow, seal

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, width=64)
finite = scalars.filter(lambda v: not isinstance(v, float) or math.isfinite(v))
plain = st.recursive(
    finite | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(st.text(), plain, max_size=4)
chains = st.lists(st.tuples(st.sampled_from(["created", "queried"]), payloads), min_size=1)


def rows_of(entries):
    rows, last = [], None
    for kind, payload in entries:
        last = seal(last, kind, payload)
        rows.append((last.seq, last.kind, canonical_json(payload), last.previous, last.hash))
    return rows


def read(rows):
    events, last = [], None
    for row in rows:
        last = follow(*after(last), row)
        events.append(last)
    return events


@given(payloads)
def test_a_payload_comes_back_as_it_went_in(payload):
    event = seal(None, "created", payload)
    assert event.payload == payload
    assert canonical_json(event.payload) == canonical_json(payload)


@given(payloads)
def test_the_order_of_keys_does_not_matter(payload):
    assert canonical_json(dict(reversed(payload.items()))) == canonical_json(payload)


@given(chains)
def test_a_chain_reads_as_it_was_written(entries):
    events = read(rows_of(entries))
    assert [(e.kind, dict(e.payload)) for e in events] == entries
    assert events[0].previous == GENESIS
    assert [e.seq for e in events] == list(range(len(entries)))


@settings(max_examples=150)
@given(chains, st.data())
def test_any_altered_character_is_seen(entries, data):
    rows = rows_of(entries)
    victim = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.integers(0, 4))
    row = list(rows[victim])
    if field == 0:
        row[0] = data.draw(st.integers(-3, 99).filter(lambda n: n != row[0]))
    else:
        at = data.draw(st.integers(0, len(row[field]) - 1))
        old = row[field][at]
        row[field] = row[field][:at] + chr(ord(old) ^ data.draw(st.integers(1, 31)))
        row[field] += rows[victim][field][at + 1 :]
    with pytest.raises(SchemaError, match=f"entry {victim} "):
        read([*rows[:victim], row, *rows[victim + 1 :]])


@given(chains.filter(lambda entries: len(entries) > 1), st.data())
def test_a_missing_or_swapped_entry_is_seen(entries, data):
    rows = rows_of(entries)
    gap = data.draw(st.integers(0, len(rows) - 2))
    with pytest.raises(SchemaError, match=f"entry {gap} is missing"):
        read(rows[:gap] + rows[gap + 1 :])
    with pytest.raises(SchemaError):
        read([*rows[:gap], rows[gap + 1], rows[gap], *rows[gap + 2 :]])


def test_an_entry_resealed_after_an_edit_breaks_the_next_one():
    rows = rows_of([("created", {"a": 1}), ("queried", {"b": 2})])
    forged = canonical_json({"a": 9})
    rows[0] = (0, "created", forged, GENESIS, chain_hash(GENESIS, 0, "created", forged))
    with pytest.raises(SchemaError, match=r"entry 1 .* does not follow"):
        read(rows)


def test_the_hash_knows_where_one_field_ends():
    assert chain_hash(GENESIS, 1, "ab", "c") != chain_hash(GENESIS, 1, "a", "bc")


@pytest.mark.parametrize(
    "payload",
    [
        {"x": float("nan")},
        {"x": [1.0, float("-inf")]},
        {1: "a number for a key"},
        {"x": {"y": [{None: 1}]}},
        {"x": object()},
        {"x": {1, 2}},
    ],
)
def test_what_json_cannot_give_back_is_refused(payload):
    with pytest.raises(SchemaError, match="journal entry"):
        canonical_json(payload)


def test_a_payload_that_holds_itself_is_refused():
    payload = {}
    payload["me"] = payload
    with pytest.raises(SchemaError):
        canonical_json(payload)


def test_the_text_is_ascii_on_one_line():
    text = canonical_json({"name": "Zürich\n\u2028\ud800"})
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text) == {"name": "Zürich\n\u2028\ud800"}
