# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside padding: what they decide stays as it is, whatever the finite
part of the sum would overflow to; what they do not reach has the bits of a weight of 0."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from arrays import BF16, numbers
from ways import ALGORITHMS, CONV, ISAS

from fastconv import conv1d, conv2d, plan, prepare, settings
from fastconv._plan import nonfinite

KINDS = [  # of input, weight and result
    ("f4", "f4", "f4"), ("f8", "f8", "f8"), ("f2", "f2", "f2"), (BF16, BF16, BF16),
    ("f4", "f4", "f8"), ("i2", "f4", "f4"), ("f4", "f4", "i2"), ("f8", "f8", "u1"),
    ("c8", "c8", "c8"), ("c16", "f4", "c16"), ("f4", "c8", "c8"), ("f4", "f4", "c8"),
]  # fmt: skip
LARGE = {"f": 3e38, "d": 1.5e308}
# What is added beside the sums, or multiplies them; "large" is near the largest number.
EPILOGUES = [
    {}, {"alpha": "large"}, {"alpha": -3}, {"alpha": 0}, {"alpha": np.inf}, {"alpha": np.nan},
    {"bias": "large"}, {"bias": np.inf}, {"residual": "large"}, {"residual": -np.inf},
    {"bias": [-7, np.inf, -np.inf, 3]},
    {"beta": "large", "out": 9}, {"beta": -2, "out": np.inf}, {"beta": np.inf, "out": 0},
    {"alpha": "large", "bias": "large", "beta": 2, "out": 9, "residual": "large"},
    *({"activation": word} for word in (
        "relu", "relu6", ("leaky_relu", 0.5), ("clip", -2, 3), "sigmoid", "tanh")),
    {"alpha": "large", "bias": -1, "activation": "tanh"},
]  # fmt: skip


def arrays(kinds, input_too):
    """Input and weights: large sums of either sign, and one weight that is not finite for each
    output channel but the last; the same weights with 0 in its place."""
    x = np.full((2, 2, 7), 3.0)
    x[1] = -3
    if input_too:
        x[0, 0, 2], x[1, 1, 4] = np.inf, np.nan
        x[1, 0, 0] = 0
    x, w = x.astype(kinds[0]), np.full((4, 2, 3), 20.0).astype(kinds[1])
    if x.dtype.kind == "c":
        x.imag[:, 1] = -2
    if w.dtype.kind == "c":
        w.imag[:] = 5
    clean = w.copy()
    for channel, (tap, bad) in enumerate([(0, np.inf), (1, -np.inf), (2, np.nan)]):
        w.real[channel, channel % 2, tap] = bad
        clean.real[channel, channel % 2, tap] = 0
    return x, w, clean


def keywords(kinds, epilogue, shape):
    """Those of a call, and of them what a call of a layer takes."""
    dtype = np.dtype(kinds[2])
    large = LARGE["d" if np.result_type(*kinds[:2]).char in "dD" else "f"]
    said = {name: large if value == "large" else value for name, value in epilogue.items()}
    said |= {"dtype": dtype, "padding": 1}
    said |= {"overflow": "saturate"} if dtype.kind in "iu" else {}
    said |= {"bias": np.resize(said["bias"], 4)} if "bias" in said else {}
    given = {}
    if "residual" in said:
        kind = "c16" if dtype.kind == "c" else "f8"
        given["residual"] = np.full(shape, said.pop("residual"), kind)
    if "out" in said:
        value = said.pop("out")
        given["out"] = np.full(shape, 9 if dtype.kind in "iu" else value).astype(dtype)
    return said, given


def components(array):
    """As numbers that compare: bfloat16 has its own NaN."""
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag])
    return array.astype("f8")[None]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kinds", KINDS, ids=str)
@pytest.mark.parametrize("epilogue", EPILOGUES, ids=str)
def test_what_they_decide_and_what_not(epilogue, kinds, channels_last):
    if np.dtype(kinds[2]).kind == "c":  # takes no activation
        epilogue = {name: value for name, value in epilogue.items() if name != "activation"}
    for input_too in (False, True)[: 1 + (np.dtype(kinds[0]).kind in "fcV")]:
        check(kinds, epilogue, channels_last, *arrays(kinds, input_too))


