"""ClaSP PE: predictive entropy with power noise, two of three picks shared among the classes."""

import math

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, selector
from foveal.acquire.strategies.power_bald import power_noise
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

LEAST_CHANCE = 2.0**-53  # what a generator may round to 0, whose logarithm is not finite


def _why(facts: Facts) -> str:
    entropy, shown = float(facts["pixel_entropy"]), float(facts["probs"][-1])
    return (
        f"drawn at random in favor of mean entropy ({entropy:.2g}) and of each class in its turn; "
        f"foreground with probability {shown:.2f}"
    )


@selector("clasp_pe", needs=("pixel_entropy", "probs"), tasks=SEGMENTATION, why=_why)
def clasp_pe(
    pixel_entropy: FloatArray,
    probs: FloatArray,
    k: int,
    rng: np.random.Generator,
    round_number: int = 0,
    *,
    share: float = 0.66,
    beta: float = 1.0,
    last_beta: float = 100.0,
    rounds: int = 10,
) -> IntArray:
    """Draws in favor of entropy, of which a share goes to the classes in turns.

    A class's turn draws by u_c = H * p_c, the others' by H alone, all with power noise: log u +
    Gumbel / beta. The exponent rises exponentially from `beta` in the first round to `last_beta`
    in the last, so that early batches are diverse and late ones go by the score. The publication
    multiplies voxel by voxel; here H is the mean entropy of a picture, and p_c says whether the
    picture shows the class at all.

    Args:
        pixel_entropy: (n,) mean entropy over pixels, in [0, ln 2].
        probs: (n, C) probabilities that a picture shows each class; the rarest has the first turn.
        k: how many to choose.
        rng: draws.
        round_number: of the round; 1 is the first after the seed set.
        share: of the batch that goes to the classes in turns, in [0, 1].
        beta: exponent of the first round, above 0.
        last_beta: exponent of the last round, above 0.
        rounds: over how many rounds it rises, at least 1; it stays as it is afterwards.

    Returns:
        (k,) positions in the order drawn; every start of the batch keeps to the share.

    Raises:
        SpecError: if a setting is out of range.
    Source:
        ClaSP PE 2026, arXiv:2601.13677.
    """
    _check(share, beta, last_beta, rounds)
    entropy, p = np.asarray(pixel_entropy, dtype=np.float64), np.asarray(probs, dtype=np.float64)
    power = exponent(round_number, beta, last_beta, rounds)

    def ranking(score: FloatArray) -> list[int]:
        chance = np.maximum(rng.random(score.size), LEAST_CHANCE)
        order: list[int] = np.argsort(-power_noise(score, chance, power), kind="stable").tolist()
        return order

    anyone = iter(ranking(entropy))
    rare_first = np.argsort(p.mean(axis=0), kind="stable")
    of_class = [iter(ranking(entropy * p[:, c])) for c in rare_first]
    taken: dict[int, None] = {}
    given = 0
    while len(taken) < k:
        due = math.floor(share * (len(taken) + 1) + 1e-9) > given  # .66 of 50 is 33
        among = of_class[given % len(of_class)] if due else anyone
        taken[next(i for i in among if i not in taken)] = None
        given += due
    return np.fromiter(taken, dtype=np.int64, count=len(taken))


def exponent(round_number: int, beta: float, last_beta: float, rounds: int) -> float:
    """From `beta` in round 1 to `last_beta` in the last by equal factors; constant beyond."""
    past = min(max(round_number - 1, 0), rounds - 1) / max(rounds - 1, 1)
    return float(beta * (last_beta / beta) ** past)


def _check(share: float, beta: float, last_beta: float, rounds: int) -> None:
    if not 0 <= share <= 1:
        raise SpecError(f"`share` of clasp_pe must lie in [0, 1], not {share}")
    for name, value in (("beta", beta), ("last_beta", last_beta)):
        if not 0 < value < math.inf:
            raise SpecError(f"`{name}` of clasp_pe must be positive and finite, not {value}")
    if rounds < 1:
        raise SpecError(f"`rounds` of clasp_pe must be at least 1, not {rounds}")
