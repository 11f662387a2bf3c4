# SPDX-License-Identifier: BSD-3-Clause
"""House rules that a machine keeps."""

import ast
import doctest
import graphlib
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastconv
from fastconv._ops import operation
from fastconv._spec import borders as boundary

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fastconv"
MOST_LINES = 400
SOURCES = (".py", ".pyi", ".pyx", ".pxd", ".c", ".h")

# From the bottom up. A module imports only from rooms below its own, and from its own.
ROOMS = (
    "_core _spec",
    "kernels analysis",
    "_plan",
    "_ops",
    "_scipy",
    "signal ndimage patch interop grad",
    "__init__",
    "benchmarks",
    "cli",
    "__main__",
)
HEIGHT = {name: height for height, names in enumerate(ROOMS) for name in names.split()}


def source_files():
    """Every source file of the checkout, without what the build generates."""
    files = [ROOT / "setup.py"]
    for folder in ("fastconv", "src_c", "tests", "benchmarks", "examples"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    generated = {path.with_suffix(".c") for path in PACKAGE.rglob("*.pyx")}
    return sorted(path for path in files if path.exists() and path not in generated)


def relative(path):
    return path.relative_to(ROOT).as_posix()


def c_sources():
    return [path for path in source_files() if path.suffix in (".c", ".h")]


def code_of(path):
    """C text without comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


# ---- imports -----------------------------------------------------------------------------------


def imported_names(path):
    """Modules of the package that a Python file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            base = ".".join((*package, *(node.module or "").split("."))).rstrip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "fastconv")


def cimported_names(path):
    """The same for Cython."""
    pattern = r"^\s*(?:from|c?import)\s+(fastconv[\w.]*)"
    return re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def room(name):
    """The module right under the package, `__init__` for a name of the package itself."""
    second = ([*name.split("."), ""])[1]
    there = (PACKAGE / f"{second}.py").exists() or (PACKAGE / second / "__init__.py").exists()
    return second if second and there else "__init__"


def package_modules():
    return [path for path in source_files() if relative(path).startswith("fastconv/")]


@pytest.mark.parametrize("path", package_modules(), ids=relative)
def test_imports_go_down_only(path):
    if path.suffix == ".pyi":
        return
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in HEIGHT, f"give {own} a room"
    for name in imported_names(path) if path.suffix == ".py" else cimported_names(path):
        other = room(name)
        if other != own:
            assert HEIGHT[other] < HEIGHT[own], f"{own} imports {name}"


def test_modules_of_a_room_import_in_no_circle():
    graph = {}
    for path in package_modules():
        if path.suffix in (".py", ".pyx", ".pxd"):
            found = imported_names(path) if path.suffix == ".py" else cimported_names(path)
            name = relative(path.with_suffix("")).replace("/", ".")
            own = graph.setdefault(name, set())
            own |= {other for other in map(module_of, found) if other not in (None, name)}
    tuple(graphlib.TopologicalSorter(graph).static_order())


def module_of(name):
    """The module that an imported name is, or is in; None for a package."""
    for parts in (name.split("."), name.split(".")[:-1]):
        if any(ROOT.joinpath(*parts).with_suffix(suffix).exists() for suffix in (".py", ".pyx")):
            return ".".join(parts)
    return None


def test_importing_the_package_is_light():
    command = "import json, sys, fastconv; print(json.dumps(sorted(sys.modules)))"
    words = [sys.executable, "-P", "-c", command]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"scipy", "rich", "matplotlib", "PIL", "argparse", "subprocess", "torch"}


