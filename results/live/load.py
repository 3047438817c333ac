"""Load: readers who save once a second, a server killed with SIGKILL, and every save found again.

python results/live/load.py --readers 8 --minutes 10 --out results/live/load.json
"""

import argparse
import platform
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from harness import PASSWORD, free_port, make, nursery, seen, serve, tell, until_up

from foveal.client import Client, ClientError
from foveal.store.project import ProjectStore
from processes import running


def read(
    port: int, name: str, until: float, kept: list[tuple[float, float]], errors: list[str]
) -> None:
    """One reader: a case, its pixels, an answer with a region, once a second."""
    address = f"http://127.0.0.1:{port}"
    with Client.login(address, name, PASSWORD) as client:
        due = time.monotonic()
        while time.monotonic() < until:
            try:
                began = time.perf_counter()
                case = client.next()
                if case is None:
                    errors.append("nothing left to read")
                    return
                image = client.pixels(case)
                asked = time.perf_counter()
                label, shapes = seen(image)
                saving = time.perf_counter()
                client.answer(case, label, shapes, seconds=1.0)
                kept.append((time.perf_counter() - saving, asked - began))
            except ClientError as error:
                errors.append(f"{error.code}: {error}")
            due += 1.0
            time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    """Measure, kill, and count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    context, port = nursery(), free_port()
    kept: list[tuple[float, float]] = []
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        images = int(asked.readers * asked.minutes * 60 * 1.3) + 200
        project = make(Path(folder), images, asked.readers, train_every=10**6)
        with running(context, serve, project, port):
            until_up(port)
            until = time.monotonic() + asked.minutes * 60
            threads = [
                threading.Thread(target=read, args=(port, f"r{i}", until, kept, errors))
                for i in range(asked.readers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with running(context, serve, project, port):  # the first was killed with SIGKILL
            until_up(port)
            with Client.login(f"http://127.0.0.1:{port}", "r0", PASSWORD) as client:
                found = client.export("csv").decode().count("\n") - 1
        with ProjectStore.open(project) as store:
            findings = store.verify()
    saves, opens = (np.array(column) * 1000 for column in zip(*kept, strict=True))
    told = {
        "machine": platform.machine(),
        "readers": asked.readers,
        "minutes": asked.minutes,
        "saves": len(kept),
        "errors": len(errors),
        "first_errors": errors[:3],
        "save_ms": {f"p{q}": round(float(np.percentile(saves, q)), 1) for q in (50, 95, 99, 100)},
        "open_ms": {f"p{q}": round(float(np.percentile(opens, q)), 1) for q in (50, 95, 99, 100)},
        "found_after_kill": found,
        "findings": list(findings),
    }
    tell(told, asked.out)


if __name__ == "__main__":
    main()
