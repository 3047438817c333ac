"""The page that is packaged: whole, self-hosted, and of one mind with the server about pixels."""

import json
import re
from pathlib import Path

import pytest

from foveal.annotate.app import ASSETS, STATIC
from foveal.core.shapes import pack_runs, parse_shapes, rasterize

INDEX = (STATIC / "index.html").read_text(encoding="utf-8")
SHAPES = Path(__file__).parents[2] / "frontend" / "tests" / "golden" / "shapes.json"


def test_the_page_names_the_files_that_are_there_and_no_others():
    named = set(re.findall(r'(?:src|href)="\./assets/([^"]+)"', INDEX))
    assert named == {path.name for path in (STATIC / "assets").iterdir()}
    assert {Path(name).suffix for name in named} <= set(ASSETS)


def test_the_page_loads_nothing_from_elsewhere_and_has_no_script_of_its_own():
    assert "://" not in INDEX
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", INDEX) == []
    assert re.search(r"\son\w+=", INDEX) is None


def test_the_style_loads_nothing_from_elsewhere():
    for path in (STATIC / "assets").glob("*.css"):
        style = path.read_text(encoding="utf-8")
        assert "@import" not in style
        assert "url(" not in style


@pytest.mark.skipif(not SHAPES.is_file(), reason="the page's source is not beside the package")
def test_a_shape_has_the_same_pixels_here_and_in_the_browser():
    # frontend/tests/golden.test.ts reads the same file.
    for case in json.loads(SHAPES.read_text(encoding="utf-8")):
        size = case["width"], case["height"]
        drawn = {"version": 1, "width": size[0], "height": size[1], "shapes": [case["shape"]]}
        assert list(pack_runs(rasterize(parse_shapes(drawn, *size)))) == case["runs"]
