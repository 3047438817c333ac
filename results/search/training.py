"""Ways to train, on random labels and development data, a line of the log for each.

python results/search/training.py busi --seeds 5

All ways see the same labels and the same split; the network is the product's in mode `features`,
rewritten here so that ideas which the product does not have can be tried before it gets them.
"""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from development import SETS, bench_of, divided, kept
from torch import Tensor, nn
from torch.nn import functional

from foveal.evaluate import macro_auroc
from foveal.models import use_threads
from foveal.models.losses import balanced_weights, explanation_loss, region_loss
from foveal.models.regions import on_grid

SIZES = (30, 60, 120, 240)
BATCH, ADAPTER = 64, 128


@dataclass(frozen=True)
class Way:
    """What is varied: weights of the losses, share and kind of regions, and the usual knobs."""

    rate: float = 3e-3
    epochs: int = 60
    decay: float = 1e-4
    dropout: float = 0.0
    balanced: bool = False
    members: int = 1
    explanation: float = 0.0
    region: float = 0.0
    attention: str = "none"  # none, predicted (by the network), oracle (hidden regions)
    share: float = 1.0
    box: bool = False


PLAIN: Mapping[str, Way] = {
    "plain": Way(),
    "rate 1e-3": Way(rate=1e-3),
    "rate 5e-4": Way(rate=5e-4),
    "120 epochs": Way(epochs=120),
    "dropout .5": Way(dropout=0.5),
    "rate 1e-3, dropout .5": Way(rate=1e-3, dropout=0.5),
    "decay .05": Way(decay=0.05),
    "balanced": Way(balanced=True),
    "3 members": Way(members=3),
}
OUTLINED: Mapping[str, Way] = {
    "explanation .5": Way(explanation=0.5),
    "explanation 2": Way(explanation=2),
    "explanation 2, rate 1e-3": Way(explanation=2, rate=1e-3),
    "region 1": Way(region=1),
    "region 1, rate 1e-3": Way(region=1, rate=1e-3),
    "both": Way(region=1, explanation=2, rate=1e-3),
    "both, small": Way(region=0.3, explanation=0.5, rate=1e-3),
    "both, half of the regions": Way(region=1, explanation=2, rate=1e-3, share=0.5),
    "both, a quarter": Way(region=1, explanation=2, rate=1e-3, share=0.25),
    "both, boxes": Way(region=1, explanation=2, rate=1e-3, box=True),
    "both, half as boxes": Way(region=1, explanation=2, rate=1e-3, box=True, share=0.5),
    "both, attention": Way(region=1, explanation=2, rate=1e-3, attention="predicted"),
    "attention to hidden regions": Way(attention="oracle"),
}


