"""Worker: trains and chooses while people read; killed anywhere, it goes on where it was."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from foveal.core.chance import generator
from foveal.core.errors import FovealError, StoreError
from foveal.core.pool import SampleId
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec
from foveal.evaluate import accuracy, balanced_accuracy, macro_auroc
from foveal.loop.ask import ask
from foveal.loop.bench import Bench, Watch, bench_of, unwatched
from foveal.loop.craft import Craft, Model
from foveal.loop.crafts import craft_of
from foveal.loop.live.card import model_card
from foveal.loop.live.init import collection_of, project_spec
from foveal.loop.live.interval import mean_interval, patient_interval
from foveal.loop.live.order import slice_by_slice
from foveal.loop.live.plan import Task, next_task
from foveal.loop.live.truth import known_bench, lessons_of, lost, missing
from foveal.loop.seed_set import cold_query
from foveal.models import Learner, Pass, predict
from foveal.store import TrainedRound, queried, trained
from foveal.store.beat import write_beat
from foveal.store.jobs import TRIES, Job
from foveal.store.journal import MovedError
from foveal.store.live import LiveState, quarantined
from foveal.store.project import ProjectStore

log = logging.getLogger("foveal.worker")
COLD = "typiclust"
JOB_SECONDS = 60.0  # a worker that is silent for longer has died
BEAT_SECONDS = 5.0
GONE = "the image cannot be read any more"
BROKE = (
    "the training needs memory and a processor for it, but broke off; the server's log says where. "
    "Give it more memory, or a smaller model, data.image_size or train.batch_size"
)
METRICS = {
    "macro_auroc": macro_auroc,
    "balanced_accuracy": balanced_accuracy,
    "accuracy": accuracy,
}


class Worker:
    """One project's worker; the images, their features and the last model stay in memory."""

    def __init__(self, store: ProjectStore, watch: Watch = unwatched) -> None:
        self._store = store
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._watch = watch
        self._spec: ExperimentSpec = project_spec(store)
        self._bench: Bench | None = None
        self._model: tuple[str, Model] | None = None
        self._job: int | None = None
        self._given_up_at = -1

    def step(self) -> Task:
        """Do what there is to do, once; tells what it was.

        What goes wrong is kept with the job and shown to whoever keeps the project; after the third
        failure nothing is tried until something is read, or someone asks for it.
        """
        live = self._store.live()
        jobs = self._store.jobs
        asked = any(job.status in ("waiting", "running") for job in jobs.present())
        task = next_task(live, asked)
        if task != "wait" and not asked and live.length != self._given_up_at:
            jobs.put("train")
        job = jobs.claim(self._name, JOB_SECONDS) if task != "wait" or asked else None
        if job is None:
            return "wait"
        self._job = job.id
        try:
            if task != "wait":
                task = self._do(asked)
            jobs.done(job.id, self._name)
        except FovealError as error:
            log.error("%s: %s", task, error)
            return self._failed(job, str(error), live)
        except (RuntimeError, MemoryError) as error:
            # Torch's word for all that a machine lacks; its text may hold anything, so it is logged
            # here and told to nobody. What is in memory may be half done.
            log.exception("%s", task)
            self._bench = self._model = None
            return self._failed(job, f"{type(error).__name__}: {BROKE}", live)
        finally:
            self._job = None
        return task

    def _failed(self, job: Job, why: str, live: LiveState) -> Task:
        self._store.jobs.fail(job.id, self._name, why)
        if job.tries >= TRIES:
            self._given_up_at = live.length
        return "wait"

    def run(self, stop: threading.Event, pause: float = 0.5) -> None:
        """Steps until `stop` is set; says every few seconds that it lives."""
        with self._beating(stop):
            while not stop.is_set():
                if self.step() == "wait":
                    stop.wait(pause)

    def _do(self, asked: bool) -> Task:
        live, bench = self._present()
        task = next_task(live, asked)
        match task:
            case "cold":
                self._cold(live, bench)
            case "train":
                self._train(live, bench)
            case "ask":
                self._ask(live, bench)
            case "wait":
                pass
        return task

    def _present(self) -> tuple[LiveState, Bench]:
        """What is known now, and the images; those that cannot be read any more are left out."""
        if self._bench is not None and missing(self._bench.pool, self._store.live()):
            self._bench = None  # images came in, or someone took one in again
        bench = self._loaded()
        self._store.append(quarantined(i, GONE) for i in lost(bench.pool, self._store.live()))
        live = self._store.live()
        return live, known_bench(bench, live, self._store.blobs)

    def _cold(self, live: LiveState, bench: Bench) -> None:
        size = min(live.live.queue, len(bench.pool.ids("unlabeled")))
        spec = self._spec.model_copy(update={"cold_start": COLD})
        query = self._for_readers(cold_query(bench, spec, size), bench)
        query = replace(query, round=len(live.queries))
        with contextlib.suppress(MovedError):  # somebody began to read: the first query stays
            self._store.append([queried(query, {"trainings": 0})], expect=live.length)

    def _train(self, live: LiveState, bench: Bench) -> None:
        began = time.perf_counter()
        craft = craft_of(self._spec, bench)
        round_number = len(live.trained)
        taught = craft.learn(lessons_of(live, self._store.blobs), round_number, None, self._told)
        learned = time.perf_counter()
        metrics, details = self._measured(craft, taught.model, bench, round_number)
        details |= {"lessons": len(live.lessons()), "until": live.length, **taught.details}
        checkpoint = self._store.blobs.put(taught.checkpoint)
        unknown = bench.collection.receipt.samples_without_group  # of those that came later too
        card = model_card(live, self._spec, metrics, details, unknown).encode()
        details["exports"] = {"safetensors": checkpoint, "card": self._store.blobs.put(card)}
        record = TrainedRound(
            round=round_number,
            checkpoint=checkpoint,
            fingerprint=taught.model.fingerprint(),
            metrics={"test": metrics} if metrics else {},
            details=details,
            durations={"train": learned - began, "evaluate": time.perf_counter() - learned},
        )
        self._store.append([trained(record)])
        self._model = (checkpoint, taught.model)
        # The one before stays: a backup or an export that began before may be on its way to it.
        old = live.trained[-2].checkpoint if len(live.trained) > 1 else ""
        if old and old not in (checkpoint, live.trained[-1].checkpoint):
            self._store.blobs.drop(old)

    def _ask(self, live: LiveState, bench: Bench) -> None:
        began = time.perf_counter()
        lessons = tuple(i for i, _ in live.lessons())
        left = len(bench.pool.moved(lessons, "labeled").ids("unlabeled"))
        if not left:
            nothing = Query((), self._spec.acquire.strategy, round=len(live.queries))
            self._store.append([queried(nothing, {"trainings": len(live.trained)})])
            return
        craft, blobs = craft_of(self._spec, bench), self._store.blobs
        model = self._last_model(craft, live)
        size = min(live.live.queue, left)
        asked = ask(
            craft,
            model,
            lessons_of(live, blobs),
            bench,
            live.as_state(),
            # A project ends when all is read, and not at a number of labels.
            self._spec.model_copy(update={"labels": len(lessons) + left}),
            size,
            len(live.queries),
            blobs,
            shown=size,
        )
        details = {k: v for k, v in asked.details.items() if k != "shown"} | {
            "trainings": len(live.trained),
            "cases": self._cases(asked.details["shown"]),
            "seconds": time.perf_counter() - began,
        }
        self._store.append([queried(self._for_readers(asked.query, bench), details)])

    def _for_readers(self, query: Query, bench: Bench) -> Query:
        return slice_by_slice(query, bench.pool) if self._spec.acquire.unit == "volume" else query

    def _cases(self, shown: list[dict[str, Any]]) -> dict[SampleId, dict[str, Any]]:
        """Of each case what a page shows: prediction, and where the model looks and expects."""
        # Of outlines `probs` are those of showing nothing and something, which are no classes.
        hidden = {"id"} if self._spec.task == "classification" else {"id", "predicted"}
        return {one["id"]: {k: v for k, v in one.items() if k not in hidden} for one in shown}

    def _measured(
        self, craft: Craft, model: Model, bench: Bench, round_number: int
    ) -> tuple[dict[str, float | None], dict[str, Any]]:
        """Metrics of the test cases that were read, with intervals over their patients."""
        ids = bench.pool.ids("test")
        details: dict[str, Any] = {"references": len(ids)}
        if not ids:
            return {}, details
        metrics, more = craft.measure(model, "test")
        details |= more
        if self._spec.task == "classification":
            details["interval"] = self._intervals(model, bench, ids, round_number)
        else:
            details["interval"] = self._mean_intervals(metrics, more["subjects"], round_number)
        return metrics, details

    def _mean_intervals(
        self, metrics: Mapping[str, Any], patients: Sequence[Mapping[str, Any]], round_number: int
    ) -> dict[str, tuple[float, float]]:
        found = {}
        for name in metrics:
            rng = generator(self._spec.seed, f"interval/{name}", round_number)
            ends = mean_interval([one[name] for one in patients], rng)
            if ends is not None:
                found[name] = ends
        return found

    def _intervals(
        self, model: Model, bench: Bench, ids: tuple[SampleId, ...], round_number: int
    ) -> dict[str, tuple[float, float]]:
        truth = bench.references()
        labels = np.array([truth.label(i) for i in ids], np.int64)
        how = Pass(precision=self._spec.train.precision)
        learner = cast(Learner, model)
        seen = predict(learner, bench.inputs, bench.rows(ids), ids, ("probs",), how=how)
        probs = np.asarray(seen.arrays["probs"], np.float64)
        groups = [bench.pool[i].group for i in ids]
        found = {}
        for name, metric in METRICS.items():
            rng = generator(self._spec.seed, f"interval/{name}", round_number)
            ends = patient_interval(metric, probs, labels, groups, rng)
            if ends is not None:
                found[name] = ends
        return found

    def _last_model(self, craft: Craft, live: LiveState) -> Model:
        digest = live.trained[-1].checkpoint
        if self._model is None or self._model[0] != digest:
            self._model = (digest, craft.restore(self._store.blobs.get(digest)))
        return self._model[1]

    def _loaded(self) -> Bench:
        if self._bench is None:
            parts = self._store.live().parts
            collection = collection_of(self._spec, self._store.folder, self._told, parts)
            self._bench = bench_of(self._spec, collection, self._told)
        return self._bench

    def _told(self, what: str, done: int, of: int) -> None:
        self._watch(what, done, of)
        if self._job is not None and (done == of or done % 20 == 0):
            progress = {"what": what, "done": done, "of": of}
            self._store.jobs.heartbeat(self._job, self._name, JOB_SECONDS, progress)

    @contextlib.contextmanager
    def _beating(self, stop: threading.Event) -> Iterator[None]:
        over = threading.Event()

        def beat() -> None:
            while True:
                write_beat(self._store.folder, self._store.clock())
                if (job := self._job) is not None:
                    with contextlib.suppress(StoreError):  # a busy database: again in a moment
                        self._store.jobs.keep(job, self._name, JOB_SECONDS)
                if over.wait(BEAT_SECONDS):
                    break

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
