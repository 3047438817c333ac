"""Gallery: pictures of a round's first picks, drawn from the journal and its blobs alone."""

from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.annotation import Annotation
from foveal.core.files import write_whole
from foveal.core.pool import SampleId
from foveal.core.query import Query
from foveal.data import encode_png
from foveal.loop.bench import Bench
from foveal.loop.panels import drawn_in, kind_of, panel_of
from foveal.loop.wants import SHOWN
from foveal.store import Blobs, State


def draw_gallery(
    state: State, bench: Bench, blobs: Blobs, folder: Path, most_rounds: int | None = None
) -> list[dict[str, Any]]:
    """Write a strip for each shown case under `folder/gallery` and describe it.

    Args:
        most_rounds: draw so many rounds, evenly spread from the first to the last; None for all.
    Returns:
        a list of rounds, each {"round", "cases": [{"id", "panel", "label", "predicted", ...}]}.
    """
    rounds = []
    asked = [
        pair for pair in zip(state.queries, state.details, strict=True) if pair[1].get("shown")
    ]
    if most_rounds is not None and len(asked) > most_rounds:
        asked = [asked[i] for i in np.linspace(0, len(asked) - 1, most_rounds).round().astype(int)]
    for query, details in asked:
        cases = [_case(query, case, state, bench, blobs, folder) for case in details["shown"]]
        rounds.append({"round": query.round, "cases": cases})
    return rounds


def _case(
    query: Query, case: dict[str, Any], state: State, bench: Bench, blobs: Blobs, folder: Path
) -> dict[str, Any]:
    sample: SampleId = case["id"]
    at = query.ids.index(sample)
    annotation = state.annotations.get(sample)
    name = f"gallery/round{query.round:02d}-{at:02d}-{sample}.png"
    outlines = state.created is not None and state.created["spec"]["task"] == "segmentation"
    panel = panel_of(case, annotation, bench, blobs, outlines)
    write_whole(folder / name, encode_png(panel, palette=True))
    return {
        "id": sample,
        "panel": name,
        "kind": kind_of(bench.pool[sample], outlines),
        "label": _label(annotation, bench, blobs, outlines),
        "predicted": (SHOWN if outlines else bench.pool.classes)[case["predicted"]],
        "confidence": case["confidence"],
        "scores": {part: values[at] for part, values in query.scores.items()},
        "why": query.why[at] if query.why else "",
        "stands_for": query.stands_for[at] if query.stands_for else None,
    }


def _label(annotation: Annotation | None, bench: Bench, blobs: Blobs, outlines: bool) -> str | None:
    """The expert's class; where outlines are drawn, whether there was anything to outline."""
    if annotation is None or annotation.label is None:
        return None
    if not outlines:
        return bench.pool.classes[annotation.label]
    drawn = drawn_in(annotation, blobs)
    return None if drawn is None else SHOWN[int(drawn.any())]
