"""The table has the standard's rows; rules follow it and judge the rest by what it can hold."""

import re
from collections import Counter

import pytest
from pydicom.datadict import dictionary_description, dictionary_has_tag

from foveal.data.deidentify import Options
from foveal.data.deidentify.profile import families, table
from foveal.data.deidentify.rules import Action, decide, name_of

BASIC = Options(shift_dates=False)


def test_the_table_is_whole():
    # Counted in transcriptions of Table E.1-1; 643 rows in two independent ones.
    assert len(table()) == 652
    assert Counter(rule.basic for rule in table().values()) == {
        "X": 412, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6,
        "X/Z/U*": 2,
    }  # fmt: skip
    assert set(families()) == {"50XXXXXX", "60XX3000", "60XX4000", "PRIVATE"}


def test_names_are_those_of_the_dictionary():
    def letters(name):
        return re.sub(r"[^a-z]|\(retired\)", "", name.lower())

    for tag, rule in table().items():
        if dictionary_has_tag(tag):
            assert letters(rule.name) == letters(dictionary_description(tag))


@pytest.mark.parametrize(
    ("tag", "basic"),
    [
        (0x00080018, "U"),
        (0x00080050, "Z"),
        (0x00100020, "Z/D"),
        (0x00101010, "X"),
        (0x00080080, "X/Z/D"),
        (0x00081140, "X/Z/U*"),
        (0x0040A730, "D"),
        (0x30060026, "Z"),
        (0x00181030, "X/D"),
        (0x00080022, "X/Z"),
    ],
)
def test_rows_known_by_heart(tag, basic):
    assert table()[tag].basic == basic


def test_options_of_the_table():
    rules = table()
    kept = {rules[tag].name for tag in rules if rules[tag].characteristics}
    assert {"Patient's Sex", "Patient's Age", "Patient's Size", "Patient's Weight"} <= kept
    assert "Patient's Birth Date" not in kept
    dated = {tag for tag in rules if rules[tag].dates}
    assert {0x00080020, 0x0008002A, 0x00181078} <= dated
    assert not {0x00100030, 0x00100032, 0x00160077} & dated
    assert (rules[0x00181000].device, rules[0x00080080].device) == (True, False)
    assert (rules[0x0008103E].descriptors, rules[0x00100010].descriptors) == (True, False)


@pytest.mark.parametrize(
    ("tag", "vr", "action"),
    [
        (0x00091001, "LO", Action.REMOVE),  # private
        (0x50000010, "US", Action.REMOVE),  # curve
        (0x60000010, "US", Action.REMOVE),  # overlay
        (0x60FE3000, "OW", Action.REMOVE),
        (0x00080000, "UL", Action.REMOVE),  # group length
        (0x00020016, "AE", Action.REMOVE),
        (0x00089999, "LO", Action.REMOVE),  # unknown
        (0x00100033, "LO", Action.REMOVE),  # birth date in another calendar
        (0x00142006, "PN", Action.REMOVE),
        (0x0040A067, "PN", Action.EMPTY),
        (0x00180015, "CS", Action.KEEP),
        (0x00200032, "DS", Action.KEEP),
        (0x00200032, "UT", Action.REMOVE),  # not what its name says
        (0x00280010, "US", Action.KEEP),
        (0x00281052, "IS", Action.KEEP),
        (0x00620005, "LO", Action.KEEP),  # segment label
        (0x00620006, "ST", Action.EMPTY),  # segment description
        (0x0040A160, "UT", Action.EMPTY),
        (0x52009229, "SQ", Action.ITEMS),
        (0x00080016, "UI", Action.KEEP),
        (0x00081150, "UI", Action.KEEP),
        (0x0008010C, "UI", Action.KEEP),
        (0x00200242, "UI", Action.UID),
        (0x00281201, "OW", Action.KEEP),
        (0x7FE00010, "OB", Action.KEEP),
        (0x00700081, "LO", Action.EMPTY),  # content description, type 2 of segmentations
        (0x04000520, "OB", Action.REMOVE),
        (0x00686300, "OB", Action.REMOVE),
        (0x0008041F, "DT", Action.REMOVE),
    ],
)
def test_what_the_table_does_not_list(tag, vr, action):
    assert tag not in table()
    assert decide(tag, vr, BASIC) is action


def test_unlisted_dates_move_with_the_listed_ones():
    assert decide(0x0008041F, "DT", Options()) is Action.SHIFT


@pytest.mark.parametrize(("tag", "vr"), [(0x00080020, "DA"), (0x00080030, "TM")])
def test_dates_move_unless_they_are_removed(tag, vr):
    assert decide(tag, vr, Options()) is Action.SHIFT
    assert decide(tag, vr, BASIC) is Action.EMPTY


def test_a_birth_date_is_no_date_that_moves():
    assert decide(0x00100030, "DA", Options(characteristics=True)) is Action.EMPTY


def test_only_the_patient_of_the_file_gets_the_pseudonym():
    assert decide(0x00100020, "LO", BASIC, top=True) is Action.PSEUDONYM
    assert decide(0x00100020, "LO", BASIC, top=False) is Action.DUMMY
    assert decide(0x00100010, "PN", BASIC, top=False) is Action.EMPTY


def test_names_never_come_from_a_file():
    assert name_of(0x00091001) == "Private attributes"
    assert name_of(0x60023000) == "Overlay"
    assert name_of(0x00080000) == "Group Length"
    assert name_of(0x00089998) == "Unknown attribute"
