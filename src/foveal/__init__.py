"""Foveal: active learning for medical imaging that looks where the expert looks."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Heavy rooms open when they are used: `import foveal.acquire` must not load torch.
_LAZY = {
    "load_pool": "foveal.data",
    "open_bench": "foveal.loop",
    "run_round": "foveal.loop",
    "Experiment": "foveal.loop",
}
_ROOMS = ("acquire", "annotate", "data", "evaluate", "explain", "loop", "models", "report", "store")

__all__ = ["Experiment", "__version__", "load_pool", "open_bench", "run_round"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in _ROOMS:
        return import_module(f"foveal.{name}")
    raise AttributeError(f"module 'foveal' has no attribute {name!r}")
