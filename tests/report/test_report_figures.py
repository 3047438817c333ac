"""Figures: drawn without global state, told apart without color, refused where data are missing."""

import io
import sys

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from sample_results import sample_results

from foveal import report
from foveal.core.errors import DataError, UnknownName
from foveal.report.drawing import COLORS, encode, look_of
from foveal.report.reading import HUES, Arm, arms_of, end_of, standing_out

FIGURES = {
    "curves": lambda r: report.curves_figure(r, "macro_auroc"),
    "minutes": lambda r: report.curves_figure(r, "macro_auroc", x="minutes"),
    "reliability": lambda r: report.reliability_figure(r, "eg_al"),
    "size": lambda r: report.size_figure(r, "eg_al"),
    "correlation": report.correlation_figure,
    "balance": lambda r: report.class_balance_figure(r, "eg_al"),
    "recall": report.recall_figure,
    "effects": lambda r: report.effects_figure(r, "macro_auroc"),
    "penalty": lambda r: report.penalty_figure(r, "macro_auroc"),
    "saved": lambda r: report.saved_figure(r, "macro_auroc"),
}
every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


@pytest.fixture(scope="module")
def results():
    return sample_results(seeds=3, rounds=4)


@every_figure
def test_files_are_of_their_kind_and_repeatable(draw, results):
    first, second = draw(results), draw(results)
    for kind in ("png", "svg"):
        assert encode(first, kind) == encode(second, kind)
    image = Image.open(io.BytesIO(encode(first, "png")))
    width = round(first.get_figwidth() * 150)
    assert image.size[0] == pytest.approx(width, abs=1)
    svg = encode(first, "svg").decode()
    assert svg.count("</svg>") == 1
    assert "<dc:date>" not in svg


@every_figure
def test_drawing_leaves_the_settings_of_matplotlib_alone(draw, results):
    before = dict(mpl.rcParams)
    encode(draw(results), "svg")
    assert dict(mpl.rcParams) == before


def test_the_state_machine_of_pyplot_is_not_touched(results):
    loaded = "matplotlib.pyplot" in sys.modules
    report.curves_figure(results, "macro_auroc")
    if not loaded:
        assert "matplotlib.pyplot" not in sys.modules
    else:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@every_figure
def test_no_data_is_an_error_and_not_an_empty_figure(draw):
    with pytest.raises(DataError, match="the results hold none"):
        draw({"runs": [{"strategy": "eg_al"}]})


@pytest.mark.parametrize("name", ["reliability", "size", "balance"])
def test_an_unknown_arm_is_named_with_its_neighbor(name, results):
    few = {**results, "runs": [r for r in results["runs"] if r["strategy"] == "entropy"]}
    with pytest.raises(UnknownName, match=r"eg_al.*Known: entropy"):
        FIGURES[name](few)


def test_curves_show_mean_and_one_standard_deviation(results):
    axes = report.curves_figure(results, "macro_auroc").axes[0]
    values = np.array(
        [r["metrics"]["macro_auroc"] for r in results["runs"] if r["strategy"] == "eg_al"]
    )
    position = [arm.name for arm in arms_of(results)].index("eg_al")
    np.testing.assert_allclose(axes.lines[position].get_ydata(), values.mean(axis=0))
    band = axes.collections[position].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx((values.mean(axis=0) + values.std(axis=0, ddof=1)).max())


@pytest.mark.parametrize("axis", ["labels", "minutes"])
def test_what_all_labels_give_is_a_line_across(axis, results):
    known = {"labels": 135, "metrics": {"macro_auroc": [0.9, None, 0.8]}}
    with_it = report.curves_figure(results | {"reference": known}, "macro_auroc", x=axis).axes[0]
    without = report.curves_figure(results, "macro_auroc", x=axis).axes[0]
    assert len(with_it.lines) == len(without.lines) + 1
    np.testing.assert_allclose(with_it.lines[-1].get_ydata(), 0.85)
    assert [text.get_text() for text in with_it.texts] == ["all 135 labels: 0.850"]


def test_minutes_are_seconds_over_sixty(results):
    axes = report.curves_figure(results, "macro_auroc", x="minutes").axes[0]
    seconds = results["runs"][0]["cost_seconds"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), np.array(seconds) / 60)