def check(kinds, epilogue, channels_last, x, w, clean):
    shape = (2, 4, 7)
    if channels_last:
        x, shape = np.moveaxis(x, 1, -1), (2, 7, 4)
    said, more = keywords(kinds, epilogue, shape)
    said["channels_last"] = channels_last

    def run(w, algorithm, prepared=False):
        given = {name: array.copy() for name, array in more.items()}
        if prepared:
            return components(prepare(w, algorithm=algorithm, **said)(x, **given))
        return components(conv1d(x, w, algorithm=algorithm, **said, **given))

    plain = {"padding": 1, "channels_last": channels_last, "algorithm": "reference"}
    plain["dtype"] = "c16" if np.dtype(kinds[2]).kind == "c" else "f8"
    finite = np.where(np.isfinite(x), x, x.dtype.type(1))
    met = components(conv1d(finite, w, **plain)) != components(conv1d(finite, clean, **plain))
    truth = run(w, "reference")
    for algorithm, prepared in product(ALGORITHMS, (False, True)):
        got, others = run(w, algorithm, prepared), run(clean, algorithm)
        np.testing.assert_array_equal(got[met], truth[met])
        np.testing.assert_array_equal(got[~met], others[~met])
        np.testing.assert_array_equal(np.signbit(got[~met]), np.signbit(others[~met]))


# ---- a part of the output at a time ------------------------------------------------------------


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("x", "w", "more"),
    [
        ((1, 2, 1200017), (3, 2, 5), {"padding": ((7, 3),)}),
        ((2, 3, 701, 1301), (4, 3, 3, 5), {"padding": ((2, 1), (-9, 11)), "stride": (2, 1)}),
        ((701, 1301, 3), (9, 1, 3, 2), {"padding": 2, "groups": 3, "dilation": (1, 7)}),
        ((2, 2, 31, 211, 173), (6, 1, 3, 3, 3), {"padding": (1, 1, 0), "groups": 2}),
        ((1, 2, 1201, 907), (4, 2, 3, 3), {"padding": 1, "padding_mode": ("constant", "wrap")}),
    ],
)
def test_parts(x, w, more, channels_last):
    x, w = numbers(x, "f4"), numbers(w, "f4", seed=1)
    if x.ndim == 3 and w.ndim == 4:  # no batch axis
        x = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    x = np.moveaxis(x, 1 - w.ndim, -1) if channels_last else x
    w.flat[0], w[-1].flat[-1] = np.inf, np.nan
    more = {**more, "channels_last": channels_last}
    conv = CONV[w.ndim - 2]
    got, truth = conv(x, w, **more), conv(x, w, **more, algorithm="reference")
    met = ~np.isfinite(truth)
    assert 0.1 < met.mean() < 0.9
    np.testing.assert_array_equal(got[met], truth[met])
    clean = np.where(np.isfinite(w), w, 0)
    np.testing.assert_array_equal(np.where(met, 0, got), np.where(met, 0, conv(x, clean, **more)))


def test_only_what_taps_read_is_looked_at():
    x, w = np.broadcast_to(np.float32(1), (1, 20000, 20000)), np.ones((1, 1, 3, 3), "f4")
    w[0, 0, 0, 0] = np.inf
    tracemalloc.start()
    try:
        for padding, stride in ((1, 1000), (((-19980, 1), (-19980, 1)), 1)):
            got = conv2d(x, w, padding=padding, stride=stride)
            assert np.isinf(got[:, 1:, 1:]).all()
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_they_take_little_memory():
    """A byte for each number of the output, and what a part needs."""
    x, w = np.ones((8, 2048, 2048), "f4"), np.ones((8, 1, 3, 3), "f4")
    w[3, 0, 1, 1] = np.inf
    tracemalloc.start()
    try:
        got = conv2d(x, w, padding=1, groups=8)
        assert tracemalloc.get_traced_memory()[1] < 1.25 * got.nbytes + (32 << 20)
    finally:
        tracemalloc.stop()
    assert np.isinf(got[3]).all()
    assert np.isfinite(np.delete(got, 3, 0)).all()


