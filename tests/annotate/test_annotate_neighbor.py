"""Neighbor: regions are offered from the nearest slice, and never across volumes or patients."""

import csv
import secrets

import numpy as np
import pytest
from annotate_toys import box, shapes
from PIL import Image

from foveal.annotate.neighbor import neighbor_of
from foveal.core.annotation import Annotation
from foveal.core.region import encode_region
from foveal.core.shapes import parse_shapes, rasterize
from foveal.data import index_source
from nifti_files import write_nifti

WIDTH, HEIGHT, SLICES = 24, 20, 6
VOLUMES = 2


def write_volumes(folder):
    """Two volumes of one patient, all their slices to be read."""
    rng = np.random.default_rng(0)
    for k in range(VOLUMES):
        values = rng.integers(-1000, 2000, (WIDTH, HEIGHT, SLICES)).astype(np.int16)
        write_nifti(folder / f"v{k}.nii.gz", values, np.eye(4))
    rows, _ = index_source([folder], cache=folder / "cache")
    lines = [(row.uri, "p") for row in rows] + [(f"{i}.png", f"q{i // 2}") for i in range(6)]
    for i in range(6):
        Image.new("L", (WIDTH, HEIGHT), i).save(folder / f"{i}.png")
    with (folder / "pool.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("image", "patient", "split"), *((*line, "train") for line in lines)]
        )


@pytest.fixture
def site(make_site):
    return make_site(write=write_volumes)


def at(site, name, position=0):
    """The sample at a slice of a volume, or of a picture."""
    images = site.desk.images
    named = [s.id for s in images.collection.pool.samples if name in s.uri]
    return next(i for i in named if images.beside(i).get(i, 0) == position)


def draw(site, sample, *drawn, reader="ann"):
    told = parse_shapes(shapes(*drawn, width=WIDTH, height=HEIGHT), WIDTH, HEIGHT)
    answer = Annotation(sample, reader, "labeled", 0, key=secrets.token_hex(8))
    site.store.save(answer, encode_region(rasterize(told)), told.to_bytes())


def offered(site, sample, reader="ann"):
    desk = site.desk
    return neighbor_of(desk.live(), desk.images, desk.store.blobs, sample, reader)


def test_the_nearest_slice_of_the_volume_is_offered(site):
    assert offered(site, at(site, "v0", 2)) is None
    far, near = box(1, 1, 5, 5), box(2, 2, 6, 6)
    draw(site, at(site, "v0", 5), far)
    draw(site, at(site, "v0", 3), near)
    draw(site, at(site, "v1", 2), box())
    draw(site, at(site, "v0", 2), box())
    found = offered(site, at(site, "v0", 2))
    assert (found["slice"], found["shapes"]["shapes"]) == (3, [near])
    assert offered(site, at(site, "v0", 5))["slice"] == 3
    assert offered(site, at(site, "v0", 4))["slice"] == 3  # of two as near the one before


def test_empty_slices_and_those_of_other_readers_are_passed_by(site):
    draw(site, at(site, "v0", 1))
    draw(site, at(site, "v0", 3), box(), reader="bob")
    assert offered(site, at(site, "v0", 2)) is None
    draw(site, at(site, "v0", 0), box())
    assert offered(site, at(site, "v0", 2))["slice"] == 0


def test_a_corrected_slice_is_offered_as_it_is_now(site):
    sample, after = at(site, "v0", 1), box(3, 3, 7, 7)
    draw(site, sample, box())
    draw(site, sample, after)
    assert offered(site, at(site, "v0", 2))["shapes"]["shapes"] == [after]
    draw(site, sample)
    assert offered(site, at(site, "v0", 2)) is None


def test_pictures_offer_the_last_one_of_the_patient_alone(site):
    draw(site, at(site, "v0", 1), box())
    draw(site, at(site, "0.png"), box())
    draw(site, at(site, "2.png"), box(1, 1, 9, 9))
    assert offered(site, at(site, "0.png")) is None
    found = offered(site, at(site, "1.png"))
    assert (found["slice"], found["shapes"]["shapes"]) == (None, [box()])
    assert offered(site, at(site, "4.png")) is None


def test_a_case_tells_what_can_be_copied(site):
    case = site.next()
    assert case["neighbor"] is None
    for i in range(VOLUMES * SLICES):
        volume, position = divmod(i, SLICES)
        if (sample := at(site, f"v{volume}", position)) != case["sample"]:
            draw(site, sample, box())
    draw(site, at(site, "0.png"), box())
    draw(site, at(site, "2.png"), box())
    draw(site, at(site, "4.png"), box())
    told = site.next()
    assert told["case"] == case["case"]
    assert told["neighbor"]["shapes"]["shapes"] == [box()]