def test_no_two_arms_look_alike_even_in_gray():
    arms = [Arm(f"a{i}", ({},), i, look=i) for i in range(12)]
    arms.append(Arm("random", ({},), 12, baseline=True))
    looks = [look_of(arm) for arm in arms]
    assert len({(look.dash, look.marker) for look in looks}) == len(looks)
    assert len({(look.color, look.marker) for look in looks}) == len(looks)


def test_an_oracle_has_hollow_markers():
    assert look_of(Arm("a", ({"oracle": True},), 0)).hollow
    assert not look_of(Arm("a", ({"oracle": False},), 0)).hollow


def test_shares_of_classes_fill_every_round(results):
    axes = report.class_balance_figure(results, "eg_al").axes[0]
    bars = np.array([[bar.get_height() for bar in group] for group in axes.containers])
    assert bars.shape == (4, 4)
    np.testing.assert_allclose(bars.sum(axis=0), 1)


def test_a_region_without_pixels_is_left_out_of_the_logarithmic_axis():
    sizes = [{"round": 1, "spearman": None, "points": [[0.0, 1.0], [0.1, 0.4], [None, 0.2]]}]
    axes = report.size_figure({"runs": [{"strategy": "a", "misalignment_size": sizes}]}, "a").axes[
        0
    ]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), [[0.1, 0.4]])


def many_arms(count):
    """Results of `count` arms, of which the last is best, and the random baseline."""
    few = sample_results(arms=1, seeds=2, rounds=4)
    runs = list(few["runs"])
    for i in range(count):
        for run in few["runs"]:
            better = [v + i / 1000 for v in run["metrics"]["macro_auroc"]]
            changed = {
                "strategy": f"s{i}",
                "acquire": "entropy",
                "metrics": {"macro_auroc": better},
            }
            runs.append({**run, **changed})
    return {**few, "runs": runs, "tests": [], "summary": {}}


@pytest.mark.parametrize(("count", "gray"), [(15, 0), (16, 10), (40, 34)])
def test_of_many_arms_only_the_best_and_random_stand_out(count, gray):
    figure = report.curves_figure(many_arms(count), "macro_auroc")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(figure.axes[0].lines) == count + 1
    if not gray:
        assert len(names) == count + 1
        return
    assert names[-1] == f"{gray} more in gray"
    assert sorted(names[:-1]) == sorted(["random", *(f"s{count - 1 - i}" for i in range(6))])


def test_those_that_stand_out_together_have_colors_of_their_own():
    results = many_arms(40)
    for run in results["runs"]:  # by this metric others stand out, some of them by both
        place = int(run["strategy"][1:]) if run["acquire"] == "entropy" else 0
        run["metrics"]["accuracy"] = [0.5, 0.5, 0.5, 0.5 + (place * 11 % 40) / 100]
    arms = arms_of(results)
    crowds = [standing_out(arms, metric) for metric in ("macro_auroc", "accuracy")]
    assert crowds[0] != crowds[1]
    for crowd in crowds:
        assert len({look_of(arm).color for arm in arms if arm.name in crowd}) == len(crowd)
    assert len(COLORS) == HUES
    plain = [arm for arm in arms if not any(arm.name in crowd for crowd in crowds)]
    assert {arm.look for arm in plain} == {None}


@pytest.mark.parametrize(("metric", "sign"), [("macro_auroc", 1), ("ece", -1)])
def test_legends_begin_with_the_curve_that_ends_best(metric, sign, results):
    figure = report.curves_figure(results, metric)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    ends = {arm.shown: end_of(arm, metric).mean for arm in arms_of(results)}
    assert names == sorted(ends, key=lambda name: -sign * ends[name])


def test_filled_markers_are_differences_that_were_shown(results):
    rows = [
        {"metric": "macro_auroc", "a": a, "b": "random", "difference": d, "p_holm": p}
        for a, d, p in (("entropy", 0.01, 0.2), ("eg_al", 0.03, 0.01))
    ]
    figure = report.effects_figure({**results, "tests": rows}, "macro_auroc")
    marks = figure.axes[0].lines[1:]
    assert [float(line.get_xdata()[0]) for line in marks] == [0.03, 0.01]
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False, True]
