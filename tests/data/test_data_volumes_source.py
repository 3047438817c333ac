"""Sources of volumes: each slice a row with mask, patient, spacing; damage is told, not fatal."""

import nibabel as nib
import numpy as np
import pytest

from foveal.core.errors import LeakError, SpecError
from foveal.core.spec import DataSpec
from foveal.core.volume import facing_of
from foveal.data import index_source, load_pool, write_manifest
from foveal.data.sources import read_source
from foveal.data.volumes.cutting import Cutting
from nifti_files import AXIAL, ball, noise, write_nifti

SPEC = DataSpec(source="", image_size=16, intensity="percentile", val_fraction=0.34)
FINDING = [0, 1, 1, 1, 0]  # pictures of `ball()` across k


@pytest.fixture
def put(tmp_path):
    """put("p1/a.nii.gz") writes noise, or `array`, below the folder `scans`."""

    def write(name, array=None, affine=AXIAL, **options):
        seed = sum(map(ord, name))
        voxels = noise(seed=seed) if array is None else array
        return write_nifti(tmp_path / "scans" / name, voxels, affine, **options)

    return write


@pytest.fixture
def patients(put, tmp_path):
    """Three patients of one volume and mask each."""
    for i in (1, 2, 3):
        put(f"patient{i}/flair.nii.gz")
        put(f"patient{i}/flair_mask.nii.gz", ball())
    return tmp_path / "scans"


def read(folder, cache, **cutting):
    return read_source(folder, cache, cutting=Cutting(**cutting))


def test_slices_have_patient_series_position_spacing_mask_and_label(patients, cache):
    rows, problems = read(patients, cache)
    assert not problems
    assert [row.group for row in rows] == [f"patient{i}" for i in (1, 2, 3) for _ in range(5)]
    assert [row.position for row in rows] == list(range(5)) * 3
    assert {row.series for row in rows} == {f"patient{i}/flair.nii.gz#k" for i in (1, 2, 3)}
    assert [row.label for row in rows] == [("none", "finding")[f] for f in FINDING] * 3
    for row in rows:
        assert row.spacing_mm == pytest.approx((3, 0.7, 0.8))
    loaded = load_pool(patients, SPEC, cache=cache)
    assert loaded.pool.classes == ("finding", "none")
    turned = facing_of(AXIAL, 2).stack(ball())
    for sample in loaded.pool.samples:
        np.testing.assert_array_equal(loaded.truth.region(sample.id), turned[sample.position] > 0)
        assert sample.spacing_mm == pytest.approx((3, 0.7, 0.8))
        assert sample.shape == turned.shape[1:]


def test_a_manifest_of_whole_volumes_its_index_and_the_folder_are_one_pool(
    patients, cache, tmp_path
):
    lines = [f"patient{i}/flair.nii.gz,patient{i}/flair_mask.nii.gz,patient{i}" for i in (3, 1, 2)]
    (patients / "whole.csv").write_text("\n".join(["image,mask,patient", *lines]))
    whole, problems = index_source([patients / "whole.csv"], cache=cache)
    assert not problems
    write_manifest(whole, patients / "slices.csv")
    slices, problems = read(patients / "slices.csv", cache)
    assert not problems
    folder, _ = read(patients, cache)
    for one, other in ((whole, slices), (whole, folder)):
        same = {row.id: row for row in other}
        assert same.keys() == {row.id for row in one}
        for row in one:
            again = same[row.id]
            assert (again.image, again.region, again.label) == (row.image, row.region, row.label)
            assert (again.group, again.spacing_mm) == (row.group, row.spacing_mm)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_axis_may_be_chosen(patients, cache, axis):
    rows, _ = read(patients, cache, axis=axis)
    assert len(rows) == 3 * ball().shape[axis]
    assert {row.image.member for row in rows} == {"ijk"[axis]}


