"""Bandit: several strategies, of which every round plays one, more and more the one that pays.

`bandit(entropy, k_center, badge(eg_al))` names the arms. What a round paid is the share of its
labels that the model of that round had predicted wrongly: it can be seen from bought labels alone.
Hsu and Lin weigh arms by an importance-weighted accuracy; ours needs no probabilities of draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.errors import SpecError

FORM = "bandit("


@dataclass(frozen=True, slots=True)
class Played:
    """A round: the arm and its pay in [0, 1], from `labels` labels."""

    arm: str
    pay: float
    labels: int = 1


def arms_of(strategy: str) -> tuple[str, ...]:
    """The arms of a bandit, or the strategy itself as the only one.

    Raises:
        SpecError: for brackets that do not match, fewer than two arms, or one that repeats.
    """
    text = strategy.strip()
    if not text.startswith(FORM):
        return (text,)
    if not text.endswith(")"):
        raise SpecError(f"strategy {strategy!r} must end with the bracket of `bandit(`")
    arms = listed(text[len(FORM) : -1])
    if len(arms) < 2 or len(set(arms)) < len(arms) or "" in arms:
        raise SpecError(
            f"a bandit needs two or more different strategies, `bandit(entropy, k_center)`, not "
            f"{strategy!r}"
        )
    return arms


def listed(text: str) -> tuple[str, ...]:
    """Names of strategies between commas; those inside brackets belong to one name.

    Raises:
        SpecError: if brackets do not match.
    """
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    if depth:
        raise SpecError(f"the brackets of {text!r} do not match")
    return tuple(part.strip() for part in parts)


def choose_arm(
    arms: Sequence[str], played: Sequence[Played], rng: np.random.Generator
) -> tuple[str, str]:
    """The arm of the next round, and why: each arm's pay is drawn from what is known of it.

    Every arm has a Beta distribution, uniform before it is played; of one draw each the highest
    plays (Thompson sampling). A round counts as one observation, since its labels came together.

    Args:
        arms: names, at least one.
        played: earlier rounds; rounds of other strategies are ignored.
        rng: draws.
    Source:
        Thompson 1933; for choosing among query strategies Hsu and Lin 2015, Active learning by
        learning, AAAI.
    """
    if len(arms) == 1:
        return arms[0], ""
    pays = {arm: [p.pay for p in played if p.arm == arm] for arm in arms}
    draws = [rng.beta(1 + sum(pay), 1 + len(pay) - sum(pay)) for pay in pays.values()]
    arm = arms[int(np.argmax(draws))]
    return arm, f"the bandit plays {arm}; {_so_far(pays)}"


def _so_far(pays: dict[str, list[float]]) -> str:
    """What each arm has paid."""
    known = [
        f"{arm} {np.mean(pay):.0%} ({len(pay)} rounds)" if len(pay) != 1 else f"{arm} {pay[0]:.0%}"
        for arm, pay in pays.items()
        if pay
    ]
    if not known:
        return "no arm has been played yet"
    return "share of labels that the model had wrong so far: " + ", ".join(known)
