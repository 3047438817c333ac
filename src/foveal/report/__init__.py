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

__all__ = [
    "class_balance_figure",
    "correlation_figure",
    "curves_figure",
    "recall_figure",
    "reliability_figure",
    "size_figure",
    "write_report",
]
