"""Small sources on disk, and the real data where it is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def real():
    if not REAL.is_dir():
        pytest.skip("the real images of ../shared/data are not here")
    return REAL


@pytest.fixture
def make(tmp_path):
    """Write a small image: make("a.png", seed=3) is noise that differs for each seed."""

    def write(name, seed=0, shape=(20, 24), array=None, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if array is None:
            array = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
        Image.fromarray(array).save(path, **options)
        return array

    return write


@pytest.fixture
def table(tmp_path):
    """Write a manifest: table("image,label", "a.png,x") returns its path."""

    def write(*lines, name="pool.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
