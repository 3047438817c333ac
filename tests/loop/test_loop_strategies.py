"""Every strategy in a run: its evidence is filled, its sets are there, and its reasons are told."""

import re
from collections import Counter

import numpy as np
import pytest

from discs import disc_spec, rewrite, told, write_discs
from foveal.acquire import get, names
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import Evidence
from foveal.loop import Experiment, Stop, open_bench, runnable
from foveal.loop.advice import KEPT
from foveal.loop.constraints import expected_seconds
from foveal.loop.rehearsal import rehearse
from foveal.loop.wants import wanted

# What some strategies need switched on; the others do not mind.
SWITCHED = {
    "model__dropout": 0.5,
    "train__draws": 3,
    "acquire__target": {"classes": ["disc"]},
    "acquire__private": {"classes": ["square"]},
}
COMPOSED = [
    "0.7*entropy + 0.3*misalignment",
    "rank(entropy + misalignment)",
    "badge(eg_al)",
    "k_center(eg_al)",
    "flqmi(eg_al)",
    "bandit(entropy, k_center, badge(eg_al))",
]


def run(bench, folder, **changes):
    """State and pool of a finished run, three queries long."""
    spec = disc_spec(**changes)
    with Experiment(spec, bench, folder) as experiment:
        while not isinstance(experiment.step(), Stop):
            pass
        return experiment.state, experiment


OF_PIXELS = [name for name in names() if "segmentation" in get(name).tasks]


@pytest.mark.parametrize("name", [*sorted(set(names()) - set(OF_PIXELS)), *COMPOSED])
def test_it_runs_and_says_why(bench, tmp_path, name):
    state, _ = run(bench, tmp_path, acquire__strategy=name, **SWITCHED)
    assert [len(q.ids) for q in state.queries] == [6, 5, 4]
    for query in state.queries[1:]:
        assert all(query.why)
        assert sum(query.stands_for) == len(bench.pool.ids("unlabeled")) - 6 - 5 * (query.round - 1)


@pytest.mark.parametrize("name", [*OF_PIXELS, "k_center(pixel_entropy)", "entropy + pixel_bald"])
def test_scores_over_pixels_are_refused_where_classes_are_learned(name):
    with pytest.raises(EvidenceError, match="needs task: segmentation"):
        rehearse(disc_spec(acquire__strategy=name, **SWITCHED))


@pytest.mark.parametrize(
    "name",
    [*OF_PIXELS, "entropy", "k_center", "flqmi", "cluster_margin", "power(pixel_entropy)"],
)
def test_they_are_rehearsed_where_pixels_are_told_apart(name):
    rehearse(disc_spec(task="segmentation", acquire__strategy=name, **SWITCHED))


def test_nothing_that_only_reproduces_a_flaw_is_compared_unless_it_is_named():
    settings = disc_spec(task="segmentation", **SWITCHED).model_dump(mode="json")
    able, unable = runnable(settings)
    flawed = {name for name in names() if get(name).reproduction}
    assert flawed == {n for n, why in unable.items() if "published code with its flaw" in why}
    assert set(OF_PIXELS) - flawed < set(able)
    assert "bald" in unable


@pytest.mark.parametrize(
    "strategy", ["pcdal", "deepfool", "bim", "learning_loss", "vaal", "bald", "flqmi", "glister"]
)
def test_a_run_repeats_itself(bench, tmp_path, strategy):
    for name in ("one", "other"):
        run(bench, tmp_path / name, acquire__strategy=strategy, **SWITCHED)
    assert told(tmp_path / "one") == told(tmp_path / "other")


@pytest.mark.parametrize("strategy", ["pcdal", "glister", "vaal", "flqmi"])
def test_it_runs_where_the_network_is_fine_tuned(discs, tmp_path, strategy):
    changes = {"model__mode": "full", "train__epochs": 1, "labels": 8, **SWITCHED}
    spec = disc_spec(acquire__strategy=strategy, **changes)
    with Experiment(spec, open_bench(spec, discs), tmp_path) as experiment:
        assert len(experiment.run().queries) == 2


def test_an_ensemble_serves_as_draws(bench, tmp_path):
    state, _ = run(bench, tmp_path, acquire__strategy="vote_entropy", train__members=3)
    assert len(state.trained) == 3


