"""The engine: evidence in, ranked query out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from foveal.acquire.constraints import Ask, Constraints, caps_of, choose, remarks, walk
from foveal.acquire.derived import each_label, probs_of
from foveal.acquire.intake import Intake, take_in
from foveal.acquire.reasons import sentence, standings
from foveal.acquire.registry import Scored, Strategy, get, load
from foveal.acquire.settings import checked
from foveal.core.arrays import AnyArray, IntArray, check_finite, check_shape
from foveal.core.chance import generator
from foveal.core.errors import BudgetError, EvidenceError, PoolExhausted
from foveal.core.evidence import PROBABILITIES, Evidence
from foveal.core.query import Query, Setting

OverLabels = Literal["mean", "max"]
NO_CONSTRAINTS = Constraints()


def acquire(
    evidence: Evidence,
    strategy: str,
    budget: int,
    *,
    parameters: Mapping[str, Setting] | None = None,
    seed: int = 0,
    round: int = 0,  # noqa: A002  (the glossary's word, and the field's name in Query)
    groups: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
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
        parameters: settings of the strategy that differ from their defaults.
        seed: of ties and draws, together with the strategy's name and the round; at least 0.
        round: number of this round.
        groups: (n,) the group (patient) of each candidate, for `constraints.per_group`.
        clusters: (n,) its near-duplicate cluster, "" if alone, for `constraints.one_per_cluster`.
        context: evidence of sets beside the pool: `labeled` samples, `exemplar`s of what is sought,
            `private` ones to stay away from, the `val` part, and the `head` (rows are classes). A
            strategy reads their array `embedding` as its argument `labeled_embedding`.
        constraints: caps and exclusions; see `Constraints`.
        over_labels: how a scorer's answers for single labels become one where the task is
            `multilabel`: their mean, or that of the label with the highest score.

    Returns:
        A query of `budget` ids. `scores` holds "score" (scorers only) and its parts; `notes` tell
        what the user should know of this round, such as a cap that had to be raised.

    Raises:
        UnknownName: no such strategy, or no such set in `context`.
        SpecError: an unknown or ill-typed setting; groups or clusters missing.
        EvidenceError: evidence missing or of the wrong length, or a strategy that breaks its
            contract (scores that are not finite, positions that repeat); a strategy that is not
            made for the evidence's task.
        PoolExhausted: no candidates.
        BudgetError: a budget below 1 or above the candidates left.

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
    _check_budget(budget, len(intake), len(evidence))
    caps = caps_of(
        constraints,
        budget,
        groups=_arranged("groups", groups, intake, evidence),
        clusters=_arranged("clusters", clusters, intake, evidence),
        probs=_predictions(constraints, evidence, intake),
    )
    scored, many = None, evidence.task == "multilabel"
    if plan.kind == "scorer":
        scored = _scored(plan, intake, settings, over_labels if many else None)
        # Candidates stand in hash order, so a stable sort leaves equals in random order.
        ranking = np.argsort(-scored.score, kind="stable")
        batch = walk(ranking, caps, budget, relax=constraints.relax)
    else:
        ask = _asking(plan, intake, settings, seed, round)
        batch = choose(ask, caps, len(intake), budget, relax=constraints.relax)
    picked = np.array(batch.picked, dtype=np.int64)
    return Query(
        ids=tuple(intake.ids[i] for i in batch.picked),
        strategy=plan.name,
        parameters=settings,
        scores=_scores(scored, picked),
        why=_reasons(replace(plan, why=None) if many else plan, intake, settings, scored, picked),
        seed=seed,
        round=round,
        fingerprint=evidence.fingerprint,
        notes=(*_notes(plan, scored), *remarks(batch, caps, budget)),
    )


def _check_budget(budget: int, candidates: int, pool: int) -> None:
    if candidates == 0:
        excluded = f" (all {pool} are excluded)" if pool else ""
        raise PoolExhausted(f"a query needs candidates, but none are left{excluded}")
    if budget < 1:
        raise BudgetError(f"the budget must be at least 1, not {budget}")
    if budget > candidates:
        excluded = f" (of {pool}, the others are excluded)" if pool > candidates else ""
        raise BudgetError(
            f"the budget must not exceed the pool, but {budget} were asked for and {candidates} "
            f"candidates are left{excluded}; ask for at most {candidates}"
        )


def _arranged(
    what: str, values: Sequence[str] | None, intake: Intake, evidence: Evidence
) -> Sequence[str] | None:
    """Names in the order of the intake."""
    if values is None:
        return None
    if len(values) != len(evidence):
        raise EvidenceError(
            f"`{what}` must have {len(evidence)} names, one for each sample, not {len(values)}"
        )
    return [values[i] for i in intake.rows.tolist()]


def _predictions(constraints: Constraints, evidence: Evidence, intake: Intake) -> AnyArray | None:
    if constraints.balance == "none":
        return None
    probs = probs_of(evidence)
    return None if probs is None else probs[intake.rows]


def _check_task(plan: Strategy, evidence: Evidence, constraints: Constraints) -> None:
    if evidence.task not in plan.tasks:
        able = ", ".join(sorted(n for n, s in load().items() if evidence.task in s.tasks))
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


def _asking(
    plan: Strategy, intake: Intake, settings: Mapping[str, Setting], seed: int, round_number: int
) -> Ask:
    """The selector as a function of candidates and k; each time with the same chance."""

    def ask(pool: IntArray, k: int) -> IntArray:
        rng = generator(seed, f"acquire/{plan.name}", round_number)
        answer = np.asarray(plan.fn(**intake.handed(pool), k=k, rng=rng, **settings))
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


def _scores(scored: Scored | None, picked: IntArray) -> dict[str, tuple[float, ...]]:
    if scored is None:
        return {}
    columns = {"score": scored.score, **scored.parts}
    return {name: tuple(column[picked].tolist()) for name, column in columns.items()}


def _reasons(
    plan: Strategy,
    intake: Intake,
    settings: Mapping[str, Setting],
    scored: Scored | None,
    picked: IntArray,
) -> tuple[str, ...]:
    """One sentence for each pick."""
    columns = _scores(scored, picked)
    places = standings(scored.score, scored.score[picked]) if scored else []
    told = []
    for i, position in enumerate(picked.tolist()):
        own: dict[str, Any] = {name: column[i] for name, column in columns.items()}
        place = {"standing": places[i]} if places else {}
        told.append(sentence(plan, {**intake.facts(position), **settings, **own, **place}))
    return tuple(told)


def _notes(plan: Strategy, scored: Scored | None) -> tuple[str, ...]:
    if scored is None:
        return ()
    if scored.score.size > 1 and np.ptp(scored.score) == 0 and not plan.chance:
        level = f"{plan.name} scores all candidates alike, so this batch is a random draw"
        return (*scored.notes, level)
    return scored.notes
