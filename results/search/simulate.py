"""Whole runs of active learning on development data, a line of the log for each.

python results/search/simulate.py results/search/selection.yaml busi --seeds 10

The yaml names arms and the settings in which they differ from `development.SETS`. Started again it
goes on with what its log lacks. Features are averaged over 2 x 2 cells unless `--fine` is given.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import yaml
from development import SETS, Coarse, bench_of, divided, kept

from foveal.core.spec import ExperimentSpec, parse_spec, with_settings
from foveal.loop import Bench, Experiment
from foveal.models import use_threads

METRICS = ("macro_auroc", "balanced_accuracy", "cam_dice", "pointing_game", "ece")


def curve(spec: ExperimentSpec, bench: Bench) -> dict[str, object]:
    """One run: labels, seconds and metrics round by round."""
    with tempfile.TemporaryDirectory() as folder, Experiment(spec, bench, Path(folder)) as run:
        state = run.run()
    rounds = range(len(state.trained))
    metrics = [t.metrics["test"] for t in state.trained]
    return {
        "labels": [sum(a.round <= r for a in state.history) for r in rounds],
        "seconds": [sum(a.seconds for a in state.history if a.round <= r) for r in rounds],
        **{m: [round(one[m], 5) for one in metrics] for m in METRICS if m in metrics[0]},
    }


def main() -> None:
    """Run the arms of a yaml that its log lacks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arms", type=Path)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--fine", action="store_true")
    asked = parser.parse_args()
    arms = yaml.safe_load(asked.arms.read_text())
    log = asked.arms.with_name(f"{asked.arms.stem}-{asked.set}.jsonl")
    done = {(line["arm"], line["seed"]) for line in kept(log)}
    use_threads(1)
    bench = bench_of(asked.set)
    bench = bench if asked.fine else replace(bench, inputs=Coarse(bench.inputs))
    for seed in range(asked.seeds):
        here = divided(bench, seed)
        for arm, changes in arms.items():
            if (arm, seed) in done:
                continue
            spec = parse_spec(with_settings(SETS[asked.set], {**changes, "seed": seed}))
            line = {"arm": arm, "seed": seed, **curve(spec, here)}
            with log.open("a") as out:
                out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
