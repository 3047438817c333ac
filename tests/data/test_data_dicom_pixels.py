import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, compress, convert_color_space
from pydicom.uid import (
    MPEG2MPML,
    UID,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from dicom_files import base, oblique, place, save, set_pixels
from foveal.data.dicom import (
    Window,
    find_series,
    read_dicom_picture,
    read_stack,
    read_windowed_picture,
    read_windows,
    windowed,
)
from foveal.data.dicom.codestream import declared_size
from foveal.data.readers import Unreadable

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 7), np.uint8)
DEEP = RNG.integers(0, 65536, (6, 7), np.uint16)
SIGNED = RNG.integers(-3000, 3000, (6, 7), np.int16)
RGB = RNG.integers(0, 256, (6, 7, 3), np.uint8)


@pytest.fixture
def write(tmp_path):
    def write(pixels, photometric=None, bits=None, modality="OT", **tags):
        data = set_pixels(base(modality), pixels, photometric, bits)
        for tag, value in tags.items():
            setattr(data, tag, value)
        return save(data, tmp_path / "a.dcm")

    return write


def kind_of_failure(path, frame=0):
    with pytest.raises(Unreadable) as error:
        read_dicom_picture(path, frame)
    assert "SECRET" not in str(error.value)
    return error.value.kind


@pytest.mark.parametrize("pixels", [GREY, DEEP, RGB])
def test_unsigned_pixels_stay_as_they_are(write, pixels):
    found = read_dicom_picture(write(pixels)).pixels
    np.testing.assert_array_equal(found, pixels)
    assert found.dtype == pixels.dtype


def test_signed_and_rescaled_pixels_become_float(write):
    found = read_dicom_picture(write(SIGNED, RescaleSlope=2, RescaleIntercept=-5)).pixels
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, SIGNED.astype(np.float32) * 2 - 5)


@pytest.mark.parametrize("bits", [5, 12, 15])
def test_bits_beyond_the_stored_ones_do_not_count(write, bits):
    inside = DEEP % 2**bits
    overlay = (RNG.integers(0, 2, DEEP.shape) << 15).astype(np.uint16)
    found = read_dicom_picture(write(inside | overlay, bits=bits)).pixels
    np.testing.assert_array_equal(found, inside)


def test_signed_pixels_of_12_bits_keep_their_sign(write):
    small = SIGNED % 4096 - 2048
    raw = (small & 0xFFF).astype(np.uint16)
    found = read_dicom_picture(write(raw, bits=12, PixelRepresentation=1)).pixels
    np.testing.assert_array_equal(found, small)


@pytest.mark.parametrize(
    ("pixels", "bits", "top"), [(GREY, 8, 255), (DEEP, 16, 65535), (DEEP % 4096, 12, 4095)]
)
def test_monochrome1_is_turned_within_its_bits(write, pixels, bits, top):
    found = read_dicom_picture(write(pixels, "MONOCHROME1", bits)).pixels
    np.testing.assert_array_equal(found, top - pixels)
    assert found.dtype == pixels.dtype


def test_monochrome1_values_of_a_stack_are_not_turned(write, tmp_path):
    write(DEEP, "MONOCHROME1")
    ((series,), _) = find_series(tmp_path)
    np.testing.assert_array_equal(read_stack(series).pictures[0], DEEP)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_windowed_picture_is_what_a_workstation_shows(write, photometric):
    path = write(
        SIGNED, photometric, RescaleSlope=1, RescaleIntercept=-24,
        WindowCenter=[40, 400], WindowWidth=[400, 1800],
    )  # fmt: skip
    assert read_windows(path) == (Window(40, 400), Window(400, 1800))
    for n, window in enumerate(read_windows(path)):
        expected = windowed(SIGNED - 24, window)
        turned = 1 - expected if photometric == "MONOCHROME1" else expected
        np.testing.assert_allclose(read_windowed_picture(path, window=n), turned)
    with pytest.raises(Unreadable, match="2 windows"):
        read_windowed_picture(path, window=2)


