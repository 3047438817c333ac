"""One small project a test."""

import pytest
from annotate_toys import Clock, served

from foveal.store import accounts


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """Passwords are made dear on purpose, which is tested in the store."""
    monkeypatch.setattr(accounts, "N", 2**4)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def site(tmp_path, clock):
    """A project that is served: 12 candidates, 4 test cases that are not asked for."""
    with_rules = served(tmp_path, clock)
    yield with_rules
    with_rules.store.close()


@pytest.fixture(scope="session")
def still(tmp_path_factory):
    """One for all tests that are refused whatever they try."""
    with_rules = served(tmp_path_factory.mktemp("still"))
    yield with_rules
    with_rules.store.close()


@pytest.fixture
def make_site(tmp_path, clock):
    """Makes such a project with other settings."""
    opened = []

    def make(name="other", **live):
        opened.append(served(tmp_path / name, clock, **live))
        return opened[-1]

    yield make
    for one in opened:
        one.store.close()
