"""Line-up: the arms of a comparison, the baselines among them, and what all arms must share."""

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from foveal.acquire import get, names
from foveal.core.errors import FovealError, SpecError
from foveal.core.spec import ArmSpec, ExperimentSpec, parse_spec, with_settings
from foveal.loop.rehearsal import rehearse
from foveal.loop.wants import check_targets

LONGEST_NAME = 60
# Keys that are about a comparison, not about a run.
OF_THE_WHOLE = ("arms", "seeds", "baselines", "reference")
ALWAYS = ("random", "stratified_random")
WITH_REGIONS = "foreground_random"
HONEST = ("predicted", "atlas", "weak")

# What no arm may change, and why.
SHARED: Mapping[str, str] = {
    "task": "metrics of different tasks do not compare",
    "acquire.unit": "all arms must start from the same labels",
    "data": "scores on other images or splits do not compare",
    "seed_set": "all arms must start from the same labels",
    "seed_counts": "all arms must start from the same labels",
    "budget": "smaller batches are no merit of a strategy",
    "budget_seconds": "smaller batches are no merit of a strategy",
    "labels": "areas under curves of different length do not compare",
    "cost": "expert minutes must mean the same for all arms",
    "seed": "arms are compared seed by seed",
    "seeds": "arms are compared seed by seed",
    "arms": "an arm has no arms",
    "baselines": "it is about the whole comparison",
    "reference": "it is about the whole comparison",
    "report": "it is about the whole comparison",
    "name": "it is about the whole comparison",
}


def of_a_run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A spec's settings without what is about a comparison only."""
    return {k: v for k, v in settings.items() if k not in OF_THE_WHOLE}


def arms_in(whole: ExperimentSpec) -> tuple[ArmSpec, ...]:
    """The arms of a spec, or itself as the only one."""
    return whole.arms or (ArmSpec(name=shortened(whole.acquire.strategy)),)


def arms_of(strategies: Sequence[str]) -> list[dict[str, Any]]:
    """Arms that differ in the strategy alone."""
    return [{"name": shortened(name), "set": {"acquire.strategy": name}} for name in strategies]


def shortened(name: str) -> str:
    """A strategy's name as that of an arm, which has a limit that expressions may pass."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def slug(name: str) -> str:
    """An arm's name as part of a folder's name; different arms may share it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "arm"


def runnable(settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """All strategies that a spec can run as it is, and why it does not run the others."""
    able, unable = [], {}
    alone = of_a_run(settings)
    for name in names():
        if get(name).reproduction:
            unable[name] = "it repeats published code with its flaw; to reproduce that, name it"
            continue
        spec = parse_spec(with_settings(alone, {"acquire.strategy": name}))
        try:
            rehearse(spec)
            check_targets(spec)
        except FovealError as error:
            unable[name] = str(error)
        else:
            able.append(name)
    return able, unable


def with_baselines(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose arms include the baselines, unless `baselines` is false.

    A baseline is the spec itself with another strategy, and is added only where no arm has that
    strategy, whatever else it sets. Foreground-aware random needs expected regions: those of the
    spec, else those of the first arm with an honest source, else `predicted` where some arm buys
    regions; where nobody does, it is left out. In segmentation every model outlines its own.

    Raises:
        SpecError: if the settings make no valid spec.
    """
    whole = parse_spec(settings)
    if not whole.baselines:
        return dict(settings)
    base, arms = of_a_run(settings), list(arms_in(whole))
    specs = [parse_spec(with_settings(base, arm.set)) for arm in arms]
    wanted: dict[str, Mapping[str, Any]] = {name: {} for name in ALWAYS}
    regions = _regions_for_baseline([parse_spec(base), *specs])
    if regions is not None:
        wanted[WITH_REGIONS] = regions
    for name, more in wanted.items():
        if all(spec.acquire.strategy != name for spec in specs):
            change = {"acquire.strategy": name, "acquire.parameters": {}, **more}
            arms.append(ArmSpec(name=_free(name, arms), set=change))
    return {**settings, "arms": [arm.model_dump() for arm in arms]}


def check_shared(settings: Mapping[str, Any]) -> None:
    """Raise `SpecError` for an arm that changes what all arms must share, with the reason."""
    base = of_a_run(settings)
    plain = parse_spec(base)
    for arm in parse_spec(settings).arms:
        spec = parse_spec(with_settings(base, arm.set))
        for key, reason in SHARED.items():
            value = attrgetter(key)
            if value(spec) != value(plain):
                changed = next(d for d in arm.set if _about(d, key))
                raise SpecError(
                    f"all arms must share `{key}`, but arm {arm.name!r} sets `{changed}` to "
                    f"{arm.set[changed]!r}: {reason}. Set it for the whole spec, or make two "
                    "comparisons"
                )


def _about(dotted: str, key: str) -> bool:
    """Whether a setting of an arm is a key, below it, or holds it."""
    return f"{dotted}.".startswith(f"{key}.") or f"{key}.".startswith(f"{dotted}.")


def _regions_for_baseline(specs: Sequence[ExperimentSpec]) -> dict[str, Any] | None:
    """What foreground-aware random sets of `regions`; None if there is nothing to expect."""
    if specs[0].task == "segmentation":
        return {}  # the model outlines by itself what it expects
    lender = next((spec for spec in specs if spec.regions.source in HONEST), None)
    if lender is specs[0]:
        return {}
    if lender is not None:
        return {
            "regions.source": lender.regions.source,
            "regions.annotate": lender.regions.annotate,
        }
    buyer = next((spec for spec in specs if spec.regions.annotate != "none"), None)
    if buyer is None:
        return None
    return {"regions.source": "predicted", "regions.annotate": buyer.regions.annotate}


def _free(name: str, arms: Sequence[ArmSpec]) -> str:
    """A name whose folder no other arm has, so that stored runs keep theirs."""
    taken = {slug(arm.name) for arm in arms}
    return name if slug(name) not in taken else f"{name} (baseline)"
