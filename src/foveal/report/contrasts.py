"""The paired tests of a comparison: what was compared, how large, and whether it was shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from foveal.report.glossary import metric_of, ordered
from foveal.report.reading import Arm, Results, finite

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Contrast:
    """One paired test over seeds of the area under the curve. `difference` is a minus b.

    `effect` is the mean of the paired differences over their standard deviation (Cohen's d_z) and
    `interval` the 95 % bootstrap interval of their mean. What older results do not hold is None.
    """

    metric: str
    a: str
    b: str
    difference: float | None
    p: float | None
    p_holm: float | None
    pairs: int | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    p_wilcoxon: float | None = None
    p_wilcoxon_holm: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the difference survives Holm's adjustment at the level of .05."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def gain(self) -> float | None:
        """The difference, positive where a is the better one."""
        if self.difference is None or metric_of(self.metric).better == "higher":
            return self.difference
        return -self.difference

    @property
    def better(self) -> bool:
        """Whether a was shown to be better than b."""
        return self.shown and (self.gain or 0) > 0

    @property
    def worse(self) -> bool:
        """Whether a was shown to be worse than b."""
        return self.shown and (self.gain or 0) < 0

    def turned(self) -> "Contrast":
        """The test of b against a."""
        low, high = self.interval or (0.0, 0.0)
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=_negative(self.difference),
            effect=_negative(self.effect),
            interval=None if self.interval is None else (-high, -low),
        )


def contrasts_of(results: Results) -> tuple[Contrast, ...]:
    """The paired tests in the order of the metrics of the report."""
    tests = results.get("tests") or ()
    order = ordered({str(t.get("metric")) for t in tests})
    return tuple(sorted(map(_contrast, tests), key=lambda c: order.index(c.metric)))


def contrast_between(results: Results, metric: str, a: str, b: str) -> Contrast | None:
    """The test of a against b on a metric, turned so that the difference is a minus b."""
    for test in results.get("tests") or ():
        if test.get("metric") == metric and {test.get("a"), test.get("b")} == {a, b}:
            found = _contrast(test)
            return found if found.a == a else found.turned()
    return None


def against(results: Results, metric: str, rival: str, arms: Iterable[Arm]) -> dict[str, Contrast]:
    """The tests of arms against one of them on a metric, by name; each arm minus rival."""
    wanted = {arm.name for arm in arms} - {rival}
    found = {}
    for test in results.get("tests") or ():
        if test.get("metric") == metric and rival in (test.get("a"), test.get("b")):
            made = _contrast(test)
            turned = made if made.b == rival else made.turned()
            if turned.a in wanted:
                found[turned.a] = turned
    return found


def _contrast(test: Mapping[str, Any]) -> Contrast:
    pairs, ends = finite(test.get("pairs")), [finite(v) for v in test.get("interval") or ()]
    low, high = ends if len(ends) == 2 else (None, None)
    return Contrast(
        str(test.get("metric")),
        str(test.get("a")),
        str(test.get("b")),
        finite(test.get("difference")),
        finite(test.get("p")),
        finite(test.get("p_holm")),
        None if pairs is None else int(pairs),
        finite(test.get("effect")),
        None if low is None or high is None else (low, high),
        finite(test.get("p_wilcoxon")),
        finite(test.get("p_wilcoxon_holm")),
    )


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
