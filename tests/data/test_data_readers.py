import contextlib
import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal.data.readers import Place, Unreadable, read_mask, read_picture
from foveal.data.readers.picture import MAX_PIXELS

NOISE = np.random.default_rng(0)
GREY = NOISE.integers(0, 256, (9, 13), np.uint8)
DEEP = NOISE.integers(0, 65536, (9, 13), np.uint16)
RGB = NOISE.integers(0, 256, (9, 13, 3), np.uint8)
DEEP_RGB = NOISE.integers(0, 65536, (9, 13, 3), np.uint16)


def read(path):
    return read_picture(Place(path)).pixels


@pytest.mark.parametrize("array", [GREY, DEEP, RGB])
def test_png_gives_back_what_was_saved(tmp_path, array):
    Image.fromarray(array).save(tmp_path / "a.png")
    back = read(tmp_path / "a.png")
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


@pytest.mark.parametrize("array", [GREY, DEEP, RGB, DEEP_RGB])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_gives_back_what_was_saved(tmp_path, array, compression):
    tifffile.imwrite(tmp_path / "a.tif", array, compression=compression)
    back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


def test_planar_tiff_is_rgb(tmp_path):
    planes = np.moveaxis(DEEP_RGB, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), DEEP_RGB)


def test_lzw_of_16_bit_grey_is_read(tmp_path):
    Image.fromarray(DEEP).save(tmp_path / "a.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), DEEP)


@pytest.mark.parametrize("array", [GREY, DEEP])
def test_white_is_zero_is_turned_to_black_is_zero(tmp_path, array):
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), np.iinfo(array.dtype).max - array)


def test_signed_and_float_tiff_become_float32(tmp_path):
    for array in (DEEP.astype(np.int16), GREY.astype(np.float64)):
        tifffile.imwrite(tmp_path / "a.tif", array)
        back = read(tmp_path / "a.tif")
        assert back.dtype == np.float32
        np.testing.assert_array_equal(back, array.astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_float_that_is_not_finite_is_named(tmp_path, bad):
    array = GREY.astype(np.float32)
    array[3, 4] = bad
    tifffile.imwrite(tmp_path / "a.tif", array)
    with pytest.raises(Unreadable) as error:
        read(tmp_path / "a.tif")
    assert error.value.kind == "nan"


def test_grey_stored_as_rgb_is_grey(tmp_path):
    Image.fromarray(np.repeat(GREY[:, :, None], 3, axis=2)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), GREY)


def test_palette_images_show_their_colors(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_transparent_pixels_are_black(tmp_path):
    alpha = np.zeros((9, 13, 1), np.uint8)
    alpha[:, 5:] = 255
    Image.fromarray(np.concatenate([RGB, alpha], axis=2)).save(tmp_path / "a.png")
    back = read(tmp_path / "a.png")
    assert not back[:, :5].any()
    np.testing.assert_array_equal(back[:, 5:], RGB[:, 5:])


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    flat = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    Image.fromarray(flat).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    assert np.abs(read(tmp_path / "a.jpg").astype(int) - flat).max() < 8


def test_orientation_is_told_and_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif)
    found = read_picture(Place(tmp_path / "a.jpg"))
    assert found.pixels.shape == GREY.shape
    assert [kind for kind, _ in found.notes] == ["orientation"]


def test_several_pages_are_refused_but_a_preview_is_not_a_page(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.stack([GREY, GREY]), photometric="minisblack")
    with pytest.raises(Unreadable, match="holds 2 pages"):
        read(tmp_path / "stack.tif")
    with tifffile.TiffWriter(tmp_path / "preview.tif") as file:
        file.write(GREY)
        file.write(GREY[::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read(tmp_path / "preview.tif"), GREY)


def bomb(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 10_000, 60_000])
def test_decompression_bombs_are_refused_by_their_header(tmp_path, side):
    (tmp_path / "a.png").write_bytes(bomb(side, side))
    with pytest.raises(Unreadable) as error:
        read(tmp_path / "a.png")
    assert error.value.kind == "too_large"


def test_other_formats_are_refused(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "b.png").write_text("<svg/>")
    Image.fromarray(GREY).save(tmp_path / "c.png", format="GIF")
    for name in ("a.svg", "b.png", "c.png"):
        with pytest.raises(Unreadable) as error:
            read(tmp_path / name)
        assert error.value.kind == "format"
        assert str(tmp_path) not in str(error.value)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), suffix=st.sampled_from(["png", "jpg", "tif", "deep.tif"]))
def test_damage_never_escapes_as_another_error(data, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / f"a.{suffix}"
    if suffix == "deep.tif":
        tifffile.imwrite(path, DEEP, compression="zlib")
    else:
        Image.fromarray(GREY).save(path)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    flips = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6))
    broken = bytearray(whole)
    for place in flips:
        broken[place] ^= 0xFF
    path.write_bytes(bytes(broken[:cut]) if data.draw(st.booleans()) else bytes(broken))
    with contextlib.suppress(Unreadable):  # the one way to fail
        assert read(path).ndim in (2, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_file_cut_in_half_is_unreadable(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(NOISE.integers(0, 256, (64, 64), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unreadable) as error:
        read(path)
    assert error.value.kind == "unreadable"


def test_masks_of_every_kind_are_true_where_not_zero(tmp_path):
    want = GREY > 128
    Image.fromarray(want).save(tmp_path / "bit.png")
    Image.fromarray(want.astype(np.uint8)).save(tmp_path / "one.png")
    palette = Image.fromarray(want.astype(np.uint8), "L").convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "palette.png")
    color = np.zeros((9, 13, 3), np.uint8)
    color[want] = (0, 0, 7)
    Image.fromarray(color).save(tmp_path / "color.png")
    for name in ("bit.png", "one.png", "palette.png", "color.png"):
        np.testing.assert_array_equal(read_mask([Place(tmp_path / name)]), want)


def test_a_jpeg_mask_has_no_fringe(tmp_path):
    want = np.zeros((40, 40), bool)
    want[9:25, 15:31] = True
    Image.fromarray(want.astype(np.uint8) * 255).save(tmp_path / "a.jpg", quality=60)
    assert (read(tmp_path / "a.jpg")[~want] > 0).any()
    np.testing.assert_array_equal(read_mask([Place(tmp_path / "a.jpg")]), want)


def test_several_masks_are_their_union(tmp_path):
    for name, mask in (("a.png", GREY > 200), ("b.png", GREY < 20)):
        Image.fromarray(mask).save(tmp_path / name)
    union = read_mask([Place(tmp_path / "a.png"), Place(tmp_path / "b.png")])
    np.testing.assert_array_equal(union, (GREY > 200) | (GREY < 20))
