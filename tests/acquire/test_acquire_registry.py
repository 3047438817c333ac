"""The registry files plain functions, and refuses what would go unheard later."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from foveal.acquire import Scored, get, located, names, registry, scorer, selector
from foveal.acquire.strategies.uncertainty import entropy
from foveal.core.errors import SpecError, UnknownName


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    """Strategies filed by a test are gone after it."""
    names()
    monkeypatch.setattr(registry, "_filed", dict(registry._filed))


def test_a_decorated_function_is_the_function_itself():
    def halves(probs):
        """Half."""
        return probs[:, 0] / 2

    assert scorer("halves", needs=("probs",))(halves) is halves
    assert get("halves").fn is halves


def test_the_record_says_what_the_function_says():
    @selector("spread", needs=("embedding",), optional=("labeled_embedding",), tasks=("any",))
    def spread(embedding, k, rng, labeled_embedding=None, *, power: float = 2.0, kind="a"):
        """Far from each other.

        Args:
            embedding: (n, D).

        Source:
            Someone 1999,
            somewhere.

        Note:
            Else.
        """
        return np.arange(k)

    found = get("spread")
    assert (found.kind, found.needs, found.optional) == (
        "selector",
        ("embedding",),
        ("labeled_embedding",),
    )
    assert dict(found.settings) == {"power": 2.0, "kind": "a"}
    assert found.summary == "Far from each other."
    assert found.source == "Someone 1999, somewhere."
    assert found.tasks == ("any",)
    assert not found.chance


def test_a_source_on_the_header_line_and_one_in_the_decorator():
    @scorer("one")
    def one(chance):
        """One.

        Source: A. Author 2001
        """
        return chance

    @scorer("two", source="B. Author 2002")
    def two(chance):
        """Two."""
        return chance

    assert get("one").source == "A. Author 2001"
    assert get("two").source == "B. Author 2002"
    assert get("two").chance


def test_a_name_is_filed_once():
    with pytest.raises(SpecError, match=r"'entropy'.*already.*uncertainty\.entropy"):
        scorer("entropy", needs=("probs",))(lambda probs: probs[:, 0])


@pytest.mark.parametrize(
    ("fn", "needs", "optional"),
    [
        (lambda prob: prob, ("probs",), ()),  # misspelt
        (lambda: None, ("probs",), ()),  # absent
        (lambda probs, embedding: None, ("probs",), ()),  # not declared
        (lambda probs, embedding: None, ("probs",), ("embedding",)),  # no default
        (lambda probs, embedding=None: None, ("probs", "embedding"), ()),  # declared otherwise
        (lambda probs, power=2: None, ("probs",), ()),  # a setting that is not keyword-only
        (lambda *probs: None, ("probs",), ()),
        (lambda probs, k: None, ("probs",), ()),  # a scorer is not handed k
    ],
)
def test_declaration_and_signature_must_agree(fn, needs, optional):
    with pytest.raises(SpecError, match=r"'wrong' must take"):
        scorer("wrong", needs=needs, optional=optional)(fn)
    assert "wrong" not in names()


def test_a_selector_takes_k_and_rng():
    with pytest.raises(SpecError, match=r"must take \(probs, k, rng\)"):
        selector("wrong", needs=("probs",))(lambda probs, k: None)


def test_settings_have_defaults():
    def wrong(probs, *, power: float):
        return probs

    with pytest.raises(SpecError, match=r"'power'.*must have a default"):
        scorer("wrong", needs=("probs",))(wrong)


def test_an_unknown_name_hears_the_nearest():
    with pytest.raises(UnknownName, match=r"'entropie'. Did you mean 'entropy'\? Known: .*eg_al"):
        get("entropie")


def test_the_known_folder_is_loaded():
    expected = {
        "random",
        "stratified_random",
        "least_confidence",
        "margin",
        "entropy",
        "misalignment",
        "eg_al",
    }
    assert expected <= set(names())
    assert get("entropy").fn is entropy


def test_a_broken_plug_in_is_named():
    point = EntryPoint("theirs", "no_such_module_here:fn", registry.ENTRY_POINTS)
    with pytest.raises(SpecError, match=r"plug-in 'theirs'.*update or uninstall"):
        registry._load_plug_in(point)


def test_a_plug_in_is_imported(tmp_path, monkeypatch):
    code = "from foveal.acquire import scorer\nscorer('theirs')(lambda chance: chance)\n"
    (tmp_path / "their_foveal_strategy.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    registry._load_plug_in(EntryPoint("x", "their_foveal_strategy", registry.ENTRY_POINTS))
    assert get("theirs").chance


@pytest.mark.parametrize(
    ("need", "place"),
    [
        ("probs", ("pool", "probs")),
        ("mc_probs", ("pool", "mc_probs")),
        ("labeled_embedding", ("labeled", "embedding")),
        ("exemplar_view_variance", ("exemplar", "view_variance")),
        ("labeled", ("pool", "labeled")),
    ],
)
def test_needs_are_located(need, place):
    assert located(need) == place


def test_scored_needs_no_parts():
    assert Scored(np.zeros(2)).parts == {}
