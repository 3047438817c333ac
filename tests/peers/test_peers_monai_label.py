"""The strategy and scoring classes inside the real MONAI Label (`make peers-monai`)."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package's own
    try:
        from monailabel.datastore.local import LocalDatastore
        from monailabel.interfaces.tasks.scoring import ScoringMethod
        from monailabel.interfaces.tasks.strategy import Strategy
    except ImportError as error:
        pytest.skip(
            f"MONAI Label is not here ({error}); see `make peers-monai`", allow_module_level=True
        )

from foveal.acquire.strategies.uncertainty import entropy
from foveal.adapters.monai_label import FovealScoring, FovealStrategy
from foveal.core.errors import EvidenceError, UnknownName

N = 8


def probs(shift=0):
    return np.roll(np.random.default_rng(3).dirichlet(np.ones(3), N), shift, axis=0)


def place(uri):
    return int(str(uri).split("image")[-1][:2])


@pytest.fixture
def store(tmp_path):
    for i in range(N):
        (tmp_path / f"image{i:02}.png").write_bytes(b"-")
    return LocalDatastore(str(tmp_path), extensions=("*.png",), auto_reload=False)


def label(store, image, tmp_path):
    path = tmp_path.parent / f"{tmp_path.name}-label.png"
    path.write_bytes(b"-")
    store.save_label(image, str(path), "final", {})


def scoring(version="1", shift=0):
    return FovealScoring(
        lambda uri: {"probs": probs(shift)[place(uri)], "embedding": np.eye(N)[place(uri)]},
        version=lambda: version,
    )


def test_they_are_what_an_app_expects():
    assert isinstance(FovealStrategy("badge"), Strategy)
    assert isinstance(scoring(), ScoringMethod)
    assert FovealStrategy("badge").info() == {"description": "Foveal: badge"}
    with pytest.raises(UnknownName):
        FovealStrategy("badger")


def test_scored_images_are_served_most_wanted_first(store, tmp_path):
    assert scoring()({}, store) | {"latency": 0} == {
        "total": N,
        "skipped": 0,
        "executed": N,
        "latency": 0,
    }
    strategy, order = FovealStrategy("entropy"), np.argsort(-entropy(probs()))
    for position in order[:3]:
        answer = strategy({"strategy": "entropy"}, store)
        assert answer["id"] == f"image{position:02}"
        label(store, answer["id"], tmp_path)


def test_what_is_written_outlives_the_server(store, tmp_path):
    scoring()({}, store)
    again = LocalDatastore(str(tmp_path), extensions=("*.png",), auto_reload=False)
    asked = FovealStrategy("entropy")({}, store)
    assert FovealStrategy("entropy")({}, again) == asked
    assert scoring()({}, again)["skipped"] == N


def test_a_new_model_changes_the_order(store):
    scoring()({}, store)
    assert scoring("2", shift=1)({}, store)["executed"] == N
    best = np.argmax(entropy(probs(1)))
    assert FovealStrategy("entropy")({}, store)["id"] == f"image{best:02}"


def test_what_the_server_notes_keeps_two_people_apart(store):
    import time

    scoring()({}, store)
    strategy = FovealStrategy("entropy")
    first = strategy({}, store)["id"]
    # As monailabel/endpoints/activelearning.py does when an image is handed out.
    handed = {"entropy": {"ts": int(time.time()), "client_id": "a"}}
    store.update_image_info(first, {"strategy": handed})
    assert strategy({}, store)["id"] != first


def test_without_scores_it_says_so_and_with_all_labels_it_ends(store, tmp_path):
    with pytest.raises(EvidenceError, match="run the scoring method first"):
        FovealStrategy("entropy")({}, store)
    for image in store.list_images():
        label(store, image, tmp_path)
    assert FovealStrategy("entropy")({}, store) is None


@pytest.mark.parametrize(
    "name", ["margin", "badge", "k_center", "typiclust", "0.7*entropy + 0.3*margin"]
)
def test_strategies_of_many_kinds_are_served(store, tmp_path, name):
    scoring()({}, store)
    label(store, "image00", tmp_path)
    assert FovealStrategy(name)({}, store)["id"] in set(store.list_images()) - {"image00"}


def test_an_app_scores_and_serves(store, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = pytest.importorskip("monailabel.interfaces.app", exc_type=ImportError)

    class App(app.MONAILabelApp):
        def init_scoring_methods(self):
            return {"foveal": scoring()}

        def init_strategies(self):
            return {"entropy": FovealStrategy("entropy")}

    (tmp_path / "app").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        served = App(str(tmp_path / "app"), str(tmp_path), {})
    served._auto_update_scoring = False  # it asks a server, which does not run here
    assert served.scoring({"method": "foveal"})["executed"] == N
    answer = served.next_sample({"strategy": "entropy"})
    assert answer["id"] == f"image{np.argmax(entropy(probs())):02}"
    assert answer["path"] == store.get_image_uri(answer["id"])
    assert served.info()["strategies"] == {"entropy": {"description": "Foveal: entropy"}}
