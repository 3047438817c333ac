"""Records: a project's answers as the records that files are written of, and back."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from foveal.annotate.answers import kind_of
from foveal.annotate.images import ImageSource
from foveal.core.annotation import Annotation
from foveal.core.arrays import BoolArray
from foveal.core.pool import Sample, SampleId
from foveal.core.region import decode_region, encode_region, majority
from foveal.core.shapes import Mask, Shapes, pack_runs, parse_shapes
from foveal.data.exchange.labels import LabeledImage, matched
from foveal.store.accounts import NAME
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState
from foveal.store.project import ProjectStore


def resolved_records(
    live: LiveState, images: ImageSource, blobs: Blobs
) -> Iterator[tuple[SampleId, LabeledImage]]:
    """One record a case that counts, test cases included; those without an image are left out.

    Where several readers agreed on a class, the region is what most of them drew.
    """
    known = images.samples()
    for sample, resolution in (*live.lessons(), *live.references()):
        if sample not in known:  # a lost image stops nothing; the worker puts it aside
            continue
        assert resolution.label is not None
        told = resolution.told
        label = live.classes[resolution.label]
        names = " ".join(one.annotator for one in told)
        seconds = sum(one.seconds for one in told)
        record = _record(known[sample], told, label, blobs)
        yield sample, LabeledImage(*record, annotator=names, seconds=seconds, at=told[-1].at)


def every_record(live: LiveState, images: ImageSource, blobs: Blobs) -> Iterator[LabeledImage]:
    """One record an answer, in order: everybody's, repeats and corrections included.

    A picture that cannot be read any more is named by its sample.
    """
    known = images.samples()
    for one in live.history:
        label = None if one.label is None else live.classes[one.label]
        picture = known.get(one.sample) or Sample(one.sample, "", one.sample)
        record = _record(picture, [one], label, blobs)
        yield LabeledImage(
            *record,
            verdict=one.verdict,
            annotator=one.annotator,
            seconds=one.seconds,
            at=one.at,
            purpose=one.purpose,
            assisted=one.assisted,
        )


def take_in(
    store: ProjectStore, images: ImageSource, found: Sequence[LabeledImage], by: str
) -> tuple[int, list[str]]:
    """Keep records of another tool as answers that count; how many, and what could not be used.

    What equals the last word on a case is not kept again, so an import that broke off can be
    repeated, and a wrong one put right by another.
    """
    live = store.live()
    images.keep_up(len(live.parts))
    samples = images.samples()
    known = {
        one.uri: i for i, one in samples.items() if live.parts.get(i, "excluded") != "excluded"
    }
    pairs, problems = matched(found, known)
    kept = 0
    for sample, one in pairs.items():
        name = samples[sample].uri.rpartition("/")[2]
        if (one.width, one.height) != images.size(sample):
            problems.append(f"{name}: it was labeled at another size, {one.width} x {one.height}")
        elif one.label is not None and one.label not in live.classes:
            problems.append(f"{name}: the project has no class {one.label!r}")
        elif live.outlines and one.label is not None and one.shapes is None:
            problems.append(f"{name}: outlines teach here, but the file says nothing of a region")
        else:
            now = live.ruled.get(sample)
            label = None if one.label is None else live.classes.index(one.label)
            kept += _keep(store, sample, one, label, by, now)
    return kept, problems


def _keep(
    store: ProjectStore,
    sample: SampleId,
    one: LabeledImage,
    label: int | None,
    by: str,
    now: Annotation | None,
) -> bool:
    """Whether it was new.

    Args:
        label: None for a picture that was ruled bad.
        now: the last word on the case. Its key goes into the new one: two imports at once keep an
            answer once, and what was said before something else can be said again.
    """
    whose = one.annotator if NAME.fullmatch(one.annotator) else by
    drawn = b"" if one.shapes is None else one.shapes.to_bytes()
    digest = hashlib.sha256(drawn).hexdigest() if drawn else ""
    if now is not None and (now.label, now.annotator, now.shapes) == (label, whose, digest):
        return False
    named = [sample, str(label), whose, digest, "" if now is None else now.key]
    told = Annotation(
        sample=sample,
        annotator=whose,
        verdict="bad" if label is None else "labeled",
        label=label,
        region_kind=kind_of(one.shapes),
        seconds=one.seconds,
        at=one.at,
        purpose="imported",
        key=hashlib.sha256("\0".join(named).encode()).hexdigest(),
    )
    region = None if one.shapes is None else encode_region(one.region)
    return not store.save(told, region, drawn or None).duplicate


def _record(
    picture: Sample, told: Sequence[Annotation], label: str | None, blobs: Blobs
) -> tuple[str, int, int, str | None, Shapes | None]:
    drawn = _drawn(told, blobs)
    height, width = picture.shape[-2:] or (0, 0)
    size = (width, height) if drawn is None else (drawn.width, drawn.height)
    return picture.uri, *size, label, drawn


def _drawn(told: Sequence[Annotation], blobs: Blobs) -> Shapes | None:
    """What was drawn, on the grid on which it was; None where no region was asked for."""
    if len(told) == 1 and told[0].shapes:
        kept = json.loads(blobs.get(told[0].shapes))
        return parse_shapes(kept, kept["width"], kept["height"])
    regions = _regions(told, blobs)
    if not regions:
        return None
    height, width = regions[0].shape[-2:]
    return Shapes(width, height, _most(regions))


def consensus(told: Sequence[Annotation], blobs: Blobs) -> tuple[Mask, ...]:
    """The pixels that most of those drew who drew regions; () if there are none."""
    drawn = _regions(told, blobs)
    return _most(drawn) if drawn else ()


def _regions(told: Sequence[Annotation], blobs: Blobs) -> list[BoolArray]:
    return [decode_region(blobs.get(one.region)) for one in told if one.region]


def _most(drawn: Sequence[BoolArray]) -> tuple[Mask, ...]:
    most = majority(drawn)
    return (Mask(pack_runs(most)),) if most.any() else ()
