"""The rules of the house that no type checker or linter holds."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "foveal"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))
MODULE_ROOMS = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem != "__init__")

TOO_LONG = 600
WITHOUT_TORCH = ("acquire", "store", "annotate", "annotate.serve", "client")
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.load"}
TEXT = {".py", ".md", ".toml", ".lock", ".txt", ".yaml", ".yml", ".json", ".cfg", ".html", ".css"}
# In pieces, so that this file does not find itself.
HOSTS = ["py" + "pi.org", "files." + "pythonhosted", "anaconda" + ".org"]
PLACES = ["/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/", "C:" + "\\Users"]


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_source = pytest.mark.parametrize("path", SOURCES, ids=where)


def calls(tree: ast.AST) -> list[tuple[str, int]]:
    """Dotted names of all calls, and their lines."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return [(ast.unparse(n.func), n.lineno) for n in found]


def imports(tree: ast.AST) -> set[str]:
    """First parts of all imported modules."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def unsafe(tree: ast.AST) -> list[str]:
    """What may run code hidden in data."""
    found = sorted(imports(tree) & UNSAFE_MODULES)
    found += [f"{name} in line {line}" for name, line in calls(tree) if name in UNSAFE_CALLS]
    for node in ast.walk(tree):
        allows = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
        if allows and not (isinstance(node.value, ast.Constant) and node.value.value is False):
            found.append(f"allow_pickle in line {node.value.lineno}")
    return found


@every_source
def test_files_stay_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= TOO_LONG, f"{where(path)} has {lines} lines; divide it"


@every_source
def test_each_file_says_what_lives_there(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@every_source
def test_only_the_command_line_prints(path):
    printed = [line for name, line in calls(ast.parse(path.read_text("utf-8"))) if name == "print"]
    assert not printed or path.is_relative_to(PACKAGE / "cli")


@every_source
def test_no_data_is_run_as_code(path):
    assert unsafe(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "eval('1')",
        "exec('1')",
        "yaml.load(f)",
        "torch.load(f)",
        "np.load(f, allow_pickle=True)",
    ],
)
def test_the_scan_finds_what_it_looks_for(code):
    assert unsafe(ast.parse(code))


@pytest.mark.parametrize("code", ["yaml.safe_load(f)", "model.eval()", "re.compile('eval(')"])
def test_the_scan_leaves_honest_code_alone(code):
    assert unsafe(ast.parse(code)) == []


def public_names(module: ModuleType) -> set[str]:
    """What a reader of `dir` would take for the room's interface."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }


@pytest.mark.parametrize("room", [*ROOMS, *MODULE_ROOMS])
def test_a_room_shows_what_it_lists_and_all_of_it_is_documented(room):
    module = importlib.import_module(f"foveal.{room}")
    listed = getattr(module, "__all__", [])
    assert len(set(listed)) == len(listed)
    if room in ROOMS:
        assert public_names(module) <= set(listed)
    for name in listed:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            doc = inspect.getdoc(value) or ""
            assert doc, f"foveal.{room}.{name} needs a docstring"
            assert not doc.startswith(f"{name}("), f"foveal.{room}.{name} has a generated docstring"


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_rooms_that_must_not_wait_for_torch(room):
    code = f"import sys, foveal.{room}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def kept_files() -> list[Path]:
    """Text files that are, or are about to be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [p for p in paths if (p.suffix in TEXT or p.name == "Makefile") and p.is_file()]


def test_no_machine_and_no_host_is_written_down():
    files = kept_files()
    if not files:
        pytest.skip("this copy is not a git checkout")
    found = []
    # A path of a machine starts a word; `patients/home/` in a relative path does not.
    places = re.compile("|".join(rf"(?<![\w.\-/]){re.escape(place)}" for place in PLACES))
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{where(path)}: {host}" for host in HOSTS if host in text]
        found += [f"{where(path)}: {hit}" for hit in places.findall(text)]
    assert found == []
