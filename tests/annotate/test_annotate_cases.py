"""Reading: every case once, answers kept as they were given, nothing lost and nothing twice."""

import errno
import io
import os

import numpy as np
import pytest
from annotate_toys import CLASSES, HEIGHT, WIDTH, box, shapes, told
from PIL import Image

from foveal.core.query import Query
from foveal.core.region import decode_region
from foveal.store.live import added
from foveal.store.records import queried


def test_a_case_is_what_the_page_needs(site):
    case = site.next()
    assert (case["width"], case["height"], case["bits"]) == (WIDTH, HEIGHT, 8)
    assert case["samples_per_pixel"] == 1
    assert case["slices"] == 1
    assert case["why"] == "reason 0"
    assert (case["rank"], case["of"]) == (1, 4)
    assert case["previous"] is None
    assert "purpose" not in case


def test_every_case_is_read_once_in_the_order_of_the_query_first(site):
    seen = site.read_all()
    asked = site.live().queries[-1].ids
    candidates = [i for i, part in site.live().parts.items() if part == "unlabeled"]
    assert tuple(seen[:4]) == asked
    assert sorted(seen) == sorted(candidates)
    assert len(site.live().lessons()) == 12


def test_the_open_case_stays_open(site):
    assert site.next()["case"] == site.next()["case"]


def test_two_readers_never_have_one_case(site):
    assert site.next("ann")["sample"] != site.next("bob")["sample"]


def test_pixels_are_those_of_the_file(site):
    case = site.next()
    answer = site.browser("ann").get(f"/api/v1/cases/{case['case']}/pixels")
    assert answer.headers["x-foveal-shape"] == f"{HEIGHT},{WIDTH},1"
    assert answer.headers["x-foveal-type"] == "uint8"
    pixels = np.frombuffer(answer.content, np.uint8).reshape(HEIGHT, WIDTH)
    np.testing.assert_array_equal(pixels, site.desk.images.pixels(case["sample"]))


def test_the_next_picture_is_sent_ahead_and_opens_nothing(site):
    case = site.next()
    path = f"/api/v1/cases/{case['case']}/ahead"
    ahead = site.browser("ann").get(path)
    assert site.next()["case"] == case["case"]
    site.answer("ann", case["case"])
    after = site.next()
    assert ahead.headers["x-foveal-sample"] == after["sample"]
    pixels = site.browser("ann").get(f"/api/v1/cases/{after['case']}/pixels")
    assert ahead.content == pixels.content
    prior = site.browser("ann").get(f"/api/v1/cases/{after['case']}/ahead?which=prior")
    assert (prior.status_code, prior.content) == (204, b"")
    assert site.browser("bob").get(path).status_code == 409


def test_nothing_is_sent_ahead_of_the_last_case(site):
    case = site.next()
    while not (following := site.next()).get("done"):
        case = following
        ahead = site.browser("ann").get(f"/api/v1/cases/{case['case']}/ahead")
        site.answer("ann", case["case"])
    assert ahead.status_code == 204


def test_what_was_drawn_is_what_is_kept(site):
    case = site.next()
    drawn = shapes(box(2, 3, 10, 12))
    site.answer("ann", case["case"], "square", shapes=drawn)
    (one,) = site.live().history
    assert (one.label, one.region_kind, one.annotator) == (1, "box", "ann")
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[3:12, 2:10] = True
    np.testing.assert_array_equal(decode_region(site.store.blobs.get(one.region)), expected)
    again = told(site.browser("ann").get(f"/api/v1/cases/{case['case']}"))
    assert again["previous"]["shapes"] == drawn
    assert again["previous"]["class"] == "square"


def test_a_save_repeated_is_kept_once(site):
    case = site.next()["case"]
    first = site.answer("ann", case, key="key-00000001")
    again = site.answer("ann", case, key="key-00000001")
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["seq"] == again["seq"]
    site.next()  # the acknowledgment may come so late that the next case is open
    late = site.answer("ann", case, key="key-00000001")
    assert (late["seq"], late["duplicate"]) == (first["seq"], True)
    assert len(site.live().history) == 1


def test_one_key_never_names_two_answers(site):
    case = site.next()["case"]
    site.answer("ann", case, "disc", key="key-00000001")
    assert site.answer("ann", case, "square", key="key-00000001", status=409)["error"]["code"] == (
        "key_reused"
    )
    site.next()
    site.answer("ann", case, "square", key="key-00000001", status=409)
    assert [one.label for one in site.live().history] == [0]


def test_a_correction_is_a_second_answer(site):
    case = site.next()
    site.answer("ann", case["case"], "disc")
    site.answer("ann", case["case"], "square")
    assert [one.label for one in site.live().history] == [0, 1]
    assert site.live().resolution(case["sample"]).label == 1


