"""Seed set: the first samples, before there is a model; the same for every arm with this seed."""

from dataclasses import replace

import numpy as np

from foveal import acquire as acquisition
from foveal.acquire.constraints import whole_units
from foveal.core.chance import generator
from foveal.core.errors import SpecError, near_miss
from foveal.core.evidence import Evidence
from foveal.core.pool import Pool
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import Bench
from foveal.loop.constraints import names_of, rules, volume_of
from foveal.loop.region_share import ask_regions
from foveal.models import pretrained_embedding

FROM_EMBEDDING = {"embedding", "labeled_embedding"}


def first_query(bench: Bench, spec: ExperimentSpec) -> Query:
    """The seed set that the spec asks for: random, by counts of classes, or by a cold start."""
    return ask_regions(_first(bench, spec), spec)


def _first(bench: Bench, spec: ExperimentSpec) -> Query:
    if spec.seed_counts:
        return counted_query(bench, spec)
    size = min(spec.first, len(bench.pool.ids("unlabeled")))
    if spec.cold_start == "random" and not spec.acquire.stratum:
        if spec.acquire.unit == "volume":
            return volumes_query(bench.pool, size, spec)
        return random_query(bench.pool, size, spec.seed)
    return cold_query(bench, spec, size)


def random_query(pool: Pool, size: int, seed: int) -> Query:
    """Uniformly random samples."""
    candidates = sorted(pool.ids("unlabeled"))
    chosen = generator(seed, "seed set").choice(len(candidates), size, replace=False)
    ids = tuple(candidates[i] for i in chosen)
    why = ("drawn at random to start with",) * size
    return Query(ids, strategy="seed_set", why=why, seed=seed, round=0)


def volumes_query(pool: Pool, size: int, spec: ExperimentSpec) -> Query:
    """Whole volumes in random order, as many as fit.

    Raises:
        BudgetError: if not even the smallest volume fits.
    """
    candidates = sorted(pool.ids("unlabeled"))
    volumes = [volume_of(pool[i]) for i in candidates]
    rng = generator(spec.seed, "seed set")
    named = sorted(set(volumes))
    chance = dict(zip(named, rng.random(len(named)).tolist(), strict=True))
    scores = np.array([chance[volume] for volume in volumes])
    ids = tuple(candidates[i] for i in whole_units(scores, volumes, None, size))
    why = ("of a volume drawn at random to start with",) * len(ids)
    return Query(ids, strategy="seed_set", why=why, seed=spec.seed, round=0)


def counted_query(bench: Bench, spec: ExperimentSpec) -> Query:
    """So many samples of each class, for studies of imbalance; reads hidden labels, and says so.

    Raises:
        SpecError: for an unknown class, or more than there are.
    """
    pool, truth = bench.pool, bench.collection.truth
    by_class: dict[str, list[str]] = {name: [] for name in pool.classes}
    for sample in sorted(pool.ids("unlabeled")):
        by_class[pool.classes[truth.label(sample)]].append(sample)
    ids: list[str] = []
    for name, count in spec.seed_counts.items():
        if name not in by_class:
            raise SpecError(f"`seed_counts`: no class {name!r}.{near_miss(name, by_class)}")
        if count > len(by_class[name]):
            raise SpecError(
                f"`seed_counts.{name}` must not exceed the candidates of that class, but {count} "
                f"are asked for and there are {len(by_class[name])}"
            )
        rng = generator(spec.seed, f"seed set/{name}")
        ids += rng.choice(by_class[name], count, replace=False).tolist()
    order = generator(spec.seed, "seed set").permutation(len(ids))
    counts = ", ".join(f"{count} of {name}" for name, count in spec.seed_counts.items())
    return Query(
        tuple(ids[i] for i in order),
        strategy="seed_set",
        why=("drawn at random within its class to start with",) * len(ids),
        seed=spec.seed,
        round=0,
        notes=(f"the seed set was made with hidden labels, as `seed_counts` asks: {counts}",),
    )


def cold_query(bench: Bench, spec: ExperimentSpec, size: int) -> Query:
    """A strategy's choice from the pretrained embedding alone, within the spec's constraints.

    Raises:
        SpecError: if the strategy needs more than the embedding.
    """
    check_cold_start(spec.cold_start)
    ids = bench.pool.ids("unlabeled")
    embedding = pretrained_embedding(bench.inputs, bench.rows(ids), bench.new_backbone)
    query = acquisition.acquire(
        Evidence(ids, {"embedding": embedding}),
        spec.cold_start,
        size,
        seed=spec.seed,
        constraints=replace(rules(spec), balance="none"),
        **names_of(bench.pool, ids, spec),
    )
    return replace(query, notes=(*query.notes, f"seed set chosen by {spec.cold_start}"))


def check_cold_start(name: str) -> None:
    """Raise `SpecError` unless a strategy can choose without any label or trained model."""
    plan = acquisition.get(name)
    lacking = sorted(set(plan.needs) - FROM_EMBEDDING - {"chance"})
    if lacking or "labeled_embedding" in plan.needs:
        able = [n for n in acquisition.names() if set(acquisition.get(n).needs) <= {"embedding"}]
        raise SpecError(
            f"`cold_start` must need nothing but the pretrained embedding, but {name!r} needs "
            f"{', '.join(lacking or plan.needs)}; use one of {', '.join(able)}"
        )
