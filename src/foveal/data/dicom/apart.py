"""Decoding apart: lossless JPEG, in a process of its own.

gdcm is the only decoder of it under a permissive licence, and damaged data make it end the process
it runs in. So it runs in a helper, which starts when first needed, lives as long as we do, and is
started again after a crash. Requests and answers are a line of JSON and bytes.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from typing import Any, BinaryIO

import numpy as np

from foveal.core.arrays import AnyArray

SECONDS = 60.0  # for one frame, the start of the helper included; a sane one takes a few hundredths
START = "from foveal.data.dicom.apart import serve; serve()"


class Helper:
    """The process, started on demand; safe to use from threads and after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def decode(self, syntax: str, stream: bytes, options: dict[str, Any]) -> AnyArray:
        """One frame.

        Args:
            options: of `pydicom.pixels.decoders.base.Decoder.as_array`.
        Raises:
            ValueError: if the frame cannot be decoded.
        """
        head = json.dumps({"syntax": syntax, "size": len(stream), "options": options})
        with self._lock:
            try:
                return self._ask(head.encode() + b"\n" + stream)
            except (OSError, EOFError, ValueError) as error:
                self._stop()
                raise ValueError("the compressed pixels are damaged") from error

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._stop()

    def _ask(self, request: bytes) -> AnyArray:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(SECONDS, process.kill)
        watch.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            answer = json.loads(_line(process.stdout))
            raw = _exactly(process.stdout, answer["size"])
        finally:
            watch.cancel()
        return np.frombuffer(raw, answer["dtype"]).reshape(answer["shape"]).copy()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-c", START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
            self._owner = os.getpid()
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return  # the parent's, after a fork
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not sent need not be
        process.wait()


HELPER = Helper()
atexit.register(HELPER.close)


def serve() -> None:
    """Answer requests on standard input until it ends; run by the helper."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # decoders may print
    requests = sys.stdin.buffer
    while head := requests.readline():
        asked = json.loads(head)
        found = _decoded(asked["syntax"], _exactly(requests, asked["size"]), asked["options"])
        raw = found.tobytes()
        said = {"dtype": found.dtype.str, "shape": found.shape, "size": len(raw)}
        answers.write(json.dumps(said).encode() + b"\n" + raw)
        answers.flush()


def _decoded(syntax: str, stream: bytes, options: dict[str, Any]) -> AnyArray:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    decoder = get_decoder(UID(syntax))
    packed = encapsulate([stream])
    found: AnyArray = decoder.as_array(packed, index=0, decoding_plugin="gdcm", **options)[0]
    return found


def _line(source: Any) -> bytes:
    line: bytes = source.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the helper has ended")
    return line


def _exactly(source: BinaryIO | Any, size: int) -> bytes:
    raw: bytes = source.read(size)
    if len(raw) != size:
        raise EOFError("the other side has ended")
    return raw
