"""Wants: the evidence and sets that a spec's strategy reads, and whether the spec provides them."""

from foveal import acquire as acquisition
from foveal.acquire.bandit import arms_of
from foveal.core.errors import EvidenceError, SpecError, near_miss
from foveal.core.evidence import PIXELWISE
from foveal.core.query import Setting
from foveal.core.spec import ExperimentSpec, SoughtSpec
from foveal.models import check_needs
from foveal.models.needs import KNOWN

MAPPED = frozenset({"misalignment", "region_size", "explanation_gradient"})
FILLED = KNOWN | PIXELWISE
ALWAYS = frozenset({"probs", "embedding"})  # for the report: confidence, and what a pick stands for
SHOWN = ("empty", "foreground")  # what a mask shows, the classes of the task segmentation
SETS = {"target": "exemplar", "private": "private"}


def plans_of(spec: ExperimentSpec) -> list[acquisition.Strategy]:
    """The spec's strategy, or the arms of its bandit."""
    return [acquisition.get(name) for name in arms_of(spec.acquire.strategy)]


def parameters_of(spec: ExperimentSpec, plan: acquisition.Strategy) -> dict[str, Setting]:
    """The settings that a strategy gets; an arm of a bandit gets those below its name."""
    given = dict(spec.acquire.parameters)
    if len(arms_of(spec.acquire.strategy)) == 1:
        return given
    return {own: v for key, v in given.items() if (own := _own(key, plan)) is not None}


def check_parameters(spec: ExperimentSpec) -> None:
    """Raise `SpecError` for a parameter that no arm of the spec's bandit takes."""
    plans = plans_of(spec)
    if len(plans) == 1:
        return  # the strategy itself refuses what it does not know
    for key in spec.acquire.parameters:
        if all(_own(key, plan) is None for plan in plans):
            known = [f"{p.name}.{setting}" for p in plans for setting in p.settings]
            raise SpecError(f"no arm of the bandit has a setting {key!r}.{near_miss(key, known)}")


def wanted(spec: ExperimentSpec) -> tuple[set[str], set[str]]:
    """What the spec's strategy reads: evidence of the pool, and names of sets beside it.

    What is optional is included where the spec makes it possible.
    """
    needs = {need for plan in plans_of(spec) for need in plan.needs}
    optional = {o for plan in plans_of(spec) for o in plan.optional if _possible(o, spec)}
    places = [acquisition.located(need) for need in needs | optional]
    pool = {name for place, name in places if place == "pool"} & FILLED
    if spec.regions.share < 1 and _possible("misalignment", spec):
        pool.add("misalignment")
    if "misalignment" in pool or (spec.budget_seconds and _possible("region_size", spec)):
        pool.add("region_size")
    return pool | ALWAYS, {place for place, _ in places if place != "pool"}


def check_targets(spec: ExperimentSpec) -> None:
    """Raise `SpecError` where a targeted strategy is not told which classes are sought."""
    needed = _sets_needed(spec)
    if spec.task == "segmentation":
        return  # what shows foreground is sought, unless something else is written
    for key, place in SETS.items():
        if place in needed and not getattr(spec.acquire, key).classes:
            raise SpecError(
                f"strategy {spec.acquire.strategy!r} needs to know what is sought; set "
                f"`acquire.{key}.classes` to one or more classes"
            )


def check_wanted(spec: ExperimentSpec, classes: tuple[str, ...], validation: int) -> None:
    """Raise before any training where a strategy will lack what only the spec can give.

    Args:
        classes: names of the pool's classes.
        validation: samples of the validation part.
    Raises:
        SpecError: classes to seek or avoid that are missing or unknown, or no validation part.
        EvidenceError: evidence that must be switched on.
    """
    check_needs({need for plan in plans_of(spec) for need in plan.needs}, spec)
    check_targets(spec)
    names = SHOWN if spec.task == "segmentation" else classes
    for key in SETS:
        _check_sought(key, getattr(spec.acquire, key), names, validation)
    if "val" in _sets_needed(spec) and not validation:
        raise SpecError(
            f"strategy {spec.acquire.strategy!r} needs a validation part, but the pool has none; "
            "set `data.val_fraction`, or choose another strategy"
        )


def _check_sought(key: str, sought: SoughtSpec, classes: tuple[str, ...], validation: int) -> None:
    for name in sought.classes:
        if name not in classes:
            raise SpecError(
                f"`acquire.{key}.classes`: no class {name!r}.{near_miss(name, classes)}"
            )
    if sought.classes and sought.exemplars != "labeled" and not validation:
        raise SpecError(
            f"`acquire.{key}.exemplars: {sought.exemplars}` needs a validation part, but the pool "
            "has none; set it to labeled, or set `data.val_fraction`"
        )


def _sets_needed(spec: ExperimentSpec) -> set[str]:
    return {acquisition.located(need)[0] for plan in plans_of(spec) for need in plan.needs}


def _own(key: str, plan: acquisition.Strategy) -> str | None:
    """A parameter's name as an arm of a bandit knows it, or None if it is another arm's."""
    short = key.removeprefix(f"{plan.name}.")
    return next((name for name in (key, short) if name in plan.settings), None)


def _possible(need: str, spec: ExperimentSpec) -> bool:
    place, name = acquisition.located(need)
    if place == "private":
        return bool(spec.acquire.private.classes)
    try:
        check_needs({need if place == "head" else name}, spec)
    except (EvidenceError, SpecError):
        return False
    return True
