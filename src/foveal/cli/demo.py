"""`foveal demo`: phantom images with a planted shortcut; a full run of several strategies."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

IMAGES = 600
SETTINGS: dict[str, Any] = {
    "name": "Phantom with a burned-in marker",
    "data": {"source": "phantom/labels.csv", "image_size": 128},
    "model": {"backbone": "mobilenet_v2", "mode": "features"},
    "seed_set": 24,
    "budget": 24,
    "labels": 144,
    "seeds": 3,
    "arms": [
        {
            "name": "random, classes",
            "set": {
                "acquire.strategy": "random",
                "regions.source": "none",
                "regions.annotate": "none",
            },
        },
        {
            "name": "entropy, classes",
            "set": {
                "acquire.strategy": "entropy",
                "regions.source": "none",
                "regions.annotate": "none",
            },
        },
        {
            "name": "entropy, classes + boxes",
            "set": {
                "acquire.strategy": "entropy",
                "regions.source": "none",
            },
        },
        {
            "name": "variance_reduction, classes + boxes",
            "set": {"acquire.strategy": "variance_reduction", "regions.source": "predicted"},
        },
    ],
}


def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR")] = Path("foveal-demo"),
    jobs: Annotated[int, typer.Option(min=1, help="runs at a time")] = 2,
) -> None:
    """See active learning with regions work, on images made up on the spot.

    Speckled phantoms hold lesions of three classes, and a burned-in marker that goes with the
    class in part of the pool: a shortcut. In the test set the marker means nothing.

    Example:
      foveal demo --out foveal-demo
    """
    from foveal.cli.finish import finish
    from foveal.cli.study import check, study
    from foveal.core.spec import parse_spec
    from foveal.data.phantom import write_phantom
    from foveal.loop import runs_of

    console = Console()
    console.print("Making 600 phantom images with a planted shortcut ...")
    write_phantom(out / "phantom", samples=IMAGES, seed=0, size=128)
    runs = runs_of(SETTINGS, out)
    check(runs, out, console)
    outcome = study(runs, out, out, console, jobs)
    spec = parse_spec(SETTINGS).model_dump(mode="json")
    results = finish(
        spec, outcome.created, outcome.records, out, "foveal demo", console, outcome.failures
    )
    if outcome.failures:
        raise typer.Exit(1)
    console.print(moral(results["summary"]), soft_wrap=True, highlight=False)


def moral(summary: dict[str, Any]) -> str:
    """What the demo showed, from its own figures."""
    alone, both = summary["entropy, classes"], summary["variance_reduction, classes + boxes"]
    accuracy = [s["accuracy"]["final"]["mean"] for s in (alone, both)]
    pointing = [s["pointing_game"]["final"]["mean"] for s in (alone, both)]
    return (
        "On test images, where the marker means nothing, the model taught with classes alone was "
        f"right on {accuracy[0]:.0%} and looked at the lesion on {pointing[0]:.0%}; taught with "
        f"classes and boxes it was right on {accuracy[1]:.0%} and looked at the lesion on "
        f"{pointing[1]:.0%}."
    )