def test_tiles_of_a_folder_and_of_its_manifest(patients, cache):
    rows, problems = read(patients, cache, unit="tile", tile=16)
    assert not problems
    assert [row.uri for row in rows] == [f"patient{i}/flair.nii.gz#tile16:0" for i in (1, 2, 3)]
    assert {row.label for row in rows} == {"finding"}
    write_manifest(rows, patients / "tiles.csv")
    again, _ = read(patients / "tiles.csv", cache)
    assert [(r.id, r.image, r.region) for r in again] == [(r.id, r.image, r.region) for r in rows]


@pytest.mark.parametrize(
    ("names", "masks"),
    [
        (["p1/a.nii.gz"], ["p1/a_seg.nii.gz"]),
        (["p1/a.nii"], ["p1/a_label.nii.gz"]),
        (["p1/a.nii"], ["p1/a-labels.nii"]),
        (["p1/a.nii"], ["p1/a_mask_1.nii", "p1/a_mask_2.nii"]),
        (["p1/a.nii"], ["masks/p1/a.nii"]),
        (["p1/a.nii"], ["masks/p1/a_mask.nii.gz"]),
        (["images/p1/a.nii"], ["masks/p1/a.nii"]),
        (["p1/a_seg.nii"], []),
        (["p1/mask.nii"], []),
    ],
)
def test_masks_are_known_by_their_names(put, cache, tmp_path, names, masks):
    for name in names:
        put(name)
    for name in masks:
        put(name, ball())
    rows, problems = read(tmp_path / "scans", cache)
    if masks:
        assert {row.uri.partition("#")[0] for row in rows} == set(names)
        assert {len(row.region.masks) for row in rows} == {len(masks)}
        assert not problems
    elif "mask.nii" in names[0]:
        assert len(rows) == 5  # no stem before the mark: an image
    else:
        assert not rows
        assert [p.kind for p in problems] == ["mask_alone"]


@pytest.mark.parametrize(
    ("name", "split", "label", "group"),
    [
        ("a.nii", "", "", "a"),
        ("patient7/t1/a.nii", "", "", "patient7"),
        ("sub-lena/ses-1/anat/a.nii", "", "", "sub-lena"),
        ("cohort2/sub-03/a.nii", "", "cohort2", "sub-03"),
        ("glioma/a.nii", "", "glioma", "a"),
        ("glioma/0017/a.nii", "", "glioma", "0017"),
        ("train/glioma/0017/a.nii", "train", "glioma", "0017"),
        ("test/0017/a.nii", "test", "", "0017"),
        ("images/0017/a.nii", "", "", "0017"),
    ],
)
def test_folders_are_split_class_and_patient(put, cache, tmp_path, name, split, label, group):
    put(name)
    rows, _ = read(tmp_path / "scans", cache)
    assert {(row.split, row.label, row.group) for row in rows} == {(split, label, group)}


def test_classes_stay_where_there_are_any(put, cache, tmp_path):
    put("glioma/1/a.nii")
    put("glioma/1/a_mask.nii", ball())
    put("healthy/2/a.nii")
    rows, _ = read(tmp_path / "scans", cache)
    assert [row.label for row in rows] == ["glioma"] * 5 + ["healthy"] * 5


def nan():
    voxels = noise().astype(np.float32)
    voxels[0, 0, 0] = np.nan
    return voxels


def test_every_damage_is_told_and_the_rest_goes_on(patients, put, cache):
    torn = put("p5/torn.nii.gz")
    torn.write_bytes(torn.read_bytes()[:200])
    put("p5/nan.nii", nan())
    put("p5/film.nii", noise((6, 7, 5, 3)))
    put("p5/zero.nii", pixdim=[1, 1, 0, 1, 1, 1, 1, 1])
    put("patient1/flair_seg.nii.gz", ball()[:4])  # a second mask, of another grid
    moved = AXIAL.copy()
    moved[2, 3] += 1
    put("p6/a.nii")
    put("p6/a_mask.nii", ball(), moved)
    put("p7/a.nii")
    put("p7/a_mask.nii", ball() * 0.5)
    rows, problems = index_source([patients], cache=cache)
    kinds = {p.uri: p.kind for p in problems if p.kind != "label"}
    assert kinds == {
        "p5/torn.nii.gz": "unreadable",
        "p5/nan.nii": "nan",
        "p5/film.nii": "4d",
        "p5/zero.nii": "affine",
        "patient1/flair_seg.nii.gz": "mask_grid",
        "p6/a_mask.nii": "mask_grid",
        "p7/a_mask.nii": "mask_format",
    }
    assert len([p for p in problems if p.kind == "label"]) == 3  # one a volume, not one a slice
    assert len(rows) == 25
    for row in rows:
        assert bool(row.region) == (row.group in ("patient2", "patient3"))


