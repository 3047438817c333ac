"""Laws of leases and jobs: one holder at a time, on a file and on a server, whatever the clock."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.store.jobs import TRIES
from foveal.store.leases import KEPT_SECONDS, TAKEN
from foveal.store.project import ProjectStore

SAMPLES = [f"s{n}" for n in range(4)]
SECONDS = 100.0
DAY = 86_400.0


def first_free(taken):
    return next(((i, "first") for i in SAMPLES if i not in taken), None)


def claim(store, reader):
    return store.leases.claim(reader, first_free, SECONDS)


def test_readers_at_once_never_share_a_case(any_store):
    with ThreadPoolExecutor(6) as crowd:
        leases = list(crowd.map(lambda n: claim(any_store, f"r{n}"), range(6)))
    assert sorted(one.sample for one in leases if one) == SAMPLES
    assert sum(one is None for one in leases) == 2


def test_processes_never_share_a_case_on_a_server(tmp_path, server_store, empty):
    ready = threading.Barrier(4)

    def other(number):
        with ProjectStore.open(tmp_path / "p", empty, server_store.clock) as mine:
            ready.wait()
            return claim(mine, f"r{number}").sample

    with ThreadPoolExecutor(4) as crowd:
        assert sorted(crowd.map(other, range(4))) == SAMPLES


def test_who_comes_back_finds_the_same_case(store, clock):
    lease = claim(store, "ann")
    clock.now += 50
    again = claim(store, "ann")
    assert (again.id, again.sample, again.began) == (lease.id, lease.sample, lease.began)
    assert again.expires == clock.now + SECONDS
    assert store.leases.get(lease.id, "ann") == again
    assert store.leases.get(lease.id, "bob") is None
    assert store.leases.get("made up", "ann") is None


def test_a_case_is_free_again_when_nobody_comes_back(store, clock):
    lost = claim(store, "ann")
    clock.now += SECONDS
    assert claim(store, "bob").sample == lost.sample
    assert not store.leases.renew(lost.id, "ann", SECONDS)
    assert store.leases.get(lost.id, "ann").sample == lost.sample  # who answers late has answered
    assert claim(store, "ann").sample != lost.sample
    assert store.leases.get(lost.id, "ann").expires == TAKEN


def test_answers_may_come_for_a_week_after_a_lease_ended(store, clock):
    former = claim(store, "ann")
    store.leases.answer(former.id, "ann")
    claim(store, "ann")
    clock.now += KEPT_SECONDS - 1
    claim(store, "bob")
    assert store.leases.get(former.id, "ann").sample == former.sample
    clock.now += 2
    claim(store, "cis")
    assert store.leases.get(former.id, "ann") is None


def test_renewed_cases_are_kept_and_released_ones_are_not(store, clock):
    lease = claim(store, "ann")
    for _ in range(5):
        clock.now += SECONDS / 2
        assert store.leases.renew(lease.id, "ann", SECONDS)
    assert claim(store, "bob").sample != lease.sample
    assert not store.leases.renew(lease.id, "bob", SECONDS)
    store.leases.release(lease.id, "bob")
    assert store.leases.get(lease.id, "ann")
    store.leases.release(lease.id, "ann")
    assert store.leases.get(lease.id, "ann").expires == TAKEN
    assert not store.leases.renew(lease.id, "ann", SECONDS)
    assert claim(store, "cis").sample == lease.sample


def test_nobody_waits_for_a_case_that_is_answered(store):
    lease = claim(store, "ann")
    assert claim(store, "bob").sample != lease.sample
    store.leases.answer(lease.id, "ann")
    assert claim(store, "cis").sample == lease.sample


def test_an_answered_case_is_open_until_the_next_one(store):
    lease = claim(store, "ann")
    store.leases.answer(lease.id, "ann")
    assert store.leases.get(lease.id, "ann").answered
    store.leases.claim("ann", lambda taken: ("s3", "first"), SECONDS)
    assert store.leases.get(lease.id, "ann").expires == TAKEN


@pytest.mark.parametrize("back", [0.001, 1.0, SECONDS, DAY])
def test_a_clock_set_back_neither_frees_a_case_nor_keeps_it_for_ever(store, clock, back):
    lease = claim(store, "ann")
    clock.now -= back
    other = claim(store, "bob")
    assert other.sample != lease.sample
    assert {one.sample for one in store.leases.all(SECONDS)} == {lease.sample, other.sample}
    clock.now += SECONDS + 0.01
    assert claim(store, "cis").sample == lease.sample


def test_a_case_that_went_to_another_does_not_come_back_with_the_clock(store, clock):
    lost = claim(store, "ann")
    clock.now += DAY
    taken = claim(store, "bob")
    clock.now -= DAY
    assert taken.sample == lost.sample
    assert [one.reader for one in store.leases.all(SECONDS)] == ["bob"]
    assert claim(store, "ann").sample != lost.sample


steps = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from("abcdef")),
    st.tuples(st.just("release"), st.sampled_from("abcdef")),
    st.tuples(st.just("wait"), st.sampled_from([-DAY, -1.0, 0.0, 60.0, DAY])),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=15))
def test_no_case_is_open_for_two_whatever_happens(store, clock, story):
    clock.now = 1e9
    for one in store.leases.all(1e12):  # of the story before
        store.leases.release(one.id, one.reader)
    for what, value in story:
        if what == "wait":
            clock.now += value
        elif what == "claim":
            claim(store, value)
        else:
            for one in store.leases.all(SECONDS):
                store.leases.release(one.id, value)
        held = store.leases.all(SECONDS)
        assert len({one.sample for one in held}) == len(held)
        assert len({one.reader for one in held}) == len(held)
        assert all(one.expires <= clock.now + SECONDS for one in held)


def test_one_job_of_a_kind_waits(any_store):
    with ThreadPoolExecutor(4) as crowd:
        assert len(set(crowd.map(lambda _: any_store.jobs.put("train"), range(8)))) == 1
    (job,) = any_store.jobs.present()
    assert (job.kind, job.status, job.tries, job.error) == ("train", "waiting", 0, "")
    assert any_store.jobs.put("score") != job.id


def test_workers_at_once_never_share_a_job(any_store):
    jobs = any_store.jobs
    jobs.put("train")
    with ThreadPoolExecutor(4) as crowd:
        taken = list(crowd.map(lambda n: jobs.claim(f"w{n}", SECONDS), range(4)))
    (job,) = [one for one in taken if one]
    assert job.status == "running"
    assert jobs.put("train") != job.id  # while one runs, the next may wait


def test_a_job_goes_on_while_its_worker_lives(store, clock):
    jobs = store.jobs
    job = jobs.put("train")
    jobs.claim("w", SECONDS)
    for epoch in range(5):
        clock.now += SECONDS / 2
        assert jobs.heartbeat(job, "w", SECONDS, {"epoch": epoch})
        assert jobs.claim("v", SECONDS) is None
    assert jobs.present()[0].progress == {"epoch": 4}
    assert not jobs.done(job, "v")
    assert jobs.done(job, "w")
    assert not jobs.heartbeat(job, "w", SECONDS, {})
    assert jobs.claim("v", SECONDS) is None


def test_a_silent_worker_loses_its_job(store, clock):
    jobs = store.jobs
    job = jobs.put("train")
    for attempt in range(TRIES):
        assert jobs.claim(f"w{attempt}", SECONDS).tries == attempt + 1
        clock.now += SECONDS
        if attempt:
            assert not jobs.done(job, f"w{attempt - 1}")
            assert not jobs.fail(job, f"w{attempt - 1}", "late")
    assert jobs.claim("w", SECONDS) is None
    (gone,) = jobs.present()
    assert (gone.status, gone.error) == ("failed", "its worker fell silent")


def test_a_job_that_goes_wrong_is_tried_again_but_not_for_ever(store):
    jobs = store.jobs
    job = jobs.put("train")
    for attempt in range(TRIES):
        assert jobs.claim("w", SECONDS).id == job
        assert jobs.fail(job, "w", f"reason {attempt}" * 1000)
    (gone,) = jobs.present()
    assert gone.status == "failed"
    assert gone.error.startswith("reason 2")
    assert len(gone.error) == 2000
    assert jobs.put("train") != job
    assert jobs.claim("w", SECONDS).tries == 1


@pytest.mark.parametrize("back", [0.001, 1.0, DAY])
def test_a_clock_set_back_neither_takes_a_job_away_nor_keeps_it_for_ever(store, clock, back):
    job = store.jobs.put("train")
    store.jobs.claim("w", SECONDS)
    clock.now -= back
    assert store.jobs.claim("v", SECONDS) is None
    clock.now += SECONDS + 0.01
    assert store.jobs.claim("v", SECONDS).id == job
