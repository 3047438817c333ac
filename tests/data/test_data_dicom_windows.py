import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi, apply_windowing
from pydicom.sequence import Sequence

from foveal.data.dicom import Window, windowed
from foveal.data.dicom.luts import Modality, Table, modality_of
from foveal.data.dicom.windows import full_range, windows_of
from foveal.data.readers import Unreadable

VALUES = np.arange(-300, 500, dtype=np.int16)
NUMBERS = st.floats(-400, 400, width=32)


def header(**tags):
    data = Dataset()
    data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", 16, 1
    data.set_original_encoding(False, True)
    for tag, value in tags.items():
        setattr(data, tag, value)
    return data


@given(NUMBERS, st.floats(8, 400, width=32), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
def test_windows_agree_with_pydicom(center, width, shape):
    data = header(WindowCenter=float(center), WindowWidth=float(width), VOILUTFunction=shape)
    low, high = -(2**15), 2**15 - 1
    theirs = (apply_windowing(VALUES, data) - low) / (high - low)
    (window,) = windows_of(data)
    np.testing.assert_allclose(windowed(VALUES, window), theirs, atol=2e-6)


def test_a_linear_window_by_hand():
    # PS3.3 C.11.2.1.2.1: center 2048, width 4096 is the identity of 12 bits.
    seen = windowed(np.array([0, 4095, 1024, -5, 5000]), Window(2048, 4096))
    np.testing.assert_allclose(seen, [0, 1, 1024 / 4095, 0, 1], atol=1e-6)


def test_a_window_of_one_is_a_threshold():
    np.testing.assert_array_equal(windowed(np.array([9, 10, 11]), Window(10.5, 1)), [0, 0, 1])


def test_a_sigmoid_has_its_half_at_the_center_and_no_overflow():
    far = windowed(np.array([-1e9, 40, 1e9]), Window(40, 1e-3, "SIGMOID"))
    np.testing.assert_allclose(far, [0, 0.5, 1])


def test_all_windows_are_given_in_order_then_tables():
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4, 10, 8], [0, 10, 20, 40]
    data = header(WindowCenter=[450, 200], WindowWidth=[800, 100], VOILUTSequence=Sequence([item]))
    first, second, table = windows_of(data)
    assert (first, second) == (Window(450, 800), Window(200, 100))
    np.testing.assert_allclose(windowed(np.array([0, 10, 12, 99]), table), [0, 0, 0.5, 1])
    theirs = apply_voi(np.array([0, 10, 12, 99]), data)
    np.testing.assert_allclose(windowed(np.array([0, 10, 12, 99]), table), theirs / 40)


def test_impossible_windows_of_a_file_are_left_out():
    data = header(WindowCenter=[1, 2, 3], WindowWidth=[0, 5, -4])
    assert windows_of(data) == (Window(2, 5),)
    assert windows_of(header()) == ()


def test_a_frame_has_its_own_window():
    group, inner = Dataset(), header(WindowCenter=7, WindowWidth=3)
    group.FrameVOILUTSequence = Sequence([inner])
    data = header(WindowCenter=1, WindowWidth=2)
    assert windows_of(data, group) == (Window(7, 3),)
    assert windows_of(data, Dataset(), group) == (Window(7, 3),)


@pytest.mark.parametrize(("width", "shape"), [(0.5, "LINEAR"), (0, "SIGMOID"), (np.nan, "LINEAR")])
def test_an_impossible_window_is_refused(width, shape):
    with pytest.raises(Unreadable, match="positive width"):
        Window(0, width, shape)


@given(st.lists(st.integers(-50, 50), min_size=1))
def test_without_window_an_image_spans_its_range(values):
    pixels = np.array(values)
    seen = windowed(pixels, full_range(pixels))
    assert ((seen >= 0) & (seen <= 1)).all()
    if np.ptp(pixels):
        assert (seen.min(), seen.max()) == (0, 1)


@pytest.mark.parametrize(
    ("slope", "intercept", "ends", "dtype"),
    [
        (1, 0, (0, 255), np.uint8),
        (1, -1024, (0, 4095), np.int16),
        (1, 0, (0, 65535), np.uint16),
        (1, -1024, (-32768, 32767), np.int32),
        (2, 0, (0, 65535), np.int32),
        (0.5, 0, (0, 255), np.float32),
        (-1, 255, (0, 255), np.uint8),
        (1e6, 0, (0, 65535), np.float32),
    ],
)
def test_rescaled_values_are_exact_in_the_smallest_type(slope, intercept, ends, dtype):
    stored = np.linspace(*ends, 9).astype(np.int64)
    found = Modality(slope, intercept)(stored, *ends)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, stored * slope + intercept, rtol=1e-7)


def test_a_modality_table_replaces_slope_and_clamps():
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [3, -2, 16], [100, 200, 40000]
    data = header(ModalityLUTSequence=Sequence([item]), RescaleSlope=9, RescaleIntercept=9)
    found = modality_of(data)(np.array([-9, -2, -1, 0, 9]), -10, 10)
    np.testing.assert_array_equal(found, [100, 100, 200, 40000, 40000])
    assert found.dtype == np.uint16


def test_tables_of_bytes_are_read_in_both_widths():
    for stuff, first in (
        (bytes([0, 7, 255]), 255),
        (np.array([0, 7, 9000], "<u2").tobytes(), 9000),
    ):
        item = Dataset()
        item.LUTDescriptor = [3, 0, 8 if first == 255 else 16]
        item.add_new("LUTData", "OW", stuff)
        data = header(ModalityLUTSequence=Sequence([item]))
        table = modality_of(data).table
        assert isinstance(table, Table)
        np.testing.assert_array_equal(table(np.array([1, 2])), [7, first])


@pytest.mark.parametrize("tags", [{"RescaleSlope": 0}, {"RescaleSlope": np.inf}])
def test_a_slope_that_is_none_is_refused(tags):
    with pytest.raises(Unreadable) as error:
        modality_of(header(**tags))
    assert error.value.kind == "tags"


def test_a_short_table_is_refused():
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [300, 0, 16], [1, 2]
    with pytest.raises(Unreadable, match="cut off"):
        modality_of(header(ModalityLUTSequence=Sequence([item])))