def test_a_time_point_is_chosen_once_for_all_and_volumes_of_one_need_none(put, cache, tmp_path):
    film = noise((6, 7, 5, 3))
    put("p1/film.nii", film)
    put("p2/still.nii")
    rows, problems = read(tmp_path / "scans", cache, time=2)
    assert not problems
    assert {row.series for row in rows} == {"p1/film.nii#k@2", "p2/still.nii#k"}
    lines = "image,label\np1/film.nii#k@2:1,x\np1/film.nii#k:1,x\np1/film.nii#k@3:1,x\n"
    (tmp_path / "scans" / "t.csv").write_text(lines)
    named, problems = read(tmp_path / "scans" / "t.csv", cache)
    assert [row.id for row in named] == [row.id for row in rows if row.uri == named[0].uri]
    assert [(p.row, p.kind) for p in problems] == [(2, "4d"), (3, "missing")]


def test_rows_of_a_manifest_are_checked_one_by_one(patients, put, cache):
    put("patient1/map.nii", ball() * np.uint8(3))
    write_nifti(patients / "patient1" / "small.nii", ball()[:4])
    mask = "patient1/flair_mask.nii.gz"
    cells = {
        f"k:1,{mask}#k:1": None,
        "k:2,patient1/map.nii#k=3:2": None,
        f"k:3,{mask}#k:2": "mask_grid",
        "k:0,patient1/small.nii#k:0": "mask_grid",
        f"k:4,{mask}": "region",
        "k:5,": "missing",
        "q:1,": "manifest",
        "tile8:0,": "manifest",
    }
    lines = [f"patient1/flair.nii.gz#{cell},x,5x5x5" for cell in cells]
    (patients / "t.csv").write_text("\n".join(["image,mask,label,spacing_mm", *lines]))
    rows, problems = index_source([patients / "t.csv"], cache=cache)
    told = {p.row: p.kind for p in problems}
    assert told == {i: kind for i, kind in enumerate(cells.values(), 1) if kind}
    assert [row.position for row in rows] == [1, 2, 3, 0, 4]
    assert [bool(row.region) for row in rows] == [True, True, False, False, False]
    assert rows[0].spacing_mm == pytest.approx((3, 0.7, 0.8))  # the file knows better


def test_a_label_that_is_not_in_the_map_is_an_empty_region(patients, put, cache):
    put("patient1/map.nii", ball() * np.uint8(3))
    header = "image,mask,patient\n"
    (patients / "t.csv").write_text(header + "patient1/flair.nii.gz,patient1/map.nii#=4,p\n")
    rows, _ = read(patients / "t.csv", cache)
    assert {row.label for row in rows} == {"none"}
    (patients / "t.csv").write_text(header + "patient1/flair.nii.gz,empty,p\n")
    rows, _ = read(patients / "t.csv", cache)
    assert all(row.region.empty and row.label == "none" for row in rows)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("patient1/flair.nii.gz,m.png,,,,", "must be one too"),
        ("patient1/flair.nii.gz,patient1/flair_mask.nii.gz#k:1,,,,", "must be one too"),
        ("patient1/flair.nii.gz,,1,1,2,2", "belong to one picture"),
        ("patient1/flair.nii.gz#tile16:0,,1,1,2,2", "must be a mask, not a box"),
    ],
)
def test_cells_that_do_not_suit_a_volume_are_told(patients, cache, cells, words):
    (patients / "t.csv").write_text(f"image,mask,x0,y0,x1,y1\n{cells}\n")
    _, problems = read(patients / "t.csv", cache)
    assert len(problems) == 1
    assert words in problems[0].message


