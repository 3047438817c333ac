"""The engine: evidence in, ranked query out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from foveal.acquire.constraints import (
    Ask,
    Constraints,
    Reduce,
    Units,
    caps_of,
    check_costs,
    check_pins,
    positions_of,
    purse_of,
    units_of,
)
from foveal.acquire.derived import array_of, each_label, probs_of
from foveal.acquire.filling import Limits, by_score, by_set
from foveal.acquire.intake import Intake, take_in
from foveal.acquire.membership import counts, membership
from foveal.acquire.reasons import sentence, standings
from foveal.acquire.registry import Chosen, Scored, Strategy, get, load
from foveal.acquire.settings import checked
from foveal.core.arrays import AnyArray, FloatArray, IntArray, check_finite, check_shape
from foveal.core.chance import generator
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import PROBABILITIES, Evidence
from foveal.core.query import Query, Setting

OverLabels = Literal["mean", "max"]
NO_CONSTRAINTS = Constraints()


def acquire(
    evidence: Evidence,
    strategy: str,
    budget: int | None = None,
    *,
    seconds: float | None = None,
    costs: Sequence[float] | FloatArray | None = None,
    parameters: Mapping[str, Setting] | None = None,
    seed: int = 0,
    round: int = 0,  # noqa: A002  (the glossary's word, and the field's name in Query)
    groups: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
    studies: Sequence[str] | None = None,
    strata: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    labeled_groups: Sequence[str] = (),
    context: Mapping[str, Evidence] | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
    over_labels: OverLabels = "mean",
) -> Query:
    """The samples to annotate next, most wanted first, each with its score and the reason.

    The answer depends on the candidates, not on their order: ties and draws go by a hash of
    sample, seed and round. Nothing is changed.

    Args:
        evidence: what the model says of the unlabeled pool; row i is the i-th candidate. Where it
            has `mc_probs` and no `probs`, the mean over draws serves as `probs`.
        strategy: a name of `foveal.acquire.names()`.
        budget: how many to ask, at least 1 and at most the candidates left.
        seconds: instead of `budget`, an expert's time to spend. A scorer's batch is then the
            better of two greedy ones, by score per second and by score (see `knapsack`); a
            selector's is its largest affordable set, filled up (see `affordable_set`).
        costs: (n,) seconds that each candidate is expected to take, 0 or more; `seconds` needs
            them, and with `budget` the notes tell what the batch takes.
        parameters: settings of the strategy that differ from their defaults.
        seed: of ties and draws, together with the strategy's name and the round; at least 0.
        round: number of this round.
        groups: (n,) the group (patient) of each candidate, for `constraints.per_group`.
        clusters: (n,) its near-duplicate cluster, "" if alone, for `constraints.one_per_cluster`.
        studies: (n,) its study, "" if unknown and so counted alone, for `constraints.per_study`.
        strata: (n,) its stratum (site, scanner, any column), for `constraints.per_stratum`.
        units: (n,) what each candidate is asked together with (a volume), for `constraints.whole`.
        labeled_groups: the group of everything that was asked in earlier rounds, one name for each
            sample (or unit, where these are asked as a whole), for `constraints.per_group_total`.
        context: evidence of sets beside the pool: `labeled` samples, `exemplar`s of what is sought,
            `private` ones to stay away from, the `val` part, and the `head` (rows are classes). A
            strategy reads their array `embedding` as its argument `labeled_embedding`.
        constraints: caps, shares, pins and exclusions; see `Constraints`.
        over_labels: how a scorer's answers for single labels become one where the task is
            `multilabel`: their mean, or that of the label with the highest score.

    Returns:
        A query of `budget` ids, or as many as the seconds buy. `scores` holds "score" (scorers
        only) and its parts; `notes` tell what the user should know of this round, such as a cap
        that had to be raised. Where the evidence holds `embedding`, `stands_for` counts the
        candidates nearest to each pick.

    Raises:
        UnknownName: no such strategy, or no such set in `context`.
        SpecError: an unknown or ill-typed setting; groups, studies, strata, clusters or costs
            missing; not exactly one of budget and seconds; pins that are no candidates or break a
            cap that must hold.
        EvidenceError: evidence missing or of the wrong length, or a strategy that breaks its
            contract (scores that are not finite, positions that repeat); a strategy that is not
            made for the evidence's task.
        PoolExhausted: no candidates.
        BudgetError: a budget below 1 or above the candidates left, seconds too few for the
            cheapest, or either too small for the pins.

    Example:
        >>> import numpy as np
        >>> from foveal.core.evidence import Evidence
        >>> probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
        >>> query = acquire(Evidence(("a", "b", "c"), {"probs": probs}), "entropy", 2)
        >>> query.ids
        ('b', 'c')
        >>> query.why[1]
        'entropy 0.61 of at most 0.69, higher than 50 % of the pool'
    """
    plan = get(strategy)
    settings = checked(plan, parameters or {})
    _check_task(plan, evidence, constraints)
    intake = take_in(
        evidence,
        plan,
        seed=seed,
        round_number=round,
        exclude=constraints.exclude,
        context=context,
    )
    prices = None if costs is None else check_costs(costs, evidence.ids)[intake.rows]
    purse = purse_of(budget, seconds, prices, intake.ids, len(evidence))
    samples, pins = purse.nominal, positions_of(constraints.pin, intake.ids)
    ids, start, together = intake.ids, pins, _units(constraints, units, intake, evidence)
    if together is not None:
        purse, start = together.purse(purse, ids), together.holding(pins)
        ids = tuple(ids[i] for i in together.first.tolist())
        constraints = replace(constraints, one_per_cluster=False)
    caps = caps_of(
        constraints,
        purse.nominal,
        groups=_arranged("groups", groups, intake, evidence, together),
        clusters=_arranged("clusters", clusters, intake, evidence),
        probs=_predictions(constraints, evidence, intake),
        studies=_arranged("studies", studies, intake, evidence, together),
        strata=_arranged("strata", strata, intake, evidence, together),
        labeled_groups=labeled_groups,
    )
    check_pins(start, caps, purse, ids, constraints.relax)
    limits = Limits(caps, purse, start, constraints.relax, together)
    scored, many, told = None, evidence.task == "multilabel", _Told(len(intake))
    handed = {**settings, "round_number": round} if plan.paced else settings
    if plan.kind == "scorer":
        scored = _scored(plan, intake, handed, over_labels if many else None)
        reduce: Reduce = "top" if constraints.whole == "top" else "mean"
        filled = by_score(scored.score, limits, reduce, intake.ids)
    else:
        ask = _asking(plan, intake, handed, seed, round, told)
        filled = by_set(ask, len(intake), samples, limits, intake.ids)
    picked = np.array(filled.positions, dtype=np.int64)
    columns = {"score": scored.score, **scored.parts} if scored else told.parts
    if filled.unit_score is not None:
        columns = {**columns, "unit_score": filled.unit_score}
    return Query(
        ids=tuple(intake.ids[i] for i in filled.positions),
        strategy=plan.name,
        parameters=settings,
        scores={name: tuple(column[picked].tolist()) for name, column in columns.items()},
        why=_reasons(
            replace(plan, why=None) if many else plan, intake, settings, columns, picked, pins
        ),
        seed=seed,
        round=round,
        fingerprint=evidence.fingerprint,
        notes=(*_reproduced(plan), *_notes(plan, scored), *told.notes, *filled.notes),
        stands_for=_stands_for(evidence, intake, picked),
    )


def _stands_for(evidence: Evidence, intake: Intake, picked: IntArray) -> tuple[int, ...]:
    embedding = array_of(evidence, "embedding")
    if embedding is None or not picked.size:  # caps that must hold may leave nobody
        return ()
    features: FloatArray = np.asarray(embedding)[intake.rows].reshape(len(intake), -1)  # type: ignore[assignment]
    return counts(membership(features, picked), picked.size)


def _arranged(
    what: str,
    values: Sequence[str] | None,
    intake: Intake,
    evidence: Evidence,
    together: Units | None = None,
) -> Sequence[str] | None:
    """Names in the order of the intake, or of units where samples are asked together."""
    if values is None:
        return None
    if len(values) != len(evidence):
        raise EvidenceError(
            f"`{what}` must have {len(evidence)} names, one for each sample, not {len(values)}"
        )
    names = [values[i] for i in intake.rows.tolist()]
    return names if together is None else together.shared(what, names)


def _units(
    constraints: Constraints, names: Sequence[str] | None, intake: Intake, evidence: Evidence
) -> Units | None:
    """Which candidates are asked together; None where each is asked alone."""
    if constraints.whole == "none":
        return None
    arranged = _arranged("units", names, intake, evidence)
    if arranged is None:
        raise SpecError("`whole` needs `units`, one name per sample, but got none")
    return units_of(arranged)


def _predictions(constraints: Constraints, evidence: Evidence, intake: Intake) -> AnyArray | None:
    if constraints.balance == "none":
        return None
    probs = probs_of(evidence)
    return None if probs is None else probs[intake.rows]


def _check_task(plan: Strategy, evidence: Evidence, constraints: Constraints) -> None:
    if not plan.able(evidence.task):
        able = ", ".join(sorted(n for n, s in load().items() if s.able(evidence.task)))
        raise EvidenceError(
            f"strategy {plan.name!r} is made for {' and '.join(plan.tasks)}, but the evidence is "
            f"{evidence.task}; strategies that can: {able}"
        )
    if evidence.task == "multilabel" and constraints.balance != "none":
        raise EvidenceError(
            "`balance` needs one predicted class for each sample, but the evidence is multilabel; "
            "leave it out"
        )


def _scored(
    plan: Strategy,
    intake: Intake,
    settings: Mapping[str, Setting],
    over_labels: OverLabels | None,
) -> Scored:
    """The scorer's answer, once it is known to be n finite numbers."""
    handed = intake.handed()
    if over_labels and PROBABILITIES & handed.keys():
        answers = [_answer(plan, one, settings) for one in each_label(handed)]
        scored = _over(answers, over_labels)
    else:
        scored = _answer(plan, handed, settings)
    columns = {"score": scored.score, **scored.parts}
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    try:
        for name, column in columns.items():
            check_shape(name, column, (len(intake),))
            check_finite(name, column)
    except EvidenceError as error:
        raise EvidenceError(f"strategy {plan.name!r} gave unusable scores: {error}") from error
    return Scored(columns.pop("score"), columns, scored.notes)


