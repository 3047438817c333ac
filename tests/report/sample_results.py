"""A made-up study, realistic in shape: four arms, five seeds, ten rounds, panels drawn by rule."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("Glioma", "Meningioma", "Pituitary", "No tumor")
# name, strategy, regions, annotate, explanation weight, end of AUROC, speed, end of CAM Dice
ARMS: tuple[tuple[str, str, str, str, float, float, float, float], ...] = (
    ("random", "random", "none", "none", 0.0, 0.845, 1.0, 0.21),
    ("entropy", "entropy", "none", "none", 0.0, 0.86, 1.25, 0.22),
    ("eg_al", "eg_al", "predicted", "mask", 0.1, 0.885, 1.6, 0.46),
    ("eg_al hidden masks", "eg_al", "oracle", "mask", 0.1, 0.895, 1.7, 0.49),
)
LABELS = tuple(range(30, 301, 30))
COUNTS = {"labeled": 30, "unlabeled": 1240, "val": 142, "test": 310, "excluded": 7}
WHY = (
    "The model is 91 % sure, but its map overlaps the expected region by 4 % only.",
    "The model cannot decide between Glioma and Meningioma (0.47 and 0.44).",
    "Rare so far: 6 of 60 labels are Pituitary.",
)

FAILED = {"arm": "eg_al", "seed": 5, "round": 7, "labels": 210, "error": "No loss is finite."}


def sample_results(
    folder: Path | None = None, *, arms: int = 4, seeds: int = 5, rounds: int = 10
) -> dict[str, Any]:
    """Results of the first `arms` arms; with a folder, panels are drawn for seed 0 of `eg_al`."""
    chosen = ARMS[:arms]
    runs = [_run(arm, seed, rounds, folder) for arm in chosen for seed in range(seeds)]
    return {
        "version": "0.1.0",
        "name": "Brain MRI: looking where the expert looks",
        "command": "foveal compare brain.yaml --strategies random,entropy,eg_al --seeds 5",
        "spec": _spec(seeds),
        "pool": _pool(),
        "runs": runs,
        "summary": _summary(runs),
        "tests": _tests([arm[0] for arm in chosen]) if seeds > 1 else [],
        "penalty": _penalty([arm[0] for arm in chosen]),
        "failures": [FAILED] if arms > 1 else [],
        "warnings": ["Five seeds have little power: only large differences can be shown."],
        "machine": {"cpu": "8-core x86-64", "threads": 8, "torch": "2.4.1", "device": "cpu"},
    }


def single_run(rounds: int = 4) -> dict[str, Any]:
    """One arm, one seed, nothing compared."""
    results = sample_results(arms=1, seeds=1, rounds=rounds)
    return {**results, "name": "One run", "warnings": [], "tests": []}


def write_panel(path: Path, seed: int) -> None:
    """A strip of three 96-pixel tiles: a head with a lesion, the regions, and a map."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    noise = rng.normal(0, 0.02, (96, 96))
    head = np.clip(1 - (x / 0.78) ** 2 - (y / 0.92) ** 2, 0, None) ** 0.35 * 0.45
    cy, cx = rng.uniform(-0.4, 0.4, 2)
    away = np.hypot((x - cx) * 1.2, y - cy)
    image = np.clip(head + 0.4 * (away < 0.2) * (0.8 + 0.2 * np.cos(9 * x)) + noise, 0, 1)
    gray = np.repeat(image[..., None], 3, axis=2)
    regions, heat = gray.copy(), np.exp(-((x - cx - 0.25) ** 2 + (y - cy + 0.1) ** 2) / 0.08)
    regions[np.abs(away - 0.22) < 0.014] = (0.13, 0.83, 0.93)
    guess = np.hypot(x - cx - 0.06, y - cy + 0.05)
    dashed = (np.arctan2(y - cy, x - cx) * 6 % np.pi) < 1.7
    regions[(np.abs(guess - 0.27) < 0.014) & dashed] = 1
    color = np.stack([heat, 0.85 * heat**2, 0.25 * (1 - heat)], axis=2)
    overlay = gray * (1 - 0.6 * heat[..., None]) + 0.6 * heat[..., None] * color
    strip = np.concatenate([gray, regions, np.clip(overlay, 0, 1)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((strip * 255).astype(np.uint8)).save(path)


def _run(arm: Any, seed: int, rounds: int, folder: Path | None) -> dict[str, Any]:
    name, acquire, regions, annotate, weight, top, speed, cam = arm
    rng = np.random.default_rng([seed, ARMS.index(arm)])
    labels = np.array(LABELS[:rounds])
    growth = 1 - np.exp(-speed * labels / 110)
    each = {"none": 10.0, "box": 20.0, "mask": 50.0}[annotate]
    ends = {"accuracy": top - 0.1, "balanced_accuracy": top - 0.13, "macro_auroc": top}
    metrics = {k: _noisy(rng, 0.45 + (v - 0.45) * growth, 0.008) for k, v in ends.items()}
    metrics |= {
        "cam_dice": [None, *_noisy(rng, 0.12 + (cam - 0.12) * growth, 0.012)[1:]],
        "pointing_game": _noisy(rng, 0.3 + (cam + 0.2) * growth, 0.02),
        "ece": _noisy(rng, 0.19 - 0.13 * growth * speed / 1.7, 0.007),
    }
    shares = np.array([0.3, 0.3, 0.1, 0.3] if acquire == "random" else [0.32, 0.26, 0.24, 0.18])
    bought = np.stack([rng.multinomial(30, shares) for _ in labels])
    run: dict[str, Any] = {
        "strategy": name,
        "acquire": acquire,
        "parameters": {"lambda": 0.5, "form": "convex"} if acquire == "eg_al" else {},
        "regions": regions,
        "annotate": annotate,
        "explanation_weight": weight,
        "oracle": regions == "oracle",
        "seed": seed,
        "labels": [int(n) for n in labels],
        "metrics": metrics,
        "queried": [[f"{seed:02d}{r:02d}{i:04d}" for i in range(30)] for r in range(rounds)],
        "subgroups": {"site": _subgroups(rng, top)},
        "cost_seconds": [float(n * each) for n in labels],
        "wall_seconds": _noisy(rng, np.full(rounds, 41.0), 2),
        "class_counts": [_named(row) for row in bought.cumsum(axis=0)],
        "reliability": _reliability(rng),
        "recall_per_class": [
            _named(_noisy(rng, np.array([0.8, 0.7, 0.62, 0.93]) * g, 0.03)) for g in growth
        ],
        "notes": [
            ["2 near-duplicates were left out of the query."] if r % 3 == 1 else []
            for r in range(rounds)
        ],
    }
    if annotate == "mask":
        run["misalignment_size"] = [_sizes(rng, r) for r in range(1, rounds)]
    if folder is not None and name == "eg_al" and seed == 0:
        run["gallery"] = [_gallery(rng, r, folder) for r in range(1, min(rounds, 6))]
    return run


def _noisy(rng: np.random.Generator, values: Any, scale: float) -> list[float]:
    return [float(v) for v in np.clip(values + rng.normal(0, scale, len(values)), 0, None).round(4)]


def _named(row: Any) -> dict[str, float]:
    return {c: float(v) for c, v in zip(CLASSES, row, strict=True)}


def _reliability(rng: np.random.Generator) -> dict[str, Any]:
    edges = np.linspace(0, 1, 16)
    middle = (edges[1:] + edges[:-1]) / 2
    counts = (3 + 60 * middle**3 + rng.integers(0, 5, 15)) * (middle > 0.26)
    accuracy = np.clip(middle - 0.12 * middle * (1 - middle) * 4 + rng.normal(0, 0.03, 15), 0, 1)
    hide = [n == 0 for n in counts]
    return {
        "edges": edges.tolist(),
        "confidence": [None if h else float(v) for h, v in zip(hide, middle, strict=True)],
        "accuracy": [None if h else float(v) for h, v in zip(hide, accuracy, strict=True)],
        "counts": [int(n) for n in counts],
    }


def _sizes(rng: np.random.Generator, number: int) -> dict[str, Any]:
    area = np.exp(rng.uniform(np.log(0.002), np.log(0.2), 120))
    value = np.clip(1 - area**0.35 * rng.uniform(0.3, 1.2, 120), 0, 1)
    order = [np.argsort(np.argsort(v)) for v in (area, value)]
    rho = float(np.corrcoef(*order)[0, 1])
    points = [[float(a), float(m)] for a, m in zip(area, value, strict=True)]
    return {"round": number, "spearman": rho, "n": 120, "points": points}


def _gallery(rng: np.random.Generator, number: int, folder: Path) -> dict[str, Any]:
    cases = []
    for i in range(4):
        panel = f"gallery/r{number}-{i}.png"
        write_panel(folder / panel, 10 * number + i)
        label, predicted = rng.choice(CLASSES[:3]), rng.choice(CLASSES[:3])
        scores = {"score": 0.83 - i / 20, "entropy": 0.31 + i / 10, "misalignment": 0.96 - i / 30}
        cases.append(
            {
                "id": f"{rng.integers(16**8):08x}",
                "panel": panel,
                "label": str(label),
                "predicted": str(predicted),
                "confidence": float(rng.uniform(0.4, 0.97)),
                "scores": scores,
                "why": WHY[i % 3],
            }
        )
    return {"round": number, "cases": cases}


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(run["strategy"] for run in runs):
        mine = [run for run in runs if run["strategy"] == name]
        summary[name] = {m: _spreads(mine, m) for m in mine[0]["metrics"]}
    if "random" in summary:
        for name, entry in summary.items():
            mine = [run for run in runs if run["strategy"] == name]
            for metric, values in entry.items():
                values["labels_to_target"] = _reached(mine, metric, summary["random"][metric])
    return summary


def _spreads(runs: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    table = [[v for v in run["metrics"][metric] if v is not None] for run in runs]
    ddof = min(1, len(runs) - 1)
    parts = {"aubc": [float(np.mean(row)) for row in table], "final": [row[-1] for row in table]}
    return {
        k: {"mean": float(np.mean(v)), "std": float(np.std(v, ddof=ddof))} for k, v in parts.items()
    }


def _reached(runs: list[dict[str, Any]], metric: str, target: dict[str, Any]) -> int | None:
    table = np.array([run["metrics"][metric] for run in runs], dtype=float).mean(axis=0)
    sign = -1 if metric == "ece" else 1
    for labels, mean in zip(runs[0]["labels"], table, strict=True):
        if sign * mean >= sign * target["final"]["mean"]:
            return int(labels)
    return None


def _penalty(names: list[str]) -> dict[str, Any]:
    """The later an arm, the more often it beats those before it."""
    table = [[0.2 * max(0, i - j) for j in range(len(names))] for i in range(len(names))]
    return {"macro_auroc": {"arms": names, "matrix": table}} if len(names) > 1 else {}


def _subgroups(rng: np.random.Generator, top: float) -> dict[str, Any]:
    sites = (("North", 180, 0.0), ("South", 118, -0.06), ("West", 12, -0.2))
    values = {site: (n, float(top + less + rng.normal(0, 0.01))) for site, n, less in sites}
    return {site: {"n": n, "metrics": {"macro_auroc": v}} for site, (n, v) in values.items()}


def _tests(names: list[str]) -> list[dict[str, Any]]:
    rows = []
    for metric, scale in (("macro_auroc", 1.0), ("balanced_accuracy", 1.4), ("cam_dice", 4.0)):
        for i, a in enumerate(names):
            for b in names[:i]:
                gap = scale * (0.012 * i - 0.009 * names.index(b))
                p = float(np.exp(-160 * abs(gap)))
                row = {"metric": metric, "a": a, "b": b, "difference": gap, "p": p}
                rows.append({**row, "p_holm": min(1.0, 3.5 * p)})
    return rows


def _pool() -> dict[str, Any]:
    lines = [
        "Split by patient: 233 patients, none on two sides.",
        "Pixel hashes: 5 candidates repeat a test image and were excluded.",
        "Near-duplicates: 2 candidates are nearly equal to a validation image and were excluded.",
    ]
    receipt = {
        "patients": 233,
        "patients_known": True,
        "near_duplicate_threshold": 4,
        "lines": lines,
    }
    return {"digest": "9f2c" * 16, "classes": list(CLASSES), "counts": COUNTS, "receipt": receipt}


def _spec(seeds: int) -> dict[str, Any]:
    return {
        "name": "brain",
        "data": {
            "source": "pool.csv",
            "image_size": 128,
            "fit": "pad",
            "val_fraction": 0.1,
            "leaks": "exclude",
        },
        "model": {
            "backbone": "mobilenet_v2",
            "weights": "default",
            "mode": "features",
            "head": "linear",
        },
        "train": {
            "epochs": None,
            "explanation_weight": 0.1,
            "class_weights": "none",
            "precision": "auto",
        },
        "regions": {"source": "predicted", "annotate": "mask"},
        "acquire": {"strategy": "eg_al", "parameters": {}, "measure": "soft_dice", "per_group": 2},
        "annotator": {"kind": "oracle", "class_error": 0.05},
        "cost": {"class_seconds": 10.0, "box_seconds": 10.0, "mask_seconds": 40.0},
        "seed_set": 30,
        "budget": 30,
        "labels": 300,
        "seed": 0,
        "seeds": seeds,
        "arms": [{"name": arm[0], "set": {"acquire.strategy": arm[1]}} for arm in ARMS],
    }