def test_one_file_is_a_source_with_the_mask_beside_it(patients, put, cache):
    rows, problems = read(patients / "patient2" / "flair.nii.gz", cache)
    assert not problems
    assert [row.label == "finding" for row in rows] == [bool(f) for f in FINDING]


def test_a_file_named_like_a_mask_is_an_image_if_it_is_the_source(patients, cache):
    rows, problems = read(patients / "patient2" / "flair_mask.nii.gz", cache)
    assert (len(rows), problems) == (5, [])


def test_links_that_leave_the_folder_are_told_and_the_rest_goes_on(patients, cache, tmp_path):
    (patients / "patient1" / "link.nii").symlink_to(write_nifti(tmp_path / "x.nii", noise()))
    rows, problems = read(patients, cache)
    assert len(rows) == 15
    assert [(p.uri, p.kind) for p in problems] == [("patient1/link.nii", "outside")]


def test_slices_of_one_volume_stay_together_where_no_patient_is_known(patients, cache):
    lines = [f"patient{i}/flair.nii.gz#{'ik'[k % 2]}:{k},{'xy'[k % 2]}" for i in (1, 2, 3)
             for k in range(5)]  # fmt: skip
    (patients / "t.csv").write_text("\n".join(["image,label", *lines]))
    loaded = load_pool(patients / "t.csv", SPEC, cache=cache)
    sides = {}
    for sample, part in zip(loaded.pool.samples, loaded.pool.parts, strict=True):
        sides.setdefault(sample.uri.partition("#")[0], set()).add((part, sample.group))
    assert {len(side) for side in sides.values()} == {1}
    assert len({group for side in sides.values() for _, group in side}) == 3
    assert loaded.receipt.samples_without_group == 15
    split = [f"{line},{('train', 'test')[n % 2]}" for n, line in enumerate(lines)]
    (patients / "t.csv").write_text("\n".join(["image,label,split", *split]))
    with pytest.raises(LeakError):
        load_pool(patients / "t.csv", SPEC, cache=cache)


def test_volumes_and_pictures_may_lie_in_one_folder(patients, make, cache):
    make("scans/patient9/a.png", shape=(20, 20))
    rows, problems = read(patients, cache)
    assert not problems
    assert len(rows) == 16


def test_spacing_of_pictures_is_read_from_the_table(make, table, cache):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        make(name, seed=ord(name[0]))
    path = table(
        "image,label,spacing_mm",
        "a.png,x,3x0.72x0.5",
        "b.png,x,0.7x0.6",
        "c.png,y,",
        "d.png,y,-1x2",
    )
    loaded = load_pool(path, DataSpec(source=""), cache=cache)
    assert [s.spacing_mm for s in loaded.pool.samples] == [(3, 0.72, 0.5), (0.7, 0.6), (), ()]
    assert [(p.row, p.kind) for p in loaded.problems] == [(4, "spacing")]
    rows, _ = read(path, cache)
    write_manifest(rows, path.with_name("again.csv"))
    again, _ = read(path.with_name("again.csv"), cache)
    assert [r.spacing_mm for r in again] == [r.spacing_mm for r in rows]


@pytest.mark.parametrize("wrong", [{"tile": 8}, {"tile": 512}, {"unit": "tile", "axis": 1}])
def test_cuts_that_make_no_sense_are_refused(wrong):
    with pytest.raises(SpecError):
        Cutting(**wrong)


def test_paths_may_not_leave_the_folder(patients, cache, tmp_path):
    write_nifti(tmp_path / "secret.nii", noise())
    (patients / "t.csv").write_text("image\n../secret.nii#k:1\n../secret.nii\n")
    rows, problems = read(patients / "t.csv", cache)
    assert not rows
    assert [p.row for p in problems] == [1, 2]


def test_headers_alone_are_read_where_a_volume_is_refused(put, cache, tmp_path, monkeypatch):
    put("p1/film.nii.gz", noise((6, 7, 5, 3)))
    monkeypatch.setattr(nib.arrayproxy, "ArrayProxy", None)
    _, problems = read(tmp_path / "scans", cache)
    assert [p.kind for p in problems] == ["4d"]
