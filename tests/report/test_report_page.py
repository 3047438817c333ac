"""The page: self-contained, escaped, honest about oracles, the same bytes every time."""

import base64
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sample_results import sample_results, single_run, write_panel

from foveal.core.errors import StoreError
from foveal.report import pictures, write_report

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=y>&$x^{2"
ORACLE = "Reads hidden masks of the pool"
ORDER = (
    "setup failures pool saved curves numbers tests penalty leaks cost gallery calibration size "
    "balance recall subgroups notes settings glossary"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("study")
    results = sample_results(folder, seeds=2, rounds=3)
    for run in results["runs"]:
        run["metrics"] = {m: run["metrics"][m] for m in ("macro_auroc", "cam_dice", "ece")}
    return results, write_report(results, folder)


@pytest.fixture(scope="module")
def page(study: tuple[dict[str, Any], Path]) -> str:
    return study[1].read_text()


def lean(results: dict[str, Any]) -> dict[str, Any]:
    """The same results with one metric and no extra recordings: quick to draw."""
    keep = ("strategy", "acquire", "regions", "annotate", "oracle", "seed", "labels")
    runs = [
        {**{k: run[k] for k in keep}, "metrics": {"macro_auroc": run["metrics"]["macro_auroc"]}}
        for run in results["runs"]
    ]
    return {**results, "runs": runs, "summary": {}}


def render(results: dict[str, Any], folder: Path) -> str:
    return write_report(results, folder).read_text()


def sections(text: str) -> list[str]:
    return re.findall(r'<section id="(\w+)">', text)


def test_the_page_is_called_report_and_figures_lie_beside_it(study):
    _, path = study
    assert path.name == "report.html"
    stems = [{p.stem for p in path.parent.glob(f"figures/*.{kind}")} for kind in ("png", "svg")]
    assert stems[0] == stems[1]
    assert {"curve-macro-auroc-labels", "curve-macro-auroc-minutes", "recall"} <= stems[0]


def test_the_page_needs_nothing_but_itself(page):
    assert re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]*", "", page)) is None
    assert re.search(r"<script|<link|<iframe|<object|@import|url\(", page, re.I) is None
    assert re.search(r"\son\w+=", page) is None
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(
        s.startswith(("data:image/png;base64,", "data:image/svg+xml;base64,")) for s in sources
    )


def test_the_policy_forbids_all_but_inline_pictures_and_style(page):
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f'http-equiv="Content-Security-Policy" content="{policy};' in page


def test_every_section_stands_in_the_contents_and_in_order(page):
    found = sections(page)
    assert re.findall(r'<a href="#(\w+)">', page.split("</nav>")[0]) == found
    assert found == ORDER.split()


def test_the_same_results_give_the_same_bytes(study, tmp_path):
    results, path = study
    for panel in path.parent.glob("gallery/*.png"):
        (tmp_path / "gallery").mkdir(exist_ok=True)
        (tmp_path / "gallery" / panel.name).write_bytes(panel.read_bytes())
    again = write_report(json.loads(json.dumps(results)), tmp_path)
    assert again.read_bytes() == path.read_bytes()
    for figure in path.parent.glob("figures/*"):
        assert (tmp_path / "figures" / figure.name).read_bytes() == figure.read_bytes()


def test_writing_a_report_leaves_the_results_as_they_were(tmp_path):
    results = lean(single_run(2))
    before = copy.deepcopy(results)
    write_report(results, tmp_path)
    assert results == before


@pytest.mark.parametrize("arms", [3, 4])
def test_the_red_warning_appears_if_and_only_if_an_arm_reads_hidden_masks(arms, tmp_path):
    results = lean(sample_results(arms=arms, seeds=2, rounds=2))
    text = render(results, tmp_path)
    reads = any(run["oracle"] for run in results["runs"])
    assert reads == (arms == 4)
    assert (ORACLE in text) == reads
    assert ('class="tag">oracle' in text) == reads
    svg = (tmp_path / "figures" / "curve-macro-auroc-labels.svg").read_text()
    assert ("eg_al hidden masks (oracle)" in svg) == reads


def test_an_oracle_never_leads_where_there_is_an_honest_arm(tmp_path):
    results = lean(sample_results(arms=4, seeds=2, rounds=2))
    for run in results["runs"]:
        run["metrics"]["macro_auroc"] = [0.5, 0.99 if run["oracle"] else 0.6]
    headline = re.findall(r'class="headline">([^<]*)', render(results, tmp_path))[0]
    assert "0.60" in headline
    assert "hidden masks" not in headline


def test_counts_of_one_fold_are_told_as_such(tmp_path):
    results = sample_results(arms=1, seeds=1, rounds=2)
    results["spec"]["data"] = {"folds": 4}
    assert "one of 4 folds" in render(results, tmp_path)
    results["spec"]["data"] = {"folds": None}
    assert "Cross-validation" not in render(results, tmp_path)


def test_hostile_names_are_text_everywhere(tmp_path):
    results = sample_results(arms=1, seeds=1, rounds=2)
    results |= {"name": HOSTILE, "command": HOSTILE, "warnings": [HOSTILE], "version": HOSTILE}
    results["pool"] |= {"classes": [HOSTILE, "_b"], "digest": HOSTILE}
    results["pool"]["receipt"] |= {"lines": [HOSTILE], HOSTILE: HOSTILE}
    results["spec"][HOSTILE] = {HOSTILE: HOSTILE}
    run = results["runs"][0]
    run["metrics"] = {"accuracy": run["metrics"]["accuracy"]}
    results["failures"] = [dict.fromkeys(("arm", "seed", "round", "error"), HOSTILE)]
    group = {"n": 30, "metrics": {HOSTILE: 0.5}}
    run["subgroups"] = {HOSTILE: {HOSTILE: group, "b": group}}
    results["penalty"] = {HOSTILE: {"arms": [HOSTILE, HOSTILE], "matrix": [[0, 1], [0, 0]]}}
    case = dict.fromkeys(("id", "panel", "label", "predicted", "why"), HOSTILE)
    case["scores"] = {HOSTILE: 1.0}
    run |= {"strategy": HOSTILE, "acquire": HOSTILE, "parameters": {HOSTILE: HOSTILE}}
    run |= {"gallery": [{"round": 1, "cases": [case]}], "notes": [[HOSTILE]]}
    run |= {"class_counts": [{HOSTILE: 3, "_b": 1}, {HOSTILE: 4, "_b": 1}]}
    run["recall_per_class"] = [{HOSTILE: 0.5}]
    run["metrics"][HOSTILE] = [0.1, 0.2]
    results["summary"] = {HOSTILE: {HOSTILE: {"final": {"mean": 1.0}}}}
    results["tests"] = [{"metric": HOSTILE, "a": HOSTILE, "b": HOSTILE, "p_holm": 0.5}]
    text = render(results, tmp_path)
    assert "<script" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;") > 20
    for encoded in re.findall(r"data:image/svg\+xml;base64,([^\"]*)", text):
        drawn = base64.b64decode(encoded).decode()
        assert "<script" not in drawn
        assert "<img" not in drawn
    written = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")}
    assert written == {"report.html", "figures"}


def test_a_name_in_another_script_or_with_a_leading_underscore_keeps_its_place_in_the_legend(
    tmp_path,
):
    results = lean(sample_results(arms=2, seeds=1, rounds=2))
    for run in results["runs"]:
        run["strategy"] = {"random": "_随机", "entropy": "_熵"}[run["strategy"]]
    render(results, tmp_path)
    svg = (tmp_path / "figures" / "curve-macro-auroc-labels.svg").read_text()
    assert ">_随机<" in svg
    assert ">_熵<" in svg


@pytest.mark.parametrize("results", [{}, {"runs": []}, {"name": "x", "runs": [{}]}])
def test_next_to_nothing_still_makes_a_page(results, tmp_path):
    text = render(results, tmp_path)
    assert "No round has been evaluated yet." in text
    assert "curves" not in sections(text)


OPTIONAL = {
    "spec": set(),
    "pool": {"pool"},
    "summary": {"numbers"},
    "tests": {"tests"},
    "failures": {"failures"},
    "warnings": set(),
    "machine": set(),
    "command": set(),
    "version": set(),
    "name": set(),
}
OF_RUN = {
    "metrics": {"curves"},
    "cost_seconds": {"cost"},
    "reliability": {"calibration"},
    "misalignment_size": {"size"},
    "class_counts": {"balance"},
    "recall_per_class": {"recall"},
    "subgroups": {"subgroups"},
    "notes": {"notes"},
    "gallery": {"gallery"},
    "wall_seconds": set(),
    "parameters": set(),
    "seed": set(),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Two arms of two rounds with everything in them, one metric, and a folder with panels."""
    folder = tmp_path_factory.mktemp("small")
    results = sample_results(folder, arms=3, seeds=2, rounds=2)
    results["runs"] = [run for run in results["runs"] if run["strategy"] == "eg_al"]
    for run in results["runs"]:
        run["metrics"] = {"macro_auroc": run["metrics"]["macro_auroc"]}
        run["notes"] = [["said"]]
    return results, folder


@pytest.mark.parametrize("key", sorted({*OPTIONAL, *OF_RUN}))
def test_what_is_missing_leaves_out_its_own_section_only(key, small, monkeypatch):
    monkeypatch.setattr(pictures, "encode", lambda figure, kind: b"")  # drawn, but not encoded
    whole, folder = small
    if key in OPTIONAL:
        results = {k: v for k, v in whole.items() if k != key}
    else:
        runs = [{k: v for k, v in run.items() if k != key} for run in whole["runs"]]
        results = {**whole, "runs": runs}
    gone = (OPTIONAL | OF_RUN)[key] | {"saved", "leaks", "penalty"}  # of several arms
    assert set(sections(render(results, folder))) == set(ORDER.split()) - gone


def test_null_values_are_gaps_not_zeros(tmp_path):
    results = lean(sample_results(arms=2, seeds=2, rounds=3))
    for i, run in enumerate(results["runs"]):
        run["metrics"] = {
            "macro_auroc": [None, 0.7, float("nan")],
            "cam_dice": [None, None, None],
            "ece": [0.1, None, 0.2] if i else [],
        }
    text = render(results, tmp_path)
    assert "reaches 0.70 macro AUROC with 60 labels" in text
    assert not (tmp_path / "figures" / "curve-cam-dice-labels.png").exists()
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text).lower()


def test_a_single_run_shows_its_rounds_and_compares_nothing(tmp_path):
    results = single_run(3)
    metrics = results["runs"][0]["metrics"]
    results["runs"][0]["metrics"] = {m: metrics[m] for m in ("macro_auroc", "ece")}
    text = render(results, tmp_path)
    assert "reaches" in text
    assert "A single run says nothing about chance" in text
    assert "Round by round" in text
    assert "tests" not in sections(text)
    assert "standard deviation up and down" not in text
    assert "over seeds" not in text
    assert "significant" not in text


def test_significance_is_a_word_for_adjusted_p_below_the_level_only(tmp_path):
    results = lean(sample_results(arms=2, seeds=3, rounds=2))
    row = {"metric": "macro_auroc", "a": "random", "b": "entropy", "difference": -0.02, "p": 0.001}
    above = render({**results, "tests": [{**row, "p_holm": 0.05}]}, tmp_path)
    assert "significant" not in above
    assert "no difference was shown" in above
    assert 'class="shown"' not in above
    below = render({**results, "tests": [{**row, "p_holm": 0.049}]}, tmp_path)
    assert "the difference from random over the whole curve is significant (AUBC +0.020" in below
    assert "no difference was shown." not in below
    assert 'class="shown"' in below


def gallery_of(panel: str) -> dict[str, Any]:
    run = {"strategy": "a", "gallery": [{"round": 1, "cases": [{"id": "c", "panel": panel}]}]}
    return {"name": "g", "runs": [run]}


def test_panels_are_embedded_as_they_are(tmp_path):
    write_panel(tmp_path / "gallery" / "a.png", 0)
    text = render(gallery_of("gallery/a.png"), tmp_path)
    encoded = re.findall(r"data:image/png;base64,([^\"]*)", text)
    assert [base64.b64decode(e) for e in encoded] == [(tmp_path / "gallery/a.png").read_bytes()]


@pytest.mark.parametrize(
    ("panel", "note"),
    [
        ("gallery/none.png", "is missing"),
        ("gallery", "is missing"),
        ("gallery/text.png", "is not a PNG"),
        ("../outside.png", "cannot be read"),
        ("gallery/link.png", "cannot be read"),
        ("gallery/a\0.png", "cannot be read"),
        ("gallery/large.png", "is too large"),
    ],
)
def test_a_panel_that_is_not_a_png_inside_the_folder_becomes_a_note(panel, note, tmp_path):
    folder = tmp_path / "out"
    write_panel(tmp_path / "outside.png", 0)
    (folder / "gallery").mkdir(parents=True)
    (folder / "gallery" / "text.png").write_bytes(b"<svg onload=alert(1)>")
    (folder / "gallery" / "link.png").symlink_to(tmp_path / "outside.png")
    with (folder / "gallery" / "large.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(9 * 2**20)
    text = render(gallery_of(panel), folder)
    assert note in text
    assert "data:image" not in text


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError, match=r"report\.html"):
        write_report({"name": "x"}, tmp_path / "out")
