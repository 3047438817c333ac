"""NIfTI masks: the same grid digit by digit, and labels as they were given."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from dicom_files import oblique
from foveal.core.errors import DataError
from foveal.data.exchange import write_nifti_labels

SHAPE = (9, 7, 5)
ANGLES = st.floats(-1, 1)


def image(path, affine, kind=nib.Nifti1Image, sform=2, qform=1):
    made = kind(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), affine)
    made.set_sform(affine, sform)
    made.set_qform(affine, qform)
    made.header["descrip"] = b"Secret^Person"
    made.header.set_xyzt_units("mm", "sec")
    nib.save(made, path)
    return path


def masks():
    first, second = np.zeros((2, *SHAPE), bool)
    first[1:4, 2:5, 0:3] = True
    second[5:8, 1:6, 2] = True
    return {"lesion": first, "liver": second, "none": np.zeros(SHAPE, bool)}


@given(angles=st.tuples(ANGLES, ANGLES, ANGLES), spacing=st.tuples(*[st.floats(0.3, 6)] * 3))
def test_the_grid_is_that_of_the_image(tmp_path_factory, angles, spacing):
    folder = tmp_path_factory.mktemp("nifti")
    source = image(folder / "image.nii.gz", oblique(angles, spacing, (12.3, -45.6, 78.9)))
    numbers = write_nifti_labels(folder / "mask.nii.gz", masks(), source)
    assert numbers == {"lesion": 1, "liver": 2, "none": 3}
    written, original = nib.load(folder / "mask.nii.gz"), nib.load(source)
    assert written.get_data_dtype() == np.uint8
    for form in ("get_sform", "get_qform"):
        ours, theirs = (getattr(i.header, form)(coded=True) for i in (written, original))
        assert ours[1] == theirs[1]
        np.testing.assert_array_equal(ours[0], theirs[0])
    voxels = np.asanyarray(written.dataobj)
    for name, number in numbers.items():
        np.testing.assert_array_equal(voxels == number, masks()[name])
    second = sitk.ReadImage(folder / "mask.nii.gz")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(second).transpose(2, 1, 0), voxels)
    np.testing.assert_allclose(second.GetSpacing(), spacing, rtol=1e-5)


@pytest.mark.parametrize(("sform", "qform"), [(0, 1), (1, 0), (4, 3), (0, 0)])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_codes_and_version_of_the_header_stay_and_its_remarks_do_not(tmp_path, kind, sform, qform):
    source = image(tmp_path / "image.nii", oblique((0.1, 0, 0.2)), kind, sform, qform)
    write_nifti_labels(tmp_path / "mask.nii", masks(), source)
    written = nib.load(tmp_path / "mask.nii")
    assert type(written) is kind
    assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == (sform, qform)
    np.testing.assert_array_equal(written.affine, nib.load(source).affine)
    assert b"Secret" not in (tmp_path / "mask.nii").read_bytes()


def test_the_same_masks_give_the_same_bytes(tmp_path):
    source = image(tmp_path / "image.nii.gz", oblique())
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti_labels(tmp_path / name, masks(), source)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize(
    ("given", "name", "told"),
    [
        ({"x": np.zeros((9, 7, 4))}, "m.nii", "must have the shape of its image"),
        ({"x": np.full(SHAPE, 0.5)}, "m.nii", "must hold 0 and 1 only"),
        ({"x": np.ones(SHAPE), "y": np.ones(SHAPE)}, "m.nii", "must not overlap"),
        ({"x": np.ones(SHAPE)}, "m.mgz", "must end in"),
        ({}, "m.nii", "1 to 255 masks"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, given, name, told):
    source = image(tmp_path / "image.nii", oblique())
    with pytest.raises(DataError, match=told):
        write_nifti_labels(tmp_path / name, given, source)
    assert [p.name for p in tmp_path.iterdir()] == ["image.nii"]
