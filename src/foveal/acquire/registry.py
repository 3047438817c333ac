"""Strategies by name: a decorator files a plain function of arrays, the registry finds it again."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import BudgetError, SpecError, unknown_name
from foveal.core.evidence import SAMPLE_AXIS
from foveal.core.query import Setting

Kind = Literal["scorer", "selector"]
Facts = Mapping[str, Any]
Reason = Callable[[Facts], str]
Function = TypeVar("Function", bound=Callable[..., Any])

BOTH: tuple[str, ...] = ("classification", "multilabel")  # for strategies that can do both tasks
SEGMENTATION: tuple[str, ...] = ("segmentation",)  # for strategies that read scores over pixels
ENTRY_POINTS = "foveal.strategies"
FOLDER = "foveal.acquire.strategies"
HANDED: Mapping[Kind, frozenset[str]] = {
    "scorer": frozenset({"chance", "round_number"}),
    "selector": frozenset({"chance", "round_number", "k", "rng"}),
}
REQUIRED: Mapping[Kind, frozenset[str]] = {
    "scorer": frozenset(),
    "selector": frozenset({"k", "rng"}),
}
# Sets beside the pool that a strategy may ask about: an argument `labeled_embedding` is the array
# `embedding` of the set `labeled`. `head` is the last layer: a row is a class, in the order of the
# columns of `probs`.
CONTEXT = ("labeled", "exemplar", "private", "val", "head")


@dataclass(frozen=True, slots=True)
class Scored:
    """What a scorer returns when there is more to tell than the score.

    `score` (n,) is the acquisition score, higher is sooner. `parts` are the (n,) quantities it was
    made of, kept for the report. `notes` are whole sentences about the run: an optional evidence
    that was missing, a setting that had no effect.
    """

    score: FloatArray
    parts: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a selector returns when there is more to tell than the positions.

    `positions` (k,) are its choice, most wanted first. `parts` are (n,) quantities that led to it,
    one number for each candidate, and `notes` whole sentences, as in `Scored`.
    """

    positions: IntArray
    parts: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """A query strategy and all that its function says about itself.

    `needs` and `optional` name evidence of the pool or, with a prefix of `CONTEXT`, of a set
    beside it (see `located`). `chance` tells that the function takes one uniform number per
    sample, `paced` that it takes the number of the round. `settings` maps each setting to its
    default. `why` turns the facts of one sample into the reason for asking it. `reproduction`
    marks what repeats published code with its flaw, for no other use than to reproduce it.
    """

    name: str
    kind: Kind
    fn: Callable[..., Any]
    needs: tuple[str, ...]
    optional: tuple[str, ...]
    tasks: tuple[str, ...]
    chance: bool
    settings: Mapping[str, Setting]
    summary: str
    source: str
    why: Reason | None = None
    paced: bool = False
    reproduction: bool = False

    def able(self, task: str) -> bool:
        """Whether it can be asked where the labels are of this task.

        What shows a class or none are two classes, so that a strategy for classes serves where
        pixels are told apart too, as far as its evidence is filled there, and the other way round.
        """
        one_label = {"classification", "segmentation"}
        return task in self.tasks or (task in one_label and bool(one_label & {*self.tasks}))


_filed: dict[str, Strategy] = {}


def scorer(
    name: str,
    *,
    needs: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    tasks: tuple[str, ...] = ("classification",),
    source: str = "",
    why: Reason | None = None,
    reproduction: bool = False,
) -> Callable[[Function], Function]:
    """File a function from arrays to n acquisition scores; higher is sooner.

    The function's positional arguments are evidence, named as in `Evidence.arrays`; those in
    `optional` default to None. An argument `chance` is handed (n,) uniform numbers in (0, 1) that
    depend on sample, seed and round only; `round_number`, which defaults to 0, the number of the
    round. Keyword-only arguments with defaults are its settings. It returns an (n,) array or a
    `Scored`, and stays a plain function.

    Args:
        name: what users write; unique.
        needs: evidence without which it cannot run.
        optional: evidence that it can do without.
        tasks: what the pool's labels may be.
        source: where the idea was published; "" takes the docstring's `Source` section.
        why: from the facts of one sample (its evidence rows, parts, `score`, `standing`, and the
            settings) to one sentence without a full stop; None gives a general one.
        reproduction: whether it repeats published code with its flaw, and serves nothing else.

    Raises:
        SpecError: if the name is taken or the signature does not fit what is declared.
    """
    return _filing(name, "scorer", needs, optional, tasks, source, why, reproduction)


def selector(
    name: str,
    *,
    needs: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    tasks: tuple[str, ...] = ("classification",),
    source: str = "",
    why: Reason | None = None,
    reproduction: bool = False,
) -> Callable[[Function], Function]:
    """File a function that chooses a set: arrays, `k` and `rng` to k positions.

    As for `scorer`, and two arguments more: `k`, how many to choose (never more than there are),
    and `rng`, a generator of the engine's. It returns k distinct positions, most wanted first, or
    a `Chosen`.

    Raises:
        SpecError: if the name is taken or the signature does not fit what is declared.
    """
    return _filing(name, "selector", needs, optional, tasks, source, why, reproduction)


def load() -> Mapping[str, Strategy]:
    """Every strategy by name: those of the folder `strategies/` and of installed plug-ins.

    Raises:
        SpecError: if two strategies share a name or a plug-in cannot be loaded.
    """
    _import_all()
    return MappingProxyType(_filed)