@pytest.mark.parametrize(
    ("x", "w", "said"),
    [
        ((1, 10007, 15013), (1, 1, 3, 3), {"padding": 1}),
        ((3, 2, 1201, 2003), (2, 2, 3, 5), {"padding": 2, "padding_mode": ("wrap", "constant")}),
        ((1, 7, 1601, 1603), (1, 1, 3, 1, 1), {"padding": 1, "padding_mode": "mirror"}),
        ((1, 30000001), (1, 1, 2), {"padding": 1, "dilation": 10000019}),
    ],
)
def test_parts_are_small(x, w, said):
    """So that Ctrl-C is answered soon; but none is shorter than a window."""
    spec = plan(CONV[len(w) - 2], x, w, **said).spec
    inputs, outputs = np.broadcast_to(0, spec.input_shape), np.broadcast_to(0, spec.output_shape)
    seen = read = 0
    for where, of, _ in nonfinite.parts(spec, w[1], w[0]):
        part = nonfinite.taken(inputs, of)
        windows = part.size if "dilation" in said else 0
        assert outputs[where].size <= max(nonfinite.PART, windows)
        assert part.size <= 1.2 * nonfinite.PART or windows
        seen += outputs[where].size
        read += part.size
    assert seen == outputs.size
    assert read < 2.2 * inputs.size


# ---- what once went wrong ----------------------------------------------------------------------

BAD = np.array([[[np.inf, 1, 1]]], "f4")
DECIDED = [[2, *[np.inf] * 4]]  # of five ones


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_beta_that_is_0_in_the_dtype_of_sums_reads_nothing(algorithm):
    for value in (np.inf, np.nan):
        out = np.full((1, 5), value, "f4")
        conv1d(np.ones((1, 5), "f4"), BAD, padding=1, beta=1e-46, out=out, algorithm=algorithm)
        np.testing.assert_array_equal(out, DECIDED)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_an_out_of_another_class():
    out = np.matrix(np.zeros((1, 5), "f4"))
    got = conv1d(np.ones((1, 5), "f4"), BAD, padding=1, beta=1, out=out)
    assert got is out
    np.testing.assert_array_equal(np.asarray(out), DECIDED)


@pytest.mark.filterwarnings("error")
def test_no_warning_is_seen():
    x, w = np.ones((1, 1, 6), BF16), np.ones((1, 1, 3), BF16)
    w.view("u2")[0, 0, 0] = 0x7F81  # NaN that signals
    for _ in range(2):
        for got in (conv1d(x, w, padding=1), prepare(w, padding=1)(x)):
            np.testing.assert_array_equal(np.isnan(got[0, 0].astype("f4"))[:2], [False, True])
        x.view("u2")[0, 0, 3] = 0x7F81
    x = np.ones((1, 5), "f4")
    with np.errstate(all="raise"):
        got = conv1d(x, BAD, [1e-300], padding=1, residual=np.full((1, 5), 1e-300))
        np.testing.assert_array_equal(got, DECIDED)
        out = np.full((1, 5), 1e-200)
        got = conv1d(x.astype("f8"), BAD.astype("f8"), padding=1, beta=1e-200, out=out)
        np.testing.assert_array_equal(got, DECIDED)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("taps", [2, 3])
def test_the_sign_of_a_sum_that_is_too_small(taps, isa):
    """Weights that meet only padding do not change the sign of the 0."""
    signs = set()
    for bad in (np.inf, -np.inf, np.nan, 0):
        w = np.full((1, 1, taps), -1e-30, "f4")
        w[..., 1:] = bad
        with settings(isa=isa):
            got = conv1d(np.full((1, 9), 1e-30, "f4"), w, padding=((0, taps - 1),))
        assert got[0, -1] == 0
        signs.add(bool(np.signbit(got[0, -1])))
    assert len(signs) == 1
