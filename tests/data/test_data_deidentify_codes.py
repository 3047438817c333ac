"""Codes follow from key and original alone; dates keep their intervals; words say what, not who."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from foveal.data.deidentify.codes import Codes
from foveal.data.deidentify.dates import shifted
from foveal.data.deidentify.words import cleaned, is_known, vocabulary

KEY, OTHER = Codes(bytes(32)), Codes(bytes(31) + b"\1")
uids = st.lists(st.integers(0, 10**12), min_size=2, max_size=6).map(
    lambda parts: "1.2." + ".".join(map(str, parts))
)
days = st.integers(1, 3650)


@given(uids)
def test_a_uid_has_one_new_name_and_the_new_name_none(original):
    renamed = KEY.uid(original)
    assert renamed == Codes(bytes(32)).uid(original)
    assert UID(renamed).is_valid
    assert renamed.startswith("2.25.")
    assert KEY.uid(renamed) == renamed
    assert original not in renamed
    assert OTHER.uid(original) != renamed
    assert OTHER.uid(renamed) != renamed


@given(st.integers(0, 2**128 - 1))
def test_strangers_under_the_same_root_are_renamed(number):
    stranger = f"2.25.{number}"
    assert not KEY.is_ours(stranger)
    assert KEY.uid(stranger) != stranger


def test_new_uids_differ():
    assert len({KEY.uid(f"1.2.{i}") for i in range(20_000)}) == 20_000


@pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", ""])
def test_uids_of_the_standard_stay(uid):
    assert KEY.uid(uid) == uid


def test_an_invented_uid_under_the_standards_root_goes():
    assert KEY.uid("1.2.840.10008.99.4711") != "1.2.840.10008.99.4711"


@pytest.mark.parametrize("uid", ["2.25.x", "2.25.", "2.25.-1", "2.25.٣", f"2.25.{2**130}", "Zq"])
def test_what_is_no_uid_is_renamed_too(uid):
    assert KEY.uid(uid).startswith("2.25.")
    assert KEY.uid(uid) != uid


def test_purposes_have_different_tokens_and_patients_different_shifts():
    assert KEY.token("study", "1") != KEY.token("series", "1")
    assert KEY.patient("1") != OTHER.patient("1")
    shifts = {KEY.shift_days(str(i)) for i in range(1000)}
    assert min(shifts) >= 1
    assert max(shifts) <= 3650
    assert len(shifts) > 800
    assert {Codes(bytes(32)).shift_days(str(i), 1) <= 365 for i in range(500)} == {True}


def test_the_fingerprint_tells_keys_apart_and_is_no_part_of_them():
    assert KEY.fingerprint() != OTHER.fingerprint()
    assert KEY.fingerprint() not in bytes(32).hex()


@given(st.dates(date(1930, 1, 1), date(2090, 1, 1)), st.dates(date(1930, 1, 1)), days)
def test_intervals_between_dates_stay(one, other, back):
    moved = [shifted(f"{d.year:04}{d:%m%d}", "DA", back) for d in (one, other)]
    assert None not in moved
    first, second = (datetime.strptime(d, "%Y%m%d").date() for d in moved)
    assert first - second == one - other
    assert (one - first).days == back


@given(st.datetimes(datetime(1930, 1, 1), datetime(2090, 1, 1)), days)
def test_a_datetime_moves_as_its_date_and_time_do(moment, back):
    written = f"{moment.year:04}{moment:%m%d%H%M%S.%f}"
    moved = shifted(written, "DT", back)
    assert moved == shifted(written[:8], "DA", back) + written[8:]


@pytest.mark.parametrize(
    ("text", "vr", "result"),
    [
        ("20200301", "DA", "20200229"),
        ("20200301 ", "DA", "20200229"),
        ("2020.03.01", "DA", "20200229"),
        ("20200301101112.123456+0200", "DT", "20200229101112.123456"),
        ("2020", "DT", "2019"),
        ("202001", "DT", "201912"),
        ("101112.5", "TM", "101112.5"),
        ("10:11:12", "TM", "10:11:12"),
        ("Zq", "TM", None),
        ("Zq", "DA", None),
        ("20201301", "DA", None),
        ("20200301-20200302", "DA", None),
        ("00010101", "DA", None),
        ("20200301Zq", "DT", None),
        ("20200301101112.1234567", "DT", None),
    ],
)
def test_by_one_day(text, vr, result):
    assert shifted(text, vr, 1) == result


@pytest.mark.parametrize(
    ("text", "vr", "result"),
    [("101112.5", "TM", "100000"), ("20200302101112", "DT", "20200301100000"),
     ("20200302", "DT", "20200301")],
)  # fmt: skip
def test_whole_hours(text, vr, result):
    assert shifted(text, vr, 1, whole_hours=True) == result


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("CT Abdomen for Mrs Zqmueller, 12.3.2020", "CT Abdomen for"),
        ("ax_T2w_FLAIR 5mm b1000", "ax T2w FLAIR 5mm b1000"),
        ("GTV-Lunge Zq", "GTV"),
        ("Müller", ""),
        ("", ""),
        ("123456", ""),
        ("on 12-03-20 GTV2 3D Zq2", "GTV2 3D"),
        ("ROI-1 Liver 2 Zq 3", "ROI1 Liver2"),
        ("Scan 3-4-2020, Scan 3. 4. 20, Scan 12", "Scan Scan Scan"),
    ],
)
def test_cleaning(text, kept):
    assert cleaned(text.replace("_", " ")) == kept


def test_a_name_is_dropped_though_it_is_a_word():
    assert cleaned("MR Head Hand Hand 2", {"hand"}) == "MR Head"


@given(st.text())
def test_only_known_words_pass(text):
    assert all(is_known(word) for word in cleaned(text).split())


def test_the_vocabulary_is_lower_case_and_holds_no_common_surname():
    assert {word for word in vocabulary() if word != word.lower()} == set()
    assert not {"gray", "stone", "long", "short", "white", "young", "may", "paris"} & vocabulary()
