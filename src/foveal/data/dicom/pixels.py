"""Pixels: one frame decoded within limits, by decoders under permissive licences alone."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
    RLETransferSyntaxes,
)

from foveal.core.arrays import AnyArray
from foveal.data.dicom.codestream import declared_size
from foveal.data.dicom.frames import size_of
from foveal.data.dicom.headers import DAMAGED, damage
from foveal.data.dicom.luts import Modality, modality_of, palette_of
from foveal.data.readers.picture import Unreadable

PIXEL_TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
COLORS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
RLE_SLACK = 2  # times the decoded size; an honest encoder stays far below

# Decoders by pydicom's names, the best first. pylibjpeg may also find a decoder of baseline JPEG
# under the GPL, so it is asked for JPEG 2000 only.
DECODERS: tuple[tuple[list[UID], tuple[str, ...]], ...] = (
    (JPEGLSTransferSyntaxes, ("pyjpegls", "gdcm")),
    (JPEG2000TransferSyntaxes, ("pylibjpeg", "gdcm", "pillow")),
    (JPEGTransferSyntaxes, ("gdcm", "pillow")),
    (RLETransferSyntaxes, ("pydicom",)),
)


def decode(data: Dataset, index: int) -> AnyArray:
    """(rows, columns) stored numbers of frame `index`, or (rows, columns, 3) RGB.

    Unused bits (overlays of old) are gone, YBR and palettes are RGB.

    Raises:
        Unreadable: `no_pixels`, `color`, `decoder`, `too_large`, or `unreadable` if pixels are
            cut off or damaged.
    """
    numbers = stored(data, index)
    if str(data.get("PhotometricInterpretation", "")) != "PALETTE COLOR":
        return numbers
    with damage("color", "the color table of the image is damaged; export it again"):
        return np.stack([table(numbers) for table in palette_of(data)], axis=-1)


def stored(data: Dataset, index: int) -> AnyArray:
    """As `decode`, but a palette is not applied: the numbers are labels.

    Raises:
        Unreadable: as `decode`.
    """
    (rows, columns, samples), count = size_of(data)
    if not 0 <= index < count:
        raise Unreadable("missing", f"the file holds {count} frames, so none is {index}")
    if not any(tag in data for tag in PIXEL_TAGS):
        raise Unreadable(
            "no_pixels",
            "the image must hold pixels, but has none or they are cut off; copy it again",
        )
    color = str(data.get("PhotometricInterpretation", ""))
    if samples == 3 and color not in COLORS:
        raise Unreadable(
            "color", f"colors must be RGB or YBR, but are {color[:16]!r}; convert them"
        )
    with damage("unreadable", "the pixels are cut off, damaged, or of another size than declared"):
        found = _decoded(data, index, rows, columns, count)
    if found.shape != ((rows, columns, 3) if samples == 3 else (rows, columns)):
        raise Unreadable("unreadable", "the pixels are of another size than declared")
    return found


def values(data: Dataset, index: int) -> tuple[AnyArray, tuple[float, float]]:
    """Frame `index` after the modality LUT, and the least and greatest value possible there."""
    stored = decode(data, index)
    if stored.ndim == 3:
        return stored, (0.0, float(2 ** (8 * stored.dtype.itemsize) - 1))
    modality = _modality(data, index)
    if stored.dtype.kind == "f":
        found = modality(stored, 0, 1)
        if not np.isfinite(found).all():
            raise Unreadable("nan", "pixels must be finite, but some are not; replace them")
        return found, (float(found.min()), float(found.max()))
    low, high = stored_range(data)
    return modality(stored, low, high), modality.ends(low, high)


def stored_range(data: Dataset) -> tuple[int, int]:
    """Least and greatest number that the stored bits of a pixel can hold."""
    bits = int(data.get("BitsStored") or data.BitsAllocated)
    if int(data.get("PixelRepresentation") or 0):
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def plain_bytes(header: Dataset) -> int:
    """Bytes that the pixels of a header and their tag take; 0 where they are compressed or none."""
    if "Rows" not in header or _transfer_syntax(header) not in PLAIN:
        return 0
    (rows, columns, samples), count = size_of(header)
    bits = rows * columns * samples * count * int(header.get("BitsAllocated") or 1)
    if header.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    tag = 8 if header.original_encoding[0] else 12
    return tag + (bits + 7) // 8


def groups_of(data: Dataset, index: int) -> tuple[Dataset | None, Dataset | None]:
    """Functional groups of frame `index`, its own and the shared ones."""
    own = data.get("PerFrameFunctionalGroupsSequence")
    shared = data.get("SharedFunctionalGroupsSequence")
    return own[index] if own else None, shared[0] if shared else None


def _modality(data: Dataset, index: int) -> Modality:
    with damage("tags", "the modality LUT of the image is damaged; export it again"):
        return modality_of(data, *groups_of(data, index))


def _decoded(data: Dataset, index: int, rows: int, columns: int, count: int) -> AnyArray:
    syntax = _transfer_syntax(data)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise Unreadable(
            "decoder", "pixels compressed as video or by an unknown method are not read; convert it"
        ) from error
    if not syntax.is_encapsulated:
        if int(data.BitsAllocated) == 1:
            return _packed(data, index, rows, columns)
        return _plain(decoder.as_array(data, index=index)[0])
    _check_stream(data, index, rows, columns, count, syntax)
    failure: Exception | None = None
    for name in _decoders(syntax, decoder.available_plugins):
        try:
            return _plain(decoder.as_array(data, index=index, decoding_plugin=name)[0])
        except DAMAGED as error:
            failure = error
    raise failure or Unreadable(
        "decoder",
        f"no decoder for {syntax.name} is installed; install foveal[volumes], or convert the file",
    )


def _decoders(syntax: UID, available: tuple[str, ...]) -> list[str]:
    best = next((names for syntaxes, names in DECODERS if syntax in syntaxes), ())
    return [name for name in best if name in available]


def _packed(data: Dataset, index: int, rows: int, columns: int) -> AnyArray:
    """Frame of one bit a pixel; frames follow each other without padding."""
    size = rows * columns
    first, last = index * size, (index + 1) * size
    packed = np.frombuffer(data.PixelData, np.uint8)[first // 8 : (last + 7) // 8]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][:size]
    return bits.reshape(rows, columns)


def _plain(array: Any) -> AnyArray:
    """In the byte order of this machine."""
    native: AnyArray = np.asarray(array)
    return native.astype(native.dtype.newbyteorder("="), copy=False)


def _check_stream(
    data: Dataset, index: int, rows: int, columns: int, count: int, syntax: UID
) -> None:
    """Raise `Unreadable` before decoding what declares or would unpack to another size."""
    offsets = None
    if "ExtendedOffsetTable" in data and "ExtendedOffsetTableLengths" in data:
        offsets = (data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths)
    stream = get_frame(data.PixelData, index, number_of_frames=count, extended_offsets=offsets)
    if syntax == RLELossless:
        decoded = rows * columns * int(data.get("SamplesPerPixel", 1)) * (data.BitsAllocated // 8)
        if len(stream) > RLE_SLACK * decoded + 64:
            raise Unreadable(
                "too_large", "run lengths must not unpack to more than the image holds"
            )
    declared = declared_size(stream)
    if declared is not None and declared != (rows, columns):
        raise Unreadable(
            "unreadable",
            f"the compressed pixels must be {rows} x {columns} as the header says, but declare "
            f"{declared[0]} x {declared[1]}; the file is damaged",
        )


def _transfer_syntax(data: Dataset) -> UID:
    """As the file meta says; where there is none, as the file was understood."""
    meta = getattr(data, "file_meta", None)
    named = meta.get("TransferSyntaxUID") if meta is not None else None
    if named:
        return UID(named)
    implicit, little = data.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRBigEndian if little is False else ExplicitVRLittleEndian
