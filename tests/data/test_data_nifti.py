"""NIfTI: voxels and affine as nibabel has them, and every damage refused with its own word."""

import gzip
import struct
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.data.readers import Unreadable
from foveal.data.readers.nifti import is_nifti, read_nifti, read_nifti_header, stem_of
from generators import affines
from nifti_files import AXIAL, noise, write_nifti

DTYPES = (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, ">i2", ">f4")
SCALES = ((1.0, 0.0), (0.5, -10.0))


def set_scale(path, slope, inter):
    """Write slope and intercept into the header of an uncompressed NIfTI-1 file."""
    data = bytearray(path.read_bytes())
    order = "<" if struct.unpack("<i", data[:4])[0] == 348 else ">"
    data[112:120] = struct.pack(f"{order}ff", slope, inter)
    path.write_bytes(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(affine=affines(), dtype=st.sampled_from(DTYPES), scale=st.sampled_from(SCALES))
def test_voxels_and_affine_are_those_of_nibabel(tmp_path, affine, dtype, scale):
    path = write_nifti(tmp_path / "a.nii", noise(low=0, high=250).astype(dtype), affine)
    set_scale(path, *scale)
    read, other = read_nifti(path), nib.load(path)
    np.testing.assert_array_equal(read.voxels, other.get_fdata().astype(np.float32))
    np.testing.assert_allclose(read.affine, other.affine, atol=1e-12)
    whole = np.dtype(dtype).kind != "f" and scale == (1.0, 0.0)
    assert read.voxels.dtype.kind == (np.dtype(dtype).kind if whole else "f")


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_versions_and_compression_make_no_difference(tmp_path, kind, name):
    voxels = noise()
    read = read_nifti(write_nifti(tmp_path / name, voxels, kind=kind))
    np.testing.assert_array_equal(read.voxels, voxels)
    np.testing.assert_allclose(read.affine, AXIAL, atol=1e-5)


def test_labels_beyond_what_float32_can_tell_apart_stay_exact(tmp_path):
    labels = np.array([2**24, 2**24 + 1, 7, 0], np.int32).reshape(2, 2, 1)
    read = read_nifti(write_nifti(tmp_path / "a.nii.gz", labels))
    assert read.voxels.dtype == np.int32
    np.testing.assert_array_equal(read.voxels, labels)


@pytest.mark.parametrize(("code", "mm"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001)])
def test_every_unit_of_length_becomes_mm(tmp_path, code, mm):
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    path = write_nifti(tmp_path / "a.nii", noise(), affine, xyzt_units=code | 8)
    assert read_nifti(path).spacing_mm == pytest.approx((2 * mm, 3 * mm, 4 * mm))


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (0, 1), (1, 0), (0, 0)])
def test_sform_goes_before_qform_before_spacing(tmp_path, sform, qform):
    image = nib.Nifti1Image(noise(), None)
    image.set_sform(np.diag([2.0, 2.0, 2.0, 1.0]), sform)
    image.set_qform(np.diag([-2.0, -2.0, 2.0, 1.0]), qform)
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(
        read_nifti(tmp_path / "a.nii").affine, nib.load(tmp_path / "a.nii").affine
    )


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_one_time_point_of_many_must_be_named(tmp_path, name):
    voxels = noise((4, 5, 3, 6))
    path = write_nifti(tmp_path / name, voxels)
    assert read_nifti_header(path).times == 6
    for time in (0, 5):
        np.testing.assert_array_equal(read_nifti(path, time).voxels, voxels[..., time])
    with pytest.raises(Unreadable, match="4-D where 3-D is meant: it holds 6") as caught:
        read_nifti(path)
    assert caught.value.kind == "4d"
    with pytest.raises(Unreadable, match="0 to 5, so none is 6"):
        read_nifti(path, 6)


@pytest.mark.parametrize("shape", [(4, 5, 3, 1), (4, 5, 3, 1, 1), (4, 5, 3), (4, 5), (4,)])
def test_axes_of_length_one_are_no_axes(tmp_path, shape):
    voxels = noise(shape)
    read = read_nifti(write_nifti(tmp_path / "a.nii.gz", voxels))
    assert read.voxels.shape == (*shape, 1, 1)[:3]
    np.testing.assert_array_equal(read.voxels.ravel(), voxels.ravel())