def test_without_a_window_the_picture_spans_black_to_white(write):
    shown = read_windowed_picture(write(DEEP))
    assert (shown.min(), shown.max()) == (0, 1)
    assert np.corrcoef(shown.ravel(), DEEP.ravel())[0, 1] == pytest.approx(1)


def test_color_is_shown_as_it_is(write):
    np.testing.assert_allclose(read_windowed_picture(write(RGB)), RGB / 255, atol=1e-6)


def test_colors_by_plane_are_the_same_colors(write):
    path = write(RGB)
    data = dcmread(path)
    data.PlanarConfiguration = 1
    data.PixelData = RGB.transpose(2, 0, 1).tobytes()
    data.save_as(path)
    np.testing.assert_array_equal(read_dicom_picture(path).pixels, RGB)


def test_ybr_becomes_rgb(write):
    path = write(RGB, "YBR_FULL")
    expected = convert_color_space(RGB, "YBR_FULL", "RGB")
    np.testing.assert_array_equal(read_dicom_picture(path).pixels, expected)


@pytest.mark.parametrize("depth", [8, 16])
def test_palette_colors_become_rgb(write, depth):
    tags = {}
    for n, color in enumerate(("Red", "Green", "Blue")):
        entries = RNG.integers(0, 2**depth, 200).astype(f"<u{depth // 8}")
        entries[n] = 2**depth - 1
        tags[f"{color}PaletteColorLookupTableDescriptor"] = [200, 10, depth]
        tags[f"{color}PaletteColorLookupTableData"] = entries.tobytes()
    path = write(GREY, "PALETTE COLOR", **tags)
    # pydicom wraps values beyond the table of 8 bits, so only those within are compared.
    within = (GREY >= 10) & (GREY < 210)
    expected = apply_color_lut(GREY, dcmread(path))
    np.testing.assert_array_equal(read_dicom_picture(path).pixels[within], expected[within])


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless], ids=str)
@pytest.mark.parametrize("pixels", [GREY, DEEP, SIGNED, RGB], ids=["grey", "deep", "signed", "rgb"])
def test_lossless_compression_loses_nothing(write, syntax, pixels):
    path = write(np.tile(pixels, (8, 8) if pixels.ndim == 2 else (8, 8, 1)))
    plain = read_dicom_picture(path).pixels
    data = dcmread(path)
    compress(data, syntax)
    data.save_as(path)
    np.testing.assert_array_equal(read_dicom_picture(path).pixels, plain)


def test_big_endian_files_are_read(tmp_path):
    data = set_pixels(base("OT"), DEEP)
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    data.PixelData = DEEP.astype(">u2").tobytes()
    dcmwrite(tmp_path / "a.dcm", data, enforce_file_format=True)
    found = read_dicom_picture(tmp_path / "a.dcm").pixels
    np.testing.assert_array_equal(found, DEEP)
    assert found.dtype.isnative


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
def test_packed_bits_need_not_begin_with_a_byte(tmp_path_factory, rows, columns, count, seed):
    bits = np.random.default_rng(seed).integers(0, 2, (count, rows, columns), np.uint8)
    data = set_pixels(base("OT"), bits, "grey")
    data.BitsAllocated, data.BitsStored, data.HighBit = 1, 1, 0
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    data.PixelData = packed + b"\0" * (len(packed) % 2)
    path = save(data, tmp_path_factory.mktemp("bits") / "a.dcm")
    for n in range(count):
        np.testing.assert_array_equal(read_dicom_picture(path, n).pixels, bits[n])


def test_frames_are_counted_from_zero(write):
    film = np.stack([GREY, GREY.T.reshape(GREY.shape), 255 - GREY])
    path = write(film, "grey", modality="US")
    for n, picture in enumerate(film):
        np.testing.assert_array_equal(read_dicom_picture(path, n).pixels, picture)
    assert kind_of_failure(path, 3) == "missing"
    assert kind_of_failure(path, -1) == "missing"


