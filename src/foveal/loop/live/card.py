"""Model card: what a project's model is, how it was made, and what it must not be used for."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from foveal.core.spec import ExperimentSpec
from foveal.store.live import LiveState


def model_card(
    live: LiveState,
    spec: ExperimentSpec,
    metrics: Mapping[str, float | None],
    details: Mapping[str, Any],
    unknown: int,
) -> str:
    """Markdown; names no patient, no reader and no file.

    Args:
        unknown: images of the project, as the model was trained, whose patient is not known.
    """
    counts = Counter(resolution.label for _, resolution in live.lessons())
    regions = sum(bool(resolution.regions) for _, resolution in live.lessons())
    intervals = details.get("interval", {})
    lines = [
        "# Model card",
        "",
        f"Made by Foveal {live.created['version']} in round {len(live.trained)} of project "
        f"{live.project}. Task: {spec.task}.",
        "",
        "## Network",
        "",
        f"- {_network(spec)}, images of {spec.data.image_size} px, fit `{spec.data.fit}`, "
        f"intensity `{spec.data.intensity}`",
        f"- classes in this order: {', '.join(live.classes)}",
        "",
        "## Lessons",
        "",
        f"- {len(live.lessons())} labeled images, {regions} of them with a region",
        *(f"- {name}: {counts[i]}" for i, name in enumerate(live.classes)),
        f"- chosen by `{spec.acquire.strategy}`; they are no random sample of the images",
        "",
        *_measured(details.get("references", 0), unknown),
        *(_line(name, value, intervals.get(name)) for name, value in sorted(metrics.items())),
        *([] if metrics else ["- nothing: no test case has been read yet"]),
        "",
        "## Use",
        "",
        "- meant for choosing what experts read next, and for research",
        "- no medical device; nobody has tested it on other scanners, sites or patients than these",
        _calibrated(spec),
    ]
    return "\n".join(lines) + "\n"


def _network(spec: ExperimentSpec) -> str:
    if spec.task == "segmentation":
        return f"2-D U-Net with {', '.join(map(str, spec.segment.widths))} channels"
    return f"backbone {spec.model.backbone}, mode {spec.model.mode}"


def _calibrated(spec: ExperimentSpec) -> str:
    if spec.task == "segmentation":
        return "- its probabilities of pixels were not checked for calibration"
    return "- its probabilities are calibrated no better than the error above (ece) says"


def _measured(tested: int, unknown: int) -> list[str]:
    """The heading of the figures; it promises other patients only where all are known."""
    if not unknown:
        return [f"## Measured on {tested} test images of other patients", ""]
    return [
        f"## Measured on {tested} test images",
        "",
        f"- the patients of {unknown} images are not known: each image counts as one, so that test "
        "images may be of patients in the lessons, and figures too good",
    ]


def _line(name: str, value: float | None, ends: tuple[float, float] | None) -> str:
    told = "does not exist" if value is None else f"{value:.3f}"
    return f"- {name}: {told}" + (
        f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
    )