def test_an_answered_case_can_be_opened_again(site):
    first = site.next()
    site.answer("ann", first["case"], shapes=shapes(box()))
    site.next()
    again = told(site.browser("ann").post("/api/v1/reopen", json={"sample": first["sample"]}))
    assert again["sample"] == first["sample"]
    assert again["previous"]["shapes"]["shapes"] == [box()]
    after = site.next()  # the page was loaded anew meanwhile
    assert (after["case"], after["previous"]) == (again["case"], again["previous"])
    site.answer("ann", again["case"], "square")
    assert site.live().resolution(first["sample"]).label == 1
    history = told(site.browser("ann").get("/api/v1/history"))
    assert [one["class"] for one in history] == ["square", "disc"]
    told(site.browser("bob").post("/api/v1/reopen", json={"sample": first["sample"]}), 404)


def test_two_readers_saving_one_case_lose_nothing(site, clock):
    mine = site.next("ann")
    clock.now += 2 * site.live().live.lease_seconds
    theirs = site.next("bob")
    assert theirs["sample"] == mine["sample"]
    site.answer("bob", theirs["case"], "disc")
    site.answer("ann", mine["case"], "square")  # late, and kept all the same
    assert {one.annotator for one in site.live().history} == {"ann", "bob"}
    assert site.live().disputes() == (mine["sample"],)


@pytest.mark.parametrize("verdict", ["skipped", "unsure", "bad"])
def test_other_answers_name_no_class(site, verdict):
    case = site.next()
    site.answer("ann", case["case"], None, verdict=verdict)
    (one,) = site.live().history
    assert (one.verdict, one.label, one.region) == (verdict, None, "")
    assert site.next()["sample"] != case["sample"]


def test_a_skipped_case_comes_back_as_a_new_one(site):
    skipped = site.next()["sample"]
    site.answer("ann", site.next()["case"], None, verdict="skipped")
    while (case := site.next())["sample"] != skipped:
        assert case["previous"] is None
        site.answer("ann", case["case"])
    assert case["previous"] is None


def test_reading_time_is_no_longer_than_the_case_was_open(site, clock):
    case = site.next()["case"]
    clock.now += 30
    site.answer("ann", case, seconds=3600)
    assert 30 <= site.live().history[0].seconds <= 40


def test_a_clock_set_back_makes_no_negative_time(site, clock):
    case = site.next()["case"]
    clock.now -= 5000
    site.answer("ann", case, seconds=3.0)
    assert 0 <= site.live().history[0].seconds <= 3
    assert site.next()["case"] != case


@pytest.mark.parametrize(
    ("drawn", "what"),
    [
        (shapes(box(2, 3, 99, 12)), "leaves the image"),
        (shapes(box(-5, 3, 9, 12)), "leaves the image"),
        (shapes(box(2, 3, 2, 12)), "width and a height"),
        (shapes({"type": "polygon", "points": [[1, 1]] * 100_000}), "100000 points"),
        (shapes(*[box()] * 300), "at most"),
        (shapes(box(), width=41), "own grid"),
        (shapes({"type": "mask", "runs": [1, 2]}), "cover 3 pixels"),
        (shapes({"type": "text"}), "box, a polygon or a mask"),
        (shapes({"type": "box", "x0": "1", "y0": 1, "x1": 2, "y1": 2}), "finite"),
        ({"shapes": 7}, "list"),
    ],
)
def test_regions_that_cannot_be_are_refused(still, drawn, what):
    case = still.next()["case"]
    error = still.answer("ann", case, shapes=drawn, status=422)["error"]
    assert what in error["message"]
    assert still.live().history == ()


@pytest.mark.parametrize(
    "body",
    [
        {"label": "horse"},
        {"verdict": "perhaps"},
        {"seconds": -1},
        {"seconds": 10**9},
        {"unknown": 1},
        {"label": None},
    ],
)
def test_answers_that_cannot_be_are_refused(still, body):
    still.answer("ann", still.next()["case"], status=422, **body)
    assert still.live().history == ()


def test_a_full_disk_is_said_and_loses_nothing(site, monkeypatch):
    case = site.next()["case"]
    site.answer("ann", case, key="key-00000001")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        error = site.answer("ann", case, shapes=shapes(box()), key="key-00000002", status=507)
    assert error["error"]["code"] == "full"
    assert str(site.store.folder) not in error["error"]["message"]
    assert len(site.live().history) == 1
    assert not site.answer("ann", case, shapes=shapes(box()), key="key-00000002")["duplicate"]
    assert site.store.verify() == ()


