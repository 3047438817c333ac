"""Dashboard and agreement: numbers that can be counted by hand, and words that claim no more."""

import numpy as np
import pytest
from annotate_toys import box, shapes, told

from foveal.annotate.agreement import agreement_of
from foveal.annotate.dashboard import TOO_EARLY, dashboard_of, worker_of
from foveal.core.query import Query
from foveal.store.jobs import Job
from foveal.store.records import TrainedRound, queried, trained

API = "/api/v1"


def test_an_empty_project_says_that_it_is_too_early(site):
    board = dashboard_of(site.live())
    assert board["advice"] == [TOO_EARLY]
    assert "Three trainings" in board["expected_gain"]
    assert board["readers"] == []
    assert board["curve"] == []
    assert (board["labels"], board["candidates"], board["queue_left"]) == (0, 12, 4)
    assert board["balance"] == {"disc": 0, "square": 0}


def test_labels_and_minutes_add_up(site, clock):
    for name, label, verdict, seconds in (
        ("ann", "disc", "labeled", 30),
        ("ann", "square", "labeled", 60),
        ("bob", None, "skipped", 15),
        ("bob", "disc", "labeled", 45),
    ):
        case = site.next(name)["case"]
        clock.now += 100
        site.answer(name, case, label, verdict=verdict, seconds=seconds)
    board = dashboard_of(site.live())
    assert board["labels"] == 3
    assert board["minutes"] == 2.5
    assert board["balance"] == {"disc": 2, "square": 1}
    ann, bob = board["readers"]
    assert (ann["cases"], ann["minutes"], ann["seconds_per_case"]) == (2, 1.5, 45.0)
    assert (bob["cases"], bob["skipped"], bob["labeled"]) == (2, 1, 1)
    assert sum(one["minutes"] for one in board["readers"]) == board["minutes"]
    assert [one["name"] for one in dashboard_of(site.live(), "bob")["readers"]] == ["bob"]


def train(site, number, labels, auroc, interval=None, metric="macro_auroc"):
    if number >= len(site.live().queries):
        asked = site.live().queries[-1].ids
        advice = [{"criterion": "x", "stop": False, "words": f"advice {number}"}]
        advice.append({"criterion": "y", "stop": False, "words": "cannot tell yet: too few"})
        site.store.append([queried(Query(asked, "random", round=number), {"advice": advice})])
    details = {
        "lessons": labels,
        "until": 0,
        "references": 4,
        "interval": {metric: interval} if interval else {},
    }
    record = TrainedRound(number, metrics={"test": {metric: auroc, "odd": 1.0}}, details=details)
    site.store.append([trained(record)])


def test_the_curve_is_what_was_measured_and_nothing_else(site):
    for n, value in enumerate((0.6, None, 0.7)):
        train(site, n, 10 * n, value)
    curve = dashboard_of(site.live())["curve"]
    assert [point["labels"] for point in curve] == [0, 10, 20]
    assert [point["metrics"]["macro_auroc"] for point in curve] == [0.6, None, 0.7]
    assert all("odd" not in point["metrics"] for point in curve)
    assert dashboard_of(site.live())["advice"] == ["advice 2"]


@pytest.mark.parametrize(
    ("interval", "words"),
    [(None, "+0.100 AUROC."), ([0.6, 1.0], "too few test cases"), ([0.79, 0.81], "(± 0.010)")],
)
def test_a_gain_is_told_with_its_noise(site, interval, words):
    for n, value in enumerate((0.6, 0.7, 0.8)):
        train(site, n, 20 * n, value, interval)
    assert words in dashboard_of(site.live())["expected_gain"]


def test_segmentation_has_its_own_main_metric(site):
    for n, value in enumerate((0.6, 0.7, 0.8)):
        train(site, n, 20 * n, value, metric="dice")
    assert "Dice" in dashboard_of(site.live())["expected_gain"]


def job(status, error="", progress=None):
    return Job(1, "train", status, 1, "w", 0.0, progress or {}, error)