def _answer(
    plan: Strategy, handed: Mapping[str, AnyArray], settings: Mapping[str, Setting]
) -> Scored:
    answer = plan.fn(**handed, **settings)
    return answer if isinstance(answer, Scored) else Scored(answer)


def _over(answers: Sequence[Scored], over_labels: OverLabels) -> Scored:
    """One answer for all labels; parts are those of the label that decides, or means."""
    scores = np.stack([a.score for a in answers])
    parts = {name: np.stack([a.parts[name] for a in answers]) for name in answers[0].parts}
    if over_labels == "mean":
        means = {name: part.mean(axis=0) for name, part in parts.items()}
        return Scored(scores.mean(axis=0), means, answers[0].notes)
    top, n = scores.argmax(axis=0), np.arange(scores.shape[1])
    return Scored(
        scores[top, n], {name: part[top, n] for name, part in parts.items()}, answers[0].notes
    )


class _Told:
    """What a selector said beside its choice; asked again, it says it anew."""

    def __init__(self, n: int) -> None:
        self._n = n
        self.parts: dict[str, FloatArray] = {}
        self.notes: tuple[str, ...] = ()

    def hear(self, chosen: Chosen, pool: IntArray) -> None:
        """Keep the notes, and parts by the candidates' positions."""
        self.notes = tuple(dict.fromkeys((*self.notes, *chosen.notes)))
        for name, part in chosen.parts.items():
            check_shape(name, np.asarray(part), (pool.size,))
            check_finite(name, np.asarray(part))
            self.parts.setdefault(name, np.zeros(self._n))[pool] = part


