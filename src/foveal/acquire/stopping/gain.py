"""Expected gain: whether the next batch is worth its labels, by the validation learning curve."""

import math
from collections.abc import Mapping, Sequence

from foveal.acquire.stopping.advice import Advice, counted
from foveal.acquire.stopping.learning_curve import MINIMUM, Gain, Value, next_gain
from foveal.core.errors import SpecError

METRICS: Mapping[str, str] = {
    "macro_auroc": "macro AUROC",
    "ece": "ECE",
    "hd95": "HD95",
    "hd95_mm": "HD95",
}
LOWER_IS_BETTER = frozenset({"ece", "hd95", "hd95_mm"})


def expected_gain(
    labels: Sequence[float],
    values: Sequence[Value],
    more: int,
    *,
    metric: str = "macro_auroc",
    worthwhile: float = 0.005,
    level: float = 0.9,
    validation_size: int | None = None,
) -> Advice:
    """Whether the next batch is expected to gain too little, by the validation learning curve.

    Stops if even the upper end of the interval lies below `worthwhile`; says that it cannot tell
    while the interval holds both more and less than that, as it does with a small validation
    part. It assumes that the curve goes on as it did: a class that no batch has met yet, or
    another strategy, can still make it rise.

    Args:
        labels: (r,) labels of each trained round, never decreasing.
        values: (r,) metric of each on the validation part, never the test part; None where it
            does not exist.
        more: labels that the next batch would take.
        metric: its name; `ece` and `hd95` are better when lower.
        worthwhile: smallest gain that would be worth them, above 0.
        level: confidence of the interval.
        validation_size: images of the validation part, which tell how far to trust the values.

    Returns:
        Advice; numbers hold `gain` (middle of the interval), `low`, `high`, `best_fit`,
        `scatter`, `noise`, `points`, `worthwhile`, of a metric that is better when higher.

    Raises:
        SpecError: if `worthwhile` is not positive.
        EvidenceError: as for `next_gain`.
    Source:
        As for `next_gain`.
    """
    if not 0 < worthwhile < math.inf:
        raise SpecError(f"`worthwhile` must be a positive gain, not {worthwhile}")
    flip = -1.0 if metric in LOWER_IS_BETTER else 1.0
    better = [None if v is None else flip * v for v in values]
    gain = next_gain(labels, better, more, level=level, validation_size=validation_size)
    if gain is None:
        have = sum(v is not None for v in values)
        words = (
            f"cannot tell yet: a learning curve needs {MINIMUM} rounds of different size with "
            f"{_named(metric)} on the validation part, and there {counted(have)}"
        )
        return Advice("expected_gain", False, words)
    stop, words = _verdict(gain, more, metric, worthwhile, level, validation_size)
    return Advice("expected_gain", stop, words, _numbers(gain) | {"worthwhile": worthwhile})


def _verdict(
    gain: Gain, more: int, metric: str, worthwhile: float, level: float, size: int | None
) -> tuple[bool, str]:
    amount, name = f"{_signed(gain.middle)} ± {_rounded_up(gain.half_width):.3f}", _named(metric)
    what = f"take {amount} off {name}" if metric in LOWER_IS_BETTER else f"add {amount} {name}"
    start = f"the next {more} labels are expected to {what} ({100 * level:.3g} % interval)"
    images = "" if size is None else f" (now {size} images)"
    if gain.high < worthwhile:
        falling = ", but look why it has become worse" if gain.high < 0 else ""
        return True, (
            f"{start}, less than the {worthwhile:.3g} that would be worth it; you may stop{falling}"
        )
    if gain.low >= worthwhile:
        return False, f"{start}, at least the {worthwhile:.3g} that are worth it; go on"
    return False, (
        f"cannot tell yet: {start}, which may be less or more than the {worthwhile:.3g} that would "
        f"be worth it; more rounds or a larger validation part{images} would narrow this"
    )


def _numbers(gain: Gain) -> dict[str, float]:
    return {
        "gain": gain.middle,
        "low": gain.low,
        "high": gain.high,
        "best_fit": gain.best,
        "scatter": gain.scatter,
        "noise": gain.noise,
        "points": float(gain.points),
    }


def _named(metric: str) -> str:
    return METRICS.get(metric, metric.replace("_", " "))


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _rounded_up(half_width: float) -> float:
    """To three digits, but never to an interval that claims to know everything."""
    return math.ceil(half_width * 1000) / 1000
