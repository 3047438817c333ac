"""How long it takes from DICOM files to a first batch, and how many are indexed in a second.

python results/dicom/first_batch.py ../shared/data/dicom_nifti_samples results/dicom
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from dicom_files import write_series

START = "from foveal.cli import main; main()"
STUDIES, SLICES, SIDE = 5, 100, 256  # 500 files of 131 kB


def seconds(folder: Path, *arguments: str) -> float:
    """Wall time of a command, its start included."""
    home = os.environ | {"FOVEAL_HOME": str(folder / "home"), "FOVEAL_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    command = [sys.executable, "-c", START, *arguments]
    done = subprocess.run(command, cwd=folder, env=home, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    assert done.returncode in (0, 1)  # 1: some files have problems, and the rest went on
    return round(time.perf_counter() - began, 2)


def indexed(folder: Path) -> dict[str, float]:
    """Five CT studies of made-up voxels, with and without de-identification."""
    rng = np.random.default_rng(0)
    for study in range(STUDIES):
        voxels = rng.integers(-1000, 2000, (SIDE, SIDE, SLICES)).astype(np.int16)
        affine = np.diag([0.8, 0.8, 2.0, 1.0])
        write_series(folder / "scans" / str(study), voxels, affine, series=f"s{study}",
                     study=f"t{study}", PatientID=f"p{study}")  # fmt: skip
    files = STUDIES * SLICES
    cleaned = seconds(folder, "index", "scans", "--out", "clean.csv")
    as_is = seconds(folder, "index", "scans", "--out", "raw.csv", "--in-place")
    return {
        "files": files,
        "seconds, de-identified": cleaned,
        "files a second, de-identified": round(files / cleaned, 1),
        "seconds, as they are": as_is,
        "files a second, as they are": round(files / as_is, 1),
    }


def main(samples: Path, out: Path) -> None:
    """Measure both and write them."""
    with tempfile.TemporaryDirectory() as name:
        study = indexed(Path(name))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        index = seconds(folder, "index", str(samples.resolve()), "--out", "pool.csv")
        chosen = seconds(folder, "select", "pool.csv", "--task", "segmentation", "-n", "5")
        batch = len((folder / "batch.csv").read_text().splitlines()) - 1
    told = {
        "command": f"python results/dicom/first_batch.py {samples} {out}",
        "index": study,
        "samples": {
            "seconds of foveal index": index,
            "seconds of foveal select, training included": chosen,
            "images chosen": batch,
        },
    }
    (out / "first_batch.json").write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