@pytest.mark.parametrize(
    ("changes", "error", "hint"),
    [
        ({"acquire__strategy": "bald"}, EvidenceError, "model.dropout"),
        ({"acquire__strategy": "flqmi"}, SpecError, r"acquire\.target\.classes"),
        (
            {"acquire__strategy": "flqmi", "acquire__target": {"classes": ["disk"]}},
            SpecError,
            "Did you mean 'disc'",
        ),
        (
            {"acquire__strategy": "pcdal", "data__laterality": True},
            SpecError,
            "kind: noise",
        ),
        ({"acquire__strategy": "alfa_mix", "model__head": "prototype"}, EvidenceError, "linear"),
        ({"acquire__strategy": "bandit(entropy)"}, SpecError, "two or more"),
        (
            {
                "acquire__strategy": "bandit(entropy, eg_al)",
                "acquire__parameters": {"eg_al.wieght": 0.3},
            },
            SpecError,
            "Did you mean 'eg_al.weight'",
        ),
        ({"acquire__stratum": "site"}, SpecError, "column of the manifest"),
        ({"cold_start": "entropy"}, SpecError, "pretrained embedding"),
        ({"seed_counts": {"disc": 3, "sqare": 3}}, SpecError, "Did you mean 'square'"),
        ({"seed_counts": {"disc": 3, "square": 2}}, SpecError, "sum of `seed_counts`"),
        ({"data__keep": {"train": {"disc": 99}}}, SpecError, "must not exceed"),
        ({"data__keep": {"train": {"disk": 1}}}, SpecError, "Did you mean 'disc'"),
    ],
)
def test_what_cannot_work_is_told_before_any_training(discs, tmp_path, changes, error, hint):
    with pytest.raises(error, match=hint):  # noqa: PT012  (wherever it is noticed)
        spec = disc_spec(**({"seed_set": 6} | changes))
        rehearse(spec)
        with Experiment(spec, open_bench(spec, discs), tmp_path) as experiment:
            experiment.step()


def test_exemplars_of_the_validation_part_are_those_the_model_gets_wrong(bench, tmp_path):
    sought = {"classes": ["disc"], "exemplars": "val", "only": "misclassified"}
    state, _ = run(bench, tmp_path, acquire__strategy="flqmi", acquire__target=sought)
    heard = [note for query in state.queries for note in query.notes]
    assert all("misclassified any more" in n or "similarity of features" in n for n in heard)


def test_exemplars_without_a_validation_part_are_missed(discs, tmp_path):
    sought = {"classes": ["disc"], "exemplars": "val"}
    spec = disc_spec(acquire__strategy="flqmi", acquire__target=sought, data__keep=WITHOUT_VAL)
    with pytest.raises(SpecError, match="needs a validation part"):
        open_bench(spec, discs)


def test_until_something_sought_is_labeled_a_targeted_strategy_asks_at_random(bench, tmp_path):
    sought = {"classes": ["disc"], "exemplars": "labeled"}
    seed = {"seed_counts": {"square": 6}, "seed_set": 6, "budget": 2, "labels": 14}
    parameters = {"kernel": "features"}
    state, experiment = run(
        bench,
        tmp_path,
        acquire__strategy="flqmi",
        acquire__target=sought,
        acquire__parameters=parameters,
        **seed,
    )
    truth = experiment.bench.collection.truth
    found = 0
    for query in state.queries:
        asked_at_random = query.strategy == "random"
        assert asked_at_random == (found == 0 and query is not state.queries[0])
        told = any("nothing that is sought is labeled yet" in note for note in query.notes)
        assert told == asked_at_random
        found += sum(truth.label(i) == 0 for i in query.ids)
    assert {"random", "flqmi"} <= {query.strategy for query in state.queries}


WITHOUT_VAL = {"val": {"disc": 0, "square": 0}}


def test_an_imbalance_is_made_recorded_and_the_same_every_time(discs):
    keep = {"train": {"disc": 3}, "val": {"square": 1}}
    first = open_bench(disc_spec(labels=8, data__keep=keep), discs)
    again = open_bench(disc_spec(labels=8, data__keep=keep), discs)
    assert first.pool == again.pool
    truth = first.collection.truth
    kept = Counter(first.pool.classes[truth.label(i)] for i in first.pool.ids("unlabeled"))
    assert kept == {"disc": 3, "square": 12}
    assert len(first.pool.ids("val")) == 4
    assert any("left out for the imbalance" in line for line in first.collection.receipt.lines())
    other = open_bench(disc_spec(labels=8, data__keep=keep, data__split_seed=1), discs)
    assert other.pool != first.pool


