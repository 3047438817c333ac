"""Evidence kept in a datastore's notes on images, and a strategy's choice among them.

What MONAI Label's classes (`foveal.adapters.monai_label`) are made of, without the package.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from foveal.acquire import acquire
from foveal.core.arrays import AnyArray
from foveal.core.errors import EvidenceError
from foveal.core.evidence import SAMPLE_AXIS, Evidence
from foveal.core.query import Setting

KEY = "foveal"  # of what is written into an image's notes
DIGITS = 5  # significant ones that are kept; notes are JSON, and long


class Datastore(Protocol):
    """What is used of MONAI Label's `Datastore`."""

    def list_images(self) -> list[str]:
        """Ids of all images."""
        ...

    def get_unlabeled_images(self, label_tag: Any = None, labels: Any = None) -> list[str]:
        """Ids of those without a final label."""
        ...

    def get_image_uri(self, image_id: str) -> str:
        """Where the image lies."""
        ...

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """Notes on an image."""
        ...

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Add to the notes."""
        ...


def write_evidence(
    store: Datastore,
    describe: Callable[[str], Mapping[str, AnyArray]],
    version: str,
    *,
    key: str = KEY,
    only: Sequence[str] | None = None,
) -> tuple[int, int]:
    """What a model says of every image, written into the store's notes.

    Labeled images are described too: many strategies keep away from what is labeled.

    Args:
        describe: where an image lies to the arrays of one image by the names of evidence: probs
            (C,), embedding (D,), mc_probs (T, C), or single numbers such as misalignment ().
        version: of the model; images described by the same one are passed over.
        key: of the notes.
        only: ids to describe; None for all.
    Returns:
        how many images were described, and how many passed over.
    Raises:
        EvidenceError: if a description is empty or holds a value that is not finite.
    """
    done = passed = 0
    for image in store.list_images() if only is None else only:
        if store.get_image_info(image).get(key, {}).get("version") == version:
            passed += 1
            continue
        described = describe(store.get_image_uri(image))
        arrays = {name: _plain(name, value) for name, value in described.items()}
        if not arrays:
            raise EvidenceError(
                "a description of an image must hold one array or more, such as `probs`, but is "
                "empty; return a dictionary of arrays"
            )
        store.update_image_info(image, {key: {"version": version, "arrays": arrays}})
        done += 1
    return done, passed


def read_evidence(
    store: Datastore, images: Sequence[str], *, version: str | None = None, key: str = KEY
) -> Evidence | None:
    """Evidence of the images that one version of a model describes, which is its fingerprint.

    Others are left out, for what two models say does not compare.

    Args:
        version: of the model; the one that describes most of the images if None.
        key: of the notes.
    Returns:
        None if no image is described.
    Raises:
        EvidenceError: if descriptions do not fit together.
    """
    notes = {image: store.get_image_info(image).get(key) or {} for image in images}
    versions = [note["version"] for note in notes.values() if "version" in note]
    wanted = version or max(sorted(set(versions)), key=versions.count, default=None)
    known = [image for image in images if notes[image].get("version", "") == wanted]
    if not known:
        return None
    each = [notes[image]["arrays"] for image in known]
    shared = set.intersection(*(set(arrays) for arrays in each))
    arrays = {name: _together(name, [one[name] for one in each]) for name in sorted(shared)}
    return Evidence(tuple(known), arrays, str(wanted))


def next_image(
    store: Datastore,
    strategy: str,
    request: Mapping[str, Any],
    *,
    settings: Mapping[str, Setting] | None = None,
    class_of: Callable[[str], int | None] | None = None,
    sought: Sequence[int] = (),
    hold_seconds: float = 0,
    seed: int = 0,
    key: str = KEY,
) -> dict[str, Any] | None:
    """The image to annotate next, as MONAI Label's server wants it; None if all are labeled.

    Args:
        strategy: a name, or an expression of several.
        request: the server's; `label_tag` and `labels` say what counts as labeled.
        settings: of the strategy.
        class_of: class index of a labeled image, for strategies that read labels.
        sought: class indices of which the labeled ones are exemplars, for targeted strategies.
        hold_seconds: images handed out so short a time ago are left to who has them, unless
            nothing else is left.
        seed: of ties and draws.
        key: of the notes.
    Returns:
        {"id", "strategy", "score" (None where sets are chosen), "why", and how many images the same
        model has not described: "undescribed" of the unlabeled, which it could not choose, and
        "labeled_undescribed", which it could not keep away from}.
    Raises:
        FovealError: if no unlabeled image is described, and whatever the engine objects to.
    """
    free = sorted(store.get_unlabeled_images(request.get("label_tag"), request.get("labels")))
    if not free:
        return None
    evidence = read_evidence(store, free, key=key)
    if evidence is None:
        raise EvidenceError(
            f"none of the {len(free)} unlabeled images has notes of a model under {key!r}; run the "
            "scoring method first"
        )
    labeled = sorted(set(store.list_images()) - set(free))
    known = read_evidence(store, labeled, version=evidence.fingerprint, key=key)
    query = acquire(
        _not_held(store, evidence, hold_seconds),
        strategy,
        1,
        parameters=settings,
        seed=seed,
        round=len(labeled),
        context={} if known is None else _context(known, evidence, class_of, sought),
    )
    scores = query.scores.get("score")
    return {
        "id": query.ids[0],
        "strategy": strategy,
        "score": None if scores is None else float(scores[0]),
        "why": query.why[0],
        "undescribed": len(free) - len(evidence),
        "labeled_undescribed": len(labeled) - (0 if known is None else len(known)),
    }


def _not_held(store: Datastore, evidence: Evidence, seconds: float) -> Evidence:
    """Without what was handed out lately; the server notes when, below `strategy`."""
    since = time.time() - seconds
    free = [i for i, image in enumerate(evidence.ids) if _handed_out(store, image) <= since]
    return evidence.rows(free) if seconds and free else evidence


def _handed_out(store: Datastore, image: str) -> float:
    times = store.get_image_info(image).get("strategy", {}).values()
    return max((float(entry.get("ts", 0)) for entry in times), default=0.0)


def _context(
    known: Evidence,
    pool: Evidence,
    class_of: Callable[[str], int | None] | None,
    sought: Sequence[int],
) -> dict[str, Evidence]:
    """The labeled images beside the pool, and the exemplars of what is sought among them."""
    arrays = {name: array for name, array in known.arrays.items() if name in pool.arrays}
    if class_of is None:
        return {"labeled": Evidence(known.ids, arrays)}
    classes = [class_of(image) for image in known.ids]
    told = Evidence(known.ids, arrays).rows([i for i, c in enumerate(classes) if c is not None])
    label = np.array([c for c in classes if c is not None], dtype=np.int64)
    labeled = Evidence(told.ids, {**told.arrays, "label": label})
    exemplars = np.flatnonzero(np.isin(label, sought)).tolist()
    return {"labeled": labeled} | ({"exemplar": labeled.rows(exemplars)} if exemplars else {})


def _plain(name: str, value: AnyArray) -> Any:
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise EvidenceError(f"`{name}` of an image must be finite, but holds NaN or infinity")
    return _rounded(array.tolist())


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.{DIGITS}g}")


def _together(name: str, values: Sequence[Any]) -> AnyArray:
    """Arrays of single images as one; probabilities sum to 1 again after their rounding."""
    try:
        array = np.stack([np.asarray(v, np.float64) for v in values], axis=SAMPLE_AXIS.get(name, 0))
    except ValueError as error:
        raise EvidenceError(
            f"`{name}` must have one shape for all images, but shapes differ; describe them with "
            "one model"
        ) from error
    if name in ("probs", "mc_probs"):
        total = array.sum(axis=-1, keepdims=True)
        array = array / np.where(total == 0, 1, total)
    return array
