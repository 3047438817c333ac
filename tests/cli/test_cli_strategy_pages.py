"""Pages of strategies: they say what the docstrings say, and the committed ones are up to date."""

from pathlib import Path

import pytest

from discs import foveal
from foveal.acquire import get, names
from foveal.cli.strategy_pages import divided, families, honesty, page, pages, write_pages

COMMITTED = Path(__file__).parents[2] / "docs" / "strategies"


def test_the_committed_pages_are_those_of_the_docstrings():
    kept = {p.name: p.read_text(encoding="utf-8") for p in COMMITTED.glob("*.md")}
    assert kept == pages(), "run `foveal strategies --write docs/strategies`"


@pytest.mark.parametrize("name", names())
def test_a_page_has_summary_arguments_and_source(name):
    text, plan = page(get(name)), get(name)
    assert plan.summary in text
    for argument in (*plan.needs, *plan.optional, *plan.settings):
        assert f"`{argument}`" in text or f"`{argument}:" in text or f"| {argument}" in text
    assert "## Source" in text
    assert "## Args" in text


def test_every_strategy_is_in_one_family():
    listed = [plan.name for plans in families().values() for plan in plans]
    assert sorted(listed) == list(names())


def test_sections_become_lists():
    intro, sections = divided("What it is.\n\nArgs:\n    a: one\n        more.\n    b: two.\n")
    assert intro == "What it is."
    assert sections["Args"] == "- `a`: one more.\n- `b`: two."


def test_only_what_reads_regions_can_be_dishonest():
    assert honesty(get("entropy")) == "honest"
    assert "oracle" in honesty(get("eg_al"))


def test_writing_removes_pages_of_strategies_that_are_gone(tmp_path):
    count = write_pages(tmp_path)
    (tmp_path / "gone.md").write_text((tmp_path / "entropy.md").read_text())
    (tmp_path / "notes.md").write_text("mine")
    assert write_pages(tmp_path) == count
    assert not (tmp_path / "gone.md").exists()
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_the_command_shows_a_composed_strategy():
    ended = foveal("strategies", "0.7*entropy + 0.3*misalignment")
    assert ended.status == 0, ended.err
    assert "misalignment" in ended.out
