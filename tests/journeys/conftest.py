"""The tiny data set, its cache, and one thread, for every test of this folder."""

from discs import cache_folder, discs, no_page, quiet_machine

__all__ = ["cache_folder", "discs", "no_page", "quiet_machine"]
