"""Bench: our speed beside that of peers, in one run, as ratios."""

from foveal.bench.suite import BENCHMARKS, run_benchmarks

__all__ = ["BENCHMARKS", "run_benchmarks"]
