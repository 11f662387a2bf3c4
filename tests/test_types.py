# SPDX-License-Identifier: BSD-3-Clause
"""The type stub: it tells what the package does, and type checkers understand it."""

import ast
import inspect
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
from typed import RIGHT

import fastconv
from fastconv._ops import operation
from fastconv._plan import algorithms
from fastconv._spec import arguments, borders, epilogue

PACKAGE = Path(fastconv.__file__).parent
STUB = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
STUBS = [STUB, *(ast.parse(p.read_text(encoding="utf-8")) for p in PACKAGE.glob("_ops/*.pyi"))]


# ---- the stub and the package ------------------------------------------------------------------


def stub_nodes(path):
    """The definitions of a name in the stubs: several if it is overloaded."""
    nodes = STUBS
    for name in path.split("."):
        nodes = [one for node in nodes for one in node.body if getattr(one, "name", None) == name]
    return nodes


def stub_signatures(path):
    """The signatures of a function in the stub; of a family those of its protocol, without self."""
    nodes, bound = stub_nodes(path), 0
    (word,) = {one.id for node in nodes for one in node.decorator_list} or {"overload"}
    if word != "overload":
        (family,) = stub_nodes(word)
        nodes, bound = stub_nodes(f"{family.returns.id}.__call__"), 1
    for node in nodes:
        for one in ast.walk(node.args):
            if isinstance(one, ast.arg):
                one.annotation = None
        taken = inspect.signature(eval(f"lambda {ast.unparse(node.args)}: None"))
        yield list(taken.parameters.values())[bound:]


OPERATIONS = [function.__name__ for function in operation.OPERATIONS]
FUNCTIONS = [*OPERATIONS, "unfold_view", "plan", "prepare", "set_num_threads", "get_num_threads"]
METHODS = ["PreparedConv.__call__", "PreparedConv.plan", "settings.__init__"]


@pytest.mark.parametrize("name", FUNCTIONS + METHODS)
def test_stubs_take_what_the_functions_take(name):
    function = fastconv
    for part in name.split("."):
        function = getattr(function, part)
    taken = inspect.signature(function).parameters.values()
    taken = [one.replace(annotation=inspect.Parameter.empty) for one in taken]
    *overloads, most = stub_signatures(name)
    assert most == taken
    if name == "prepare":  # the other takes an operation first, and then the arguments of that
        (other,) = overloads
        assert [one.name for one in other] == ["operation", "weight", "arguments", "keywords"]
        return
    if name.startswith("PreparedConv."):  # the other is that of a filter
        (other,) = overloads
        assert other[1].name == "image"
        filter = getattr(fastconv._ops.prepared_filter.PreparedFilter, name.partition(".")[2])
        assert other == list(inspect.signature(filter).parameters.values())
        return
    said = ("dtype", "return_indices")  # what an overload is for may have to be given
    for overload in overloads:
        assert [one.replace(default=None) if one.name in said else one for one in overload] == [
            one.replace(default=None) if one.name in said else one for one in taken
        ]


def test_stubs_name_what_the_package_names():
    public, defined = None, set()
    for node in STUB.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            public = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.AnnAssign) and not node.target.id.startswith("_"):
            defined.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):  # `as` makes a name of a stub public
            defined |= {alias.asname for alias in node.names if alias.asname}
    assert sorted(public) == sorted(fastconv.__all__)
    assert {name for name in public if not name.startswith("_")} <= defined
    assert all(hasattr(fastconv, name) for name in fastconv.__all__)


def test_stubs_name_the_properties_of_a_layer():
    (layer,) = stub_nodes("PreparedConv")
    properties = {
        name for name, one in vars(fastconv.PreparedConv).items() if type(one) is property
    }
    decorated = [(node.name, word.id) for node in layer.body for word in node.decorator_list]
    assert {name for name, word in decorated if word == "property"} == properties


def test_stubs_name_attributes_that_a_plan_has():
    (plan,) = stub_nodes("Plan")
    named = {node.name for node in plan.body if node.decorator_list}
    assert named == {name for name in vars(fastconv.Plan) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ("_PaddingWord", arguments.PADDINGS),
        ("_Border", borders.MODES),
        ("_Activation", ("none", *epilogue.NAMED)),
        ("_Algorithm", algorithms.NAMES),
    ],
)
def test_stubs_know_the_words(alias, words):
    (node,) = (n for n in STUB.body if isinstance(n, ast.AnnAssign) and n.target.id == alias)
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    assert {"auto", *constants} == {"auto", *words}


@pytest.mark.parametrize("name", [*OPERATIONS, "unfold_view", "plan", "prepare"])
def test_editors_find_a_docstring(name):
    """They read, and do not run: the docstring is that of a `def` or `class` with the name."""
    word = getattr(fastconv, name).__doc__.splitlines()[0]
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                found.append((ast.get_docstring(node) or "").splitlines()[0])
    assert word in found