class Net(nn.Module):
    """Adapter, mean (and mean over a region), linear head; outlines beside."""

    def __init__(self, channels: int, classes: int, way: Way) -> None:
        super().__init__()
        self.attends = way.attention != "none"
        self.adapter = nn.Conv2d(channels, ADAPTER, 1)
        self.head = nn.Linear(ADAPTER * (2 if self.attends else 1), classes)
        self.outline = nn.Conv2d(ADAPTER, 1, 3, padding=1)
        self.dropout = nn.Dropout(way.dropout)

    def forward(
        self, x: Tensor, region: Tensor | None, target: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Logits (n, C), evidence map of the target (n, h, w), outline logits (n, h, w)."""
        acts = self.adapter(x).relu()
        outline = self.outline(acts)[:, 0]
        parts, cells = [acts.mean((2, 3))], acts[0, 0].numel()
        where = None
        if self.attends:
            seen = outline.detach().sigmoid() if region is None else region
            where = seen / seen.sum((1, 2), keepdim=True).clamp_min(1.0)
            parts.append((acts * where[:, None]).sum((2, 3)))
        logits = self.head(self.dropout(torch.cat(parts, 1)))
        if target is None:
            return logits, None, outline
        weight = self.head.weight[target]
        evidence = torch.einsum("nk,nkhw->nhw", weight[:, :ADAPTER], acts) / cells
        if where is not None:
            evidence = evidence + torch.einsum("nk,nkhw->nhw", weight[:, ADAPTER:], acts) * where
        return logits, evidence, outline


def boxed(regions: Tensor) -> Tensor:
    """The smallest rectangle of cells around each region."""
    made = torch.zeros_like(regions)
    for box, region in zip(made, regions, strict=True):
        rows, columns = torch.where(region > 0.05)
        if len(rows):
            box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 1
    return made


def fitted(x: Tensor, y: Tensor, regions: Tensor, classes: int, way: Way, seed: int) -> Net:
    """A network after training."""
    torch.manual_seed(seed)
    net, n = Net(x.shape[1], classes, way), len(x)
    bought = torch.arange(n) % round(1 / way.share) == 0
    drawn = boxed(regions) if way.box else regions
    hidden = regions if way.attention == "oracle" else None
    weights = balanced_weights(y, classes) if way.balanced else None
    optimizer = torch.optim.AdamW(net.parameters(), way.rate, weight_decay=way.decay)
    steps = -(-n // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, way.rate, way.epochs * steps)
    for _ in range(way.epochs):
        for some in torch.randperm(n).chunk(steps):
            own = None if hidden is None else hidden[some]
            logits, evidence, outline = net(x[some], own, y[some])
            loss = functional.cross_entropy(logits, y[some], weight=weights)
            if way.explanation and evidence is not None:
                astray = explanation_loss(evidence, drawn[some], bought[some])
                loss = loss + way.explanation * astray
            if way.region:
                loss = loss + way.region * region_loss(outline, drawn[some], bought[some])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10)
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def probs_of(net: Net, x: Tensor, hidden: Tensor | None) -> Tensor:
    """(n, C)."""
    own = [None] * len(x.split(256)) if hidden is None else hidden.split(256)
    return torch.cat([net(a, b)[0].softmax(1) for a, b in zip(x.split(256), own, strict=True)])


def main() -> None:
    """Try every way that the log lacks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    use_threads(1)
    log = Path(__file__).with_name(f"training-{asked.set}.jsonl")
    done = {(line["way"], line["seed"], line["labels"]) for line in kept(log)}
    bench = bench_of(asked.set)
    outlined = "regions" not in SETS[asked.set]
    ways = {**PLAIN, **(OUTLINED if outlined else {})}
    classes = len(bench.pool.classes)
    for seed in range(asked.seeds):
        here = divided(bench, seed)
        truth, pool = here.collection.truth, here.pool
        order = np.random.default_rng([seed, 7]).permutation(len(pool.ids("unlabeled")))
        seen = pool.ids("test")
        x_seen = torch.from_numpy(here.inputs.read(here.rows(seen)))
        y_seen = np.array([truth.label(i) for i in seen])
        for size in SIZES:
            ids = tuple(pool.ids("unlabeled")[i] for i in order[:size])
            if all((name, seed, size) in done for name in ways):
                continue
            x = torch.from_numpy(here.inputs.read(here.rows(ids)))
            y = torch.tensor([truth.label(i) for i in ids])
            mean, std = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
            x, x_new = (x - mean) / std.clamp_min(1e-3), (x_seen - mean) / std.clamp_min(1e-3)

            def regions(which: tuple[str, ...], here=here, grid=x.shape[-2:]) -> Tensor:
                if not outlined:
                    return torch.zeros(len(which), *grid)
                whole = here.collection
                masks = [whole.region_on_grid(whole.truth.region(i)) for i in which]
                return on_grid(torch.from_numpy(np.stack(masks)).float(), grid)

            r, r_seen = regions(ids), regions(seen)
            for name, way in ways.items():
                if (name, seed, size) in done:
                    continue
                began = time.perf_counter()
                hidden = r_seen if way.attention == "oracle" else None
                nets = [fitted(x, y, r, classes, way, 100 * seed + m) for m in range(way.members)]
                mean_probs = sum(probs_of(net, x_new, hidden) for net in nets) / way.members
                line = {
                    "way": name,
                    "seed": seed,
                    "labels": size,
                    "macro_auroc": round(macro_auroc(mean_probs.numpy(), y_seen) or 0, 5),
                    "seconds": round(time.perf_counter() - began, 2),
                    "settings": asdict(way),
                }
                with log.open("a") as out:
                    out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
