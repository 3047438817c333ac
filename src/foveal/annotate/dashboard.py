"""Dashboard: where a project stands, as numbers and words; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from foveal.annotate.left_out import left_out
from foveal.store.jobs import Job
from foveal.store.live import LiveState

NOT_YET = "cannot tell yet"
TOO_EARLY = "Too little has been read to say anything yet."
# The first that there is says whether more labels help.
MAIN_METRICS = {"macro_auroc": "AUROC", "dice": "Dice", "accuracy": "accuracy"}
SHOWN_METRICS = frozenset({*MAIN_METRICS, "balanced_accuracy", "ece", "cam_dice"})
GAIN_OVER = 3  # points of the curve that a gain is guessed from
ALIVE_SECONDS = 30.0  # after its last sign of life the worker counts as away


def dashboard_of(live: LiveState, reader: str | None = None) -> dict[str, Any]:
    """Labels, minutes, learning curve, balance and advice; of one reader their own work only.

    Args:
        reader: None for those who may see everybody's work.
    """
    lessons, references = live.lessons(), live.references()
    candidates = sum(part in ("unlabeled", "labeled") for part in live.parts.values())
    tests = sum(part == "test" for part in live.parts.values())
    return {
        "labels": len(lessons),
        "candidates": candidates,
        "test_labels": len(references),
        "test_target": min(live.live.test_target, tests),
        "since_training": live.labels_since_training(),
        "train_every": live.live.train_every,
        "queue_left": len(live.pending()),
        "minutes": round(live.seconds() / 60, 1),
        "readers": _readers(live, reader),
        "curve": _curve(live),
        "balance": _balance(live),
        "advice": _advice(live),
        "expected_gain": _expected_gain(live),
        "quarantined": len(left_out(live)),
        "disputes": len(live.to_settle()),
    }


def worker_of(jobs: Sequence[Job], now: float, beat: float | None) -> dict[str, Any]:
    """What the worker is doing.

    Args:
        jobs: newest first.
        beat: when the worker last said that it lives, in seconds; None if never.
    """
    running = next((job for job in jobs if job.status == "running"), None)
    waiting = any(job.status == "waiting" for job in jobs)
    last = next((job for job in jobs if job.error or job.status == "done"), None)
    alive = beat is not None and abs(now - beat) < ALIVE_SECONDS
    state = "working" if running and alive else "idle" if alive else "away"
    return {
        "state": state,
        "job": running.kind if running else "",
        "waiting": waiting,
        "progress": dict(running.progress) if running else {},
        "seconds_since_beat": None if beat is None else round(max(now - beat, 0.0), 1),
        "error": last.error if last else "",
    }


def _readers(live: LiveState, only: str | None) -> list[dict[str, Any]]:
    told = [one for one in live.history if one.purpose != "imported"]
    names = sorted({one.annotator for one in told} if only is None else {only})
    found = []
    for name in names:
        mine = [one for one in told if one.annotator == name]
        seconds = sum(one.seconds for one in mine)
        verdicts = Counter(one.verdict for one in mine)
        found.append(
            {
                "name": name,
                "cases": len(mine),
                "minutes": round(seconds / 60, 1),
                "seconds_per_case": round(seconds / len(mine), 1) if mine else None,
                **{key: verdicts[key] for key in ("labeled", "skipped", "unsure", "bad")},
            }
        )
    return found


def _curve(live: LiveState) -> list[dict[str, Any]]:
    """One point a training, on the frozen test part; with the size of that part as it was then."""
    return [
        {
            "round": record.round,
            "labels": record.details["lessons"],
            "tested_on": record.details.get("references", 0),
            "metrics": {
                name: value
                for name, value in record.metrics.get("test", {}).items()
                if name in SHOWN_METRICS
            },
            "interval": record.details.get("interval", {}),
        }
        for record in live.trained
    ]


def _balance(live: LiveState) -> dict[str, int]:
    counts = Counter(resolution.label for _, resolution in live.lessons())
    return {name: counts[i] for i, name in enumerate(live.classes)}


def _advice(live: LiveState) -> list[str]:
    told: Sequence[Mapping[str, Any]] = live.details[-1].get("advice", []) if live.details else []
    words = [str(one["words"]) for one in told if one.get("words")]
    # A criterion that says nothing yet is of no use to whoever looks at a dashboard.
    return [one for one in words if not one.lower().startswith(NOT_YET)] or [TOO_EARLY]


def _expected_gain(live: LiveState) -> str:
    """What the next batch may bring, from the last points of the curve; honest about noise."""
    points = _curve(live)
    for metric, words in MAIN_METRICS.items():
        known = [p for p in points if p["metrics"].get(metric) is not None]
        if len(known) >= GAIN_OVER and known[-1]["labels"] > known[-GAIN_OVER]["labels"]:
            return _gain(known[-GAIN_OVER], known[-1], metric, words, live.live.train_every)
    return "Three trainings are needed before a gain can be guessed."


def _gain(
    before: Mapping[str, Any], now: Mapping[str, Any], metric: str, words: str, labels: int
) -> str:
    pace = (now["metrics"][metric] - before["metrics"][metric]) / (now["labels"] - before["labels"])
    gain = pace * labels
    told = f"At the pace of the last trainings {labels} more answers bring {gain:+.3f} {words}"
    interval = now["interval"].get(metric)
    if interval is None:
        return f"{told}."
    noise = (interval[1] - interval[0]) / 2
    if abs(gain) < noise:
        return f"{told}; too few test cases are read to be sure of that (± {noise:.3f})."
    return f"{told} (± {noise:.3f})."
