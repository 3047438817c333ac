"""Loop: state to next step, one step at a time; simulated experts; studies of many runs."""

from foveal.loop.annotators import Annotator, NoisyOracle, Oracle
from foveal.loop.bench import Bench, Watch, open_bench
from foveal.loop.experiment import Experiment, run_round
from foveal.loop.lineup import arms_of, runnable, with_baselines
from foveal.loop.results import judged, results_of, results_of_sets, run_record, write_results
from foveal.loop.side_by_side import Outcome, run_study
from foveal.loop.steps import Annotate, Ask, Seed, Step, Stop, Train, next_step
from foveal.loop.study import Ended, Reached, Run, check_study, perform, runs_of

__all__ = [
    "Annotate",
    "Annotator",
    "Ask",
    "Bench",
    "Ended",
    "Experiment",
    "NoisyOracle",
    "Oracle",
    "Outcome",
    "Reached",
    "Run",
    "Seed",
    "Step",
    "Stop",
    "Train",
    "Watch",
    "arms_of",
    "check_study",
    "judged",
    "next_step",
    "open_bench",
    "perform",
    "results_of",
    "results_of_sets",
    "run_record",
    "run_round",
    "run_study",
    "runnable",
    "runs_of",
    "with_baselines",
    "write_results",
]
