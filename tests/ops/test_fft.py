# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions by Fourier transforms: algorithm fft, its error bound, and what it refuses."""

import pickle
import re
import subprocess
import sys
import tracemalloc
from contextlib import contextmanager
from math import log2, prod

import numpy as np
import pytest
from arrays import EVERY, READABLE, WRITEABLE, numbers
from drawn import keywords
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from truth import assert_near, assert_right, assert_same_bits, bound_of, scale_of, specified, truth
from ways import CONV, run

import fastconv
from fastconv import conv1d, conv2d, conv3d, filter2d, filter_nd, plan, prepare
from fastconv._plan import constants
from fastconv._plan.kept import forget
from fastconv._spec import reference
from fastconv._spec.borders import MODES, Border

FFT = {"algorithm": "fft"}


def norms(problem, x, w):
    """||x|| ||w||_2 for each output, of the group's input with its border, and of the filter."""
    wide = reference.wide(problem)
    x = np.asarray(x, wide)
    if problem.channels_last:
        x = np.moveaxis(x, -1, -1 - problem.rank)
    x = x.reshape(problem.batch, problem.groups, problem.c_in, *(a.n for a in problem.axes))
    for number, axis in enumerate(problem.axes):
        if axis.border is not Border.ZERO:
            x, problem = reference._extended(problem, x, number)
    w = np.asarray(w, wide).reshape(problem.groups, problem.c_out, -1)
    sizes = np.linalg.norm(x.reshape(problem.batch, problem.groups, 1, -1), axis=-1)
    sizes = sizes * np.linalg.norm(w, axis=-1)
    places = (problem.batch, problem.groups, problem.c_out, *problem.outputs)
    return reference.as_seen(problem, np.broadcast_to(sizes[..., None, None, None], places))


def points_of(how):
    """The elements of a block, as the plan tells them."""
    found = re.match(r"\d+ blocks? of ([\dx]+) -> ", how.steps[0])
    return prod(map(int, found[1].split("x")))


def assert_within_its_bound(got, x, w, bias=None, residual=None, out=None, **said):
    """As docs/bits.md has it."""
    problem = specified(x, w, bias, residual, **said)
    expected, _ = truth(x, w, bias, residual, out, **said)
    how = plan(CONV[problem.rank], x, w, bias, residual=residual, out=out, **FFT, **said)
    unit = 2.0**-24 if problem.arithmetic.tile == "f" else 2.0**-53
    share = unit * (2 * log2(max(4, points_of(how))) + problem.c_in + 4)
    size = scale_of(problem, norms(problem, x, w), bias, residual, out)
    assert_near(got, problem, expected, bound_of(problem, expected, size, share))


# ---- any convolution ----------------------------------------------------------------------------

PAIRS = ("f4 f4", "f8 f8", "f4 f8", "u1 f4", "f2 f2", "c8 f4", "f4 c8", "c8 c8", "f8 i2", "c16 c16")


@st.composite
def convolutions(draw):
    """(input, weight, bias, residual, keywords)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    said = keywords(draw, rank)
    said["groups"] = draw(st.sampled_from([1, 1, 3]))
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    sizes = per_axis(st.sampled_from([2, 5, 11, 17]))
    c_in, c_out = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2]))
    channels = said["groups"] * c_in
    source, kernel = draw(st.sampled_from(PAIRS)).split()
    x = numbers((*batch, *((*sizes, channels) if said["channels_last"] else (channels, *sizes))),
                source)  # fmt: skip
    taps = per_axis(st.sampled_from([1, 2, 3, 5]))
    w = numbers((said["groups"] * c_out, c_in, *taps), kernel, 1)
    is_complex = "c" in source + kernel
    if not is_complex and draw(st.booleans()):
        said["activation"] = "relu"
    try:
        shape = specified(x, w, **said).output_shape
    except ValueError:  # no output
        assume(False)
    bias = numbers(w.shape[:1], "f4", 2) if draw(st.booleans()) else None
    added = "c8" if is_complex else "f4"
    residual = numbers(shape, added, 3) if draw(st.booleans()) else None
    return x, w, bias, residual, said


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=convolutions(),
    threads=st.sampled_from([1, 2, 7]),
    layout=st.sampled_from(["contiguous", "steps", "backwards", "swapped", "misaligned"]),
    to=st.sampled_from([None, *sorted(set(WRITEABLE) - {"channels last"})]),
    room=st.sampled_from([None, 64]),
)
def test_any_convolution(problem, threads, layout, to, room):
    x, w, bias, residual, said = problem
    spec = specified(x, w, bias, residual, **said)
    got = run(x, w, bias, residual=residual, threads=1, **FFT, **said)
    assert_within_its_bound(got, x, w, bias, residual, **said)
    out = None if to is None else WRITEABLE[to](np.full(spec.output_shape, 7, spec.dtype))
    how = said | FFT | {"residual": residual, "threads": threads}
    with small_blocks(room):
        made = run(READABLE[layout](x), READABLE[layout](w), bias, out=out, **how)
        assert out is None or made is out
        assert_same_bits(np.ascontiguousarray(made, spec.dtype), got)
        assert_same_bits(run(x, w, bias, prepared=True, **how), got)
    if spec.batched and residual is None:
        for image, one in zip(x, got, strict=True):
            assert_same_bits(run(image, w, bias, **how), one)


@contextmanager
def small_blocks(room):
    """Inside, blocks that are transformed together take so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "FFT_BYTES", room or constants.FFT_BYTES)
        forget()
        yield
    forget()


