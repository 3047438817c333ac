"""Stopping: whether more labels are worth an expert's time, in words and with their numbers.

Each criterion is a pure function of what a run has recorded. None of them reads the test part:
a run that stops where the test looks best would flatter itself.
"""

from foveal.acquire.stopping.advice import Advice
from foveal.acquire.stopping.agreement import Predictions, kappa, stability
from foveal.acquire.stopping.doubt import Measure, confidence
from foveal.acquire.stopping.gain import expected_gain
from foveal.acquire.stopping.history import History, Limits, advise
from foveal.acquire.stopping.learning_curve import Gain, next_gain
from foveal.acquire.stopping.spending import budget

__all__ = [
    "Advice",
    "Gain",
    "History",
    "Limits",
    "Measure",
    "Predictions",
    "advise",
    "budget",
    "confidence",
    "expected_gain",
    "kappa",
    "next_gain",
    "stability",
]
