"""Kills: server and worker killed at random while someone reads; nothing acknowledged is lost.

python results/live/kills.py --kills 200 --out results/live/kills.json
"""

import argparse
import random
import secrets
import tempfile
import threading
import time
from pathlib import Path

from harness import PASSWORD, free_port, make, nursery, seen, serve, tell, until_up, work

from foveal.client import Client, ClientError
from foveal.loop.live import Worker
from foveal.store.project import ProjectStore
from processes import running


class Reading(threading.Thread):
    """A reader who never gives up: what was not acknowledged is sent again with the same key."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.acknowledged: list[str] = []
        self.again = 0

    def run(self) -> None:
        """Read until told to stop."""
        while not self.over.is_set():
            try:
                with Client.login(f"http://127.0.0.1:{self.port}", "r0", PASSWORD) as client:
                    while not self.over.is_set():
                        if not self._one(client):
                            return
            except ClientError:
                time.sleep(0.05)

    def _one(self, client: Client) -> bool:
        case = client.next()
        if case is None:
            return False
        (label, shapes), key = seen(client.pixels(case)), secrets.token_hex(16)
        while not self.over.is_set():
            try:
                client.answer(case, label, shapes, seconds=0.1, key=key)
                self.acknowledged.append(key)
                return True
            except ClientError as error:
                if error.code != "unreached":
                    raise
                self.again += 1
                time.sleep(0.05)
        return True


def warm(project: Path) -> None:
    """Features are made once, so that what is killed later is a training."""
    with ProjectStore.open(project) as store:
        worker = Worker(store)
        while worker.step() != "wait":
            pass


def main() -> None:
    """Kill, restart, and count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    context, port, rng = nursery(), free_port(), random.Random(0)  # noqa: S311 - times of kills
    killed = {"server": 0, "worker": 0}
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder), asked.images, 1, train_every=20)
        warm(project)
        reading = Reading(port)
        reading.start()
        while sum(killed.values()) < asked.kills:
            with running(context, serve, project, port):
                until_up(port)
                for _ in range(rng.randrange(1, 3)):
                    with running(context, work, project):
                        time.sleep(rng.uniform(1.0, 8.0))
                    killed["worker"] += 1
            killed["server"] += 1
        with running(context, serve, project, port), running(context, work, project):
            until_up(port)
            time.sleep(3)
            reading.over.set()
            reading.join(30)
        with ProjectStore.open(project) as store:
            live = store.live()
            keys = [one.key for one in live.history]
            findings = store.verify()
    told = {
        "killed": killed,
        "acknowledged": len(reading.acknowledged),
        "sent_again": reading.again,
        "lost": len(set(reading.acknowledged) - set(keys)),
        "doubled": len(keys) - len(set(keys)),
        "read_twice": len(live.history) - len({one.sample for one in live.history}),
        "trainings": len(live.trained),
        "queries": len(live.queries),
        "findings": list(findings),
    }
    tell(told, asked.out)


if __name__ == "__main__":
    main()
