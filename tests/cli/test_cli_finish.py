"""The last words of a command: final figures of each arm, and no figure that does not exist."""

import io

from rich.console import Console

from foveal.cli.finish import summary_table

FINAL = {"final": {"mean": 0.5, "std": 0.25}}
ALONE = {"final": {"mean": 0.5, "std": None}}
NONE = {"final": {"mean": None, "std": None}}


def shown(summary, name="Discs"):
    out = io.StringIO()
    Console(file=out, width=120).print(summary_table({"name": name, "summary": summary}))
    return out.getvalue()


def test_mean_and_deviation_where_there_are_some():
    text = shown({"a": {"macro_auroc": FINAL}, "b": {"macro_auroc": ALONE}, "c": {}})
    rows = {line.split()[1]: line for line in text.splitlines() if line.startswith("│")}
    assert "0.500 ± 0.250" in rows["a"]
    assert "0.500 " in rows["b"]
    assert "±" not in rows["b"]
    assert " - " in rows["c"]


def test_a_metric_that_nobody_has_is_left_out():
    assert "cam dice" not in shown({"a": {"macro_auroc": NONE}})
    assert "cam dice" in shown({"a": {"macro_auroc": NONE}, "b": {"cam_dice": FINAL}})


def test_names_are_shown_as_written():
    text = shown({"[red]a[/red]": {"macro_auroc": FINAL}}, name="[i]Set[/i]")
    assert "[red]a[/red]" in text
    assert "[i]Set[/i]" in text
