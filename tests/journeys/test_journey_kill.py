"""Killed at any moment, a command that is given again ends with the same results."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from discs import timeless, told, write_spec

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")

KILLS = 5
KILLS_OF_A_COMPARISON = 20
# Imports once what a run needs, then forks a real process for every command, at once.
NURSERY = """
import json, os, signal, sys, traceback
import foveal.cli.finish, foveal.cli.progress, foveal.loop.study
from foveal.cli import main

for line in sys.stdin:
    arguments, log = json.loads(line)
    child = os.fork()
    if not child:
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        sys.argv = ["foveal", *arguments]
        # Where the tests run in the background, Ctrl-C is ignored from birth.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)
        except BaseException:
            traceback.print_exc()
            os._exit(99)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Starts `foveal` as a process; tells its exit status."""

    def __init__(self, process, log):
        self.process, self.log = process, log

    def start(self, *arguments):
        line = json.dumps([list(map(str, arguments)), str(self.log)])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def ended(self):
        return int(self.process.stdout.readline())

    def said(self):
        return self.log.read_text()


@pytest.fixture(scope="module")
def nursery(quiet_machine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nursery")
    # A cache of its own, so that the first kills hit the making of pixels and features too.
    surroundings = os.environ | {"FOVEAL_CACHE": str(folder / "cache")}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
    ) as process:
        yield Nursery(process, folder / "said.txt")
        process.stdin.close()


@pytest.fixture(scope="module")
def spec(discs, tmp_path_factory):
    source = str(discs / "labels.csv")
    return write_spec(tmp_path_factory.mktemp("spec"), data__source=source, name="Killed")


def results_of(folder):
    stored = json.loads((folder / "results.json").read_text())
    del stored["command"]  # names the folder
    return timeless(stored)


def test_a_run_killed_again_and_again_ends_as_if_it_had_not(nursery, spec, tmp_path):
    rng, statuses = random.Random(3), []
    for _ in range(KILLS):
        child = nursery.start("run", spec, "--out", tmp_path / "killed")
        time.sleep(rng.choice([0.05, 0.3, 0.8]) * rng.uniform(0.5, 1.5))
        os.kill(child, signal.SIGKILL)  # a zombie at worst: its parent has not waited for it
        statuses.append(nursery.ended())
    assert set(statuses) <= {-signal.SIGKILL, 0}, nursery.said()
    assert statuses.count(-signal.SIGKILL) > 1
    for name in ("killed", "whole"):
        nursery.start("run", spec, "--out", tmp_path / name)
        assert nursery.ended() == 0, nursery.said()
    assert told(tmp_path / "killed") == told(tmp_path / "whole")
    assert results_of(tmp_path / "killed") == results_of(tmp_path / "whole")
    stray = [p for p in (tmp_path / "killed").rglob("*") if p.name.startswith(".")]
    assert len(stray) <= KILLS  # a killed writer cannot clean up, but nobody takes it for a result


def test_a_comparison_killed_twenty_times_ends_as_if_it_had_not(nursery, spec, tmp_path):
    arms = "--strategies", "random,entropy", "--seeds", 2, "--no-baselines"
    rng, kills = random.Random(5), 0
    while kills < KILLS_OF_A_COMPARISON:
        child = nursery.start("compare", spec, *arms, "--out", tmp_path / "killed")
        time.sleep(rng.uniform(0.05, 0.7))
        os.kill(child, signal.SIGKILL)
        status = nursery.ended()
        assert status in (-signal.SIGKILL, 0), nursery.said()
        kills += status == -signal.SIGKILL
        if status == 0:  # over before the kill came: one run has to begin again
            shutil.rmtree(rng.choice(sorted((tmp_path / "killed" / "runs").iterdir())))
    for name in ("killed", "whole"):
        nursery.start("compare", spec, *arms, "--out", tmp_path / name)
        assert nursery.ended() == 0, nursery.said()
    killed, whole = (results_of(tmp_path / name) for name in ("killed", "whole"))
    assert len(killed["runs"]) == 4
    assert killed["failures"] == []
    assert killed == whole


def test_ctrl_c_is_answered_and_loses_nothing(nursery, spec, tmp_path):
    folder = tmp_path / "run"
    child = nursery.start("run", spec, "--out", folder)
    while not (folder / "journal.sqlite").exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGINT)
    assert nursery.ended() == 130, nursery.said()
    assert "Nothing is lost: the same command goes on from here." in nursery.said()
    assert "Traceback" not in nursery.said()
    nursery.start("run", spec, "--out", folder)
    assert nursery.ended() == 0, nursery.said()
