"""Foveal's strategies inside other packages; each module names the package it is for.

`foveal.adapters.modal` and `foveal.adapters.scikit_activeml` are imported by name, since the latter
needs its package.
"""

from foveal.adapters.arrays import Labeled, choose

__all__ = ["Labeled", "choose"]
