"""Loop: state to next step, one step at a time; simulated experts; studies of many runs."""

from foveal.loop.annotators import Annotator, NoisyOracle, Oracle
from foveal.loop.bench import Bench, Watch, open_bench
from foveal.loop.experiment import Experiment, run_round
from foveal.loop.results import results_of, run_record, write_results
from foveal.loop.steps import Annotate, Ask, Seed, Step, Stop, Train, next_step
from foveal.loop.study import Run, arms_of, run_study, runnable, runs_of

__all__ = [
    "Annotate",
    "Annotator",
    "Ask",
    "Bench",
    "Experiment",
    "NoisyOracle",
    "Oracle",
    "Run",
    "Seed",
    "Step",
    "Stop",
    "Train",
    "Watch",
    "arms_of",
    "next_step",
    "open_bench",
    "results_of",
    "run_record",
    "run_round",
    "run_study",
    "runnable",
    "runs_of",
    "write_results",
]
