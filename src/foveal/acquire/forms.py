"""Strategies made of strategies: sums of scores, noise on a score, a selector with a weight.

A part is a strategy that takes everything the engine hands over, picks what is its own, and knows
its settings by dotted names. Each function here makes a part of parts, so that they nest.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_type_hints

import numpy as np

from foveal.acquire.registry import (
    SEGMENTATION,
    Chosen,
    Facts,
    Reason,
    Scored,
    Strategy,
    load,
)
from foveal.acquire.scaling import average_ranks, over_pool
from foveal.acquire.strategies.power_bald import power_noise
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError
from foveal.core.evidence import PROBABILITIES
from foveal.core.query import Setting

NAME = re.compile(r"[^\W\d]\w*")

Terms = Sequence[tuple[float, Strategy]]
Scale = Callable[[FloatArray], FloatArray]


def weight_of(score: FloatArray) -> FloatArray:
    """(n,) the score over the pool in [0, 1]; all 1 where it prefers none, so that none is lost."""
    scaled = over_pool(score)
    return scaled if scaled.any() else np.ones_like(scaled)


def stochastic_batch(
    score: FloatArray, k: int, rng: np.random.Generator, *, batches: int = 1000
) -> IntArray:
    """The random batch with the highest mean score, of many.

    Args:
        score: (n,) acquisition scores; higher is sooner.
        k: how many to choose, at most n.
        rng: draws the batches.
        batches: how many to draw; 1 is a random batch, and more come closer to the k highest.

    Returns:
        (k,) distinct positions, the highest score first.

    Raises:
        SpecError: if `batches` is below 1.
    Source:
        Gaillochet, Desrosiers and Lombaert 2023, arXiv:2301.07670.
    """
    if batches < 1:
        raise SpecError(f"`stochastic.batches` must be at least 1, not {batches}")
    drawn = (rng.choice(score.size, k, replace=False, shuffle=False) for _ in range(batches))
    best = np.sort(max(drawn, key=lambda batch: float(score[batch].mean())))
    return best[np.argsort(-score[best], kind="stable")]


def leaf(plan: Strategy) -> Strategy:
    """A filed strategy as a part: it picks what is its own, and its settings bear its name."""
    prefix = f"{plan.name}."

    def fn(**handed: Any) -> Scored | Chosen:
        answer = plan.fn(**_own(plan, handed))
        if plan.kind == "selector":
            chosen = answer if isinstance(answer, Chosen) else Chosen(answer)
            return replace(chosen, parts={prefix + n: p for n, p in chosen.parts.items()})
        scored = answer if isinstance(answer, Scored) else Scored(answer)
        parts = {plan.name: scored.score, **{prefix + n: p for n, p in scored.parts.items()}}
        return replace(scored, parts=parts)

    hints = get_type_hints(plan.fn)
    fn.__annotations__ = {prefix + s: hints.get(s, type(d)) for s, d in plan.settings.items()}
    settings = MappingProxyType({prefix + s: d for s, d in plan.settings.items()})
    return replace(plan, fn=fn, settings=settings)


def _own(plan: Strategy, handed: Mapping[str, Any]) -> dict[str, Any]:
    drawing = ("k", "rng") if plan.kind == "selector" else ()
    chance = ("chance",) if plan.chance else ()
    pace = ("round_number",) if plan.paced else ()
    mine = (*plan.needs, *plan.optional, *chance, *pace, *drawing)
    settings = {setting: handed[f"{plan.name}.{setting}"] for setting in plan.settings}
    return {name: handed[name] for name in mine if name in handed} | settings


def one(terms: Terms) -> Strategy:
    """Terms as one strategy: their sum, or the only one as it is."""
    (weight, part), *others = terms
    return part if weight == 1 and not others else weighted_sum(terms)


def _scoring(part: Strategy, what: str) -> Strategy:
    if part.kind == "selector":
        raise SpecError(f"{part.name!r} chooses a set and has no score, which {what} needs")
    return part


def weighted_sum(terms: Terms, scale: Scale = over_pool, form: str = "{}") -> Strategy:
    """The sum of the scores of the terms, each scaled over the pool, times its weight."""
    parts = [_scoring(part, "a sum") for _, part in terms]
    weights = [weight for weight, _ in terms]
    if not any(weights):
        raise SpecError("all weights of a sum are 0")

    def fn(**handed: Any) -> Scored:
        answers = [part.fn(**handed) for part in parts]
        score = np.sum([w * scale(a.score) for w, a in zip(weights, answers, strict=True)], axis=0)
        return Scored(score, _parts(*answers), _notes(*answers))

    text = " + ".join(_term_text(weight, part.name) for weight, part in terms)
    what = "scores, each scaled over the pool" if scale is over_pool else "average ranks"
    why = _telling(text, standing=True)
    return _strategy(form.format(text), fn, parts, summary=f"Weighted sum of {what}", why=why)


def ranked(terms: Terms) -> Strategy:
    """The sum of the average ranks that the terms give, each times its weight."""
    return weighted_sum(terms, average_ranks, "rank({})")


def power(terms: Terms) -> Strategy:
    """The score of the terms over the pool with `power_noise`.

    The logarithm has a long tail; in a sum, `rank(power(entropy) + margin)` gives both terms a say.
    """
    part = _scoring(one(terms), "power noise")

    def fn(**handed: Any) -> Scored:
        scored: Scored = part.fn(**handed)
        noisy = power_noise(over_pool(scored.score), handed["chance"], handed["power.beta"])
        return replace(scored, score=noisy)

    composed = _strategy(
        f"power({part.name})",
        fn,
        [part],
        summary="Random draws in favor of a high score: log score over the pool + Gumbel / beta",
        source="power noise: Kirsch et al. 2023, arXiv:2106.12059",
        settings={"power.beta": 1.0},
        why=_telling(part.name, "drawn at random in favor of a high score: "),
    )
    return replace(composed, chance=True)


def stochastic(terms: Terms) -> Strategy:
    """The score of the terms in random batches; see `stochastic_batch`."""
    part = _scoring(one(terms), "a stochastic batch")

    def fn(k: int, rng: np.random.Generator, **handed: Any) -> Chosen:
        scored = part.fn(**handed)
        batches = handed["stochastic.batches"]
        chosen = stochastic_batch(scored.score, k, rng, batches=batches)
        return Chosen(chosen, scored.parts, scored.notes)

    composed = _strategy(
        f"stochastic({part.name})",
        fn,
        [part],
        summary="Of many random batches the one with the highest mean score",
        source="stochastic batches: Gaillochet et al. 2023, arXiv:2301.07670",
        settings={"stochastic.batches": 1000},
        why=_telling(part.name, "in the random batch with the highest mean score: "),
    )
    return _choosing(composed, part)


def with_weight(plan: Strategy, terms: Terms) -> Strategy:
    """A selector that takes a weight, given the score of the terms over the pool."""
    part = _scoring(one(terms), f"the weight of {plan.name}")
    selector = leaf(plan)

    def fn(**handed: Any) -> Chosen:
        scored = part.fn(**handed)
        chosen = selector.fn(**handed | {"weight": weight_of(scored.score)})
        return Chosen(chosen.positions, _parts(scored, chosen), _notes(scored, chosen))

    def why(facts: Facts) -> str:
        own = {name.removeprefix(f"{plan.name}."): value for name, value in facts.items()}
        first = plan.why(own) if plan.why else f"chosen by {plan.name} as one of a set"
        return _telling(part.name, f"{first}; weighted by ")(facts)

    unweighted = replace(selector, optional=tuple(o for o in plan.optional if o != "weight"))
    summary = f"{plan.summary.rstrip('.')}; each candidate is weighted by its score over the pool"
    composed = _strategy(
        f"{plan.name}({part.name})", fn, [unweighted, part], summary=summary, why=why
    )
    return _choosing(composed, part)


FORMS: Mapping[str, Callable[[Terms], Strategy]] = {
    "rank": ranked,
    "power": power,
    "stochastic": stochastic,
}


def _strategy(
    name: str,
    fn: Callable[..., Any],
    parts: Sequence[Strategy],
    *,
    summary: str,
    why: Reason,
    source: str = "",
    settings: Mapping[str, Setting] = MappingProxyType({}),
) -> Strategy:
    """The record of a composed scorer: what its parts declare, taken together."""
    tasks = tuple(t for t in _tasks(parts) if all(part.able(t) for part in parts))
    if not tasks:
        raise SpecError("its parts have no task in common that all of them can do")
    needs = _once(part.needs for part in parts)
    hints = {s: hint for part in parts for s, hint in part.fn.__annotations__.items()}
    fn.__annotations__ = hints | {s: type(default) for s, default in settings.items()}
    told = [f"{part.name}: {part.summary}" for part in parts]
    fn.__doc__ = "\n    ".join([f"{summary}.\n\nParts:", *told])
    return Strategy(
        name=name,
        kind="scorer",
        fn=fn,
        needs=needs,
        optional=tuple(o for o in _once(part.optional for part in parts) if o not in needs),
        tasks=tasks,
        chance=any(part.chance for part in parts),
        settings=MappingProxyType(
            {s: d for part in parts for s, d in part.settings.items()} | dict(settings)
        ),
        summary=f"{summary}.",
        source="; ".join(_once([[source], [part.source.rstrip(".") for part in parts]])),
        why=why,
        paced=any(part.paced for part in parts),
        reproduction=any(part.reproduction for part in parts),
    )


def _tasks(parts: Sequence[Strategy]) -> tuple[str, ...]:
    """The tasks of the part that is the choosiest: one that reads pixels makes all do so."""
    return min((part.tasks for part in parts), key=lambda tasks: tasks != SEGMENTATION)


def _choosing(composed: Strategy, part: Strategy) -> Strategy:
    """The record of a composed selector.

    The engine takes a scorer's labels apart and asks it about each. A selector it asks once, so a
    score of probabilities inside one cannot be had for several labels.
    """
    tasks = composed.tasks
    if PROBABILITIES & {*part.needs, *part.optional}:
        tasks = tuple(task for task in tasks if task != "multilabel")
    return replace(composed, kind="selector", tasks=tasks)


def _once(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some if name))


def _parts(*answers: Scored | Chosen) -> dict[str, FloatArray]:
    return {name: part for answer in answers for name, part in answer.parts.items()}


def _notes(*answers: Scored | Chosen) -> tuple[str, ...]:
    return _once(answer.notes for answer in answers)


def _term_text(weight: float, name: str) -> str:
    return name if weight == 1 else f"{repr(weight).removesuffix('.0')}*{name}"


def _telling(expression: str, lead: str = "", *, standing: bool = False) -> Reason:
    """A reason that tells the scores of all parts, and where the whole stands in the pool."""
    names = [n for n in dict.fromkeys(NAME.findall(expression)) if n in load()]

    def why(facts: Facts) -> str:
        told = ", ".join(f"{name.replace('_', ' ')} {facts[name]:.3g}" for name in names)
        return f"{lead}{told}; {facts['standing']}" if standing else f"{lead}{told}"

    return why
