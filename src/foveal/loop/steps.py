"""Steps: what to do next, from state alone. Started again, a run finds its place here."""

from dataclasses import dataclass

from foveal.core.pool import SampleId
from foveal.core.spec import ExperimentSpec
from foveal.store import State


@dataclass(frozen=True, slots=True)
class Seed:
    """Draw the seed set."""

    size: int


@dataclass(frozen=True, slots=True)
class Annotate:
    """Have these samples annotated."""

    ids: tuple[SampleId, ...]


@dataclass(frozen=True, slots=True)
class Train:
    """Train on all annotations and evaluate."""

    round: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Let the strategy choose the next samples."""

    round: int
    budget: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is left to do."""

    why: str


Step = Seed | Annotate | Train | Ask | Stop


def next_step(state: State, spec: ExperimentSpec, candidates: int, smallest: int = 1) -> Step:
    """The one thing to do now.

    Args:
        candidates: samples that may be asked for at all, labeled ones included. The last round
            takes what is left of `labels`, so it can be smaller than `budget`. With
            `budget_seconds` the budget of a step is only what may not be exceeded.
        smallest: the fewest samples that can be asked together, such as those of the smallest
            volume that is left.
    """
    if not state.queries:
        return Seed(min(spec.first, candidates))
    if pending := state.pending():
        return Annotate(pending)
    if len(state.trained) < len(state.queries):
        return Train(len(state.trained))
    labeled = len(state.labeled())
    if labeled >= spec.labels:
        return Stop("the label budget is spent")
    if labeled >= candidates:
        return Stop("every candidate is labeled")
    room = min(spec.labels, candidates) - labeled
    budget = room if spec.budget_seconds else min(spec.budget, room)
    if budget < smallest:
        return Stop("no volume that is left fits as a whole into what may be asked")
    return Ask(len(state.queries), budget)