def test_colors_stay_colors(tmp_path):
    colors = noise((4, 5, 3, 3), low=0, high=256, dtype=np.uint8)
    packed = colors.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    read = read_nifti(write_nifti(tmp_path / "a.nii", packed))
    np.testing.assert_array_equal(read.voxels, colors)


def written(tmp_path, name="a.nii", voxels=None, **header):
    return write_nifti(tmp_path / name, noise() if voxels is None else voxels, **header)


def with_nan(tmp_path):
    voxels = noise().astype(np.float32)
    voxels[1, 2, 3] = np.nan
    return written(tmp_path, voxels=voxels)


def scaled_to_infinity(tmp_path):
    path = written(tmp_path, voxels=noise().astype(np.float32))
    set_scale(path, 3e38, 0)
    return path


def magic_of_a_pair(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[344:348] = b"ni1\0"
    path.write_bytes(data)
    return path


def many_voxels_in_few_bytes(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[40:48] = struct.pack("<4h", 3, 32767, 32767, 32767)
    path.write_bytes(data)
    return path


REFUSED = {
    "no such file": (lambda t: t / "none.nii", "missing"),
    "other bytes": (lambda t: _bytes(t, b"\x89PNG" * 200), "format"),
    "empty": (lambda t: _bytes(t, b""), "format"),
    "half of a pair": (magic_of_a_pair, "format"),
    "five axes": (lambda t: written(t, voxels=noise((3, 3, 2, 1, 3))), "format"),
    "complex": (lambda t: written(t, voxels=noise().astype(np.complex64)), "format"),
    "NaN": (with_nan, "nan"),
    "infinite": (scaled_to_infinity, "nan"),
    "voxels of size 0": (lambda t: written(t, pixdim=[1, 0.8, 0, 3, 1, 1, 1, 1]), "affine"),
    "voxels of size NaN": (lambda t: written(t, pixdim=[1, np.nan, 1, 3, 1, 1, 1, 1]), "affine"),
    "affine of NaN": (lambda t: _at(t, 280, struct.pack("<f", np.nan)), "affine"),
    "degenerate affine": (lambda t: _at(t, 280, bytes(16)), "affine"),
    "unknown unit": (lambda t: written(t, xyzt_units=5), "affine"),
    "too many voxels": (many_voxels_in_few_bytes, "too_large"),
    "voxels far behind": (lambda t: _at(t, 108, struct.pack("<f", 2**28)), "unreadable"),
    "unknown type": (lambda t: _at(t, 70, struct.pack("<h", 77)), "unreadable"),
    "negative size": (lambda t: _at(t, 42, struct.pack("<h", -4)), "unreadable"),
}


def _bytes(tmp_path, data):
    (tmp_path / "a.nii").write_bytes(data)
    return tmp_path / "a.nii"


def _at(tmp_path, place, patch):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[place : place + len(patch)] = patch
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_with_its_own_word(tmp_path, what):
    make, kind = REFUSED[what]
    with pytest.raises(Unreadable) as caught:
        read_nifti(make(tmp_path))
    assert caught.value.kind == kind


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95, -1, -8])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_file_is_refused(tmp_path, name, kept):
    path = written(tmp_path, name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept) if kept > 0 else kept])
    with pytest.raises(Unreadable) as caught:
        read_nifti(path)
    assert caught.value.kind in ("unreadable", "format")


def test_a_flipped_bit_is_told_by_the_checksum(tmp_path):
    path = written(tmp_path, "a.nii.gz")
    data = bytearray(path.read_bytes())
    data[len(data) - 7] ^= 1  # of the checksum itself: the voxels decode well
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="damaged"):
        read_nifti(path)


def test_what_follows_the_voxels_is_never_unpacked(tmp_path):
    path = written(tmp_path)
    packed = gzip.compress(path.read_bytes() + bytes(2**26), 1)
    (tmp_path / "b.nii.gz").write_bytes(packed)
    tracemalloc.start()
    np.testing.assert_array_equal(read_nifti(tmp_path / "b.nii.gz").voxels, noise())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


@pytest.mark.parametrize(
    ("name", "stem"),
    [("p/a.nii", "p/a"), ("a.NII.GZ", "a"), ("a.b.nii.gz", "a.b"), ("a.png", None)],
)
def test_names(name, stem):
    assert is_nifti(name) == (stem is not None)
    assert stem is None or stem_of(name) == stem
