"""Numbers and titles in words: what the data say, no more."""

import math
from collections.abc import Sequence

from foveal.report.contrasts import ALPHA
from foveal.report.glossary import metric_of
from foveal.report.reading import Arm, Results, finite, ranked, value_at
from foveal.report.rounds import last_of

MISSING = "–"
ROUNDING = 1e-6  # of interpolation; 280.0000001 labels are 280
TARGET_ARM = "random"  # the arm whose final value `labels_to_target` of the summary refers to


def number(value: float | None, digits: int = 3) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\u2212")


def signed(value: float | None, digits: int = 3) -> str:
    """A number with its sign, as differences are written."""
    text = number(value, digits)
    return text if value is None or value <= 0 or text == MISSING else f"+{text}"


def plus_minus(mean: float | None, std: float | None, digits: int = 3) -> str:
    """`0.871 ± 0.012`; without a deviation only the mean."""
    if mean is None or not std:
        return number(mean, digits)
    return f"{number(mean, digits)} ± {number(std, digits)}"


def p_words(p: float | None) -> str:
    """`0.012`, or `< 0.001`; never rounded across the level of .05."""
    if p is None:
        return MISSING
    if p < 0.001:
        return "< 0.001"
    text = f"{p:.3f}"
    if (float(text) < ALPHA) == (p < ALPHA):
        return text
    return "just below 0.05"


def percent(share: float) -> str:
    """`62 %`, with a space that does not break."""
    return f"{100 * share:.0f}\u00a0%"


def capital(text: str) -> str:
    """The same words at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def count(n: int, thing: str) -> str:
    """`1 label`, `210 labels`."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def labels_to_target(results: Results, arm: str, metric: str) -> float | None:
    """Labels at which an arm reaches random's final value, from the summary; None if never."""
    entry = ((results.get("summary") or {}).get(arm) or {}).get(metric) or {}
    value = entry.get("labels_to_target")
    return finite(value.get("mean") if isinstance(value, dict) else value)


def whole_labels(need: float) -> int:
    """Labels that suffice where a curve meets a value between two rounds: never fewer."""
    return math.ceil(need - ROUNDING)


def cost_title(arms: Sequence[Arm], metric: str, common: float | None, told: Sequence[Arm]) -> str:
    """Where the arms that the page names stand after the same time of the expert."""
    spent = sorted(s[0] / 60 for arm in arms if (s := last_of(arm, "cost_seconds")))
    low, high = number(spent[0], 0), number(spent[-1], 0)
    total = f"The labels cost {low if low == high else f'{low} to {high}'} expert minutes"
    if common is None:
        return total
    pair = [(arm.shown, value_at(arm, metric, common)) for arm in told]
    levels = [f"{name} {number(value, 2)}" for name, value in pair if value is not None]
    if len(levels) < 2:
        return total
    return capital(
        f"{metric_of(metric).title} after {number(common, 0)} expert minutes: {joined(levels)}"
    )


def calibration_title(arms: Sequence[Arm]) -> str:
    """Range of the final calibration error."""
    places = ranked(arms, "ece")
    if not places:
        return "Stated confidence and actual accuracy"
    (best, low), (worst, high) = places[0], places[-1]
    if best is worst:
        return f"Final calibration error of {best.shown}: {number(low.mean, 2)}"
    return (
        f"Final calibration error from {number(low.mean, 2)} ({best.shown}) "
        f"to {number(high.mean, 2)} ({worst.shown})"
    )


def size_title(arm: str, rho: float) -> str:
    """Whether misalignment follows the size of the region."""
    what = f"Spearman {number(rho, 2)} in the last round of {arm}"
    if abs(rho) < 0.3:
        return f"Misalignment hardly follows the size of the region ({what})"
    direction = "falls" if rho < 0 else "rises"
    return f"Misalignment {direction} with the size of the region ({what})"


def stopping_title(told: Sequence[Sequence[Results]]) -> str:
    """How many arms a majority of the criteria would let stop."""
    ready = sum(sum(bool(row.get("stop")) for row in rows) * 2 > len(rows) for rows in told)
    if not ready:
        return "When to stop: most criteria would go on, or cannot tell yet"
    if len(told) == 1:
        return "When to stop: most criteria would stop now"
    return f"When to stop: in {ready} of {count(len(told), 'arm')} most criteria would stop now"
