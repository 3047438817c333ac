import numpy as np
import pytest

from foveal.core.errors import DataError
from foveal.data import index_source, load_pool, write_manifest


def test_every_kind_of_problem_is_listed_and_the_good_rows_stay(make, tmp_path, table, cache):
    scene = make("a.png", seed=0)
    make("same.png", array=scene)
    make("other.png", array=scene)
    make("flat.png", array=np.zeros((5, 5), np.uint8))
    make("small.png", array=np.ones((3, 3), bool))
    make("blank.png", seed=3)
    make("b.png", seed=4)
    make("torn.png", seed=5, shape=(64, 64))
    (tmp_path / "torn.png").write_bytes((tmp_path / "torn.png").read_bytes()[:1000])
    path = table(
        "image,label,mask,patient,split,x0,y0,x1,y1", "a.png,x,,p1,train,,,,",
        "same.png,x,,,,,,,", "other.png,y,,,,,,,", "flat.png,x,,,,,,,", "b.png,x,small.png,,,,,,",
        "blank.png,,,p1,test,50,50,60,60", "torn.png,x,,,,,,,", "gone.png,x,,,,,,,",
        "../out.png,x,,,,,,,"
    )  # fmt: skip
    rows, problems = index_source([path], cache=cache)
    found = {}
    for problem in problems:
        found.setdefault(problem.row, set()).add(problem.kind)
    assert found == {
        1: {"conflict"}, 2: {"repeat", "conflict"}, 3: {"conflict"}, 4: {"constant"},
        5: {"mask_size"}, 6: {"label", "box_outside", "group"}, 7: {"unreadable"}, 8: {"missing"},
        9: {"manifest"}
    }  # fmt: skip
    assert [r.uri for r in rows] == [
        "a.png", "same.png", "other.png", "flat.png", "b.png", "blank.png"
    ]  # fmt: skip
    assert all(str(tmp_path) not in str(problem) for problem in problems)


def test_several_sources_make_one_manifest_that_loads_the_same_images(make, tmp_path, cache):
    make("one/x/a.png", seed=1)
    make("one/x/a_mask.png", array=np.eye(20, 24, dtype=bool))
    make("one/y/b.png", seed=2)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)
    np.savez(tmp_path / "two.npz", test_images=images, test_labels=np.array([0, 1, 1]))
    (tmp_path / "lists").mkdir()
    for out in (tmp_path / "pool.csv", tmp_path / "lists" / "pool.csv"):
        rows, problems = index_source(["one", "two.npz"], base=tmp_path, cache=cache)
        assert not problems
        write_manifest(rows, out)
        loaded = load_pool(out, cache=cache)
        assert not loaded.problems
        assert len(loaded.pool) == 5
        assert loaded.pool.classes == ("0", "1", "x", "y")
        first = loaded.pool.samples[0].id
        np.testing.assert_array_equal(loaded.truth.region(first), np.eye(20, 24, dtype=bool))
        for i, sample in enumerate(loaded.pool.samples[2:]):
            np.testing.assert_array_equal(loaded.original(sample.id), images[i])
            assert loaded.pool.part(sample.id) == "test"


def test_a_clean_source_has_no_problems(make, tmp_path, cache):
    for i in range(3):
        make(f"x/{i}.png", seed=i)
    rows, problems = index_source([tmp_path], cache=cache)
    assert len(rows) == 3
    assert not problems


def test_a_source_that_is_not_there_is_an_error(tmp_path, cache):
    with pytest.raises(DataError, match="does not exist"):
        index_source([tmp_path / "nothing"], cache=cache)
