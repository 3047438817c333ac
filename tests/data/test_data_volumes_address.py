"""Addresses: what is written is read back, and what is no address is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.pool import sample_id
from foveal.data.paths import names_volume, series_of
from foveal.data.volumes.address import Address, parse_address

TOKEN = "0123456789abcdef"
POSITIONS = st.none() | st.integers(0, 10**6)
CUTS = st.sampled_from([{}, {"axis": 0}, {"axis": 1}, {"axis": 2}, {"tile": 32}, {"tile": 256}])
NUMBERS = st.none() | st.integers(0, 999)


@given(position=POSITIONS, cut=CUTS, time=NUMBERS, label=NUMBERS)
def test_nifti_addresses_come_back_as_written(position, cut, time, label):
    if position is not None and not cut:
        cut = {"axis": 2}  # one picture of NIfTI always says across which axis
    address = Address("p/a.nii.gz", position, time=time, label=label, **cut)
    assert parse_address(address.written()) == address


@given(position=POSITIONS, cut=CUTS, region=st.text(min_size=1).map(str.strip))
def test_dicom_addresses_come_back_whatever_regions_are_called(position, cut, region):
    address = Address("scans", position, token=TOKEN, region=region, **cut)
    written = address.written()
    assert parse_address(written) == address
    assert "|" not in written


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("a#b.nii.gz", Address("a#b.nii.gz")),
        ("a#b.nii.gz#k:1", Address("a#b.nii.gz", 1, axis=2)),
        (f"d#e#{TOKEN}:3", Address("d#e", 3, token=TOKEN)),
        ("a.nii.gz#k:12", Address("a.nii.gz", 12, axis=2)),
        ("a.nii#tile32:7", Address("a.nii", 7, tile=32)),
        ("m.nii#k=3:1", Address("m.nii", 1, axis=2, label=3)),
        ("m.nii#=3", Address("m.nii", label=3)),
        ("a.nii#i@2:0", Address("a.nii", 0, axis=0, time=2)),
        ("a.nii", Address("a.nii")),
        (f"d#{TOKEN}:3", Address("d", 3, token=TOKEN)),
        (f"d#{TOKEN}.tile16:3", Address("d", 3, tile=16, token=TOKEN)),
        (f"d#{TOKEN}/left lung:3", Address("d", 3, token=TOKEN, region="left lung")),
        (f"d#{TOKEN}/PTV%3A60", Address("d", token=TOKEN, region="PTV:60")),
    ],
)
def test_the_grammar_by_hand(written, address):
    assert parse_address(written) == address
    assert address.written() == written
    assert names_volume(written) == (address.position is None)


@pytest.mark.parametrize(
    "written", ["a.png", "a#1.png", "a#b:1.png", "s.npz#train_images:1", "", "d#x/a.png", "a#0123"]
)
def test_other_paths_are_no_addresses(written):
    assert parse_address(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "a.nii#:1", "a.nii#3", "a.nii#k:-1", "a.nii#k:x", "a.nii#q:1", "a.nii#tile:1",
        "a.nii#tile8:1", "a.nii#tile999:1", "a.nii#k@:1", f"d#{TOKEN}.q:1", f"d#{TOKEN}/:1",
        "a.nii#k:1:1", f"a.nii#k:{10**12}",
    ],
)  # fmt: skip
def test_malformed_addresses_are_refused_and_are_no_volume(written):
    with pytest.raises(DataError, match="must"):
        parse_address(written)
    assert not names_volume(written)


def test_pictures_of_one_volume_share_a_series_and_masks_do_not_change_it():
    assert series_of("./p/a.nii.gz#k:3") == ("p/a.nii.gz#k", 3)
    assert series_of(f"here#{TOKEN}:3") == series_of(f"there/and#{TOKEN}:3") == (TOKEN, 3)
    ids = {
        sample_id(*series_of(written))
        for written in (
            "a.nii#k:3", "a.nii#k:4", "a.nii#i:3", "a.nii#tile32:3", "a.nii#k@1:3", "b.nii#k:3",
            f"d#{TOKEN}:3", f"d#{TOKEN}.i:3",
        )
    }  # fmt: skip
    assert len(ids) == 8
