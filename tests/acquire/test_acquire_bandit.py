"""Laws of the bandit: it tries every arm, comes to prefer the one that pays, and repeats itself."""

from collections import Counter

import numpy as np
import pytest

from foveal.acquire.bandit import Played, arms_of, choose_arm
from foveal.core.errors import SpecError

ARMS = ("entropy", "k_center", "random")


def test_arms_are_what_stands_between_commas_outside_of_brackets():
    assert arms_of("bandit(entropy, badge(0.5*entropy + margin), rank(a + b))") == (
        "entropy",
        "badge(0.5*entropy + margin)",
        "rank(a + b)",
    )
    assert arms_of("entropy") == ("entropy",)


@pytest.mark.parametrize(
    "text", ["bandit(entropy)", "bandit(a, a)", "bandit(a, )", "bandit(a, b", "bandit(a), b)"]
)
def test_what_is_no_bandit_is_refused(text):
    with pytest.raises(SpecError, match=r"bandit|brackets"):
        arms_of(text)


def test_without_experience_every_arm_has_the_same_chance():
    chosen = Counter(choose_arm(ARMS, [], np.random.default_rng(s))[0] for s in range(600))
    assert min(chosen.values()) > 150
    assert set(chosen) == set(ARMS)


def test_the_arm_that_pays_is_played_most_and_the_others_still_now_and_then():
    played = [Played("entropy", 0.8)] * 6 + [Played("k_center", 0.2), Played("random", 0.2)] * 3
    chosen = Counter(choose_arm(ARMS, played, np.random.default_rng(s))[0] for s in range(600))
    assert chosen["entropy"] > 500
    assert chosen["k_center"] + chosen["random"] > 0


def test_over_many_rounds_the_best_arm_wins():
    rng, pays = np.random.default_rng(0), dict(zip(ARMS, (0.3, 0.7, 0.4), strict=True))
    played = []
    for _ in range(200):
        arm, _ = choose_arm(ARMS, played, rng)
        played.append(Played(arm, float(rng.random() < pays[arm])))
    assert Counter(p.arm for p in played[100:])["k_center"] > 60


def test_the_same_chance_gives_the_same_arm_and_the_reason_tells_the_pay():
    played = [Played("entropy", 0.5), Played("elsewhere", 1.0)]
    one = choose_arm(ARMS, played, np.random.default_rng(3))
    assert one == choose_arm(ARMS, played, np.random.default_rng(3))
    assert "entropy 50%" in one[1]
    assert "elsewhere" not in one[1]
    assert "no arm has been played" in choose_arm(ARMS, [], np.random.default_rng(0))[1]
    assert choose_arm(("entropy",), [], np.random.default_rng(0)) == ("entropy", "")
