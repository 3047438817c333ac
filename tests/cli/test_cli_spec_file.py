"""Spec files: YAML to settings, with changes from the command line on top."""

import pytest

from foveal.cli.spec_file import read_settings
from foveal.core.errors import SpecError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("data: {source: a.csv}\ntrain:\n  epochs: 3\n")
    return path


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ("train.epochs=7", ("train", "epochs"), 7),
        (
            "train.learning_rate=1e-3",
            ("train", "learning_rate"),
            "1e-3",
        ),  # YAML's; pydantic reads it
        ("train.patience=", ("train", "patience"), None),
        ("acquire.parameters.form=product", ("acquire", "parameters"), {"form": "product"}),
        ("name=a=b", ("name",), "a=b"),
        (" seed = 4", ("seed",), 4),
        ("train.augment=true", ("train", "augment"), True),
        ("arms=[{name: x}]", ("arms",), [{"name": "x"}]),
    ],
)
def test_values_are_read_as_yaml(path, change, place, value):
    settings = read_settings(path, [change])
    for key in place:
        settings = settings[key]
    assert settings == value


def test_later_changes_win_and_the_rest_stays(path):
    settings = read_settings(path, ["train.epochs=1", "train.epochs=2"])
    assert settings == {"data": {"source": "a.csv"}, "train": {"epochs": 2}}


@pytest.mark.parametrize("change", ["epochs", "=3", "", "a={"])
def test_a_malformed_change_is_told(path, change):
    with pytest.raises(SpecError, match="--set"):
        read_settings(path, [change])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "must hold keys and values"),
        (b"- a\n- b", "must hold keys and values"),
        (b"just text", "must hold keys and values"),
        (b"a: [", "must be YAML"),
        (b"\xff\xfe\xfa", "must be YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "must be YAML"),
    ],
)
def test_a_malformed_file_is_told(tmp_path, content, told):
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=told):
        read_settings(path, [])


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SpecError, match="could not be read"):
            read_settings(path, [])
