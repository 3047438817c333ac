"""Foreground-aware random: a third on findings, the rest on anyone, all of it by chance."""

import numpy as np
import pytest

from foveal.acquire.strategies.foreground_random import foreground_random

N, FINDINGS = 300, 15


def order(seed, findings=FINDINGS, n=N):
    size = np.zeros(n)
    size[:findings] = 0.1
    return size, np.argsort(-foreground_random(size, np.random.default_rng(seed).random(n)))


def test_every_third_has_a_finding_until_none_is_left():
    size, drawn = order(0)
    assert (size[drawn[2::3]][: FINDINGS // 2] > 0).all()
    assert sorted(drawn.tolist()) == list(range(N))


def test_findings_are_three_times_as_frequent_as_among_all():
    early = np.mean([(size[drawn[:30]] > 0).sum() for size, drawn in map(order, range(200))])
    assert early == pytest.approx(10 + 20 * 5 / 290, abs=0.4)


@pytest.mark.parametrize("findings", [0, N])
def test_where_all_are_alike_it_is_random(findings):
    firsts = {int(order(seed, findings)[1][0]) for seed in range(50)}
    assert len(firsts) > 30
