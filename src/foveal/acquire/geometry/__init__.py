"""Geometry of embeddings: exact distances, far-apart picks, k-means, neighbors, within memory.

`distances` measures, `picks` finishes and weighs a choice, `farthest` and `seeding` choose rows
that are far apart, `clusters` is k-means, `neighbors` finds the nearest others.
"""
