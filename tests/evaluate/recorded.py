"""Made-up runs of a comparison, as `loop` records them."""

from hypothesis import strategies as st

LABELS = [30, 60, 90]


def run(strategy, seed, values, labels=LABELS, metric="accuracy", **more):
    return {
        "strategy": strategy,
        "seed": seed,
        "labels": labels,
        "metrics": {metric: values},
        **more,
    }


values = st.lists(st.none() | st.integers(0, 8).map(lambda n: n / 8), min_size=3, max_size=3)


@st.composite
def studies(draw):
    """Up to three strategies, seeds that differ, two metrics, holes everywhere."""
    runs = []
    for strategy in draw(st.sampled_from([["random"], ["random", "b"], ["a", "random", "c"]])):
        for seed in sorted(draw(st.sets(st.integers(0, 4), min_size=1))):
            metrics = {"accuracy": draw(values), "ece": draw(values)}
            runs.append({"strategy": strategy, "seed": seed, "labels": LABELS, "metrics": metrics})
    return runs


def seeds(count, names=("a", "b")):
    return [run(name, seed, [0.1, 0.2, 0.3]) for name in names for seed in range(count)]