@pytest.mark.parametrize("mode", sorted(MODES))
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_each_border_in_several_blocks(mode, rank, monkeypatch):
    """Blocks lie everywhere on an axis, and borders are as long as it."""
    monkeypatch.setattr(constants, "FFT_BLOCK", 0.0)
    monkeypatch.setattr(constants, "FFT_MORE", 0.0)
    monkeypatch.setattr(constants, "FFT_NEAR", 4)
    monkeypatch.setattr(constants, "FFT_FAR", 9.0)
    forget()
    n, k = {1: (501, 7), 2: (67, 4), 3: (29, 3)}[rank]
    x, w = numbers((2, *(n,) * rank)), numbers((2, 2, *(k,) * rank), seed=1)
    said = {"padding": n - 1 if rank == 1 else k, "padding_mode": mode, "stride": 2}
    said["padding_value"] = -2 if mode == "constant" else 0
    how = plan(CONV[rank], x, w, **FFT, **said)
    assert int(how.steps[0].split()[0]) > 4
    assert_within_its_bound(run(x, w, **FFT, **said), x, w, **said)
    forget()


# ---- the bound ----------------------------------------------------------------------------------

SHAPES = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "ones": lambda rng, n: np.ones(n),
    "one": lambda rng, n: np.eye(1, n, n // 3)[0],
    "spike": lambda rng, n: rng.standard_normal(n) + 1e5 * np.eye(1, n, n // 2)[0],
    "signs": lambda rng, n: (-1.0) ** np.arange(n),
    "ramp": lambda rng, n: np.arange(1.0, n + 1),
    "wave": lambda rng, n: np.cos(0.1 * np.arange(n)),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("first", SHAPES)
@pytest.mark.parametrize("second", SHAPES)
def test_the_bound_on_hard_signals(dtype, first, second):
    """Truth is summed in long double."""
    rng = np.random.default_rng(1)
    x, w = SHAPES[first](rng, 1500).astype(dtype), SHAPES[second](rng, 233).astype(dtype)
    got = conv1d(x[None], w[None, None], padding="full", flip=True, **FFT)[0]
    exact = np.convolve(x.astype(np.longdouble), w.astype(np.longdouble))
    size = np.linalg.norm(x.astype("f8")) * np.linalg.norm(w.astype("f8"))
    points = points_of(plan(conv1d, x[None], w[None, None], padding="full", **FFT))
    unit = 2.0**-24 if dtype == "f4" else 2.0**-53
    assert np.abs(got - exact).max() <= unit * (2 * log2(points) + 1) * size


@pytest.mark.parametrize("c_in", [1, 7, 64])
def test_the_bound_with_channels(c_in):
    x, w = numbers((2, c_in, 61, 67)), numbers((3, c_in, 9, 8), seed=1)
    assert_within_its_bound(conv2d(x, w, padding="same", **FFT), x, w, padding="same")


# ---- dtypes, epilogues, arrays ------------------------------------------------------------------


@pytest.mark.parametrize("source", EVERY, ids=str)
def test_each_dtype_of_the_input(source):
    x, w = numbers((1, 2, 23), source), numbers((2, 2, 5), "f8" if source.kind in "iu" else "f4")
    if source.kind in "iu":
        x = x // 256 if source.itemsize > 4 else x
    assert_within_its_bound(conv1d(x, w, padding=3, **FFT), x, w, padding=3)


@pytest.mark.parametrize("activation", ["gelu", "tanh", ("clip", -1, 1), ("leaky_relu", 0.1)])
def test_the_epilogue(activation):
    x, w, bias = numbers((2, 3, 31, 29)), numbers((4, 3, 3, 3), seed=1), numbers((4,), seed=2)
    out, residual = numbers((2, 4, 29, 27), seed=3), numbers((2, 4, 29, 27), seed=4)
    said = {"activation": activation, "alpha": 0.5, "beta": 2.0}
    before = out.copy()
    got = conv2d(x, w, bias, residual=residual, out=out, **FFT, **said)
    assert got is out
    assert_within_its_bound(got, x, w, bias, residual, before, **said)
    twice = residual.copy()  # the residual is the output
    conv2d(x, w, bias, residual=twice, out=twice, **FFT)
    assert_within_its_bound(twice, x, w, bias, residual)


def test_results_of_other_dtypes():
    x, w = numbers((3, 31, 29), "u1"), numbers((3, 1, 5, 5)) / 8
    for said in ({"dtype": "u1", "overflow": "saturate"}, {"dtype": "f2"}, {"dtype": "c8"}):
        got = conv2d(x, w, groups=3, padding=2, **FFT, **said)
        assert_within_its_bound(got, x, w, groups=3, padding=2, **said)


def test_an_output_that_overlaps_the_input():
    memory = numbers((1, 1, 40, 40))
    x, w = memory[..., :39, :39], numbers((1, 1, 3, 3), seed=1)
    expected = conv2d(x, w, padding=1, **FFT)
    out = memory[..., 1:, 1:]
    assert_same_bits(conv2d(x, w, padding=1, out=out, **FFT).copy(), expected)


def test_arrays_without_elements():
    assert conv2d(np.ones((0, 1, 5, 7)), np.ones((1, 1, 3, 3)), **FFT).shape == (0, 1, 3, 5)
    got = conv1d(np.ones((1, 1, 0)), np.ones((1, 1, 3)), padding=2, padding_value=5, **FFT)
    np.testing.assert_allclose(got, conv1d(np.full((1, 4), 5.0), np.ones((1, 1, 3)))[None])
    np.testing.assert_array_equal(conv1d(np.ones((1, 0)), np.ones((1, 1, 2)), padding=1, **FFT), 0)


def test_filters():
    photo, k = numbers((61, 67, 3), "u1"), np.abs(numbers((9, 9)))
    k /= k.sum()
    got = filter2d(photo, k, **FFT)
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - filter2d(photo, k, algorithm="direct")).max() <= 1
    assert_same_bits(prepare(filter2d, k, **FFT)(photo), got)
    volume, k = numbers((17, 19, 23), "f8"), numbers((5, 4, 3), "f8")
    np.testing.assert_allclose(filter_nd(volume, k, **FFT), filter_nd(volume, k), atol=1e-12)
    x, k = numbers((2, 3, 19, 17)), numbers((3, 1, 3, 3), seed=1)
    got = fastconv.depthwise_conv2d(x, k, padding=1, **FFT)
    assert_right(got, x, k, padding=1, groups=3)


def test_layers():
    x, w = numbers((2, 3, 37, 41)), numbers((4, 3, 7, 7), seed=1)
    layer = prepare(w, numbers((4,), seed=2), padding="same", **FFT)
    expected = conv2d(x, w, numbers((4,), seed=2), padding="same", **FFT)
    for made in (layer, pickle.loads(pickle.dumps(layer))):
        assert_same_bits(made(x), expected)
        assert_same_bits(made(x[..., :19, :]), made(x[..., :19, :].copy()))
        assert made.plan(x).algorithm == "fft"
        assert "weight" not in " ".join(made.plan(x).copies)
    x[1, 2, 3, 4] = np.inf
    assert_right(layer(x), x, w, numbers((4,), seed=2), padding="same")


def test_memory_is_that_of_some_blocks():
    x, w = np.zeros((1, 1, 1 << 22), np.float32), np.ones((1, 1, 1001), np.float32)
    out = np.empty((1, 1, (1 << 22) - 1000), np.float32)
    how = plan(conv1d, x, w, out=out, **FFT)
    assert how.scratch_bytes < 8 << 20
    conv1d(x, w, out=out, **FFT)
    tracemalloc.start()
    try:
        conv1d(x, w, out=out, **FFT)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 << 20 < x.nbytes


# ---- values for which direct runs ---------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["input", "weight", "both"])
def test_values_that_are_not_finite(value, where):
    x, w = numbers((1, 2, 19, 17)), numbers((3, 2, 3, 5), seed=1)
    out, residual = numbers((1, 3, 19, 17), seed=3), numbers((1, 3, 19, 17), seed=4)
    if where != "weight":
        x[0, 1, 5, 6] = value
    if where != "input":
        w[1, 0, 1, 1] = value
    for said in ({}, {"beta": 2.0}, {"activation": "tanh"}):
        expected = conv2d(x, w, padding=(1, 2), residual=residual, out=out.copy(),
                          algorithm="direct", **said)  # fmt: skip
        got = conv2d(x, w, padding=(1, 2), residual=residual, out=out.copy(), **FFT, **said)
        assert_same_bits(got, expected)
        layer = prepare(w, padding=(1, 2), **FFT, **said)
        assert_same_bits(layer(x, residual=residual, out=out.copy()), expected)
        assert np.isfinite(got).sum() > 600
    how = plan(conv2d, x, w, padding=(1, 2), **FFT)
    assert how.algorithm == "direct"
    weight = "weight holds inf or NaN"
    input_ = "input holds inf or NaN, or transforms overflow"
    assert how.chosen == (input_ if where == "input" else weight)
    assert dict(how.refused)["fft"] == "inf or NaN would spread"


def test_transforms_that_overflow():
    """The spectrum of large numbers is larger than any sum."""
    x, w = np.full((1, 1, 4000), 1e36, "f4"), np.full((1, 1, 9), 1.0, "f4")
    for said in ({}, {"alpha": 0.5}):
        got = conv1d(x, w, **FFT, **said)
        assert_same_bits(got, conv1d(x, w, algorithm="direct", **said))
        assert np.isfinite(got).all()


# ---- messages and plans -------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "w"), [("i4", "i4"), ("u1", "i1"), ("?", "i8"), ("u8", "u8")])
def test_integers_are_refused(x, w):
    x, w = numbers((1, 1, 9), x), numbers((1, 1, 3), w)
    message = (
        "^conv1d: algorithm is 'fft', but it must be another one here: sums are integers; "
        "possible are 'auto', 'direct', .* and 'reference'$"
    )
    with pytest.raises(ValueError, match=message):
        conv1d(x, w, **FFT)
    with fastconv.settings(algorithm="fft"), pytest.raises(ValueError, match="as settings or"):
        conv1d(x, w)
    with pytest.raises(ValueError, match=r"sums are integers; possible are .*") as error:
        conv1d(x, w, algorithm="separable")
    assert "'fft'" not in str(error.value).partition("possible")[2]


def test_a_mask_and_other_operations_have_no_such_algorithm():
    x, w = numbers((1, 1, 9, 9)), numbers((1, 1, 3, 3))
    with pytest.raises(ValueError, match="algorithm is 'fft', "):
        conv2d(x, w, where=x > 0, **FFT)
    with pytest.raises(ValueError, match="algorithm is 'fft', "):
        fastconv.conv_transpose2d(x, w, **FFT)
    with fastconv.settings(algorithm="fft"):
        assert plan(fastconv.conv_transpose2d, x, w).algorithm == "phases"
        assert plan(conv2d, x, w).algorithm == "fft"


def test_auto_never_takes_it():
    how = plan(conv2d, (1, 1, 500, 500), (1, 1, 101, 101))
    assert how.algorithm != "fft"
    assert dict(how.refused)["fft"] == "only by name: its rounding differs"


def test_a_plan_tells_blocks():
    how = plan(conv1d, (1, 480000), (1, 1, 4001), padding="full", threads=2, **FFT)
    assert (how.algorithm, how.isa, how.orientation) == ("fft", "scipy.fft", "none")
    form = r"(\d+) blocks of (\d+) -> (\d+), \d+ at a time, in \d+\.\d MiB"
    count, points, outputs = map(int, re.fullmatch(form, how.steps[0]).groups())
    assert points >= outputs + 4000
    assert (count - 1) * outputs < 484000 <= count * outputs
    assert how.copies == ("input: blocks of the size of transforms", "weight: whole, as spectra")
    assert how.variants[0] == "weight holds inf or NaN"
    how = plan(conv3d, (2, 1, 9, 20, 30), (1, 1, 1, 3, 4), activation="relu", **FFT)
    form = r"1 block of 9x\d+x\d+ -> 9x18x27, 2 images at a time, in \d+\.\d MiB"
    assert re.fullmatch(form, how.steps[0])
    assert how.steps[1] == "epilogue"
    assert how.copies[-1] == "out: whole, as sums"
    assert "step: 1 block of" in str(how)
    assert str(pickle.loads(pickle.dumps(how))) == str(how)


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
import fastconv, numpy
try:
    fastconv.conv1d(numpy.ones((1, 9)), numpy.ones((1, 1, 3)), algorithm="fft")
except ImportError as error:
    print(error)
print(fastconv.conv1d(numpy.ones((1, 9)), numpy.ones((1, 1, 3))).shape)
"""


def test_without_scipy():
    words = [sys.executable, "-P", "-c", WITHOUT_SCIPY]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    needs = "conv1d: algorithm 'fft' needs SciPy: pip install 'fastconv[scipy]'"
    assert done.stdout.splitlines() == [needs, "(1, 7)"]
