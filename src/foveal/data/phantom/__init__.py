"""Phantom: procedural breast ultrasound with a planted shortcut, for demonstrations and tests."""

from foveal.data.phantom.write import write_phantom

__all__ = ["write_phantom"]