def _asking(
    plan: Strategy,
    intake: Intake,
    settings: Mapping[str, Setting],
    seed: int,
    round_number: int,
    told: _Told,
) -> Ask:
    """The selector as a function of candidates and k; each time with the same chance."""

    def ask(pool: IntArray, k: int) -> IntArray:
        rng = generator(seed, f"acquire/{plan.name}", round_number)
        given = plan.fn(**intake.handed(pool), k=k, rng=rng, **settings)
        if isinstance(given, Chosen):
            told.hear(given, pool)
            given = given.positions
        answer = np.asarray(given)
        whole = answer.shape == (k,) and np.issubdtype(answer.dtype, np.integer)
        if not whole or np.setdiff1d(answer, np.arange(pool.size)).size or _repeats(answer):
            raise EvidenceError(
                f"strategy {plan.name!r} must choose {k} distinct positions below {pool.size}, "
                f"but returned {answer.dtype} of shape {answer.shape} with "
                f"{np.unique(answer).size} distinct values; correct its function"
            )
        chosen: IntArray = pool[answer]
        return chosen

    return ask


def _repeats(positions: IntArray) -> bool:
    return np.unique(positions).size != positions.size


def _reasons(
    plan: Strategy,
    intake: Intake,
    settings: Mapping[str, Setting],
    columns: Mapping[str, FloatArray],
    picked: IntArray,
    pins: Sequence[int],
) -> tuple[str, ...]:
    """One sentence for each pick, in their order."""
    score = columns.get("score")
    places = standings(score, score[picked]) if score is not None else []
    told, pinned = [], frozenset(pins)
    for i, position in enumerate(picked.tolist()):
        own: dict[str, Any] = {name: float(c[position]) for name, c in columns.items()}
        place = {"standing": places[i]} if places else {}
        why = sentence(plan, {**intake.facts(position), **settings, **own, **place})
        told.append(why if position not in pinned else f"pinned; {why}" if places else "pinned")
    return tuple(told)


def _reproduced(plan: Strategy) -> tuple[str, ...]:
    if not plan.reproduction:
        return ()
    return (f"{plan.name} repeats published code with its flaw; use it to reproduce, not to ask",)


def _notes(plan: Strategy, scored: Scored | None) -> tuple[str, ...]:
    if scored is None:
        return ()
    if scored.score.size > 1 and np.ptp(scored.score) == 0 and not plan.chance:
        level = f"{plan.name} scores all candidates alike, so this batch is a random draw"
        return (*scored.notes, level)
    return scored.notes
