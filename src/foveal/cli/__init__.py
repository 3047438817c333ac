"""The command line: one small file a command."""

from foveal.cli.app import main

__all__ = ["main"]