def test_an_image_that_cannot_be_read_never_stops_the_queue(site):
    asked = site.live().queries[-1].ids
    broken = site.store.folder / site.desk.images.sample(asked[0]).uri
    whole = broken.read_bytes()
    broken.write_bytes(whole[:200])
    case = site.next()
    assert case["sample"] == asked[1]
    assert set(site.live().quarantined) == {asked[0]}
    lead = site.browser("lea")
    (left_out,) = told(lead.get("/api/v1/quarantine"))
    assert left_out["sample"] == asked[0]
    refused = told(lead.post(f"/api/v1/quarantine/{asked[0]}/restore"), 409)
    assert "smith" not in refused["error"]["message"]
    broken.write_bytes(whole)
    told(lead.post(f"/api/v1/quarantine/{asked[0]}/restore"))
    site.answer("ann", case["case"])
    assert site.next()["sample"] == asked[0]


def test_what_is_left_out_tells_why_and_by_whom(site):
    broken, bad, ruled = site.live().queries[-1].ids[:3]
    (site.store.folder / site.desk.images.sample(broken).uri).write_bytes(b"")
    case = site.next()
    assert case["sample"] == bad
    site.answer("ann", case["case"], verdict="bad")
    site.answer("ann", site.next()["case"], "disc")
    lead = site.browser("lea")
    ruling = {"bad": True, "seconds": 1.0, "key": "ruling-00000001"}
    told(lead.post(f"/api/v1/disputes/{ruled}/settle", json=ruling))
    found = {one["sample"]: one for one in told(lead.get("/api/v1/quarantine"))}
    assert {i: (one["by"], one["restorable"]) for i, one in found.items()} == {
        broken: ([], True),
        bad: (["ann"], False),
        ruled: (["lea"], False),
    }
    assert found[broken]["reason"] != found[bad]["reason"] == found[ruled]["reason"]
    assert [found[i]["at"] for i in (broken, bad)] == ["", site.live().history[0].at]
    assert told(lead.get("/api/v1/dashboard"))["quarantined"] == len(found)
    told(lead.post(f"/api/v1/quarantine/{bad}/restore"), 404)
    site.answer("ann", case["case"], "disc", key="corrected-answer")
    assert bad not in [one["sample"] for one in told(lead.get("/api/v1/quarantine"))]


def test_a_disk_that_is_away_for_a_moment_leaves_no_image_out(site):
    asked = site.live().queries[-1].ids
    away = {path: path.with_suffix(".away") for path in site.store.folder.glob("*.png")}
    for path, other in away.items():
        path.rename(other)
    error = told(site.browser("ann").post("/api/v1/next"), 503)
    assert error["error"]["code"] == "away"
    assert "smith" not in error["error"]["message"]
    assert site.live().quarantined == {}
    for path, other in away.items():
        other.rename(path)
    assert site.next()["sample"] == asked[0]


def test_a_lost_image_of_the_same_patient_locks_nobody_out(site):
    case = site.next()
    site.answer("ann", case["case"], shapes=shapes(box()))
    lost = site.desk.images.collection.places
    del lost[case["sample"]]
    assert site.next()["sample"] != case["sample"]


def test_a_case_answered_while_the_next_one_is_chosen_is_not_given_again(site, monkeypatch):
    case = site.next("ann")
    claim = site.store.leases.claim

    def late(reader, choose, seconds):
        site.answer("ann", case["case"])  # after bob asked, before his case is chosen
        return claim(reader, choose, seconds)

    with monkeypatch.context() as patched:
        patched.setattr(type(site.store.leases), "claim", lambda _, *told: late(*told))
        given = site.next("bob")
    assert given["sample"] != case["sample"]


def test_an_answer_that_waited_without_a_network_is_kept_whatever_was_opened_since(site):
    first = site.next()
    site.answer("ann", first["case"], key="answer-of-the-first")
    second = site.next()
    told(site.browser("ann").post("/api/v1/reopen", json={"sample": first["sample"]}))
    image = site.store.folder / site.desk.images.sample(second["sample"]).uri
    image.rename(image.with_suffix(".away"))
    site.answer("ann", second["case"], "square", key="late-answer", shapes=shapes(box()))
    assert site.live().answers(second["sample"])["ann"].label == 1


def test_an_image_that_breaks_while_it_is_open_is_put_aside(site):
    case = site.next()
    site.desk.images._read._kept.clear()
    (site.store.folder / site.desk.images.sample(case["sample"]).uri).unlink()
    refused = told(site.browser("ann").get(f"/api/v1/cases/{case['case']}/pixels"), 409)
    assert refused["error"]["code"] == "unreadable"
    assert "smith" not in refused["error"]["message"]
    assert site.next()["sample"] != case["sample"]
    assert set(site.live().quarantined) == {case["sample"]}


def test_asking_for_a_slice_that_is_not_there_quarantines_nothing(site):
    case = site.next()["case"]
    told(site.browser("ann").get(f"/api/v1/cases/{case}/pixels?slice=3"), 422)
    told(site.browser("ann").get(f"/api/v1/cases/{case}/pixels?which=prior"), 422)
    assert site.live().quarantined == {}


