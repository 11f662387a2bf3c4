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
FUNCTIONS = [*OPERATIONS, "plan", "prepare", "set_num_threads", "get_num_threads"]
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
    for overload in overloads:  # the dtype that one is for may have to be given
        assert [one.replace(default=None) if one.name == "dtype" else one for one in overload] == [
            one.replace(default=None) if one.name == "dtype" else one for one in taken
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


@pytest.mark.parametrize("name", [*OPERATIONS, "plan", "prepare"])
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

RIGHT = """
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import fastconv
from fastconv import Plan, PreparedConv, conv1d, conv2d, conv3d, kernels, plan, prepare
from fastconv import conv_transpose1d, conv_transpose2d, conv_transpose3d
from fastconv import depthwise_conv1d, depthwise_conv2d, depthwise_conv3d
from fastconv import pointwise_conv1d, pointwise_conv2d, pointwise_conv3d
from fastconv import depthwise_separable_conv1d, depthwise_separable_conv2d
from fastconv import depthwise_separable_conv3d
from fastconv import filter2d, filter_nd, separable_filter
from fastconv import local_conv1d, local_conv2d, local_conv3d
from fastconv import bed_of_nails_unpool1d, bed_of_nails_unpool2d, bed_of_nails_unpool3d
from fastconv import interpolate, nearest_unpool1d, nearest_unpool2d, nearest_unpool3d

half, single = np.ones((1, 1, 7), np.float16), np.ones((1, 1, 7), np.float32)
double, pair = np.ones((1, 1, 7)), np.ones((1, 1, 7), np.complex64)
pixels = np.ones((1, 1, 7), np.uint8)

# as NumPy promotes, of two of the same dtype
assert_type(conv1d(half, half), NDArray[np.float16])
assert_type(conv1d(single, single, None, 2, 1), NDArray[np.float32])
assert_type(conv1d(double, weight=double, dtype=None), NDArray[np.float64])
assert_type(conv1d(pair, pair), NDArray[np.complex64])
assert_type(conv1d(pair.astype(np.complex128), pair.astype(np.complex128)), NDArray[np.complex128])
# as dtype says
assert_type(conv1d(single, double, dtype=np.float32), NDArray[np.float32])
assert_type(conv1d(pixels, pixels, dtype=np.uint8, overflow="saturate"), NDArray[np.uint8])
assert_type(conv1d(pixels, [[[1]]], dtype=np.dtype(np.int16)), NDArray[np.int16])
# else a number
assert_type(conv1d(single, double), NDArray[np.number[Any]])
assert_type(conv1d(pixels, pixels), NDArray[np.number[Any]])
assert_type(conv1d(single, single, dtype="float64"), NDArray[np.number[Any]])
assert_type(conv1d(single, single, dtype=float), NDArray[np.number[Any]])
assert_type(conv1d([[1, 2]], [[[1]]]), NDArray[np.number[Any]])

image = np.ones((2, 5, 7), np.float32)
taps = np.ones((3, 2, 3, 2), np.float32)
assert_type(conv2d(image, taps), NDArray[np.float32])
assert_type(conv3d(image[None], taps[:, :1, None]), NDArray[np.float32])
assert_type(conv_transpose1d(double, double, None, 2, 1, 1, 1, 1), NDArray[np.float64])
assert_type(conv_transpose2d(image, taps.swapaxes(0, 1), output_size=(7, 8)), NDArray[np.float32])
assert_type(conv_transpose3d([[[[1]]]], [[[[[1]]]]]), NDArray[np.number[Any]])
one = np.ones((7, 1, 1, 1))
assert_type(local_conv1d(double, one, None, 1, 0, 1, 1, flip=True), NDArray[np.float64])
assert_type(local_conv2d([[[1]]], [[[[[[1]]]]]], algorithm="local"), NDArray[np.number[Any]])
assert_type(local_conv3d(np.ones((1, 1, 1, 7)), one[None, None, ..., None, None]),
            NDArray[np.float64])
assert_type(depthwise_conv1d(double, double, None, 1, "same"), NDArray[np.float64])
assert_type(depthwise_conv2d(image, taps[:2, :1], dtype=np.float64), NDArray[np.float64])
assert_type(depthwise_conv3d([[[[1]]]], [[[[[1]]]]], flip=True), NDArray[np.number[Any]])
assert_type(pointwise_conv1d(double, double[..., 0]), NDArray[np.float64])
assert_type(pointwise_conv2d(image, taps[..., 0, 0], None, 2, groups=1), NDArray[np.float32])
assert_type(pointwise_conv3d([[[[1]]]], [[1]], channels_last=True), NDArray[np.number[Any]])
assert_type(depthwise_separable_conv1d(double, double, double[..., 0]), NDArray[np.float64])
mixed = depthwise_separable_conv2d(
    image, taps[:2, :1], taps[..., 0, 0], [1, 2, 3], 1, "same", depthwise_bias=[1, 2],
    depthwise_activation="relu6", padding_mode="edge", alpha=2,
)
assert_type(mixed, NDArray[np.float32])
assert_type(
    depthwise_separable_conv3d([[[[1]]]], [[[[[1]]]]], [[1]], flip=True), NDArray[np.number[Any]]
)
out = np.empty((3, 5, 7), np.float32)
conv2d(
    image, taps, bias=[1, 2, 3], stride=(1, 1), padding="same", dilation=(1, 1), groups=1,
    padding_mode=("constant", "wrap"), padding_value=0.5, channels_last=False, flip=True,
    residual=out, activation=("clip", 0, 6), alpha=0.5, beta=1, out=out, algorithm="direct",
    threads=1,
)
conv2d(image, taps, padding=[(1, 0), (0, 2)], activation="gelu")
assert_type(kernels.gaussian(3), np.ndarray[tuple[int, ...], np.dtype[np.float64]])

# of a filter that of the image
photo, mean = np.ones((5, 7, 3), np.uint8), np.ones((3, 3), np.float32) / 9
assert_type(filter2d(photo, mean), NDArray[np.uint8])
assert_type(filter_nd(photo, mean, dtype=np.float32), NDArray[np.float32])
assert_type(filter2d(photo, [[1, 2]], 1, padding_mode="edge"), NDArray[np.number[Any]])
assert_type(plan(filter2d, (5, 7), (3, 3), stride=2), Plan)
assert_type(prepare(filter2d, mean, None, 2), PreparedConv)
assert_type(separable_filter(photo, [np.ones(3), None]), NDArray[np.uint8])
assert_type(separable_filter(photo, [[1, 2, 1]], dtype=np.int16), NDArray[np.int16])
assert_type(plan(separable_filter, photo, [[1], [1]], padding_mode="wrap"), Plan)

# of what has no weights that of the input
assert_type(interpolate(single, 9), NDArray[np.float32])
assert_type(interpolate(pixels, scale_factor=(1.5,), mode="linear", align_corners=True),
            NDArray[np.uint8])
assert_type(interpolate([[[1, 2]]], 4, algorithm="reference"), NDArray[np.number[Any]])
assert_type(nearest_unpool1d(pixels, 2), NDArray[np.uint8])
assert_type(nearest_unpool2d(image, (2, 3), 2, 1, None), NDArray[np.float32])
assert_type(nearest_unpool3d([[[[1]]]], 2, channels_last=True), NDArray[np.number[Any]])
assert_type(bed_of_nails_unpool1d(half, 2, output_size=14), NDArray[np.float16])
assert_type(bed_of_nails_unpool2d(image, 2, (1, 2), threads=1), NDArray[np.float32])
assert_type(bed_of_nails_unpool3d(image[None], 2), NDArray[np.float32])
assert_type(plan(interpolate, (1, 1, 5, 7), 9, mode="bicubic"), Plan)
assert_type(plan("nearest_unpool2d", image, 2), Plan)

layer = prepare(taps, None, 2, 1, activation=("leaky_relu", 0.1), dtype=np.float32)
assert_type(layer, PreparedConv)
assert_type(prepare(conv2d, taps, None, 2, padding="same"), PreparedConv)
assert_type(prepare("conv2d", weight=taps), PreparedConv)
assert_type(layer(image, threads=1), NDArray[np.number[Any]])
assert_type(layer.plan(image), Plan)
assert_type(prepare(filter2d, mean)(image=image), NDArray[np.number[Any]])
assert_type(prepare(filter2d, mean).kernel, NDArray[Any])
assert_type(layer.plan((2, 5, 7), threads=1), Plan)
assert_type(layer.weight, NDArray[Any])
assert_type(layer.flip, bool)
assert_type(layer.threads, int | None)
both = prepare(depthwise_separable_conv2d, taps[:2, :1], taps[..., 0, 0], padding=1)
assert_type(both(image), NDArray[np.number[Any]])
assert_type(both.pointwise_weight, NDArray[Any])
assert_type(plan(depthwise_separable_conv2d, (2, 5, 7), (2, 1, 3, 3), (3, 2)), Plan)
assert_type(prepare("pointwise_conv2d", taps[..., 0, 0]), PreparedConv)
up = prepare(conv_transpose2d, taps.swapaxes(0, 1), None, 2, 1, 1, padding_mode="wrap")
assert_type(up(image), NDArray[np.number[Any]])

how = plan(conv2d, (2, 5, 7), (3, 2, 3, 2), padding="same", residual=out)
assert_type(how, Plan)
assert_type(plan("conv2d", image, weight=taps, stride=2), Plan)
assert_type(plan(conv_transpose2d, (2, 5, 7), (2, 3, 3, 2), padding_mode="wrap"), Plan)
assert_type(plan(layer, (2, 5, 7), threads=1), Plan)
assert_type(how.threads, int)
assert_type(how.output_shape, tuple[int, ...])


@fastconv.settings(threads=1, algorithm="direct")
def threads() -> int:
    return fastconv.get_num_threads()


fastconv.set_num_threads(None)
with fastconv.settings(isa="generic"):
    assert_type(threads(), int)
assert_type(fastconv.__version__, str)
"""

WRONG = """
import numpy as np
from fastconv import conv1d, conv2d, conv_transpose2d, filter2d, kernels, plan, prepare, settings
from fastconv import depthwise_conv2d, depthwise_separable_conv2d, pointwise_conv2d
from fastconv import interpolate, nearest_unpool2d

x = np.ones((1, 1, 5, 7))
conv2d(x, x)
conv2d(x, x, padding="some")  # wrong
conv2d(x, x, activation="rely")  # wrong
conv2d(x, x, activation=("clip", 0))  # wrong
conv2d(x, x, stride="a")  # wrong
conv2d(x, x, padding_mode="reflect")  # wrong
conv2d(x, x, overflow="stop", dtype=np.uint8)  # wrong
conv2d(x, x, algorithm="fft")  # wrong
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
settings(algorithm="fft")  # wrong
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
