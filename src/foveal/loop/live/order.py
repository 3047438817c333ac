"""Order: a query in the order in which people read it."""

from dataclasses import replace

from foveal.core.pool import Pool
from foveal.core.query import Query
from foveal.loop.constraints import volume_of


def slice_by_slice(query: Query, pool: Pool) -> Query:
    """Each volume's slices together and in their order, volumes as they are ranked."""
    samples = [pool[i] for i in query.ids]
    first: dict[str, int] = {}
    for rank, sample in enumerate(samples):
        first.setdefault(volume_of(sample), rank)
    order = sorted(
        range(len(samples)), key=lambda k: (first[volume_of(samples[k])], samples[k].position)
    )
    return replace(
        query,
        ids=tuple(query.ids[k] for k in order),
        scores={name: tuple(column[k] for k in order) for name, column in query.scores.items()},
        why=tuple(query.why[k] for k in order) if query.why else (),
        stands_for=tuple(query.stands_for[k] for k in order) if query.stands_for else (),
        ask_region=tuple(query.ask_region[k] for k in order) if query.ask_region else (),
    )
