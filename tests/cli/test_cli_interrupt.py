"""Ctrl-C is heard also where Python would forget it."""

import signal
import sys
import time
import weakref

import pytest

from foveal.cli.interrupt import heard


class Dying:
    pass


def lose_an_interrupt():
    """A KeyboardInterrupt in the callback of a weak reference, as a signal may raise it there."""

    def callback(_):
        raise KeyboardInterrupt

    one = Dying()
    kept = weakref.ref(one, callback)
    del one
    return kept


def work_on():
    with heard():
        lose_an_interrupt()
        for _ in range(500):
            time.sleep(0.01)


@pytest.fixture
def in_the_foreground():
    """Where the tests run in the background, Ctrl-C is ignored from birth."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_foreground")
def test_an_interrupt_that_python_cannot_raise_comes_again():
    with pytest.raises(KeyboardInterrupt):
        work_on()


def test_other_losses_are_reported_as_before(monkeypatch):
    told = []
    monkeypatch.setattr("sys.unraisablehook", told.append)
    with heard():
        one = Dying()
        kept = weakref.ref(one, lambda _: 1 / 0)
        del one
    assert kept() is None
    assert [t.exc_type for t in told] == [ZeroDivisionError]


def test_the_hook_is_given_back():
    before = sys.unraisablehook
    with heard():
        assert sys.unraisablehook is not before
    assert sys.unraisablehook is before