def names() -> tuple[str, ...]:
    """Names of all strategies, sorted."""
    return tuple(sorted(load()))


def get(name: str) -> Strategy:
    """The strategy of that name, or the one that a name such as `entropy + margin` composes.

    Raises:
        UnknownName: with the nearest name and all known ones.
        SpecError: if a composed name makes no sense (see `compose`).
    """
    from foveal.acquire.compose import compose, is_composed  # which reads this registry

    known = load()
    if name in known:
        return known[name]
    if is_composed(name):
        return compose(name)
    raise unknown_name("strategy", name, known)


def located(need: str) -> tuple[str, str]:
    """Where a needed array lives: ("pool", "probs") or ("labeled", "embedding")."""
    place, _, array = need.partition("_")
    return (place, array) if place in CONTEXT and array else ("pool", need)


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(import_module(FOLDER).__path__):
        import_module(f"{FOLDER}.{module.name}")
    for point in entry_points(group=ENTRY_POINTS):
        _load_plug_in(point)


def _load_plug_in(point: EntryPoint) -> None:
    try:
        point.load()
    except (ImportError, AttributeError) as error:
        raise SpecError(
            f"the installed plug-in {point.name!r} ({point.value}) must import, but does not: "
            f"{error}; update or uninstall it"
        ) from error


def _filing(
    name: str,
    kind: Kind,
    needs: tuple[str, ...],
    optional: tuple[str, ...],
    tasks: tuple[str, ...],
    source: str,
    why: Reason | None,
    reproduction: bool,
) -> Callable[[Function], Function]:
    def file(fn: Function) -> Function:
        if name in _filed:
            taken = _filed[name].fn
            raise SpecError(
                f"strategy names must be unique, but {name!r} of {fn.__module__} is already that "
                f"of {taken.__module__}.{taken.__qualname__}; choose another name"
            )
        arguments = inspect.signature(fn).parameters
        _check_arrays(name, kind, arguments, needs, optional)
        whole = _within_pool(fn, name, needs) if kind == "selector" else fn
        doc = inspect.getdoc(fn) or ""
        _filed[name] = Strategy(
            name=name,
            kind=kind,
            fn=whole,
            needs=needs,
            optional=optional,
            tasks=tasks,
            chance="chance" in arguments,
            settings=_settings(name, arguments),
            summary=doc.partition("\n")[0],
            source=source or _section(doc, "Source"),
            why=why,
            paced="round_number" in arguments,
            reproduction=reproduction,
        )
        return whole

    return file


def _within_pool(fn: Function, name: str, needs: tuple[str, ...]) -> Function:
    """A selector that refuses to choose more than there are, also where it is called by hand."""
    of_pool = next((n for n in needs if located(n)[0] == "pool"), None)
    signature = inspect.signature(fn)

    @wraps(fn)
    def checked(*args: Any, **settings: Any) -> Any:
        given = signature.bind(*args, **settings).arguments
        if of_pool is not None:
            n = np.shape(given[of_pool])[SAMPLE_AXIS.get(of_pool, 0)]
            if not 0 <= given["k"] <= n:
                raise BudgetError(
                    f"`k` of {name} must lie in [0, {n}], since `{of_pool}` holds {n} candidates, "
                    f"but is {given['k']}; ask for at most {n}"
                )
        return fn(*args, **settings)

    return cast("Function", checked)


def _check_arrays(
    name: str,
    kind: Kind,
    arguments: Mapping[str, inspect.Parameter],
    needs: tuple[str, ...],
    optional: tuple[str, ...],
) -> None:
    """The declaration and the signature must say the same, or a misspelt need goes unheard."""
    positional = {p.name: p for p in arguments.values() if p.kind is not p.KEYWORD_ONLY}
    bare = {p.name for p in positional.values() if p.default is p.empty} - HANDED[kind]
    preset = {p.name for p in positional.values() if p.default is None}
    required = REQUIRED[kind]
    fits = (
        all(p.kind is p.POSITIONAL_OR_KEYWORD for p in positional.values())
        and bare == set(needs)
        and preset == set(optional)
        and set(positional) - HANDED[kind] == bare | preset
        and required <= set(positional)
    )
    if not fits:
        want = [*needs, *sorted(required), *(f"{o}=None" for o in optional)]
        raise SpecError(
            f"the function of {kind} {name!r} must take ({', '.join(want)}), as it declares, and "
            f"settings after a `*`, but takes ({', '.join(positional)})"
        )


def _settings(name: str, arguments: Mapping[str, inspect.Parameter]) -> Mapping[str, Setting]:
    settings = {p.name: p.default for p in arguments.values() if p.kind is p.KEYWORD_ONLY}
    for setting, default in settings.items():
        if default is inspect.Parameter.empty:
            raise SpecError(f"setting {setting!r} of strategy {name!r} must have a default")
    return MappingProxyType(settings)


def _section(doc: str, title: str) -> str:
    """The text of one section of a docstring, on one line."""
    _, found, rest = f"\n{doc}".partition(f"\n{title}:")
    if not found:
        return ""
    first, *others = rest.split("\n")
    below: list[str] = []
    for line in others:
        if line.strip() and not line.startswith(" "):
            break
        below.append(line)
    return " ".join(" ".join([first, *below]).split())
