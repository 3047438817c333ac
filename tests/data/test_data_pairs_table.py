"""Tables of pairs: three layouts, and everything that can be wrong with a row."""

import pytest

from foveal.core.errors import DataError
from foveal.data.pairs import read_pairs


@pytest.fixture
def files(tmp_path):
    """Empty files: only their being there matters to the table."""
    for name in ("a0", "a1", "a2", "b0", "b1", "m", "brain"):
        (tmp_path / f"{name}.nii.gz").touch()
    return tmp_path


def words(problems):
    return {p.row: p.message for p in problems}


def test_a_row_is_a_pair(files, table):
    path = table(
        "Patient,baseline,followup,mask,brain,baseline_date,followup_date,split",
        "A,a0.nii.gz,a1.nii.gz,m.nii.gz,brain.nii.gz,2020-01-31,20200301,Training",
        "A,a1.nii.gz,a2.nii.gz,empty,,,,",
        "B,b0.nii.gz,b1.nii.gz,,,31.12.2019,,test",
    )
    pairs, problems = read_pairs(path)
    assert not problems
    first, second, third = pairs
    assert (first.mask, first.brain) == (files / "m.nii.gz", files / "brain.nii.gz")
    assert (first.days, first.split, first.interval, first.no_change) == (30, "train", 1, False)
    assert (second.mask, second.no_change, second.days, second.interval) == (None, True, None, 2)
    assert (third.patient, third.split, third.days, third.interval) == ("B", "test", None, 1)
    assert (third.baseline, third.followup) == (files / "b0.nii.gz", files / "b1.nii.gz")


def test_neighbors_in_time_make_pairs_whatever_the_order_of_rows(files, table):
    path = table(
        "patient;image;date;mask;split",
        "A;a2.nii.gz;2022-05-01;m.nii.gz;val",
        "B;b0.nii.gz;2022-01-01;;",
        "A;a0.nii.gz;2020-05-01;;val",
        "A;a1.nii.gz;2021-05-01;empty;val",
    )
    pairs, problems = read_pairs(path)
    found = [(p.baseline.name[:2], p.followup.name[:2], p.row, p.days, p.interval) for p in pairs]
    assert found == [("a0", "a1", 4, 365, 1), ("a1", "a2", 1, 365, 2)]
    assert [p.no_change for p in pairs] == [True, False]
    assert pairs[1].mask == files / "m.nii.gz"
    assert {p.split for p in pairs} == {"val"}
    assert words(problems) == {
        2: "a patient must have two time points or more, but this is the only one"
    }


def test_a_folder_a_patient_with_named_volumes(tmp_path, table):
    for name in ("baseline_X", "followup_X", "change_mask"):
        (tmp_path / "p1").mkdir(exist_ok=True)
        (tmp_path / "p1" / f"{name}.nii.gz").touch()
    path = table("patient,slices,volumes", "p1,9,baseline_X followup_X", "p2,9,only", "p3,9,a b")
    pairs, problems = read_pairs(path)
    assert [p.row for p in pairs] == [1]
    assert pairs[0].mask == tmp_path / "p1" / "change_mask.nii.gz"
    assert pairs[0].brain is None
    assert "names 1" in words(problems)[2]
    assert "baseline does not exist" in words(problems)[3]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("A,,a0.nii.gz,a1.nii.gz,,2021-01-02,2020-01-02", "366 days earlier"),
        ("A,B,a0.nii.gz,a1.nii.gz,,,", "must show one patient"),
        (",,a0.nii.gz,a1.nii.gz,,,", "`patient` cell must be filled"),
        ("A,,a0.nii.gz,,,,", "`followup` cell must be filled"),
        ("A,,gone.nii.gz,a1.nii.gz,,,", "baseline does not exist"),
        ("A,,a0.nii.gz,a1.nii.gz,gone.nii.gz,,", "mask does not exist"),
        ("A,,a0.nii.gz,a0.nii.gz,,,", "are one file"),
        ("A,,../a0.nii.gz,a1.nii.gz,,,", "must lie inside"),
        ("A,,a0.nii.gz,a1.nii.gz,,yesterday,", "a date must read like"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_and_the_rest_goes_on(files, table, row, told):
    header = "patient,followup_patient,baseline,followup,mask,baseline_date,followup_date"
    path = table(header, row, "B,B,b0.nii.gz,b1.nii.gz,,,")
    pairs, problems = read_pairs(path)
    assert [p.patient for p in pairs] == ["B"]
    assert told in words(problems)[1]


def test_time_points_out_of_order_change_places_only_if_asked(files, table):
    path = table(
        "patient,baseline,followup,baseline_date,followup_date",
        "A,a1.nii.gz,a0.nii.gz,2021-01-02,2020-01-02",
    )
    assert read_pairs(path)[0] == []
    pairs, problems = read_pairs(path, swap=True)
    assert not problems
    assert (pairs[0].baseline.name, pairs[0].followup.name) == ("a0.nii.gz", "a1.nii.gz")
    assert pairs[0].days == 366


def test_two_points_of_one_day_and_a_bad_split_are_told(files, table):
    path = table(
        "patient,image,date,split",
        "A,a0.nii.gz,2020-01-01,",
        "A,a1.nii.gz,2020-01-01,",
        "B,b0.nii.gz,2020-01-01,holdout",
        "B,b1.nii.gz,2021-01-01,",
        "B,b1.nii.gz,,",
    )
    pairs, problems = read_pairs(path)
    assert pairs == []
    told = words(problems)
    assert "row 1 has the same" in told[2]
    assert "'holdout'" in told[4]
    assert "must be filled" in told[5]


@pytest.mark.parametrize("lines", [(), ("image,label", "a,b"), ("patient,baseline,followup",)])
def test_no_layout_fits(table, lines):
    with pytest.raises(DataError, match="must have rows, and the columns"):
        read_pairs(table(*lines))


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"patient\xff\xfe")
    for name in ("x.csv", "gone.csv"):
        with pytest.raises(DataError, match="must be a CSV table"):
            read_pairs(tmp_path / name)
