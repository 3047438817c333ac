"""Subgroups: each measured as if it were the whole; columns that make no groups are refused."""

import shutil

import numpy as np
import pytest

from discs import disc_spec, rewrite
from foveal.core.errors import SpecError
from foveal.core.pool import Pool, Sample
from foveal.core.spec import parse_spec, with_settings
from foveal.evaluate import accuracy, ece, macro_auroc
from foveal.loop import open_bench, perform, runs_of
from foveal.loop.subgroups import MOST, check_subgroups, subgroups

SITES = ["north", "south", "north", "", "south", "north"]


def pool_of(sites, part="test"):
    samples = [Sample(str(i), str(i), "", extra={"site": s}) for i, s in enumerate(sites)]
    return Pool(tuple(samples), (part,) * len(samples), ("a", "b"))


def test_a_group_is_measured_as_if_it_were_the_whole():
    rng = np.random.default_rng(0)
    probs, labels = rng.dirichlet([1, 1], len(SITES)), np.array([0, 1, 1, 0, 1, 0])
    order = rng.permutation(len(SITES))
    ids = [str(i) for i in order]
    found = subgroups(pool_of(SITES), ids, ["site"], probs[order], labels[order])["site"]
    assert list(found) == ["north", "south", "unknown"]
    assert {name: group["n"] for name, group in found.items()} == {
        "north": 3,
        "south": 2,
        "unknown": 1,
    }
    north = [0, 2, 5]
    metrics = found["north"]["metrics"]
    assert metrics["accuracy"] == accuracy(probs[north], labels[north])
    assert metrics["macro_auroc"] == pytest.approx(macro_auroc(probs[north], labels[north]))
    assert metrics["ece"] == pytest.approx(ece(probs[north], labels[north]))
    assert found["south"]["metrics"]["macro_auroc"] is None  # of one class


def test_groups_make_up_the_whole():
    probs, labels = np.random.default_rng(1).dirichlet([1, 1], 6), np.array([0, 1, 1, 0, 1, 0])
    found = subgroups(pool_of(SITES), list("012345"), ["site"], probs, labels)["site"]
    right = sum(group["n"] * group["metrics"]["accuracy"] for group in found.values())
    assert right / 6 == pytest.approx(accuracy(probs, labels))


def test_a_column_of_names_makes_no_groups():
    many = [f"patient {i}" for i in range(MOST + 1)]
    check_subgroups(pool_of(many[:MOST]), ["site"])
    check_subgroups(pool_of(many, "unlabeled"), ["site"])
    with pytest.raises(SpecError, match=rf"at most {MOST} values .* 'site' has {MOST + 1}"):
        check_subgroups(pool_of(many), ["site"])


@pytest.fixture
def sited(discs, tmp_path):
    """The discs, every third of them from the south."""
    folder = shutil.copytree(discs, tmp_path / "data")
    rewrite(folder, lambda row: row | {"site": "south" if int(row["image"][-5]) % 3 else "north"})
    return folder


def test_a_run_tells_its_last_round_by_group_also_when_asked_later(sited, tmp_path):
    settings = disc_spec(labels=8, train__epochs=1).model_dump(mode="json")
    (plain,) = runs_of(settings, tmp_path)
    before, _ = perform(plain, sited, tmp_path)
    assert before["subgroups"] == {}
    (asked,) = runs_of(with_settings(settings, {"report.subgroups": ["site"]}), tmp_path)
    after, _ = perform(asked, sited, tmp_path)  # nothing is trained again
    assert after["wall_seconds"] == before["wall_seconds"]
    groups = after["subgroups"]["site"]
    assert {name: group["n"] for name, group in groups.items()} == {"north": 3, "south": 5}
    right = sum(group["n"] * group["metrics"]["accuracy"] for group in groups.values())
    assert right / 8 == pytest.approx(after["metrics"]["accuracy"][-1])


def test_an_unknown_column_is_told_with_those_there_are(sited):
    spec = parse_spec(
        with_settings(disc_spec().model_dump(mode="json"), {"report.subgroups": ["sit"]})
    )
    with pytest.raises(SpecError, match=r"`report.subgroups`.*Did you mean 'site'"):
        open_bench(spec, sited)
