# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside padding: what they decide, no finite number undoes."""

from itertools import product

import numpy as np
import pytest
from arrays import BF16
from ways import ALGORITHMS

from fastconv import conv1d, prepare

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
    said |= {"bias": np.full(4, said["bias"])} if "bias" in said else {}
    arrays = {}
    if "residual" in said:
        kind = "c16" if dtype.kind == "c" else "f8"
        arrays["residual"] = np.full(shape, said.pop("residual"), kind)
    if "out" in said:
        value = said.pop("out")
        arrays["out"] = np.full(shape, 9 if dtype.kind in "iu" else value).astype(dtype)
    return said, arrays


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
    input_too = {"f": True, "c": True, "V": True}.get(np.dtype(kinds[0]).kind, False)
    for given in arrays(kinds, False), arrays(kinds, input_too):
        check(kinds, epilogue, channels_last, *given)


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