def test_a_seed_set_by_counts_is_as_asked_and_shared_by_all_arms(bench, tmp_path):
    counts = {"seed_counts": {"disc": 5, "square": 1}, "seed_set": 6}
    seeds = []
    for name in ("random", "entropy"):
        state, experiment = run(bench, tmp_path / name, acquire__strategy=name, **counts)
        truth = experiment.bench.collection.truth
        assert Counter(truth.label(i) for i in state.queries[0].ids) == {0: 5, 1: 1}
        assert "hidden labels" in state.queries[0].notes[0]
        seeds.append(state.queries[0])
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize("cold", ["typiclust", "probcover", "k_means", "k_center"])
def test_a_cold_start_looks_at_the_pretrained_embedding_only(bench, discs, tmp_path, cold):
    state, _ = run(bench, tmp_path / "one", cold_start=cold)
    again, _ = run(bench, tmp_path / "other", cold_start=cold, acquire__strategy="random")
    assert state.queries[0].ids == again.queries[0].ids
    assert cold in state.queries[0].notes[-1]
    plain, _ = run(bench, tmp_path / "plain")
    assert plain.queries[0].ids != state.queries[0].ids


def test_batches_are_shared_among_strata(tmp_path):
    folder = write_discs(tmp_path / "data")
    rewrite(folder, lambda row: row | {"site": "ab"[int(row["image"][-5]) % 3 == 0]})
    spec = disc_spec(acquire__stratum="site", labels=14, budget=4)
    bench = open_bench(spec, folder)
    with Experiment(spec, bench, tmp_path / "run") as experiment:
        state = experiment.run()
    for query in state.queries:
        sites = Counter(bench.pool[i].extra["site"] for i in query.ids)
        assert sites["a"] == sites["b"] == len(query.ids) / 2


@pytest.mark.parametrize("strategy", ["entropy", "k_center"])
def test_a_batch_is_what_the_experts_seconds_buy(bench, tmp_path, strategy):
    state, _ = run(bench, tmp_path, acquire__strategy=strategy, budget_seconds=100, labels=13)
    assert sum(len(q.ids) for q in state.queries) == 13
    for query in state.queries[1:-1]:  # the last may be cut short by `labels`
        (told,) = (n for n in query.notes if "expected to take" in n)
        count, seconds = (int(n) for n in re.findall(r"\d+", told)[:2])
        assert count == len(query.ids)
        assert 10 * count <= seconds <= min(100, 50 * count)  # a class, and 40 s an outline


def test_an_image_without_an_expected_region_is_expected_to_cost_the_class_alone():
    evidence = Evidence(("a", "b"), {"region_size": np.array([0.0, 0.2])})
    spec = disc_spec(regions__annotate="box", cost={"class_seconds": 3, "box_seconds": 5})
    np.testing.assert_array_equal(expected_seconds(evidence, spec), [3, 8])
    unknown = Evidence(("a", "b"), {"probs": np.full((2, 2), 0.5)})
    np.testing.assert_array_equal(expected_seconds(unknown, spec), [8, 8])
    alone = disc_spec(regions={"source": "none", "annotate": "none"}, cost={"class_seconds": 3})
    np.testing.assert_array_equal(expected_seconds(unknown, alone), [3, 3])


def test_a_bandit_plays_what_pays(bench, tmp_path):
    arms = "bandit(entropy, random)"
    state, experiment = run(bench, tmp_path, acquire__strategy=arms)
    assert {q.strategy for q in state.queries[1:]} <= {"entropy", "random"}
    assert "no arm has been played yet" in state.queries[1].notes[0]
    first = state.queries[1]
    predicted = np.load(experiment.blobs.path(state.details[1][KEPT]))
    wrong = np.mean([predicted[bench.pool.row(i)] != state.annotations[i].label for i in first.ids])
    assert f"{first.strategy} {wrong:.0%}" in state.queries[2].notes[0]


def test_advice_is_given_at_every_query_and_never_reads_the_test_part(bench, tmp_path):
    state, _ = run(bench, tmp_path)
    criteria = [[a["criterion"] for a in d["advice"]] for d in state.details if "advice" in d]
    assert criteria == [["budget", "expected_gain", "stability", "confidence"]] * 2
    spent = state.details[2]["advice"][0]["numbers"]
    assert spent["spent_labels"] == 11
    assert spent["allowed_labels"] == 15


def test_only_what_is_read_is_computed():
    pool, beside = wanted(disc_spec(acquire__strategy="entropy"))
    assert pool == {"probs", "embedding"}
    assert beside == set()
    pool, beside = wanted(disc_spec(acquire__strategy="flqmi", **SWITCHED))
    assert beside == {"exemplar"}
    assert "mc_probs" not in pool
    assert get("flqmi").kind == "selector"
