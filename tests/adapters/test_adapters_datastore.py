"""Evidence in a datastore's notes; the real MONAI Label is asked in tests/peers."""

import copy
import json
import time

import numpy as np
import pytest

from foveal.acquire.strategies.uncertainty import entropy
from foveal.adapters import choose
from foveal.adapters.arrays import positions_of
from foveal.adapters.datastore import next_image, read_evidence, write_evidence
from foveal.core.errors import EvidenceError, UnknownName

N = 12


class Store:
    """What the adapter uses of a datastore, in memory; notes go through JSON, as there."""

    def __init__(self, n=N):
        self.notes = {f"image{i:02}": {} for i in range(n)}
        self.labels = set()

    def list_images(self):
        return list(self.notes)

    def get_unlabeled_images(self, label_tag=None, labels=None):
        return [i for i in self.notes if i not in self.labels]

    def get_image_uri(self, image):
        return f"folder/{image}.png"

    def get_image_info(self, image):
        return copy.deepcopy(self.notes[image])

    def update_image_info(self, image, info):
        self.notes[image].update(json.loads(json.dumps(info)))


def said(n=N):
    """What a model says: (n, 3) and (n, 4)."""
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(3), n), rng.normal(size=(n, 4))


def describe(uri):
    probs, embedding = said()
    i = int(uri[-6:-4])
    return {"probs": probs[i], "embedding": embedding[i]}


@pytest.fixture
def store():
    made = Store()
    assert write_evidence(made, describe, "1") == (N, 0)
    return made


def test_the_image_with_the_highest_score_is_next(store):
    probs, _ = said()
    order = np.argsort(-entropy(probs))
    answer = next_image(store, "entropy", {})
    assert answer["id"] == f"image{order[0]:02}"
    assert answer["score"] == pytest.approx(entropy(probs).max(), abs=1e-4)
    assert answer["why"].startswith("entropy")
    store.labels.add(answer["id"])
    assert next_image(store, "entropy", {})["id"] == f"image{order[1]:02}"


def test_a_set_stays_away_from_what_is_labeled(store):
    _, x = said()
    store.labels = {"image00"}
    farthest = np.argmax(np.linalg.norm(x - x[0], axis=1))
    assert next_image(store, "k_center", {})["id"] == f"image{farthest:02}"


def test_exemplars_are_the_labeled_of_the_sought_class(store):
    store.labels = {"image00", "image01", "image02"}
    classes = {"image00": 0, "image01": 2, "image02": None}
    parameters = {"kernel": "features"}
    answer = next_image(store, "gcmi", {}, settings=parameters, class_of=classes.get, sought=[2])
    _, x = said()
    alike = (x[3:] @ x[1]) / np.linalg.norm(x[3:], axis=1)
    assert answer["id"] == f"image{3 + int(np.argmax(alike)):02}"
    with pytest.raises(EvidenceError, match="exemplar"):
        next_image(store, "gcmi", {}, class_of=classes.get, sought=[1])


def test_the_engine_chooses_the_same_of_arrays(store):
    probs, x = said()
    told = read_evidence(store, store.list_images())
    np.testing.assert_allclose(told.arrays["probs"], probs, atol=1e-4)
    np.testing.assert_allclose(told.arrays["embedding"], x, rtol=1e-4)
    query = choose("margin", 1, x, probs)
    assert next_image(store, "margin", {})["id"] == f"image{positions_of(query)[0]:02}"


def test_what_two_models_say_is_never_compared(store):
    certain = {"probs": np.array([1.0, 0, 0]), "embedding": np.zeros(4)}
    doubtful = {"probs": np.full(3, 1 / 3), "embedding": np.zeros(4)}
    write_evidence(store, lambda _: doubtful, "2", only=["image03"])
    answer = next_image(store, "entropy", {})
    assert answer["id"] != "image03"
    assert (answer["undescribed"], answer["labeled_undescribed"]) == (1, 0)
    store.labels = {"image03"}
    assert next_image(store, "k_center", {})["labeled_undescribed"] == 1
    assert write_evidence(store, lambda _: certain, "2") == (N - 1, 1)
    assert next_image(store, "entropy", {})["undescribed"] == 0


def test_an_image_in_someones_hands_goes_to_nobody_else(store):
    first = next_image(store, "entropy", {}, hold_seconds=60)["id"]
    store.notes[first]["strategy"] = {"entropy": {"ts": int(time.time()), "client_id": "a"}}
    second = next_image(store, "entropy", {}, hold_seconds=60)["id"]
    assert second != first
    assert next_image(store, "entropy", {}, hold_seconds=0)["id"] == first
    store.notes[first]["strategy"]["entropy"]["ts"] -= 61
    assert next_image(store, "entropy", {}, hold_seconds=60)["id"] == first
    for notes in store.notes.values():
        notes["strategy"] = {"random": {"ts": int(time.time())}}
    assert next_image(store, "entropy", {}, hold_seconds=60)["id"] == first


def test_draws_serve_bayesian_strategies():
    store = Store()
    draws = np.random.default_rng(0).dirichlet(np.ones(3), (5, N))
    write_evidence(store, lambda uri: {"mc_probs": draws[:, int(uri[-6:-4])]}, "1")
    told = read_evidence(store, store.list_images())
    np.testing.assert_allclose(told.arrays["mc_probs"], draws, atol=1e-4)
    assert next_image(store, "bald", {})["id"] in store.notes


def test_chance_changes_with_labels_and_repeats(store):
    picks = [next_image(store, "random", {})["id"] for _ in range(3)]
    assert len(set(picks)) == 1
    others = set()
    for image in store.list_images()[:-4]:
        store.labels.add(image)
        others.add(next_image(store, "random", {})["id"])
    assert len(others) > 1


def test_what_is_missing_is_said(store):
    with pytest.raises(EvidenceError, match=r"none of the 12 unlabeled images.*scoring method"):
        next_image(Store(), "entropy", {})
    with pytest.raises(EvidenceError, match="misalignment"):
        next_image(store, "misalignment", {})
    with pytest.raises(UnknownName, match="Did you mean"):
        next_image(store, "entropi", {})
    store.labels = set(store.notes)
    assert next_image(store, "entropy", {}) is None


@pytest.mark.parametrize(
    ("described", "told"),
    [({"probs": [np.nan, 1]}, "finite"), ({}, "one array or more")],
)
def test_a_bad_description_is_not_written(described, told):
    store = Store(1)
    with pytest.raises(EvidenceError, match=told):
        write_evidence(store, lambda _: described, "1")
    assert store.notes["image00"] == {}


def test_descriptions_of_different_lengths_are_refused():
    store = Store(2)
    write_evidence(store, lambda uri: {"embedding": np.ones(2 + int(uri[-6:-4]))}, "1")
    with pytest.raises(EvidenceError, match="`embedding` must have one shape"):
        next_image(store, "k_center", {})
