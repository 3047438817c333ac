"""The page that is packaged: whole, self-hosted, and of one mind with the server about pixels."""

import json
import re
from pathlib import Path

import pytest
from annotate_toys import routes_of

from foveal.annotate.app import ASSETS, STATIC
from foveal.core.shapes import pack_runs, parse_shapes, rasterize

INDEX = (STATIC / "index.html").read_text(encoding="utf-8")
FRONTEND = Path(__file__).parents[2] / "frontend"
SHAPES = FRONTEND / "tests" / "golden" / "shapes.json"
MOCK = FRONTEND / "mock" / "server.js"


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


@pytest.mark.skipif(not MOCK.is_file(), reason="the page's source is not beside the package")
def test_the_server_that_stands_in_has_every_route_of_this_one_and_no_other(still):
    written = re.findall(r'\["([A-Z]+)", /\^(.+?)\$/,', MOCK.read_text(encoding="utf-8"))
    patterns = [(method, re.compile(path.replace("\\/", "/"))) for method, path in written]
    filled = {
        (method, re.sub(r"{\w+}", "x", path.removeprefix("/api/v1/")))
        for method, path in routes_of(still.desk)
    } - {("POST", "login")}  # which it answers before it asks who is there
    answered = {
        one for one in filled if any(m == one[0] and p.fullmatch(one[1]) for m, p in patterns)
    }
    assert answered == filled
    for method, pattern in patterns:
        assert any(m == method and pattern.fullmatch(path) for m, path in filled), pattern