def test_float_pixels_must_be_finite(write):
    path = write(DEEP)
    data = dcmread(path)
    del data.PixelData
    data.BitsAllocated = data.BitsStored = 32
    values = RNG.normal(size=DEEP.shape).astype("<f4")
    data.FloatPixelData = values.tobytes()
    data.save_as(path)
    np.testing.assert_array_equal(read_dicom_picture(path).pixels, values)
    values[2, 3] = np.nan
    data.FloatPixelData = values.tobytes()
    data.save_as(path)
    assert kind_of_failure(path) == "nan"


def test_pixels_that_are_cut_off_are_refused(write):
    path = write(DEEP)
    path.write_bytes(path.read_bytes()[:-10])
    assert kind_of_failure(path) == "unreadable"
    data = dcmread(write(DEEP))
    del data.PixelData
    data.save_as(path)
    assert kind_of_failure(path) == "no_pixels"


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless], ids=str)
def test_compressed_pixels_that_are_cut_off_are_refused(write, syntax):
    path = write(np.tile(DEEP, (20, 20)))
    data = dcmread(path)
    compress(data, syntax)
    data.save_as(path)
    path.write_bytes(path.read_bytes()[:-4000])
    assert kind_of_failure(path) in ("no_pixels", "unreadable")


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless], ids=str)
def test_a_stream_that_declares_more_than_its_header_is_never_decoded(write, syntax, monkeypatch):
    path = write(np.tile(DEEP, (16, 16)))
    data = dcmread(path)
    compress(data, syntax)
    data.Rows, data.Columns = 6, 7
    data.save_as(path)
    monkeypatch.setattr("foveal.data.dicom.pixels._decoders", lambda *_: 1 / 0)
    with pytest.raises(Unreadable, match="declare 96 x 112"):
        read_dicom_picture(path)


def test_run_lengths_that_unpack_to_too_much_are_refused(write):
    path = write(DEEP)
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = RLELossless
    data.PixelData = encapsulate([b"\x81\0" * 2**15])
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    assert kind_of_failure(path) == "too_large"


@pytest.mark.parametrize("syntax", [MPEG2MPML, UID("1.2.3.4")], ids=["video", "private"])
def test_a_missing_decoder_is_named(write, syntax):
    path = write(GREY)
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([b"\0" * 40])
    data["PixelData"].is_undefined_length = True
    data.save_as(path, implicit_vr=False, little_endian=True)
    assert kind_of_failure(path) == "decoder"


def test_decoders_that_are_not_installed_are_named(write, monkeypatch):
    path = write(np.tile(DEEP, (16, 16)))
    data = dcmread(path)
    compress(data, JPEG2000Lossless)
    data.save_as(path)
    monkeypatch.setattr("foveal.data.dicom.pixels.DECODERS", ())
    with pytest.raises(Unreadable, match=r"install foveal\[volumes\]"):
        read_dicom_picture(path)


@pytest.mark.parametrize("photometric", ["HSV", "YBR_PARTIAL_420"])
def test_colors_of_another_kind_are_refused(write, photometric):
    assert kind_of_failure(write(RGB, photometric)) == "color"


def test_declared_sizes_of_nonsense_are_unknown():
    for stream in (b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\xff\x4f\xff\x51\0", b"junk" * 20):
        assert declared_size(stream) is None


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(tmp_path_factory, junk):
    folder = tmp_path_factory.mktemp("junk")
    data = set_pixels(place(base(), oblique()), DEEP)
    save(data, folder / "a.dcm")
    whole = (folder / "a.dcm").read_bytes()
    at = len(junk) * 3
    (folder / "a.dcm").write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    series, problems = find_series(folder)
    assert len(series) + len(problems) >= 1
    with contextlib.suppress(Unreadable):
        read_dicom_picture(folder / "a.dcm")
    assert not [p for p in problems if "SECRET" in str(p)]
