"""Strategies as text: the table on the terminal, and one page each, made from their docstrings."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

from foveal.acquire import Strategy, names
from foveal.acquire import get as strategy_of
from foveal.core.evidence import PIXELWISE

SECTIONS = ("Args", "Returns", "Raises", "Source")
# A strategy belongs to the first family of which it reads something; the last takes the rest.
RELEASED = "Released: reproduction only"
FAMILIES: tuple[tuple[str, frozenset[str]], ...] = (
    ("Segmentation: over pixels", PIXELWISE),
    ("Targeted: like exemplars", frozenset({"exemplar_embedding"})),
    ("Over draws or members", frozenset({"mc_probs"})),
    (
        "By further passes or networks",
        frozenset(
            {
                "view_probs",
                "predicted_loss",
                "discriminator",
                "critic",
                "deepfool_distance",
                "bim_distance",
            }
        ),
    ),
    (
        "Diverse, and hybrids of both",
        frozenset({"embedding", "backbone_embedding", "labeled_probs"}),
    ),
    ("Uncertain or misaligned", frozenset({"probs", "misalignment"})),
    (RELEASED, frozenset()),
    ("Baselines", frozenset()),
)
BASELINES = frozenset({"random", "stratified_random", "foreground_random"})
ORACLE_PRONE = frozenset({"misalignment", "region_size", "explanation_gradient"})
GENERATED = "<!-- Made by `foveal strategies --write`; edit the docstring instead. -->"


def families() -> dict[str, list[Strategy]]:
    """Strategies by what they read, sorted within a family; no family is empty."""
    plans = [strategy_of(name) for name in names()]
    grouped = {title: [p for p in plans if family(p) == title] for title, _ in FAMILIES}
    return {title: found for title, found in grouped.items() if found}


def family(plan: Strategy) -> str:
    """The first family that reads what a strategy reads; chance is a baseline, stratified too.

    What only repeats published code is kept apart, whatever it reads.
    """
    if plan.reproduction:
        return RELEASED
    if plan.name in BASELINES:
        return "Baselines"
    reads = {*plan.needs, *plan.optional}
    return next((title for title, arrays in FAMILIES if reads & arrays), "Baselines")


def honesty(plan: Strategy) -> str:
    """Whether a strategy may depend on what is hidden, or is there to reproduce a flaw only."""
    if plan.reproduction:
        return "honest, but repeats published code with its flaw: for reproduction only"
    reads = {*plan.needs, *plan.optional}
    return "honest unless `regions.source: oracle`" if reads & ORACLE_PRONE else "honest"


def needs_of(plan: Strategy) -> str:
    """Evidence it reads; what is optional in brackets."""
    return ", ".join([*plan.needs, *(f"({o})" for o in plan.optional)]) or "nothing"


def page(plan: Strategy) -> str:
    """A strategy as Markdown: what it is, its formula, arguments, settings and source."""
    intro, sections = divided(inspect.getdoc(plan.fn) or "")
    first, _, rest = intro.partition("\n")
    lines = [f"# {plan.name}", "", GENERATED, "", f"**{first}**", "", rest.strip(), ""]
    lines += ["| | |", "|---|---|", f"| kind | {plan.kind} |", f"| reads | {needs_of(plan)} |"]
    lines += [f"| tasks | {', '.join(plan.tasks)} |", f"| honesty | {honesty(plan)} |"]
    settings = ", ".join(f"`{k}: {v}`" for k, v in plan.settings.items()) or "none"
    lines += [f"| settings | {settings} |", f"| as a function | `{_imported(plan)}` |", ""]
    for title in SECTIONS:
        if body := sections.get(title):
            lines += [f"## {title}", "", body, ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def index() -> str:
    """All strategies as Markdown, by family."""
    lines = ["# Query strategies", "", GENERATED, ""]
    lines += ["What is in brackets is used where it is there. Higher scores are asked sooner.", ""]
    for title, plans in families().items():
        lines += [f"## {title}", "", "| name | what it is | reads | tasks |", "|---|---|---|---|"]
        for plan in plans:
            tasks = ", ".join(plan.tasks)
            summary = plan.summary.rstrip(".")
            lines.append(
                f"| [{plan.name}]({plan.name}.md) | {summary} | {needs_of(plan)} | {tasks} |"
            )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def pages() -> dict[str, str]:
    """File name to text, of all strategies and the index."""
    return {f"{n}.md": page(strategy_of(n)) for n in names()} | {"README.md": index()}


def write_pages(folder: Path) -> int:
    """Write all pages; those of strategies that are gone are removed. How many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in folder.glob("*.md"):
        if old.name not in made and GENERATED in old.read_text(encoding="utf-8"):
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return len(made)


def divided(doc: str) -> tuple[str, Mapping[str, str]]:
    """A docstring's introduction, and its sections by title as Markdown."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):[ \t]*", doc, flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    return parts[0].strip(), {title: _markdown(body) for title, body in bodies.items()}


def _markdown(body: str) -> str:
    """Entries `name: text` become list items, their further lines are joined."""
    text = inspect.cleandoc(f"\n{body}") if body.startswith("\n") else body.strip()
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        elif line.strip():
            entries.append(re.sub(r"^([\w, ]+):\s", r"- `\1`: ", line))
    return "\n".join(entries)


def _imported(plan: Strategy) -> str:
    return f"from {plan.fn.__module__} import {plan.fn.__name__}"
