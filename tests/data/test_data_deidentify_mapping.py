"""The mapping is secret, outside of what is given away, never overwritten, and missed when lost."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.core.errors import SchemaError, StoreError
from foveal.data.deidentify import default_mapping
from foveal.data.deidentify.mapping import open_mapping

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "home" / "mapping.jsonl"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def opened(place, out, expected=None):
    return open_mapping(place, outside=out, expected=expected)


def lines(place):
    return [json.loads(line) for line in place.read_text().splitlines()]


@posix
def test_a_new_mapping_is_its_owners_alone(place, out):
    opened(place, out)
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in place.parent.iterdir()] == [place.name]


def test_the_same_key_names_in_the_same_way(place, out):
    first, second = opened(place, out), opened(place, out)
    assert first.person("4711") == second.person("4711")
    assert first.codes.uid("1.2.3") == second.codes.uid("1.2.3")


def test_keys_are_drawn_anew(place, tmp_path, out):
    other = opened(tmp_path / "other.jsonl", out)
    assert opened(place, out).person("4711") != other.person("4711")


def test_lines_are_added_once_and_nothing_is_overwritten(place, out):
    mapping = opened(place, out)
    before = place.read_text()
    mapping.remember(patient="4711", pseudonym="P1", days=3)
    mapping.remember(patient="4711", pseudonym="P1", days=3)
    opened(place, out).remember(patient="4711", pseudonym="P1", days=3)
    assert place.read_text().startswith(before)
    assert lines(place)[1:] == [{"patient": "4711", "pseudonym": "P1", "days": 3}]


def test_a_pseudonym_stands_for_itself(place, out):
    mapping = opened(place, out)
    person = mapping.person("4711")
    assert person.days > 0
    mapping.remember(patient="4711", pseudonym=person.pseudonym, days=person.days)
    for again in (mapping, opened(place, out)):
        assert again.person(person.pseudonym).pseudonym == person.pseudonym
        assert again.person(person.pseudonym).days == 0


def test_a_torn_line_costs_nothing(place, out):
    mapping = opened(place, out)
    mapping.remember(study="1.2", renamed="2.25.1")
    with place.open("ab") as file:
        file.write(b'{"patient": "47')
    again = opened(place, out)
    assert again.person("4711") == mapping.person("4711")
    again.remember(patient="4711", pseudonym="P1", days=3)
    assert opened(place, out).person("P1").days == 0
    assert place.read_text().splitlines()[-1] == '{"patient": "4711", "pseudonym": "P1", "days": 3}'


@pytest.mark.parametrize("inside", ["mapping.jsonl", "deep/er/mapping.jsonl", "../out/m.jsonl"])
def test_it_never_lies_in_what_is_given_away(out, inside):
    out.mkdir()
    with pytest.raises(StoreError, match="must not lie in the folder that is given away"):
        opened(out / inside, out)
    assert list(out.iterdir()) == []


@posix
def test_a_link_into_the_folder_is_seen_through(tmp_path, out):
    out.mkdir()
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(StoreError, match="must not lie"):
        opened(tmp_path / "link" / "mapping.jsonl", out)


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_one_that_others_can_read_is_refused(place, out, mode):
    opened(place, out)
    place.chmod(mode)
    with pytest.raises(StoreError, match="must be closed to others"):
        opened(place, out)


def test_a_lost_mapping_is_missed_and_no_new_one_is_made(place, out):
    fingerprint = opened(place, out).codes.fingerprint()
    place.unlink()
    with pytest.raises(StoreError, match="is missing"):
        opened(place, out, fingerprint)
    assert not place.exists()


def test_another_key_is_refused(place, tmp_path, out):
    fingerprint = opened(tmp_path / "other.jsonl", out).codes.fingerprint()
    opened(place, out)
    with pytest.raises(StoreError, match="has another key"):
        opened(place, out, fingerprint)


@pytest.mark.parametrize(
    "first", ["", "{", "[]", '{"foveal_mapping": 1}', '{"foveal_mapping": 1, "key": "00"}',
              '{"foveal_mapping": 9, "key": "%s", "shift_years": 10}' % ("0" * 64)]
)  # fmt: skip
def test_a_damaged_head_is_no_reason_for_a_new_key(place, out, first):
    opened(place, out)
    place.write_text(first + "\n")
    with pytest.raises(SchemaError, match="first line of the mapping"):
        opened(place, out)
    assert place.read_text() == first + "\n"


def test_no_message_holds_the_key(place, out):
    opened(place, out)
    key = lines(place)[0]["key"]
    place.write_text(place.read_text().replace('"shift_years": 10', '"shift_years": -1'))
    with pytest.raises(SchemaError) as caught:
        opened(place, out)
    assert key not in str(caught.value)


def test_those_that_begin_at_once_share_one_key(place, out):
    with ThreadPoolExecutor(8) as pool:
        keys = {m.codes.fingerprint() for m in pool.map(lambda _: opened(place, out), range(16))}
    assert len(keys) == 1
    assert len(lines(place)) == 1


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("FOVEAL_HOME", str(tmp_path))
    assert default_mapping() == tmp_path / "deidentification" / "mapping.jsonl"
    monkeypatch.delenv("FOVEAL_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_mapping() == tmp_path / "data" / "foveal" / "deidentification" / "mapping.jsonl"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_mapping().is_relative_to(tmp_path / ".local" / "share" / "foveal")


def test_a_place_that_cannot_be_written(tmp_path, out):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not open or write the mapping"):
        opened(tmp_path / "file" / "mapping.jsonl", out)
