"""Sizes that compressed pixels declare themselves, read before a decoder makes room for them."""

import struct

JPEG_START = b"\xff\xd8"
JPEG_2000_START = b"\xff\x4f\xff\x51"
JP2_BOX = b"jP  "
# Start of frame in all JPEG processes and JPEG-LS; C4, C8 and CC are other things.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}


def declared_size(stream: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) of a JPEG, JPEG-LS or JPEG 2000 stream; None where none is found."""
    try:
        if stream[4:8] == JP2_BOX:
            stream = stream[stream.index(JPEG_2000_START) :]
        if stream.startswith(JPEG_2000_START):
            right, bottom, left, top = struct.unpack(">4I", stream[8:24])
            (samples,) = struct.unpack(">H", stream[40:42])
            return bottom - top, right - left, samples
        return _jpeg_size(stream) if stream.startswith(JPEG_START) else None
    except (struct.error, IndexError, ValueError):
        return None


def _jpeg_size(stream: bytes) -> tuple[int, int, int] | None:
    at = len(JPEG_START)
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        if stream[at + 1] == 0xFF:  # fill
            at += 1
            continue
        if stream[at + 1] in FRAME_MARKERS:
            rows, columns = struct.unpack(">HH", stream[at + 5 : at + 9])
            return rows, columns, stream[at + 9]
        at += 2 + struct.unpack(">H", stream[at + 2 : at + 4])[0]
    return None