def test_a_released_case_goes_to_the_next_reader(site):
    case = site.next("ann")
    told(site.browser("ann").post(f"/api/v1/cases/{case['case']}/renew"))
    told(site.browser("ann").post(f"/api/v1/cases/{case['case']}/release"))
    assert site.next("bob")["sample"] == case["sample"]


def test_who_waits_for_others_is_told_so(make_site):
    site = make_site()
    for _ in range(11):
        site.answer("ann", site.next("ann")["case"])
    site.next("ann")
    assert "open with other readers" in site.next("bob")["message"]
    site.answer("ann", site.next("ann")["case"])
    assert "Every case" in site.next("bob")["message"]


def maps_of(site, sample):
    """A query whose details hold the model's opinion of a sample."""
    cam = io.BytesIO()
    np.save(cam, np.full((32, 32), 128, np.uint8))
    digest = site.store.blobs.put(cam.getvalue())
    known = {"predicted": 1, "confidence": 0.75, "cam": digest}
    rest = [i for i, part in site.live().parts.items() if part == "unlabeled"][4:6]
    query = Query((sample, *rest), "random", round=1)
    site.store.append([queried(query, {"cases": {sample: known}})])


@pytest.mark.parametrize("kind", ["map", "model"])
def test_blinded_readers_see_the_model_after_their_answer_only(site, kind):
    case = site.next()
    maps_of(site, case["sample"])
    path = f"/api/v1/cases/{case['case']}/{kind}"
    assert told(site.browser("ann").get(path), 403)["error"]["code"] == "answer_first"
    assert site.next()["map"] is False
    site.answer("ann", case["case"])
    answer = site.browser("ann").get(path)
    assert answer.status_code == 200
    if kind == "map":
        assert answer.headers["content-type"] == "image/png"
    else:
        assert answer.json() == {"class": CLASSES[1], "confidence": 0.75, "maps": ["cam"]}


def test_assisted_readers_see_it_before_and_their_answers_say_so(make_site):
    site = make_site(reading="assisted")
    case = site.next()
    maps_of(site, case["sample"])
    assert site.next()["map"] is True
    assert site.browser("ann").get(f"/api/v1/cases/{case['case']}/map").status_code == 200
    site.answer("ann", case["case"])
    assert site.live().history[0].assisted


def test_a_blinded_answer_is_assisted_only_where_it_corrects_one_after_a_look(site):
    case = site.next()
    site.answer("ann", case["case"])
    site.answer("ann", case["case"], "square")  # there was nothing to be seen yet
    maps_of(site, case["sample"])
    site.answer("ann", case["case"])
    assert [one.assisted for one in site.live().history] == [False, False, True]


def test_hidden_repeats_are_read_as_blindly_as_the_first_time(make_site):
    site = make_site(repeat_share=0.99)
    for _ in range(12):
        case = site.next()
        site.answer("ann", case["case"])
        if site.live().history[-1].purpose == "repeat":
            break
    while site.live().history[-1].purpose != "repeat":
        case = site.next()
        repeat = case["sample"] in site.live().by_reader
        if repeat:
            assert case["answered"] is False
            assert case["previous"] is None
            path = f"/api/v1/cases/{case['case']}/model"
            assert told(site.browser("ann").get(path), 403)["error"]["code"] == "answer_first"
        site.answer("ann", case["case"], "square")
    first = site.live().answers(case["sample"])["ann"]
    assert first.label == 0  # the second reading is kept, and no lesson
    assert site.live().resolution(case["sample"]).label == 0
    # Whoever goes back corrects what they said last, and not the lesson.
    again = told(site.browser("ann").post("/api/v1/reopen", json={"sample": case["sample"]}))
    assert again["previous"]["class"] == CLASSES[site.live().history[-1].label]
    assert site.next()["previous"] == again["previous"]
    site.answer("ann", again["case"], "square")
    assert site.live().history[-1].purpose == "repeat"
    assert site.live().answers(case["sample"])["ann"] == first
    (own,) = told(site.browser("lea").get("/api/v1/dashboard"))["agreement"]["self"]
    assert (own["cases"], own["same_class"]) == (1, 0.0)


def test_images_that_came_in_are_read_without_a_new_start(site):
    first = site.read_all()
    assert len(first) == 12
    with (site.store.folder / "pool.csv").open("a") as file:
        file.write("late.png,p99,\n")
    Image.fromarray(np.full((HEIGHT, WIDTH), 7, np.uint8)).save(site.store.folder / "late.png")
    pool = site.desk.images._again().pool
    (late,) = (one.id for one in pool.samples if one.uri == "late.png")
    site.store.append([added({late: "unlabeled"})])
    case = site.next()
    assert case["sample"] == late
    pixels = site.browser("ann").get(f"/api/v1/cases/{case['case']}/pixels")
    assert set(pixels.content) == {7}
