"""Presets as they lie in the package: YAML files, one a published study."""

from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml

from foveal.core.errors import unknown_name
from foveal.core.preset import Preset, parse_preset


def preset_names() -> list[str]:
    """Names of the studies that can be reproduced."""
    return sorted(_files())


def read_preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        UnknownName: with the nearest name.
    """
    known = _files()
    if name not in known:
        raise unknown_name("preset", name, known)
    return parse_preset(yaml.safe_load(known[name].read_text(encoding="utf-8")))


def _files() -> dict[str, Traversable]:
    folder = files("foveal") / "presets"
    return {
        entry.name.removesuffix(".yaml"): entry
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
