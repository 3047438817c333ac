"""`foveal strategies`: what exists, and one of them in full."""

import pytest

from discs import foveal
from foveal import acquire


def test_all_are_listed_with_their_needs():
    ended = foveal("strategies")
    assert ended.status == 0
    rows = {line.split("│")[1].strip(): line for line in ended.out.splitlines() if "│" in line}
    assert set(acquire.names()) <= set(rows)
    assert "probs, (misalignment)" in rows["eg_al"]


@pytest.mark.parametrize("name", acquire.names())
def test_each_is_shown_in_full(name):
    ended = foveal("strategies", name)
    assert ended.status == 0
    plan = acquire.get(name)
    assert ended.out.startswith(f"{name} ({plan.kind})\n{plan.summary}\n")
    for setting, default in plan.settings.items():
        assert f"  {setting} = {default!r}\n" in ended.out


def test_eg_al_names_its_source():
    assert "arXiv:2602.13308" in foveal("strategies", "eg_al").out


def test_a_misspelt_name_is_understood():
    ended = foveal("strategies", "eg_all")
    assert ended.status == 2
    assert "Did you mean 'eg_al'?" in ended.err
