"""Memory: the peak of scoring a pool, beside that of a pool ten times as large."""

import multiprocessing
import resource
import sys
from collections.abc import Iterator

from foveal.bench.timing import Row

SMALL, LARGE = 500, 5000


def memory() -> Iterator[Row]:
    """Peak resident memory of a fresh process that scores n images; evidence itself included."""
    small, large = peak_mib(SMALL), peak_mib(LARGE)
    yield Row(
        f"peak memory of scoring {LARGE} images",
        "MiB",
        large,
        small,
        f"scoring {SMALL} images",
        small / large,
        0.95,
    )


def peak_mib(images: int) -> float:
    """Peak of a fresh process in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_score, (images,))


def _score(images: int) -> float:
    import numpy as np

    from foveal.bench.stage import Noise, untrained
    from foveal.models import Pass, expected_regions, predict

    learner, inputs = untrained(), Noise(images, kept=64)
    rows = np.arange(images)
    needs = ("probs", "embedding", "misalignment")
    ids = [str(i) for i in rows]
    predict(learner, inputs, rows, ids, needs, expected_regions(learner), how=Pass(batch_size=64))
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
