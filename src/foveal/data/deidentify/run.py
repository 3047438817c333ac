"""De-identify a folder of DICOM files into another one; each file whole or not at all."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import FileDataset

from foveal import __version__
from foveal.core.errors import DataError, StoreError
from foveal.core.files import write_whole
from foveal.data.deidentify import dicomfile
from foveal.data.deidentify.dicomfile import Unfit
from foveal.data.deidentify.kinds import hold, text_of_or_empty, type_name
from foveal.data.deidentify.ledger import Done, Ledger, known_fingerprint
from foveal.data.deidentify.mapping import Mapping, default_mapping, open_mapping
from foveal.data.deidentify.options import Options
from foveal.data.deidentify.report import Report, report_of
from foveal.data.deidentify.scrub import Counts, Person, scrub
from foveal.data.deidentify.traces import traces_of
from foveal.data.facts import Progress
from foveal.data.problems import Problem

JSON_NAME, TEXT_NAME = "deidentification.json", "deidentification.txt"
STUDY, SERIES, SOP = 0x0020000D, 0x0020000E, 0x00080018
PATIENT_ID, PATIENT_NAME, BIRTH_DATE = 0x00100020, 0x00100010, 0x00100030


def deidentified(
    source: Path,
    out: Path,
    *,
    mapping: Path | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> tuple[Report, list[Problem]]:
    """De-identified copies of all DICOM files in `source`, and what could not be copied.

    `out` holds patient/study/series/number.dcm, the report (`deidentification.json` and `.txt`) and
    a ledger. Run again it does what is left; later sources can be added to the same folder. The
    originals are only read. Files that are no DICOM are left out and counted.

    Args:
        source: a folder, or one file.
        out: new, empty, or written by an earlier import with the same mapping and options.
        mapping: the file with the key and the names; see `default_mapping`. Not in `out`.
        options: what is kept beyond the Basic Profile.
        progress: called with files looked at and all.
    Returns:
        The report of the whole folder, and a problem for each file of `source` that was held back.
    Raises:
        DataError: if there is no `source`, or one folder lies in the other.
        StoreError: if `out` or the mapping is not what it must be, or cannot be written.
    """
    options = options or Options()
    _apart(source, out)
    opened = open_mapping(
        mapping or default_mapping(), outside=out, expected=known_fingerprint(out)
    )
    fingerprint = opened.codes.fingerprint()
    with Ledger(out, fingerprint, options) as ledger:
        work = _Import(source, out, opened, ledger, options)
        _sweep(out)
        paths = sorted(_files(source))
        for number, path in enumerate(paths, 1):
            with dicomfile.quiet():
                work.take(path)
            if progress:
                progress(number, len(paths))
        report = report_of(
            ledger,
            version=__version__,
            key=fingerprint,
            options=options,
            left_out=work.left_out,
            repeated=work.repeated,
        )
        write_whole(out / JSON_NAME, report.as_json().encode())
        write_whole(out / TEXT_NAME, report.as_text().encode())
    return report, work.problems


@dataclass(slots=True)
class _Import:
    """One run; its parts are open for as long as it lasts."""

    source: Path
    out: Path
    mapping: Mapping
    ledger: Ledger
    options: Options
    problems: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def take(self, path: Path) -> None:
        """Copy one file, or say why not."""
        try:
            if not dicomfile.looks_like_dicom(path):
                self.left_out["not DICOM"] += 1
                return
            code = self.mapping.codes.token("source", str(path.resolve()), 26)
            stamp = self.mapping.codes.token("stamp", dicomfile.stamp_of(path), 26)
        except OSError as error:
            reason = error.strerror or "input or output error"
            self._problem(path, "unreadable", f"it cannot be read: {reason}")
            return
        if not self.ledger.is_done(code, stamp):
            self._new(path, code, stamp)

    def _new(self, path: Path, code: str, stamp: str) -> None:
        try:
            dataset = dicomfile.read(path)
            syntax = dicomfile.transfer_syntax(dataset)
            held = hold(dataset, syntax, self.options)
            if held and held.kind == "directory":
                self.left_out["index of files (DICOMDIR)"] += 1
            elif held:
                self._held(path, code, held.kind, held.message)
            else:
                self._copy(path, code, stamp, dataset, syntax)
        except Unfit as why:
            self._held(path, code, "unreadable", str(why))

    def _copy(self, path: Path, code: str, stamp: str, dataset: FileDataset, syntax: str) -> None:
        if not all(_text(dataset, tag) for tag in (STUDY, SERIES, SOP)):
            raise Unfit("it has no Study, Series or SOP Instance UID, so nothing can refer to it")
        if traces_of(dataset).stand_in_pixels(dataset):
            text = "its compressed pixels hold a name or number of the patient, as a comment can"
            self._held(path, code, "trace", text)
            return
        identity, study = _identity(dataset), _text(dataset, STUDY)
        number, kind = dicomfile.number_of(dataset), type_name(dataset)
        person = self.mapping.person(identity)
        counts = self._scrubbed(dataset, person)
        data = dicomfile.encoded(dataset, syntax, __version__)
        sop, digest = str(dataset.SOPInstanceUID), hashlib.sha256(data).hexdigest()
        other = self.ledger.other_source(sop, code)
        if other is not None:
            self._again(path, code, other.digest == digest)
            return
        if identity != person.pseudonym:
            self.mapping.remember(patient=identity, pseudonym=person.pseudonym, days=person.days)
            self.mapping.remember(study=study, renamed=str(dataset.StudyInstanceUID))
        target = self.ledger.place(code, sop, self._folder(dataset), number)
        write_whole(self.out / target, data)
        self.ledger.add(Done(code, stamp, sop, target, digest, kind, _digest(counts)), counts)

    def _scrubbed(self, dataset: FileDataset, person: Person) -> Counts:
        try:
            return scrub(dataset, self.mapping.codes, person, self.options)
        except Exception as error:  # its message can quote the file
            raise Unfit("one of its elements cannot be decoded") from error

    def _folder(self, dataset: FileDataset) -> str:
        """From the new names, so that a copy of a copy has the same place."""
        study = self.mapping.codes.token("study", str(dataset.StudyInstanceUID))
        series = self.mapping.codes.token("series", str(dataset.SeriesInstanceUID))
        return f"{dataset.PatientID}/S{study}/R{series}"

    def _again(self, path: Path, code: str, same: bool) -> None:
        if same:
            self.repeated += 1
            return
        text = "another file has the same SOP Instance UID and another content; keep the right one"
        self._held(path, code, "repeat", text)

    def _held(self, path: Path, code: str, kind: str, message: str) -> None:
        self.mapping.remember(held=kind, source=str(path.resolve()))
        self.ledger.hold(code, kind)
        self._problem(path, kind, message)

    def _problem(self, path: Path, kind: str, message: str) -> None:
        inside = path.relative_to(self.source) if path != self.source else Path(path.name)
        self.problems.append(Problem(None, inside.as_posix(), kind, message))


def _sweep(out: Path) -> None:
    """Remove what a killed run began to write; nobody else writes while the ledger is ours."""
    for folder, _, names in os.walk(out):
        for name in names:
            if name.startswith(".") and ".dcm." in name:
                (Path(folder) / name).unlink()


def _apart(source: Path, out: Path) -> None:
    if not source.exists():
        raise DataError(f"the source {str(source)!r} must be a folder or file, but does not exist")
    first, second = source.resolve(), out.resolve()
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise DataError(
            f"the --out folder must lie apart from the source, but {str(out)!r} and "
            f"{str(source)!r} are one in the other; choose another folder"
        )
    if out.exists() and not out.is_dir():
        raise StoreError(f"the --out folder {str(out)!r} must be a folder, but is a file")


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    for folder, _, names in os.walk(source):
        yield from (path for name in names if (path := Path(folder) / name).is_file())


def _identity(dataset: FileDataset) -> str:
    """What makes two files one patient's: the ID; else name and birth date; else the study."""
    number, name, born = (_text(dataset, tag) for tag in (PATIENT_ID, PATIENT_NAME, BIRTH_DATE))
    if number:
        return number
    return f"name {name} born {born}" if name and born else f"study {_text(dataset, STUDY)}"


def _text(dataset: FileDataset, tag: int) -> str:
    return text_of_or_empty(dataset, tag).strip(" \0")


def _digest(counts: Counts) -> str:
    return hashlib.sha256(repr(sorted(counts.items())).encode()).hexdigest()[:16]
