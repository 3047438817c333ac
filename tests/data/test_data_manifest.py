import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.pool import sample_id
from foveal.data import write_manifest
from foveal.data.manifest import read_manifest
from foveal.data.readers import Place
from foveal.data.row import RegionSource, Row


def read(path, cache):
    return read_manifest(path, path.parent, cache)


def test_known_columns_mean_something_and_others_are_kept(table, cache, tmp_path):
    path = table(
        "image,label,mask,patient,group,split,x0,y0,x1,y1,weak,site,age",
        "i/a.png,x,m/a.png|m/b.png,p1,g1,Validation,1,2,3,4,organ.png,A,61",
    )
    (row,), problems = read(path, cache)
    assert not problems
    assert (row.number, row.uri, row.label, row.group, row.split) == (
        1, "i/a.png", "x", "p1", "val"
    )  # fmt: skip
    assert row.region.masks == (Place(tmp_path / "m/a.png"), Place(tmp_path / "m/b.png"))
    assert row.weak.masks == (Place(tmp_path / "organ.png"),)
    assert row.extra == {"site": "A", "age": "61"}
    assert row.id == sample_id("i/a.png", 0)


def test_the_group_stands_in_for_an_empty_patient(table, cache):
    rows, _ = read(table("image,patient,group", "a.png,,g", "b.png,p,g", "c.png,,"), cache)
    assert [row.group for row in rows] == ["g", "p", ""]


def test_ids_depend_on_the_path_and_not_on_the_row(table, cache):
    rows, _ = read(table("image", "a.png", "b.png"), cache)
    moved, _ = read(table("label,image", "x,./b.png", "y,c.png", "z,a.png"), cache)
    assert {r.uri.removeprefix("./"): r.id for r in moved if r.uri != "c.png"} == {
        r.uri: r.id for r in rows
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",x,,,,,,", "must name a file"),
        ("../a.png,x,,,,,,", "must lie inside the folder"),
        ("i/../../a.png,x,,,,,,", "must lie inside the folder"),
        ("a.png,x,,tarin,,,,", "must be train, val, test or empty, not 'tarin'"),
        ("a.png,x,,,,,,,surplus", "more cells than the header"),
        ("a.png,x,,,1,2,3,", "must have four numbers"),
        ("a.png,x,,,1,2,one,4", "must have four numbers"),
        ("a.png,x,,,3,2,3,4", "must have x0 < x1"),
        ("a.png,x,../m.png,,,,,", "must lie inside the folder"),
        ("x.npz#train_images,x,,,,,,", "must read like"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_and_the_others_are_read(table, cache, line, words):
    path = table("image,label,mask,split,x0,y0,x1,y1", "ok.png,x,,,,,,", line, "fine.png,y,,,,,,")
    rows, problems = read(path, cache)
    assert {"ok.png", "fine.png"} <= {row.uri for row in rows}
    (problem,) = problems
    assert problem.row == 2
    assert words in problem.message


def test_links_that_leave_the_folder_are_refused(table, cache, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    (tmp_path / "set" / "a.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "set" / "folder").symlink_to(tmp_path)
    path = table("image", "a.png", "folder/secret.png", name="set/pool.csv")
    rows, problems = read(path, cache)
    assert not rows
    assert ["must lie inside" in p.message for p in problems] == [True, True]


def test_an_absolute_path_is_taken_as_it_is(table, cache, tmp_path):
    (row,), problems = read(table("image", f"{tmp_path}/elsewhere/a.png"), cache)
    assert not problems
    assert row.image.path == tmp_path / "elsewhere/a.png"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_commas_semicolons_tabs_and_a_byte_order_mark_are_read(tmp_path, cache, mark):
    path = tmp_path / "pool.csv"
    path.write_bytes(f"\ufeffImage{mark}label\r\na.png{mark}x\r\n\r\n".encode())
    (row,), _ = read(path, cache)
    assert (row.uri, row.label) == ("a.png", "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "must have a column `image`"),
        (b"imge,label\n", "Did you mean|Known: imge, label"),
        (b"image,label,label\n", "occur twice"),
        (b"image\n\xff\xfe.png\n", "in UTF-8"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, cache, text, words):
    (tmp_path / "pool.csv").write_bytes(text)
    with pytest.raises(DataError, match=words):
        read(tmp_path / "pool.csv", cache)


cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8).map(
    str.strip
)
boxes = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(51, 99)] * 2)


@st.composite
def rows_below(draw, root):
    names = draw(st.lists(st.from_regex(r"[a-z]{1,4}/[a-z0-9 ,;é]{1,6}x\.png", fullmatch=True),
                          unique=True, min_size=1, max_size=6))  # fmt: skip
    rows = []
    for number, name in enumerate(names, 1):
        masks = draw(st.sampled_from([(), ("m/a.png",), ("m/a.png", "m/b.png")]))
        box = draw(st.none() | boxes) if not masks else None
        empty = not masks and not box and draw(st.booleans())
        region = RegionSource(tuple(Place(root / m) for m in masks), box, empty)
        weak = RegionSource(box=draw(st.none() | boxes))
        split = draw(st.sampled_from(["", "train", "val", "test"]))
        extra = {"site": draw(cells), "note": draw(cells)}
        rows.append(Row(number, name, name, Place(root / name), 0, draw(cells), draw(cells),
                        split, region, weak, extra))  # fmt: skip
    return rows


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@given(data=st.data())
def test_a_written_manifest_reads_back_the_same(data, suffix, tmp_path_factory):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    root = tmp_path_factory.mktemp("set").resolve()
    rows = data.draw(rows_below(root))
    path = root / f"pool.{suffix}"
    write_manifest(rows, path)
    back, problems = read(path, root / "cache")
    assert not problems
    assert back == rows


def test_a_manifest_written_elsewhere_holds_absolute_paths(tmp_path, cache):
    root = tmp_path.resolve()
    (root / "out").mkdir()
    row = Row(None, "a.png", "a.png", Place(root / "set" / "a.png"), label="x")
    write_manifest([row], root / "out" / "pool.csv")
    header = (root / "out" / "pool.csv").read_text().splitlines()[0]
    assert header == "image,label,mask,patient,split"  # there to be filled in
    (back,), problems = read(root / "out" / "pool.csv", cache)
    assert not problems
    assert back.image == row.image


def test_numbers_and_gaps_of_parquet_become_cells(tmp_path, cache):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"image": ["a.png", "b.png"], "label": [1, 0], "x0": [1.0, np.nan],
               "y0": [2.0, None], "x1": [3.0, None], "y1": [4.0, None]}  # fmt: skip
    parquet.write_table(arrow.table(columns), tmp_path / "pool.parquet")
    (first, second), problems = read(tmp_path / "pool.parquet", cache)
    assert not problems
    assert (first.label, first.region.box) == ("1", (1, 2, 3, 4))
    assert not second.region


def test_parquet_without_pyarrow_names_the_extra(tmp_path, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "pool.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"pip install foveal\[parquet\]"):
        read(tmp_path / "pool.parquet", cache)


def test_a_torn_parquet_and_one_without_images_are_refused(tmp_path, cache):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "pool.parquet"
    path.write_bytes(b"PAR1 torn")
    with pytest.raises(DataError, match="must be a Parquet table"):
        read(path, cache)
    parquet.write_table(arrow.table({"file": ["a.png"]}), path)
    with pytest.raises(DataError, match="must have a column `image`"):
        read(path, cache)
