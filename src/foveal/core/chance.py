"""Chance as an argument: every random draw has a generator named by seed, purpose and round."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, round_number: int = 0) -> np.random.Generator:
    """A generator that depends on its three names only, so any step can be repeated alone."""
    return np.random.default_rng(np.random.SeedSequence(_entropy(seed, purpose, round_number)))


def integer_seed(seed: int, purpose: str, round_number: int = 0) -> int:
    """The same idea as one integer in [0, 2**63) for libraries that keep their own generators."""
    low, high = np.random.SeedSequence(_entropy(seed, purpose, round_number)).generate_state(2)
    return (int(high) << 32 | int(low)) >> 1


def _entropy(seed: int, purpose: str, round_number: int) -> list[int]:
    named = hashlib.sha256(purpose.encode()).digest()[:8]
    return [seed, int.from_bytes(named, "little"), round_number]
