"""Wants: the evidence and sets that a spec's strategy reads, and whether the spec provides them."""

from foveal import acquire as acquisition
from foveal.core.errors import EvidenceError, SpecError, near_miss
from foveal.core.spec import ExperimentSpec, SoughtSpec
from foveal.models import check_needs

MAPPED = frozenset({"misalignment", "region_size"})
FILLED = MAPPED | {
    "probs",
    "embedding",
    "mc_probs",
    "view_probs",
    "predicted_loss",
    "discriminator",
    "critic",
    "deepfool_distance",
    "bim_distance",
}
ALWAYS = frozenset({"probs", "embedding"})  # for the report: confidence, and what a pick stands for
SETS = {"target": "exemplar", "private": "private"}


def wanted(spec: ExperimentSpec) -> tuple[set[str], set[str]]:
    """What the spec's strategy reads: evidence of the pool, and names of sets beside it.

    What is optional is included where the spec makes it possible.
    """
    plan = acquisition.get(spec.acquire.strategy)
    optional = {o for o in plan.optional if _possible(o, spec)}
    places = [acquisition.located(need) for need in {*plan.needs, *optional}]
    pool = {name for place, name in places if place == "pool"} & FILLED
    if "misalignment" in pool:
        pool.add("region_size")
    return pool | ALWAYS, {place for place, _ in places if place != "pool"}


def check_wanted(spec: ExperimentSpec, classes: tuple[str, ...], validation: int) -> None:
    """Raise before any training where a strategy will lack what only the spec can give.

    Args:
        classes: names of the pool's classes.
        validation: samples of the validation part.
    Raises:
        SpecError: classes to seek or avoid that are missing or unknown, or no validation part.
        EvidenceError: evidence that must be switched on.
    """
    plan = acquisition.get(spec.acquire.strategy)
    check_needs(plan.needs, spec)
    needed = {acquisition.located(need)[0] for need in plan.needs}
    for key, place in SETS.items():
        sought: SoughtSpec = getattr(spec.acquire, key)
        for name in sought.classes:
            if name not in classes:
                raise SpecError(
                    f"`acquire.{key}.classes`: no class {name!r}.{near_miss(name, classes)}"
                )
        if place in needed and not sought.classes:
            raise SpecError(
                f"strategy {plan.name!r} needs to know what is sought; set "
                f"`acquire.{key}.classes` to one or more of {', '.join(classes)}"
            )
        if sought.classes and sought.exemplars != "labeled" and not validation:
            raise SpecError(
                f"`acquire.{key}.exemplars: {sought.exemplars}` needs a validation part, but the "
                "pool has none; set it to labeled, or set `data.val_fraction`"
            )
    if "val" in needed and not validation:
        raise SpecError(
            f"strategy {plan.name!r} needs a validation part, but the pool has none; set "
            "`data.val_fraction`, or choose another strategy"
        )


def _possible(need: str, spec: ExperimentSpec) -> bool:
    place, name = acquisition.located(need)
    if place == "private":
        return bool(spec.acquire.private.classes)
    try:
        check_needs({need if place == "head" else name}, spec)
    except (EvidenceError, SpecError):
        return False
    return True
