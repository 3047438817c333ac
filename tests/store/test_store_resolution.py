"""Laws of a resolution: who came first does not matter, and the lead has the last word."""

from hypothesis import given
from hypothesis import strategies as st
from project_toys import answer

from foveal.store.resolution import FINAL, MOST_PASSES, OPEN, Resolution, question_of, resolve

verdicts = st.sampled_from(
    [("labeled", 0), ("labeled", 1), ("labeled", 2), ("skipped", None), ("unsure", None)]
)


@st.composite
def told(draw, of=verdicts):
    crowd = draw(st.lists(of, max_size=5))
    return {f"r{n}": answer("s0", f"r{n}", x, verdict=v) for n, (v, x) in enumerate(crowd)}


def labels(answers):
    return [one.label for one in answers.values() if one.verdict == "labeled"]


@given(told(), st.integers(1, 3), st.randoms())
def test_the_order_of_the_readers_does_not_matter(answers, needed, random):
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    assert resolve(dict(shuffled), None, needed) == resolve(answers, None, needed)


@given(told(), st.integers(1, 3))
def test_it_is_agreed_when_so_many_say_the_same_and_nobody_else(answers, needed):
    found = resolve(answers, None, needed)
    said = labels(answers)
    assert (found.status == "agreed") == (len(said) >= needed and len(set(said)) == 1)
    if found.final:
        assert {one.label for one in found.told} == {found.label}
        assert len(found.told) == len(said)


@given(told(), st.integers(1, 3))
def test_those_who_disagree_or_pass_call_the_lead(answers, needed):
    said = labels(answers)
    passed = len(answers) - len(said)
    quarrel = len(said) >= needed and len(set(said)) > 1
    stuck = len(said) < needed and passed >= MOST_PASSES
    assert (resolve(answers, None, needed).status == "disputed") == (quarrel or stuck)


@given(told(verdicts | st.just(("bad", None))), st.integers(1, 3), st.booleans())
def test_a_lead_is_told_why_where_nobody_else_may_come_to_it_and_only_there(answers, needed, twice):
    found = resolve(answers, None, needed)
    verdicts = {one.verdict for one in answers.values()}
    stuck = found.status == "disputed"
    left = "unsure" in verdicts or (twice and "skipped" in verdicts)
    why = question_of(found.status, answers, twice)
    assert bool(why) == (stuck or (left and found.status == "partial"))
    if stuck and len(set(labels(answers))) > 1:
        assert "different classes" in why


@given(told(), st.integers(1, 3), st.sampled_from([0, 1, 2]))
def test_the_lead_has_the_last_word(answers, needed, label):
    ruled = answer("s0", "lead", label, purpose="adjudication", region="r")
    found = resolve(answers, ruled, needed)
    assert found == Resolution("settled", label, (ruled,))
    assert found.regions == ("r",)
    out = answer("s0", "lead", None, verdict="bad", purpose="adjudication")
    assert resolve(answers, out, needed).status == "excluded"
    passed = answer("s0", "lead", None, verdict="unsure", purpose="adjudication")
    assert resolve(answers, passed, needed) == resolve(answers, None, needed)


@given(told(), st.integers(1, 3))
def test_an_image_that_most_call_bad_is_out(answers, needed):
    bad = {f"b{n}": answer("s0", f"b{n}", None, verdict="bad") for n in range(6)}
    assert resolve(answers | bad, None, needed).status == "excluded"


@given(told(), st.integers(1, 3))
def test_only_final_cases_have_a_label(answers, needed):
    found = resolve(answers, None, needed)
    assert (found.label is not None) == found.final == (found.status in FINAL)


def test_nobody_asked_nothing_known():
    assert resolve({}, None, 2) == OPEN
