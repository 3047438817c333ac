"""The application: every command explains itself, and errors are words, not tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from discs import foveal
from foveal.cli import app as application
from foveal.cli import run
from foveal.core.errors import DataError

COMMANDS = (
    "demo",
    "index",
    "pairs",
    "deidentify",
    "select",
    "run",
    "compare",
    "reproduce",
    "report",
    "strategies",
    "bench",
    "add",
    "init",
    "serve",
    "status",
    "accounts",
    "export",
    "import",
    "verify",
    "backup",
    "worker",
)


def test_help_lists_every_command():
    ended = foveal("--help")
    assert ended.status == 0
    assert all(f"\n│ {name} " in ended.out for name in COMMANDS)
    registered = [c.name for c in application.app.registered_commands]
    assert sorted(registered) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_an_example(command):
    ended = foveal(command, "--help")
    assert ended.status == 0
    assert "Example" in ended.out
    assert f"foveal {command}" in ended.out.split("Example", 1)[1]


def test_without_a_command_there_is_help():
    ended = foveal()
    assert "Usage" in ended.out + ended.err
    assert "Begin with: foveal demo" in ended.out + ended.err


@pytest.mark.parametrize(
    "arguments",
    [("rnu",), ("run",), ("run", "a.yaml", "--ste", "x=1"), ("compare", "a.yaml", "--seeds", "0")],
)
def test_misuse_ends_with_status_2(arguments):
    ended = foveal(*arguments)
    assert ended.status == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "message",
    ["[format]", "a[/]b", "x.png: wrong [mask_size]", "[bold]", "must lie in [0, 1]", "C:\\[x]\\"],
)
def test_an_error_is_printed_as_it_was_written(monkeypatch, message):
    def broken(*_):
        raise DataError(message)

    monkeypatch.setattr(run, "read_settings", broken)
    ended = foveal("run", "spec.yaml")
    assert ended == (2, "", f"Error: {message}\n")


def test_a_fault_of_our_own_is_not_dressed_up(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(run, "read_settings", broken)
    with pytest.raises(ZeroDivisionError):
        application.app(["run", "spec.yaml"])


def test_the_installed_command_starts_without_torch():
    """Help comes at once, and the script of that name is there."""
    script = Path(sys.executable).with_name("foveal")
    shown = subprocess.run([script, "run", "--help"], capture_output=True, text=True, check=True)
    assert "--set" in shown.stdout
    code = "import sys, foveal.cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ctrl_c_is_answered(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "read_settings", interrupted)
    assert foveal("run", "spec.yaml") == (130, "", f"\n{application.STOPPED}\n")
