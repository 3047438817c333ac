"""Keep of a study what may be committed: figures and numbers, no picture of a patient.

python results/collect.py runs/busi results/busi
"""

import json
import shutil
import sys
from pathlib import Path

DIGITS = 5


def rounded(value: object) -> object:
    """The same value with numbers cut to a few digits."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return value


def main(source: Path, target: Path) -> None:
    """Copy results.json without galleries and point clouds, and the learning curves."""
    results = json.loads((source / "results.json").read_text())
    for run in results["runs"]:
        run.pop("gallery", None)
        for size in run.get("misalignment_size", ()):
            size.pop("points", None)
    (target / "figures").mkdir(parents=True, exist_ok=True)
    text = json.dumps(rounded(results), separators=(",", ":"))
    (target / "results.json").write_text(text + "\n")
    for figure in sorted((source / "figures").glob("curve-*.png")):
        shutil.copy(figure, target / "figures" / figure.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
