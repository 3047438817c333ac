"""Verify: is a project whole; its chain, what its entries name, and what was acknowledged."""

from collections.abc import Callable, Iterator, Mapping

from foveal.core.annotation import Annotation
from foveal.core.errors import StoreError
from foveal.store.blobs import DIGEST, Blobs
from foveal.store.events import Event
from foveal.store.journal import Journal
from foveal.store.live import LiveState, fold_live
from foveal.store.records import content_of, read_annotation

Saves = Mapping[int, tuple[str, str]]  # key and content of an acknowledged save, by its place


def verify(journal: Journal, blobs: Blobs, saves: Callable[[], Saves]) -> tuple[str, ...]:
    """What is wrong with a project, a sentence each; () if all is whole.

    A journal that is damaged or tells what could not have happened is one finding and ends the
    search, since what it names cannot be trusted.
    """
    try:
        kept = saves()  # before the entries, so that what is saved meanwhile is in them
        events = journal.events()
        state = fold_live(events)
    except StoreError as error:
        return (str(error),)
    found = [finding for event in events for finding in _of_entry(event, blobs, kept)]
    found += [
        f"save {key!r} was acknowledged as entry {seq}, which is no answer"
        for seq, (key, _) in kept.items()
        if seq >= len(events) or events[seq].kind != "annotated"
    ]
    return (*found, *_of_model(state, blobs))


def _of_model(state: LiveState, blobs: Blobs) -> Iterator[str]:
    """The last model and card, and the maps of the cases it chose; earlier models are dropped."""
    if state.trained:
        last = state.trained[-1]
        yield from _of_blob("the last model", blobs, last.checkpoint)
        yield from _of_blob("the model card", blobs, last.details.get("exports", {}).get("card"))
    cases = state.details[-1].get("cases", {}) if state.details else {}
    for sample, case in cases.items():
        for name, value in case.items():
            if isinstance(value, str) and DIGEST.fullmatch(value):
                yield from _of_blob(f"{name!r} of case {sample!r}", blobs, value)


def _of_entry(event: Event, blobs: Blobs, saves: Saves) -> Iterator[str]:
    if event.kind != "annotated":
        return
    told = read_annotation(event.payload)
    lost = [_of_blob(f"entry {event.seq}", blobs, name) for name in (told.region, told.shapes)]
    yield from (finding for findings in lost for finding in findings)
    if event.seq in saves and not any(lost):
        key, content = saves[event.seq]
        if (told.key, _content(told, blobs)) != (key, content):
            yield f"entry {event.seq} is not the answer that was acknowledged as save {key!r}"


def _of_blob(what: str, blobs: Blobs, digest: str | None) -> list[str]:
    try:
        if digest:
            blobs.get(digest)
    except StoreError as error:
        return [f"{what}: {error}"]
    return []


def _content(told: Annotation, blobs: Blobs) -> str:
    region, shapes = (blobs.get(name) if name else None for name in (told.region, told.shapes))
    return content_of(told, region, shapes)
