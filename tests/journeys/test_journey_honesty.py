"""Honesty: in every mode but `oracle`, nothing hidden is read, and nothing hidden matters.

Three proofs. The first listens: a truth that writes down each question must hear from nobody but
the annotator about candidates, and from the annotator only about what was asked for. The second
does not trust the listening: everything that was never bought is made wrong, and the run must come
out the same to the last digit. The third deletes the masks. All fail in oracle mode, so all can
fail.
"""

from dataclasses import replace

import pytest

from discs import disc_spec, told, write_discs
from foveal.core.errors import DataError
from foveal.loop import Experiment, open_bench, run_record
from foveal.loop import experiment as experiments

HONEST = ("predicted", "atlas", "weak", "none")
LABELS = 11  # of 24 candidates: more than half stay hidden


class Spy:
    """A truth that knows on whose behalf each label or region is read."""

    def __init__(self, truth):
        self.truth, self.sources = truth, truth.sources
        self.answering = None
        self.reads = []

    def label(self, sample):
        self.reads.append((sample, self.answering))
        return self.truth.label(sample)

    def region(self, sample):
        self.reads.append((sample, self.answering))
        return self.truth.region(sample)


class Watched:
    """An annotator that tells the spy while it answers, and about which sample."""

    def __init__(self, annotator, spy):
        self.annotator, self.spy = annotator, spy

    def annotate(self, sample, round_number, region=True):
        assert self.spy.answering is None
        self.spy.answering = sample
        try:
            return self.annotator.annotate(sample, round_number, region)
        finally:
            self.spy.answering = None


class Altered:
    """The truth about what was bought, val and test; about all else the opposite of it."""

    def __init__(self, truth, hidden, classes):
        self.truth, self.sources = truth, truth.sources
        self.hidden, self.classes = frozenset(hidden), classes

    def label(self, sample):
        return (self.truth.label(sample) + (sample in self.hidden)) % self.classes

    def region(self, sample):
        region = self.truth.region(sample)
        return ~region if sample in self.hidden else region


def spec_of(source, strategy="eg_al"):
    return disc_spec(
        regions__source=source,
        acquire__strategy=strategy,
        train__explanation_weight=1.0,
        train__patience=2,
        labels=LABELS,
        budget=3,
    )


@pytest.fixture(scope="module")
def bench(discs):
    return open_bench(spec_of("predicted"), discs)


def with_truth(bench, truth):
    return replace(bench, collection=replace(bench.collection, truth=truth))


def run(spec, bench, folder):
    with Experiment(spec, bench, folder) as experiment:
        return experiment.run()


def listened(source, bench, folder, monkeypatch):
    """Who read what in a whole run: (part, sample, on whose behalf), and what was asked for."""
    spy = Spy(bench.collection.truth)
    real = experiments.annotator_of

    def watched(spec, truth, classes):
        assert truth is spy
        return Watched(real(spec, truth, classes), spy)

    monkeypatch.setattr(experiments, "annotator_of", watched)
    state = run(spec_of(source), with_truth(bench, spy), folder)
    reads = [(bench.pool.part(sample), sample, by) for sample, by in spy.reads]
    return reads, {i for query in state.queries for i in query.ids}


@pytest.mark.parametrize("source", HONEST)
def test_nobody_but_the_annotator_reads_a_candidate(bench, tmp_path, monkeypatch, source):
    reads, asked = listened(source, bench, tmp_path, monkeypatch)
    for part, sample, by in reads:
        if part == "unlabeled":
            assert by == sample  # the annotator, and about the very sample it was asked for
            assert sample in asked
        else:
            assert part in ("val", "test")
            assert by is None
    assert {sample for part, sample, _ in reads if part == "unlabeled"} == asked
    assert len(asked) == LABELS
    assert {part for part, _, _ in reads} == {"unlabeled", "val", "test"}


def test_the_spy_hears_the_oracle_mode(bench, tmp_path, monkeypatch):
    reads, asked = listened("oracle", bench, tmp_path, monkeypatch)
    overheard = {sample for part, sample, by in reads if part == "unlabeled" and by is None}
    assert overheard
    assert overheard - asked


def both_ways(spec, bench, tmp_path):
    """The journal of a run, and that of the same run where all that stayed hidden is false."""
    state = run(spec, bench, tmp_path / "true")
    bought = {i for query in state.queries for i in query.ids}
    hidden = set(bench.pool.ids("unlabeled")) - bought
    assert len(hidden) == 24 - LABELS
    false = Altered(bench.collection.truth, hidden, len(bench.pool.classes))
    run(spec, with_truth(bench, false), tmp_path / "false")
    return told(tmp_path / "true"), told(tmp_path / "false")


@pytest.mark.parametrize("source", HONEST)
def test_what_was_never_bought_does_not_matter(bench, tmp_path, source):
    true, false = both_ways(spec_of(source), bench, tmp_path)
    assert true == false


@pytest.mark.parametrize("source", HONEST)
def test_hidden_masks_may_even_be_gone(tmp_path, source):
    """No way around the truth either: files that do not exist cannot be read."""
    spec, data = spec_of(source), write_discs(tmp_path / "data")
    bench = open_bench(spec, data)
    state = run(spec, bench, tmp_path / "there")
    bought = {i for query in state.queries for i in query.ids}
    for sample in set(bench.pool.ids("unlabeled")) - bought:
        (data / "masks" / bench.pool[sample].uri).unlink()
    run(spec, bench, tmp_path / "gone")
    assert told(tmp_path / "there") == told(tmp_path / "gone")


@pytest.mark.parametrize("strategy", ["random", "entropy", "misalignment", "stratified_random"])
def test_nor_does_it_to_other_strategies(bench, tmp_path, strategy):
    true, false = both_ways(spec_of("predicted", strategy), bench, tmp_path)
    assert true == false


def test_the_oracle_mode_misses_them(tmp_path):
    spec, data = spec_of("oracle"), write_discs(tmp_path / "data")
    bench = open_bench(spec, data)
    for mask in (data / "masks").glob("train*"):
        mask.unlink()
    with pytest.raises(DataError, match="cannot be read now"):
        run(spec, bench, tmp_path / "run")


def test_to_the_oracle_mode_it_matters(bench, tmp_path):
    true, false = both_ways(spec_of("oracle"), bench, tmp_path)
    assert true != false
    assert true[0] == false[0]  # though both began alike


def test_what_was_bought_does_matter(bench, tmp_path):
    """The alteration is strong enough to be seen where it may be seen."""
    spec = spec_of("predicted")
    state = run(spec, bench, tmp_path / "true")
    false = Altered(bench.collection.truth, state.queries[0].ids[:2], len(bench.pool.classes))
    run(spec, with_truth(bench, false), tmp_path / "false")
    assert told(tmp_path / "true") != told(tmp_path / "false")


@pytest.mark.parametrize("source", [*HONEST, "oracle"])
def test_only_the_oracle_mode_is_marked(bench, tmp_path, source):
    spec = spec_of(source)
    with Experiment(spec, bench, tmp_path) as experiment:
        experiment.step()
        record = run_record("x", spec, experiment.state, bench.pool)
    assert record["oracle"] == (source == "oracle")
