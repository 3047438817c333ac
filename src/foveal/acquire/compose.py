"""Strategies composed by name, from those that are filed.

    0.7*entropy + 0.3*misalignment   weighted sum of scores, each scaled over the pool to [0, 1]
    rank(entropy + 2*misalignment)   weighted sum of average ranks in the pool, in [0, 1]
    power(entropy)                   random draws in favor of a high score
    stochastic(entropy)              of many random batches the one with the highest mean score
    flqmi(eg_al)                     a selector that takes a weight, and the score to take it from

What stands in brackets is again a sum. Weights are numbers of at least 0, and 1 where none is
written. Settings of a part bear its name, `eg_al.weight`, and hold wherever that part stands.
"""

import math
import re
from collections import deque
from collections.abc import Callable
from functools import partial

from foveal.acquire.forms import FORMS, Terms, leaf, one, with_weight
from foveal.acquire.registry import Strategy, load
from foveal.core.errors import SpecError, unknown_name

COMPOSED = re.compile(r"[+*()\s]|^-|^$")  # what the name of a single strategy does not hold
TOKEN = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[^\W\d]\w*|[+*()])")
MOST_TOKENS = 100  # so that brackets in brackets stay within what Python can follow
END = "the end"

Tokens = deque[str]


def is_composed(name: str) -> bool:
    """Whether a name is an expression rather than the name of one strategy."""
    return COMPOSED.search(name) is not None


def compose(expression: str) -> Strategy:
    """The strategy that an expression describes; its name is the expression, evenly spaced.

    It needs what its parts need, can do the tasks that all of them can, and reports the score of
    each. Parts that are drawn by chance share one chance.

    Raises:
        SpecError: if the expression cannot be read, or joins what does not fit together.
        UnknownName: for a part that is not filed, with the nearest name.
    """
    try:
        tokens = _tokens(expression)
        terms = _terms(tokens)
        if tokens:
            raise SpecError(f"{tokens[0]!r} stands where `+` or the end is expected")
        strategy = one(terms)
    except SpecError as error:
        raise SpecError(
            f"strategy {expression[:200]!r} must be a sum such as `0.7*entropy + 0.3*misalignment` "
            f"or a form such as `power(entropy)`, but {error}"
        ) from error
    return load().get(strategy.name, strategy)


def _tokens(expression: str) -> Tokens:
    tokens, place, end = Tokens(), 0, len(expression.rstrip())
    while place < end:
        found = TOKEN.match(expression, place)
        if not found:
            sign = expression[place:].lstrip()[0]
            hint = ", for weights are at least 0 and nothing is subtracted" if sign == "-" else ""
            raise SpecError(f"{sign!r} has no meaning{hint}")
        tokens.append(found[1])
        place = found.end()
        if len(tokens) > MOST_TOKENS:
            raise SpecError(f"it has more than {MOST_TOKENS} names, numbers and signs; shorten it")
    return tokens


def _terms(tokens: Tokens) -> Terms:
    terms = [_term(tokens)]
    while tokens and tokens[0] == "+":
        tokens.popleft()
        terms.append(_term(tokens))
    return terms


def _term(tokens: Tokens) -> tuple[float, Strategy]:
    if not (tokens and re.match(r"[\d.]", tokens[0])):
        return 1.0, _part(tokens)
    weight = float(tokens.popleft())
    if not math.isfinite(weight):
        raise SpecError("one of its weights is not finite")
    _take(tokens, "*", f"after the weight {weight:g}")
    return weight, _part(tokens)


def _part(tokens: Tokens) -> Strategy:
    name = tokens.popleft() if tokens else END
    if not name.isidentifier():
        raise SpecError(f"{name!r} stands where the name of a strategy is expected")
    if not (tokens and tokens[0] == "("):
        if name not in load():
            raise unknown_name("strategy", name, load())
        return leaf(load()[name])
    form = _form(name)
    tokens.popleft()
    terms = _terms(tokens)
    _take(tokens, ")", f"to close `{name}(`")
    return form(terms)


def _take(tokens: Tokens, sign: str, why: str) -> None:
    found = tokens.popleft() if tokens else END
    if found != sign:
        raise SpecError(f"{found!r} stands where `{sign}` is expected {why}")


def _form(name: str) -> Callable[[Terms], Strategy]:
    """What to make of the terms in the brackets after a name."""
    able = sorted(n for n, s in load().items() if s.kind == "selector" and "weight" in s.optional)
    if name in FORMS:
        return FORMS[name]
    if name not in load():
        raise unknown_name("form or selector", name, [*FORMS, *able])
    if name not in able:
        raise SpecError(
            f"{name!r} takes no weight, so that nothing may stand in brackets after it; selectors "
            f"that can: {', '.join(able) or 'none is installed'}"
        )
    return partial(with_weight, load()[name])
