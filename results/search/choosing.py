"""Ways to choose, tried on pooled features with a small network, before the product gets them.

python results/search/choosing.py busi --seeds 6

Many runs in the time of one whole run: the network is adapter, ReLU and linear head on the mean of
the backbone's features, trained as in mode `features`. Prints a table: area under the curve of
macro AUROC, differences from random, entropy and BADGE with p of a paired t-test (not adjusted),
and the curve.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from development import SETS, bench_of, divided
from scipy.cluster.vq import kmeans2
from scipy.stats import ttest_1samp
from torch import nn
from torch.nn import functional

from foveal.acquire.strategies.badge import badge
from foveal.acquire.strategies.uncertainty import entropy, margin
from foveal.evaluate import aubc, macro_auroc
from foveal.models import use_threads

Array = np.ndarray


@dataclass(frozen=True)
class Round:
    """What a way to choose sees: candidates and labeled (known), backbone (z) and embedding (e)."""

    p: Array
    e: Array
    e_known: Array
    z: Array
    z_known: Array
    y_known: Array
    budget: int
    rng: np.random.Generator

    @property
    def doubt(self) -> Array:
        """(n,) one minus the margin."""
        return margin(self.p)

    @property
    def spread(self) -> Array:
        """(n,) variance of the label."""
        return (self.p * (1 - self.p)).sum(1)

    @property
    def rarity(self) -> Array:
        """(n,) expected rarity of the label among the labeled."""
        rare = 1 / (np.bincount(self.y_known, minlength=self.p.shape[1]) + 1.0)
        return self.p @ (rare / rare.mean())


def top(score: Array, budget: int) -> Array:
    """The highest."""
    return np.argsort(-score, kind="stable")[:budget]


def noisy(r: Round, score: Array, beta: float = 1.0) -> Array:
    """Power noising: a draw without replacement with odds score^beta."""
    return top(beta * np.log(score + 1e-12) + r.rng.gumbel(size=len(score)), r.budget)


def weighted_badge(r: Round, weight: Array) -> Array:
    """BADGE with a weight."""
    residual = r.p - np.eye(r.p.shape[1])[r.p.argmax(1)]
    return badge(residual, r.e, r.budget, r.rng, weight / weight.max())


def balanced(r: Round) -> Array:
    """The least certain of the predicted class that has fewest labels, again and again."""
    counts = np.bincount(r.y_known, minlength=r.p.shape[1]).astype(float)
    left, predicted, picked = r.doubt.copy(), r.p.argmax(1), []
    for _ in range(r.budget):
        for c in np.argsort(counts):
            own = np.flatnonzero((predicted == c) & (left > -1))
            if len(own):
                picked.append(int(own[left[own].argmax()]))
                left[picked[-1]] = -1
                counts[c] += 1
                break
    return np.array(picked)


def centers(r: Round, rows: Array) -> Array:
    """Nearest to the centers of k-means over candidates drawn by doubt."""
    drawn = r.rng.choice(len(rows), 4 * len(rows), p=r.doubt / r.doubt.sum())
    found, _ = kmeans2(rows[drawn], r.budget, minit="++", seed=r.rng)
    free, picked = np.ones(len(rows), bool), []
    for center in found:
        apart = np.where(free, ((rows - center) ** 2).sum(1), np.inf)
        picked.append(int(apart.argmin()))
        free[picked[-1]] = False
    return np.array(picked)


def reducing(
    r: Round,
    weight: Array,
    gain: Array | None = None,
    noise: float = 0.1,
    length_scale: float | None = 1.0,
    space: str = "backbone",
) -> Array:
    """Variance reduction; a length scale of None is the linear kernel."""
    parts = {"backbone": [(r.z, r.z_known)], "embedding": [(r.e, r.e_known)]}
    parts["both"] = parts["backbone"] + parts["embedding"]
    rows = np.concatenate([scaled(*pair) for pair in parts[space]], 1) / len(parts[space]) ** 0.5
    product = rows @ rows.T
    lengths = np.diag(product)
    apart = np.maximum(lengths[:, None] + lengths - 2 * product, 0)
    kernel = product if length_scale is None else np.exp(-apart / (2 * length_scale**2))
    n = len(r.p)
    known = kernel[n:, n:] + noise * np.eye(len(r.y_known))
    left = kernel[:n, :n] - kernel[:n, n:] @ np.linalg.solve(known, kernel[n:, :n])
    picked: list[int] = []
    for _ in range(r.budget):
        worth = ((left * left) @ weight) / (np.diag(left) + noise)
        worth = worth if gain is None else worth * gain
        worth[picked] = -1
        i = int(worth.argmax())
        picked.append(i)
        left = left - np.outer(left[:, i], left[:, i]) / (left[i, i] + noise)
    return np.array(picked)


def scaled(a: Array, b: Array) -> Array:
    """Both, standardized, with a mean squared length of 1."""
    rows = np.concatenate([a, b])
    rows = (rows - rows.mean(0)) / (rows.std(0) + 1e-3)
    return rows / np.sqrt((rows * rows).sum(1).mean())


WAYS: dict[str, Callable[[Round], Array]] = {
    "random": lambda r: r.rng.permutation(len(r.p))[: r.budget],
    "entropy": lambda r: top(entropy(r.p), r.budget),
    "badge": lambda r: weighted_badge(r, np.ones(len(r.p))),
    "margin": lambda r: top(r.doubt, r.budget),
    "power(margin)": lambda r: noisy(r, r.doubt),
    "power(margin), 3": lambda r: noisy(r, r.doubt, 3.0),
    "power(margin * rarity)": lambda r: noisy(r, r.doubt * r.rarity),
    "badge * rarity": lambda r: weighted_badge(r, r.rarity),
    "balanced margin": balanced,
    "centers": lambda r: centers(r, r.e),
    "centers, backbone": lambda r: centers(r, r.z),
    "linear, all alike": lambda r: reducing(r, np.ones(len(r.p)), length_scale=None),
    "linear": lambda r: reducing(r, r.doubt, length_scale=None),
    "linear, spread": lambda r: reducing(r, r.spread, length_scale=None),
    "linear, doubt of the pick too": lambda r: reducing(r, r.doubt, r.doubt, length_scale=None),
    "linear, embedding": lambda r: reducing(r, r.doubt, length_scale=None, space="embedding"),
    "rbf": lambda r: reducing(r, r.doubt),
    "rbf, doubt of the pick too": lambda r: reducing(r, r.doubt, r.doubt),
    "rbf, embedding": lambda r: reducing(r, r.doubt, space="embedding"),
    "rbf, both": lambda r: reducing(r, r.doubt, space="both"),
    "rbf, length .7": lambda r: reducing(r, r.doubt, length_scale=0.7),
    "rbf, length 1.5": lambda r: reducing(r, r.doubt, length_scale=1.5),
    "rbf, noise .3": lambda r: reducing(r, r.doubt, noise=0.3),
    "rbf, noise .03": lambda r: reducing(r, r.doubt, noise=0.03),
    "rbf, spread": lambda r: reducing(r, r.spread),
    "rbf, doubt squared": lambda r: reducing(r, r.doubt**2),
    "rbf, doubt * rarity": lambda r: reducing(r, r.doubt * r.rarity),
    "rbf, all alike": lambda r: reducing(r, np.ones(len(r.p))),
}


def fitted(x: Array, y: Array, classes: int, seed: int) -> Callable[[Array], tuple[Array, Array]]:
    """A trained network: probabilities and embedding of rows."""
    torch.manual_seed(seed)
    mean, std = x.mean(0), np.maximum(x.std(0), 1e-3)
    rows, labels = torch.from_numpy((x - mean) / std), torch.from_numpy(y)
    adapter, head = nn.Linear(x.shape[1], 128), nn.Linear(128, classes)
    weights = [*adapter.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, 1e-3, weight_decay=1e-4)
    steps = -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, 60 * steps)
    for _ in range(60):
        for some in torch.randperm(len(x)).chunk(steps):
            logits = head(adapter(rows[some]).relu())
            optimizer.zero_grad()
            functional.cross_entropy(logits, labels[some]).backward()
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def see(z: Array) -> tuple[Array, Array]:
        e = adapter(torch.from_numpy((z - mean) / std)).relu()
        return head(e).softmax(1).numpy(), e.numpy()

    return see


def curve(way: Callable[[Round], Array], here: dict[str, Array], sizes: dict, seed: int) -> list:
    """Labels and macro AUROC, round by round."""
    x, y, classes = here["x"], here["y"], int(here["y"].max()) + 1
    labeled = np.random.default_rng([seed, 1]).permutation(len(x))[: sizes["seed_set"]]
    rng, points = np.random.default_rng([seed, 2]), []
    while True:
        see = fitted(x[labeled], y[labeled], classes, 100 * seed + len(points))
        points.append((len(labeled), macro_auroc(see(here["x_seen"])[0], here["y_seen"])))
        if len(labeled) >= sizes["labels"]:
            return points
        rest = np.setdiff1d(np.arange(len(x)), labeled)
        budget = min(sizes["budget"], sizes["labels"] - len(labeled))
        (p, e), e_known = see(x[rest]), see(x[labeled])[1]
        seen = Round(p, e, e_known, x[rest], x[labeled], y[labeled], budget, rng)
        labeled = np.concatenate([labeled, rest[way(seen)]])


def main() -> None:
    """Run all ways, or some, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    asked = parser.parse_args()
    use_threads(1)
    bench = bench_of(asked.set)
    found: dict[str, list] = {name: [] for name in asked.ways}
    for seed in range(asked.seeds):
        one = divided(bench, seed)
        parts = {}
        for part, suffix in (("unlabeled", ""), ("test", "_seen")):
            ids, truth = one.pool.ids(part), one.collection.truth
            parts["x" + suffix] = one.inputs.read(one.rows(ids)).mean((2, 3)).astype(np.float32)
            parts["y" + suffix] = np.array([truth.label(i) for i in ids])
        for name in asked.ways:
            found[name].append(curve(WAYS[name], parts, SETS[asked.set], seed))
    areas = {n: np.array([aubc(*zip(*c, strict=True)) for c in cs]) for n, cs in found.items()}
    for name in sorted(areas, key=lambda n: -areas[n].mean()):
        told = []
        for other in ("random", "entropy", "badge"):
            if other in areas and other != name:
                d = areas[name] - areas[other]
                told.append(f"{other} {d.mean():+.4f} p {ttest_1samp(d, 0).pvalue:.3f}")
        heights = " ".join(f"{h:.3f}" for h in np.mean(found[name], axis=0)[:, 1])
        print(f"{name:30s} {areas[name].mean():.4f} | {' | '.join(told)} | {heights}")


if __name__ == "__main__":
    main()