# ---- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", source_files(), ids=relative)
def test_a_file_is_short_and_names_its_licence(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    if lines:
        assert any("SPDX-License-Identifier: BSD-3-Clause" in line for line in lines[:3])


def test_nothing_generated_is_tracked():
    """Outside a git checkout nothing is tracked."""
    words = ["git", "-C", str(ROOT), "ls-files", "--cached", "-z"]
    try:
        tracked = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except OSError:
        tracked = ""
    bad = r"\.(so|pyd|o|pyc|whl)$|^build/|^dist/|\.egg-info/|^\.venv|^fastconv/.*\.(c|html)$"
    assert not [name for name in tracked.split("\0") if re.search(bad, name)]


# ---- C -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", c_sources(), ids=relative)
def test_c_has_no_threads_and_no_memory(path):
    code = code_of(path)
    assert not re.search(r"\bomp\b|\bomp_|pthread", code)
    assert not re.search(r"\b(m|c|re|aligned_)alloc\b|\bfree\s*\(", code)
    assert not re.search(r"Python\.h|numpy/", code)
    assert not re.search(r"^\s*#\s*if\s+0\b", code, flags=re.MULTILINE)


@pytest.mark.parametrize("path", c_sources(), ids=relative)
def test_intrinsics_and_questions_about_the_cpu_have_one_place(path):
    code = code_of(path)
    if not path.name.startswith("fc_simd"):
        assert not re.search(r"intrin\.h|arm_neon\.h|\b_mm\d*_", code)
    if path.name != "dispatch.c":
        assert not re.search(r"__builtin_cpu_|cpuid|getauxval", code)


def test_cython_sees_two_headers():
    for path in PACKAGE.rglob("*.p[xy][xd]"):
        text = path.read_text(encoding="utf-8")
        found = set(re.findall(r'cdef extern from "([^"<]+)"', text))
        assert found <= {"fc_kernels.h", "fc_filters.h"}


# ---- what CONTRIBUTING says --------------------------------------------------------------------


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    names = re.findall(r"`([\w./]+)`", "\n".join(table))
    paths = [name for name in names if "/" in name or "." in name]
    assert len(paths) >= 10
    missing = [path for path in paths if "NAME" not in path and not (ROOT / path).exists()]
    assert not missing


def test_an_isa_is_named_in_the_places_that_contributing_says():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    dispatch = (ROOT / "src_c" / "dispatch.c").read_text(encoding="utf-8")
    for path in (ROOT / "src_c" / "isa").glob("*.c"):
        assert path.stem in setup, "ISA_FLAGS"
        assert path.stem in dispatch


def test_an_extension_is_named_in_setup():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    for path in (PACKAGE / "_core").glob("*.pyx"):
        assert path.stem in setup or "glob(" in setup


# ---- what the README says ----------------------------------------------------------------------


def readme_commands(environment):
    """The README's lines that make ``environment``."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if f"-m venv {environment} " in line]


def test_the_readme_has_one_command_for_each_job():
    (main_job,) = readme_commands(".venv")
    assert main_job.endswith("fastconv bench")
    (tests,) = readme_commands(".venv-test")
    assert tests.endswith("pytest -n 2 --dist worksteal")


def test_the_check_runs_the_command_of_the_readme():
    """.ci/run takes the line out of the README; run its own search, to the letter."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (search,) = re.findall(r"^tests=\$\((.*)\)$", script, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", search], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == readme_commands(".venv-test")


def test_only_numpy_is_needed_at_run_time():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [re.match(r"[\w-]+", name)[0] for name in project["dependencies"]] == ["numpy"]


# ---- documentation in the modules --------------------------------------------------------------


def importable_modules():
    files = [path for path in package_modules() if path.suffix == ".py"]
    names = [relative(path).removesuffix(".py").replace("/", ".") for path in files]
    skipped = ("fastconv.__main__", "fastconv.benchmarks")
    skipped += ("fastconv.ndimage", "fastconv.signal")  # SciPy's examples, which draw pictures
    return [name.removesuffix(".__init__") for name in names if not name.startswith(skipped)]


@pytest.mark.parametrize("name", importable_modules())
def test_doctests(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_a_border_is_drawn_the_same_way_everywhere():
    drawings = set(boundary.DRAWINGS.values()) | {"000|abcd|000"}  # of the gallery, which shows 0
    page = (ROOT / "docs" / "borders.md").read_text(encoding="utf-8").replace("\\|", "|")
    gallery = (ROOT / "examples" / "gallery.py").read_text(encoding="utf-8")
    for text in (page, gallery, fastconv.conv2d.__doc__):
        found = set(re.findall(r"\w+\|abcd\|\w+", text))
        assert len(found) >= 4
        assert found <= drawings


def test_public_functions_show_an_example():
    finder = doctest.DocTestFinder(recurse=False)
    names = [function.__name__ for function in operation.OPERATIONS]
    for name in (*names, "unfold_view", "plan", "prepare", "settings"):
        examples = [test.examples for test in finder.find(getattr(fastconv, name), name)]
        assert any(examples), name
