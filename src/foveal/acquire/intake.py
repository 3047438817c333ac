"""What a strategy is handed: its evidence, in an order that the pool's own order cannot sway.

Rows are arranged by a keyed hash of sample, seed and round. So the first of equals is chosen by
chance, a generator's draws fall on the same samples however the pool was listed, and the answer
is the same to the last bit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from foveal.acquire.derived import array_of
from foveal.acquire.registry import CONTEXT, Strategy, located
from foveal.core.arrays import AnyArray, IntArray, read_only
from foveal.core.chance import integer_seed
from foveal.core.errors import EvidenceError, unknown_name
from foveal.core.evidence import PIXELWISE, SAMPLE_AXIS, Evidence
from foveal.core.pool import SampleId

FILLED_BY: Mapping[str, str] = {
    "probs": "`models.predict` fills it",
    "mc_probs": "`models.predict` fills it where draws or an ensemble are switched on",
    "embedding": "`models.predict` fills it",
    "backbone_embedding": "`models.predict` fills it",
    "misalignment": "`models.predict` fills it where `regions.source` is not none",
    "residual": "it follows from `probs`",
    **dict.fromkeys(PIXELWISE, "a run with `task: segmentation` fills it"),
}
BY_HAND = "put an array of that name into the evidence"


@dataclass(frozen=True, slots=True)
class Intake:
    """Candidates in hash order: `rows` are their positions in the evidence.

    `arrays` are per candidate, `context` are the arrays of sets beside the pool.
    """

    ids: tuple[SampleId, ...]
    rows: IntArray
    arrays: Mapping[str, AnyArray]
    context: Mapping[str, AnyArray]

    def __len__(self) -> int:
        return len(self.ids)

    def handed(self, positions: IntArray | None = None) -> dict[str, AnyArray]:
        """Arguments of the strategy's function, for all candidates or for some of them."""
        if positions is None or positions.size == len(self):
            return {**self.arrays, **self.context}
        some = {name: _rows(name, array, positions) for name, array in self.arrays.items()}
        return {**some, **self.context}

    def facts(self, position: int) -> dict[str, AnyArray]:
        """The evidence of one candidate."""
        return {n: np.take(a, position, SAMPLE_AXIS.get(n, 0)) for n, a in self.arrays.items()}


def take_in(
    evidence: Evidence,
    strategy: Strategy,
    *,
    seed: int,
    round_number: int,
    exclude: Collection[SampleId] = (),
    context: Mapping[str, Evidence] | None = None,
) -> Intake:
    """The candidates and what the strategy reads of them.

    Raises:
        EvidenceError: naming the needed array that is missing and who fills it.
        UnknownName: if `context` holds a set that no strategy could ask about.
    """
    for place in context or {}:
        if place not in CONTEXT:
            raise unknown_name("set beside the pool", place, CONTEXT)
    sets = {"pool": evidence, **(context or {})}
    purpose = f"acquire/{strategy.name}"
    hashes = {place: _hashes(s.ids, seed, purpose, round_number) for place, s in sets.items()}
    orders = {place: np.argsort(h[:, 0], kind="stable") for place, h in hashes.items()}
    if "head" in orders:  # its rows are classes, which every other array knows by their order
        orders["head"] = np.arange(len(sets["head"]))
    if exclude:
        barred = frozenset(exclude)
        keep = np.array([i not in barred for i in evidence.ids], dtype=bool)
        orders["pool"] = orders["pool"][keep[orders["pool"]]]
    arrays: dict[str, dict[str, AnyArray]] = {place: {} for place in sets}
    for need in (*strategy.needs, *strategy.optional):
        place, name = located(need)
        array = _find(strategy, need, sets)
        if array is not None:
            arrays[place][need] = _rows(name, array, orders[place])
    rows = orders["pool"]
    pool = arrays.pop("pool")
    if strategy.chance:
        pool["chance"] = read_only(_uniform(hashes["pool"][rows, 1]))
    beside = {need: array for found in arrays.values() for need, array in found.items()}
    return Intake(tuple(evidence.ids[i] for i in rows.tolist()), rows, pool, beside)


def _find(strategy: Strategy, need: str, sets: Mapping[str, Evidence]) -> AnyArray | None:
    """The array a strategy asks for, or None if that is optional and absent."""
    place, name = located(need)
    if place in sets:
        array = array_of(sets[place], name)
        if array is not None:
            return array
    if need in strategy.optional:
        return None
    if place not in sets:
        raise EvidenceError(
            f"strategy {strategy.name!r} needs `{need}`, but no set {place!r} was given beside the "
            f"pool; pass context={{{place!r}: Evidence(...)}} with an array `{name}`"
        )
    there = ", ".join(f"`{n}`" for n in sorted(sets[place].arrays)) or "nothing"
    raise EvidenceError(
        f"strategy {strategy.name!r} needs `{need}`, but the evidence holds {there}; "
        f"{FILLED_BY.get(name, BY_HAND)}"
    )


def _hashes(
    ids: Sequence[SampleId], seed: int, purpose: str, round_number: int
) -> NDArray[np.uint64]:
    """(n, 2) independent keys of each sample: one for its place, one for its chance."""
    key = integer_seed(seed, purpose, round_number).to_bytes(8, "little")
    digests = (blake2b(i.encode(), key=key, digest_size=16).digest() for i in ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2).astype(np.uint64)


def _uniform(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Strictly inside (0, 1), so that a logarithm of either side is finite."""
    return ((keys >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _rows(name: str, array: AnyArray, order: IntArray) -> AnyArray:
    return read_only(np.take(array, order, axis=SAMPLE_AXIS.get(name, 0)))
