"""Segmentation: a U-Net that outlines, taught by masks, and asked pixel by pixel."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence
from foveal.core.pool import Part, SampleId
from foveal.core.spec import ExperimentSpec
from foveal.evaluate import subject_metrics
from foveal.loop.bench import Bench, RegionReader, Watch
from foveal.loop.classify import bought_on_grid
from foveal.loop.craft import Bought, Gathered, Looks, Metrics, Model, Taught
from foveal.loop.exemplars import exemplars
from foveal.loop.subjects import cases_of, cell_mm
from foveal.loop.wants import ALWAYS, SETS, SHOWN, wanted
from foveal.models.segment import (
    PIXEL_PASS,
    VOLUME_PASS,
    Paste,
    Segmenter,
    Strokes,
    learn_segmenter,
    pasting,
    pixel_views,
    predict_pixels,
    segment_evidence,
    segmenter_from_bytes,
)
from foveal.models.stream import Pass

MEASURED = ("dice", "lesion_f1", "hd95_mm", "voxel_recall", "voxel_precision")
LABELED = frozenset({"baseline_cosine", "baseline_information"})  # compare with what is labeled


class Segmentation:
    """The craft of the task `segmentation`; a label is whether a mask shows any foreground."""

    def __init__(self, spec: ExperimentSpec, bench: Bench) -> None:
        self._spec, self._bench = spec, bench
        usual = VOLUME_PASS if bench.pixels.solid else PIXEL_PASS
        self._how = Pass(usual.batch_size, precision=spec.train.precision)
        self._references = RegionReader(bench, bench.references())

    def learn(
        self, bought: Iterable[Bought], round_number: int, previous: Model | None, watch: Watch
    ) -> Taught:
        spec = self._spec
        strokes = self._strokes(bought)
        segmenter, history = learn_segmenter(
            self._bench.inputs,
            strokes,
            spec.segment,
            spec.model,
            spec.train,
            spec.seed,
            round_number,
            channels=self._bench.pixels.channels,
            dimensions=3 if self._bench.pixels.solid else 2,
            previous=None if previous is None else _segmenter(previous),
            validation=self._validation(),
            progress=lambda done, of: watch(f"round {round_number}: training", done, of),
            flips=not spec.data.laterality,
            paste=self._pasting(strokes),
        )
        details = {"epochs_kept": history.kept + 1, "loss": history.losses[-1]}
        return Taught(segmenter, segmenter.to_bytes(spec.model, spec.segment), details)

    def restore(self, checkpoint: bytes) -> Model:
        return segmenter_from_bytes(checkpoint, self._spec.model, self._spec.segment)

    def measure(self, model: Model, part: Part) -> tuple[Metrics, dict[str, Any]]:
        """Means over patients; records of each are kept without their names."""
        pool = self._bench.pool
        told = subject_metrics(
            cases_of(_segmenter(model), self._bench, part, self._spec, self._how)
        )
        measured = all(pool[i].spacing_mm for i in pool.ids(part))
        names = [name for name in MEASURED if measured or not name.endswith("_mm")]
        return {name: told.means[name] for name in names if told.means[name] is not None}, {
            "subjects": list(told.records.values()),
            "undefined": dict(told.undefined),
            "two_class_dice": told.means["two_class_dice"],
        }

    def subgroups(self, model: Model, part: Part, columns: Sequence[str]) -> dict[str, Any]:
        raise SpecError(
            "`report.subgroups` are measured in the task classification only; leave it out"
        )

    def gather(self, model: Model, ids: tuple[SampleId, ...], bought: Iterable[Bought]) -> Gathered:
        spec, bench = self._spec, self._bench
        needs, places = wanted(spec)
        needs = needs - {"backbone_embedding"}  # the embedding stands in for it
        shown = {one.sample: int(_any(one)) for one in bought}
        known = {"labeled": shown, "val": self._shown_in_val() if bench.pool.ids("val") else {}}
        beside = {
            place: self._with_labels(_segmenter(model), labels) if labels else None
            for place, labels in known.items()
        }
        views = pixel_views(spec.acquire.views) if "pixel_view_variance" in needs else ()
        pool = segment_evidence(
            _segmenter(model),
            bench.inputs,
            bench.rows(ids),
            ids,
            needs,
            spec.segment,
            self._how,
            draws=spec.train.draws,
            views=views,
            labeled_rows=bench.rows(tuple(shown)) if needs & LABELED else None,
        )
        notes: list[str] = []
        context = {place: e for place, e in beside.items() if place in places and e is not None}
        for key, place in SETS.items():
            if place in places:
                sought = getattr(spec.acquire, key)
                context[place] = exemplars(
                    sought, beside["labeled"], beside["val"], SHOWN, notes, usual=SHOWN[1:]
                )
        return Gathered(pool, context, tuple(notes))

    def look(self, model: Model, ids: tuple[SampleId, ...]) -> Looks:
        """What the model would outline: its probabilities of foreground."""
        rows = self._bench.rows(ids)
        batches = predict_pixels(_segmenter(model), self._bench.inputs, rows, self._how)
        return Looks(np.concatenate([probs for _rows, probs in batches]))

    def _strokes(self, bought: Iterable[Bought]) -> Strokes:
        drawn = [(i, grid) for i, _, grid in bought_on_grid(self._bench, bought)]
        ids = tuple(i for i, grid in drawn if grid is not None)
        return Strokes(self._bench.rows(ids), np.stack([g for _, g in drawn if g is not None]))

    def _pasting(self, strokes: Strokes) -> Paste | None:
        share, turn = self._spec.segment.paste, not self._spec.data.laterality
        if not share:
            return None
        samples = [self._bench.pool.samples[row] for row in strokes.rows]
        cells = np.array([cell_mm(s, self._spec.data, strokes.masks.ndim - 1) for s in samples])
        return pasting(self._bench.inputs, strokes, cells, share, turn)

    def _validation(self) -> Strokes | None:
        if not self._spec.train.patience:
            return None
        rows = self._bench.rows(self._bench.pool.ids("val"))
        return Strokes(rows, self._references(rows))

    def _shown_in_val(self) -> dict[SampleId, int]:
        if "val" not in wanted(self._spec)[1] and not _seeks_val(self._spec):
            return {}
        truth = self._bench.references()
        return {i: int(_shows(truth.region(i))) for i in self._bench.pool.ids("val")}

    def _with_labels(self, segmenter: Segmenter, labels: Mapping[SampleId, int]) -> Evidence:
        ids, bench = tuple(labels), self._bench
        rows = bench.rows(ids)
        seen = segment_evidence(
            segmenter, bench.inputs, rows, ids, ALWAYS, self._spec.segment, self._how
        )
        label = np.array(list(labels.values()), dtype=np.int64)
        return Evidence(ids, {**seen.arrays, "label": label}, seen.fingerprint)


def _any(one: Bought) -> bool:
    return _shows(one.region)


def _shows(region: Any) -> bool:
    return region is not None and bool(region.any())


def _seeks_val(spec: ExperimentSpec) -> bool:
    return any(getattr(spec.acquire, key).exemplars != "labeled" for key in SETS)


def _segmenter(model: Model) -> Segmenter:
    return cast(Segmenter, model)  # a craft is only ever handed what it has made itself
