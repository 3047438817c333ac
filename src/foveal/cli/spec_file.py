"""Spec files: YAML to settings, and `--set key=value` on top."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from foveal.core.errors import SpecError
from foveal.core.spec import with_settings

SUCH_AS = {"--set": "train.epochs=40", "--live": "train_every=30"}


def read_settings(path: Path, changes: Sequence[str]) -> dict[str, Any]:
    """Settings of a spec file with `key=value` changes applied; values are read as YAML.

    Raises:
        SpecError: for a file that is missing or no mapping, or a change without `=`.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(
            f"the spec {str(path)!r} could not be read: {error.strerror}; see examples/ for specs "
            "to begin with"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"the spec {str(path)!r} must be YAML, but: {error}") from error
    if not isinstance(settings, dict):
        raise SpecError(f"the spec {str(path)!r} must hold keys and values, such as `data:`")
    return with_settings(settings, read_changes(changes))


def read_changes(changes: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """`key=value` texts as dotted keys and values, which are read as YAML.

    Args:
        option: with which they were given.
    Raises:
        SpecError: for one without `=`, or whose value is no YAML.
    """
    return dict(_change(text, option) for text in changes)


def _change(text: str, option: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SpecError(f"{option} must be key=value, such as {SUCH_AS[option]}, not {text!r}")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SpecError(f"the value in {option} {text!r} must be YAML") from error
