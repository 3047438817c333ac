"""Finding series: a folder, or what was copied from a disc, to stacks and problems."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from foveal.core.pool import sample_id
from foveal.data.dicom.directory import is_directory, wrong_references
from foveal.data.dicom.frames import Frame, frames_of
from foveal.data.dicom.headers import damage, read_start
from foveal.data.dicom.pixels import plain_bytes
from foveal.data.dicom.series import DicomSeries, Kind, kind_of
from foveal.data.dicom.sorting import Sorted, stacks_of
from foveal.data.dicom.walk import problem_of, walk
from foveal.data.problems import Problem
from foveal.data.readers.picture import Unreadable

DATE_TAGS = (
    "AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate", "ContentDate",
)  # fmt: skip
TELL_THEIR_PLACE = frozenset({"CT", "MR", "PT"})  # modalities whose images should

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _File:
    """One readable header, reduced to what series are made of."""

    path: Path
    series: str
    patient: str
    study: str
    modality: str
    date: str
    kind: Kind
    sop: str
    frames: tuple[Frame, ...]


def find_series(
    folder: Path, progress: Progress | None = None, *, key: bytes = b"foveal"
) -> tuple[list[DicomSeries], list[Problem]]:
    """Every series below a folder, in the order of their first files, and what was wrong.

    Headers are read, never pixels. Hidden files and folders are left out, and so are files of
    other formats with a suffix of their own or plain text. A bad file is listed and the rest goes
    on; a series of which no volume can be made is listed with the reason, and its pictures stay.

    Args:
        folder: is walked whole; links that leave it are refused. If it holds a DICOMDIR, its
            references are checked too. A single file is taken alone.
        progress: called with files done and all.
        key: of the hashes of patient, study and series. Whoever knows the key can test guesses.
    Raises:
        DataError: if there is no such folder.
    """
    paths, problems = walk(folder)
    folder = folder.parent if folder.is_file() else folder
    files: list[_File] = []
    for done, path in enumerate(paths, 1):
        try:
            found = _file(path, folder, key, problems)
            files += [found] if found is not None else []
        except Unreadable as error:
            problems.append(problem_of(folder, path, error.kind, str(error)))
        if progress is not None:
            progress(done, len(paths))
    return _assemble(files, folder, key, problems), problems


def _file(path: Path, folder: Path, key: bytes, problems: list[Problem]) -> _File | None:
    header, rest = read_start(path)
    with damage("unreadable", "the header is damaged and makes no sense; copy the file again"):
        if is_directory(header):
            wrong = wrong_references(header, path.parent)
            problems += [problem_of(folder, path, kind, said) for kind, said in wrong]
            return None
        _check_whole(header, rest)
        return _reduced(path, header, key)


def _reduced(path: Path, header: Dataset, key: bytes) -> _File:
    series = _text(header, "SeriesInstanceUID") or _text(header, "SOPInstanceUID")
    if not series:
        raise Unreadable(
            "tags", "the file must say which series it belongs to, but does not; export it again"
        )
    person, study = _text(header, "PatientID"), _text(header, "StudyInstanceUID")
    kind = kind_of(_text(header, "SOPClassUID"), "Rows" in header)
    frames = tuple(frames_of(header)) if kind == "image" else ()
    return _File(
        path,
        series,
        sample_id(f"{person}\0{_text(header, 'IssuerOfPatientID')}", 0, key) if person else "",
        sample_id(study, 0, key) if study else "",
        _text(header, "Modality"),
        _date(header),
        kind,
        _text(header, "SOPInstanceUID"),
        frames,
    )


def _check_whole(header: Dataset, rest: int) -> None:
    """Raise `Unreadable` if an image is cut off before its pixels, or within plain ones."""
    is_image = UID(_text(header, "SOPClassUID")).name.endswith("Image Storage")
    if (is_image and "Rows" not in header) or rest < plain_bytes(header):
        raise Unreadable("unreadable", "the file is cut off; copy it again")


def _assemble(
    files: Sequence[_File], folder: Path, key: bytes, problems: list[Problem]
) -> list[DicomSeries]:
    groups: dict[tuple[str, Kind, str], list[_File]] = {}
    for file in files:
        # What is drawn on images is used file by file: each may be drawn on others.
        alone = "" if file.kind == "image" else file.sop or str(len(groups))
        groups.setdefault((file.series, file.kind, f"{file.patient}|{alone}"), []).append(file)
    sharing = Counter(series for series, _, _ in groups)
    found: list[DicomSeries] = []
    for (series, kind, rest), group in groups.items():
        name = series if sharing[series] == 1 else f"{series}|{kind}|{rest}"
        if kind == "image":
            found += _image_series(name, group, folder, key, problems)
        else:
            problems += [_copy(folder, file.path) for file in group[1:]]
            found.append(_series(sample_id(name, 0, key), group[:1]))
    return found


def _image_series(
    name: str, group: Sequence[_File], folder: Path, key: bytes, problems: list[Problem]
) -> list[DicomSeries]:
    frames = [replace(f, file=n) for n, file in enumerate(group) for f in file.frames]
    stacks = stacks_of(frames)
    used = {f.file for stack in stacks for f in stack.frames}
    for n in sorted(set(range(len(group))) - used):
        problems.append(_copy(folder, group[n].path))
    if len(stacks) > 1:
        said = (
            f"the series holds {len(stacks)} stacks of images, told apart by direction, size, "
            "time, echo or the like; each is used as a series of its own"
        )
        problems.append(problem_of(folder, group[0].path, "split", said))
    found = []
    for stack in stacks:
        at = group[stack.frames[0].file]
        problems += [problem_of(folder, at.path, *note) for note in _notes(stack, at.modality)]
        token = sample_id(f"{name}|{stack.mark}" if stack.mark else name, 0, key)
        found.append(_series(token, group, stack))
    return found


def _copy(folder: Path, path: Path) -> Problem:
    said = "the file has the identity of another one in its series and is left out"
    return problem_of(folder, path, "repeat", said)


def _notes(stack: Sorted, modality: str) -> list[tuple[str, str]]:
    fault = [stack.fault] if stack.fault is not None else []
    if fault and fault[0][0] == "no_geometry" and modality not in TELL_THEIR_PLACE:
        fault = []
    return [*stack.notes, *fault]


def _series(token: str, group: Sequence[_File], stack: Sorted | None = None) -> DicomSeries:
    frames = stack.frames if stack is not None else ()
    order = list(dict.fromkeys(f.file for f in frames)) or list(range(len(group)))
    at = {n: k for k, n in enumerate(order)}
    files = [group[n] for n in order]
    dates = [f.date for f in files if f.date]
    return DicomSeries(
        token=token,
        files=tuple(f.path for f in files),
        patient=files[0].patient,
        study=files[0].study,
        modality=files[0].modality,
        date=min(dates, default=""),
        frames=len(frames),
        kind=files[0].kind,
        places=tuple((at[f.file], f.index) for f in frames),
        volume=stack is not None and stack.fault is None,
    )


def _date(header: Dataset) -> str:
    for tag in DATE_TAGS:
        digits = _text(header, tag).replace(".", "")[:8]
        if len(digits) == 8 and digits.isdigit():
            try:
                return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
            except ValueError:
                continue
    return ""


def _text(header: Dataset, tag: str) -> str:
    value = header.get(tag)
    return "" if value is None else str(value).strip().strip("\0")