# ---- the stub and a type checker ---------------------------------------------------------------

WRONG = """
import numpy as np
from fastconv import conv1d, conv2d, conv_transpose2d, filter2d, kernels, plan, prepare, settings
from fastconv import depthwise_conv2d, depthwise_separable_conv2d, fold, pad, pointwise_conv2d
from fastconv import pixel_shuffle, unfold, unfold_view
from fastconv import interpolate, nearest_unpool2d

x = np.ones((1, 1, 5, 7))
conv2d(x, x)
conv2d(x, x, padding="some")  # wrong
conv2d(x, x, activation="rely")  # wrong
conv2d(x, x, activation=("clip", 0))  # wrong
conv2d(x, x, stride="a")  # wrong
conv2d(x, x, padding_mode="reflect")  # wrong
conv2d(x, x, overflow="stop", dtype=np.uint8)  # wrong
conv2d(x, x, algorithm="winograd")  # wrong
conv1d(x)  # wrong
conv_transpose2d(x, x, padding_value=1)  # wrong
conv_transpose2d(x, x, output_size="a")  # wrong
conv1d(x, x, strides=2)  # wrong
conv1d(x, x, out=[1.0])  # wrong
y: int = conv2d(x, x)  # wrong
layer = prepare(x, padding="some")  # wrong
prepare(print, x)  # wrong
prepare(conv2d)  # wrong
prepare(x)(x, x, 1, x)  # wrong
layer.stride = 2  # wrong
layer.plan(x, weight=x)  # wrong
depthwise_conv2d(x, x, groups=2)  # wrong
pointwise_conv2d(x, x, padding=1)  # wrong
pointwise_conv2d(x, x, None, 1, 1)  # wrong
depthwise_separable_conv2d(x, x)  # wrong
depthwise_separable_conv2d(x, x, x, depthwise_activation="rely")  # wrong
filter2d(x, x, channels_last=True)  # wrong
filter2d(x, x, padding_mode="reflect")  # wrong
plan(filter2d, x, x, groups=2)  # wrong
plan(conv2d, x, x, padding="some")  # wrong
plan(conv2d, x)  # wrong
plan(layer, x, stride=2)  # wrong
plan("conv4d", x, x)  # wrong
plan(print, x, x)  # wrong
interpolate(x, 2, mode="cubic")  # wrong
interpolate(x, 2, algorithm="direct")  # wrong
nearest_unpool2d(x)  # wrong
kernels.gaussian("3", 1)  # wrong
settings(algorithm="winograd")  # wrong
unfold(x)  # wrong
fold(x, 3)  # wrong
fold(x, 3, 3, padding_mode="edge")  # wrong
unfold(x, 3, algorithm="direct")  # wrong
plan(unfold, x, 3, groups=2)  # wrong
unfold_view(x, 3, padding=1)  # wrong
pad(x, "same")  # wrong
pad(x, 1, "reflect")  # wrong
pixel_shuffle(x, 2.5)  # wrong
"""


def test_mypy_accepts_right_calls_and_refuses_wrong_ones(tmp_path):
    (tmp_path / "right.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    words = ["--strict", "--no-error-summary", "--hide-error-context", "right.py", "wrong.py"]
    environment = dict(os.environ)
    if "site-packages" not in PACKAGE.parts:  # an editable install, which mypy may not see
        environment["MYPYPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--cache-dir={tmp_path / 'cache'}", *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = re.findall(r"^([^:\n]+):(\d+): error:", done.stdout, flags=re.MULTILINE)
    lines = enumerate(WRONG.splitlines(), start=1)
    expected = {("wrong.py", number) for number, line in lines if line.endswith("# wrong")}
    assert {(file, int(number)) for file, number in told} == expected, done.stdout + done.stderr


def test_what_mypy_accepts_runs_and_returns_what_the_stub_says(monkeypatch):
    said = []

    def check(value, wanted):
        said.append(wanted)
        if typing.get_origin(wanted) is np.ndarray:
            (scalar,) = typing.get_args(typing.get_args(wanted)[1])
            scalar = np.generic if scalar is typing.Any else typing.get_origin(scalar) or scalar
            assert isinstance(value, np.ndarray)
            assert np.issubdtype(value.dtype, scalar)
        else:
            assert isinstance(value, tuple if typing.get_origin(wanted) is tuple else wanted)

    monkeypatch.setattr(typing, "assert_type", check)
    exec(compile(RIGHT, "right.py", "exec"), {})
    assert len(said) == RIGHT.count("assert_type(")
    assert all(re.search(rf"\b{name}\b", RIGHT) for name in fastconv.__all__)