@pytest.mark.parametrize(
    ("jobs", "beat", "state"),
    [
        ((), None, "away"),
        ((), 900.0, "away"),
        ((), 999.0, "idle"),
        ((job("running"),), 999.0, "working"),
        ((job("running"),), 900.0, "away"),
        ((), 1005.0, "idle"),
    ],
)
def test_the_workers_state(jobs, beat, state):
    assert worker_of(jobs, 1000.0, beat)["state"] == state


def test_an_error_is_shown_until_a_later_job_went_well():
    assert worker_of((job("failed", "it broke"),), 0.0, None)["error"] == "it broke"
    assert worker_of((job("waiting", "it broke"),), 0.0, None)["waiting"]
    assert worker_of((job("done"), job("failed", "it broke")), 0.0, None)["error"] == ""


def overlap_of(site):
    return agreement_of(site.live(), site.desk.overlap)


def both_read(site, labels, drawn=((), ())):
    """Ann and Bob read the same cases, in turn, as `labels` says."""
    for one, other in labels:
        for name, label, boxes in (("ann", one, drawn[0]), ("bob", other, drawn[1])):
            site.answer(name, site.next(name)["case"], label, shapes=shapes(*boxes))


@pytest.fixture
def shared(make_site):
    return make_site(overlap_readers=2, overlap_share=1.0)


def test_agreement_of_two_readers(shared):
    pairs = [("disc", "disc"), ("disc", "square"), ("square", "square"), ("square", "square")]
    both_read(shared, pairs, ([box(0, 0, 10, 10)], [box(5, 0, 15, 10)]))
    (pair,) = overlap_of(shared)["pairs"]
    assert pair["readers"] == ["ann", "bob"]
    assert (pair["cases"], pair["same_class"]) == (4, 0.75)
    assert pair["kappa"] == pytest.approx(0.5)
    assert pair["dice"] == pytest.approx(0.5)
    assert overlap_of(shared)["disputed"] == 1
    # With two readers a case Fleiss' kappa is Scott's pi.
    p = 3 / 8
    chance = p**2 + (1 - p) ** 2
    assert overlap_of(shared)["kappa_of_all"] == pytest.approx((0.75 - chance) / (1 - chance))


def test_nothing_is_said_of_too_little(shared):
    assert overlap_of(shared)["kappa_of_all"] is None
    both_read(shared, [("disc", "disc")])
    (pair,) = overlap_of(shared)["pairs"]
    assert (pair["cases"], pair["kappa"]) == (1, None)
    assert pair["dice"] is None  # both saw nothing


def test_a_reader_is_compared_with_themselves(make_site):
    site = make_site(repeat_share=0.99)
    while not (case := site.next()).get("done"):
        again = case["sample"] in site.live().by_reader
        site.answer("ann", case["case"], "square" if again else "disc")
    repeats = [one for one in site.live().history if one.purpose == "repeat"]
    (own,) = overlap_of(site)["self"]
    assert own["reader"] == "ann"
    assert (own["cases"], own["same_class"]) == (len(repeats), 0.0)


def test_a_lead_settles_what_readers_dispute(shared):
    both_read(shared, [("disc", "square")], ([box(0, 0, 10, 10)], [box(0, 0, 10, 10)]))
    lead = shared.browser("lea")
    (dispute,) = told(lead.get(f"{API}/disputes"))
    assert [one["class"] for one in dispute["answers"]] == ["disc", "square"]
    path = f"{API}/disputes/{dispute['sample']}"
    shown = told(lead.get(path))
    assert shown["consensus"]["shapes"][0]["type"] == "mask"
    assert lead.get(f"{path}/pixels").headers["x-foveal-shape"] == "32,40,1"
    ruling = {"class": "square", "shapes": shapes(box()), "key": "ruling-0001"}
    told(lead.post(f"{path}/settle", json={**ruling, "class": "horse"}), 422)
    first = told(lead.post(f"{path}/settle", json=ruling))
    again = told(lead.post(f"{path}/settle", json=ruling))
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    assert told(lead.get(f"{API}/disputes")) == []
    resolution = shared.live().resolution(dispute["sample"])
    assert (resolution.status, resolution.label) == ("settled", 1)
    told(lead.get(path), 404)
    told(lead.post(f"{API}/disputes/{'0' * 16}/settle", json=ruling), 404)


