"""Report: tables, figures and one self-contained page that a reader can trust."""

from foveal.report.figures import (
    class_balance_figure,
    correlation_figure,
    curves_figure,
    recall_figure,
    reliability_figure,
    size_figure,
)
from foveal.report.page import write_report
from foveal.report.pairs import effects_figure
from foveal.report.penalty import penalty_figure
from foveal.report.saved import saved_figure

__all__ = [
    "class_balance_figure",
    "correlation_figure",
    "curves_figure",
    "effects_figure",
    "penalty_figure",
    "recall_figure",
    "reliability_figure",
    "saved_figure",
    "size_figure",
    "write_report",
]
