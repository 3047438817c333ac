"""`foveal bench`: ratios on the terminal and in a file; the benchmarks have their own tests."""

import json

import pytest

from discs import foveal
from foveal.bench import suite
from foveal.bench.timing import Row


@pytest.fixture
def made_up(monkeypatch):
    """Two benchmarks that take no time."""

    def quick():
        """As fast as can be."""
        yield Row("quick", "images/s", 20.0, 10.0, "a peer", 2.0, 1.5)
        yield Row("alone", "s", 0.25, None, None, None, None)

    monkeypatch.setattr(suite, "BENCHMARKS", {"quick": "nowhere"})
    monkeypatch.setattr(suite, "_benchmark", {"quick": quick}.__getitem__)


def test_rows_are_shown_and_written(made_up, tmp_path):
    ended = foveal("bench", "--json", tmp_path / "new" / "bench.json")
    assert ended.status == 0, ended.err
    assert "quick: As fast as can be." in ended.out
    assert "10 (a peer)" in ended.out
    assert "2.00" in ended.out
    assert "alone" in ended.out
    rows = json.loads((tmp_path / "new" / "bench.json").read_text())
    wanted = {"name", "unit", "ours", "peer", "peer_name", "ratio", "target"}
    assert [set(row) for row in rows] == [wanted, wanted]


def test_a_misspelt_benchmark_is_understood(made_up):
    ended = foveal("bench", "quik")
    assert ended.status == 2
    assert "Did you mean 'quick'?" in ended.err


@pytest.mark.parametrize("name", sorted(suite.BENCHMARKS))
def test_every_benchmark_is_found_and_says_what_it_measures(name):
    assert suite._benchmark(name).__doc__