def test_what_a_lone_reader_is_unsure_of_reaches_a_lead(site):
    unsure = site.next()
    site.answer("ann", unsure["case"], None, verdict="unsure")
    site.answer("ann", site.next()["case"], "disc")
    lead = site.browser("lea")
    (asked,) = told(lead.get(f"{API}/disputes"))
    assert (asked["sample"], asked["why"]) == (unsure["sample"], "a reader is unsure")
    assert [one["verdict"] for one in asked["answers"]] == ["unsure"]
    assert told(lead.get(f"{API}/dashboard"))["disputes"] == 1
    path = f"{API}/disputes/{unsure['sample']}"
    assert told(lead.get(path))["consensus"]["shapes"] == []
    assert lead.get(f"{path}/pixels").status_code == 200
    assert site.next("bob")["sample"] == unsure["sample"]  # who may know
    ruling = {"class": "square", "shapes": shapes(box()), "key": "ruling-0001"}
    told(lead.post(f"{path}/settle", json=ruling))
    assert told(lead.get(f"{API}/disputes")) == []
    assert site.live().resolution(unsure["sample"]).label == 1


def test_what_a_lone_reader_skips_twice_reaches_a_lead(site):
    skipped = site.next()
    site.answer("ann", skipped["case"], None, verdict="skipped")
    assert told(site.browser("lea").get(f"{API}/disputes")) == []
    while (case := site.next())["sample"] != skipped["sample"]:
        site.answer("ann", case["case"])
    site.answer("ann", case["case"], None, verdict="skipped")
    (asked,) = told(site.browser("lea").get(f"{API}/disputes"))
    assert (asked["sample"], asked["why"]) == (skipped["sample"], "a reader skipped it twice")


def test_a_second_reader_who_knows_answers_what_the_first_was_unsure_of(site):
    site.answer("ann", site.next("ann")["case"], None, verdict="unsure")
    site.answer("bob", site.next("bob")["case"], "disc")
    assert told(site.browser("lea").get(f"{API}/disputes")) == []


def test_a_lead_can_rule_that_an_image_is_bad(shared):
    both_read(shared, [("disc", "square")])
    (sample,) = shared.live().disputes()
    ruling = {"bad": True, "key": "ruling-0001"}
    told(shared.browser("lea").post(f"{API}/disputes/{sample}/settle", json=ruling))
    assert shared.live().resolution(sample).status == "excluded"


def test_training_can_be_asked_for_once_at_a_time(site):
    lead = site.browser("lea")
    jobs = {told(lead.post(f"{API}/worker/train"))["job"] for _ in range(3)}
    assert len(jobs) == 1
    assert told(lead.get(f"{API}/dashboard"))["worker"]["waiting"]


def test_regions_are_compared_once(shared, monkeypatch):
    both_read(shared, [("disc", "disc"), ("disc", "disc")], ([box()], [box(0, 0, 9, 9)]))
    first = overlap_of(shared)
    monkeypatch.setattr(type(shared.store.blobs), "get", None)
    assert overlap_of(shared) == first
    assert np.isfinite(first["pairs"][0]["dice"])


def test_what_the_worker_complains_of_is_for_leads(site):
    job = site.store.jobs.put("train")
    site.store.jobs.claim("w", 60)
    site.store.jobs.fail(job, "w", "'patient-smith-00.png' cannot be read")
    errors = [
        told(site.browser(name).get(f"{API}/dashboard"))["worker"]["error"]
        for name in ("ann", "lea")
    ]
    assert errors[0] == ""
    assert "cannot be read" in errors[1]
