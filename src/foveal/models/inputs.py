"""What a network reads: rows of images or of cached features, always by position."""

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.lib.format import write_array_header_1_0
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import StoreError
from foveal.core.files import sync_folder
from foveal.models.backbones import Backbone
from foveal.models.compute import Progress, autocast, silent


class Inputs(Protocol):
    """Random access to network inputs; `read` gives float32 (b, channels, h, w)."""

    def __len__(self) -> int: ...

    def read(self, rows: IntArray) -> FloatArray:
        """Inputs of some rows, in the order asked."""
        ...


class FeatureStore:
    """Memory-mapped float16 features (n, K, h, w) of every image of a pool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._array = np.load(path, mmap_mode="r", allow_pickle=False)

    def __reduce__(self) -> tuple[type["FeatureStore"], tuple[Path]]:
        """To another process travels the file's name, not what is in it."""
        return FeatureStore, (self._path,)

    def __len__(self) -> int:
        return len(self._array)

    @property
    def channels(self) -> int:
        """K."""
        return int(self._array.shape[1])

    def read(self, rows: IntArray) -> FloatArray:
        return np.asarray(self._array[rows], dtype=np.float32)


def cached_features(
    backbone: Backbone,
    images: Inputs,
    key: str,
    folder: Path,
    device: torch.device,
    batch_size: int = 64,
    progress: Progress = silent,
) -> FeatureStore:
    """Features of all images by a frozen backbone, computed once and kept.

    Args:
        key: names the images and their preparation; the backbone's fingerprint is added.
    Raises:
        StoreError: if the folder cannot be written; an unfinished file is never used.
    """
    path = folder / f"features-{key}-{backbone.fingerprint()}.npy"
    if not path.exists():
        try:
            _compute(backbone.to(device).eval(), images, path, device, batch_size, progress)
        except OSError as error:
            raise StoreError(
                f"could not write the feature cache in {str(folder)!r}: {error.strerror}; free "
                "space or set FOVEAL_CACHE to another folder, then run the same command again"
            ) from error
    return FeatureStore(path)


@torch.inference_mode()
def _compute(
    backbone: Backbone,
    images: Inputs,
    path: Path,
    device: torch.device,
    batch_size: int,
    progress: Progress,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{np.random.SeedSequence().entropy:x}.part")
    try:
        # Written, not mapped: where the disk is full, writing to mapped memory ends the process.
        with unfinished.open("wb") as file:
            for start in range(0, len(images), batch_size):
                rows = np.arange(start, min(start + batch_size, len(images)))
                with autocast(device, "auto"):
                    features = backbone(torch.from_numpy(images.read(rows)).to(device))
                block = features.half().cpu().numpy()
                if start == 0:
                    shape = (len(images), *block.shape[1:])
                    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                    write_array_header_1_0(file, header)
                file.write(block.astype("<f2", copy=False).tobytes())
                progress(int(rows[-1]) + 1, len(images))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def to_tensor(inputs: Inputs, rows: IntArray, device: torch.device) -> Tensor:
    """Rows as a float32 tensor on the device."""
    return torch.from_numpy(np.ascontiguousarray(inputs.read(rows))).to(device)
