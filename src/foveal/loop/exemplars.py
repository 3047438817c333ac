"""Exemplars: labeled samples of the classes that a targeted strategy seeks or avoids."""

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.evidence import Evidence
from foveal.core.spec import SoughtSpec


def exemplars(
    sought: SoughtSpec,
    labeled: Evidence | None,
    val: Evidence | None,
    classes: tuple[str, ...],
    notes: list[str],
    usual: tuple[str, ...] = (),
) -> Evidence:
    """Exemplars of the sought classes; all of them where none is misclassified any more.

    Args:
        labeled: evidence of the labeled samples, with their `label`.
        val: the same of the validation part, if it is read.
        classes: names by label.
        notes: what is to be told is added here.
        usual: the classes sought where the spec names none.
    """
    codes = [classes.index(name) for name in sought.classes or usual]
    sources: dict[str, list[Evidence | None]] = {
        "labeled": [labeled],
        "val": [val],
        "both": [labeled, val],
    }
    parts = [_of_classes(one, codes) for one in sources[sought.exemplars] if one is not None]
    whole = parts[0] if len(parts) == 1 else _joined(parts[0], parts[1])
    if sought.only == "all":
        return whole
    wrong = _wrong(whole)
    if not wrong.any() and len(whole):
        notes.append("no exemplar is misclassified any more, so all of them were used")
        return whole
    return whole.rows(np.flatnonzero(wrong).tolist())


def _of_classes(evidence: Evidence, codes: list[int]) -> Evidence:
    return evidence.rows(np.flatnonzero(np.isin(evidence.arrays["label"], codes)).tolist())


def _wrong(evidence: Evidence) -> BoolArray:
    predicted = np.argmax(evidence.arrays["probs"], axis=1)
    wrong: BoolArray = predicted != evidence.arrays["label"]
    return wrong


def _joined(a: Evidence, b: Evidence) -> Evidence:
    arrays = {name: np.concatenate([a.arrays[name], b.arrays[name]]) for name in a.arrays}
    return Evidence((*a.ids, *b.ids), arrays, a.fingerprint)
