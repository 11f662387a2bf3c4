# SPDX-License-Identifier: BSD-3-Clause
"""interpolate: what it refuses, and that it is what PyTorch has."""

import re

import numpy as np
import pytest
from arrays import numbers
from resampled import ANTIALIASED, COPYING, EACH, SHAPES, scales_of, sizes_of

import fastconv
from fastconv import interpolate, plan

# ---- errors ------------------------------------------------------------------------------------

X = np.zeros((1, 3, 5, 7), "f4")
WORDS = "'nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic', 'area'"
EACH_AXIS = "but it must be an integer of at least 1 (or one per axis)"
ONE = "but exactly one of them must be given"
FLAG = "but it must be True or False"
ALIGN = "'linear', 'bilinear', 'trilinear', 'bicubic'"


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (
            {"input": np.zeros((3, 5)), "size": 2},
            ValueError,
            "input has shape (3, 5), but it must be (N, C, *spatial) with one to three spatial "
            "axes; for one signal or image write input[None]",
        ),
        ({"input": None, "size": 2}, TypeError, "input is None, but it must be an array"),
        (
            {"input": np.zeros((1, 3, 0, 5)), "size": 2},
            ValueError,
            "input has shape (1, 3, 0, 5), but its spatial axes must have a size of at least 1",
        ),
        (
            {"input": X > 0, "size": 2, "mode": "area"},
            TypeError,
            "input has dtype bool, but for mode 'area' it must hold numbers; convert it, as by "
            "input.astype(np.float32)",
        ),
        ({}, ValueError, f"size and scale_factor are both None, {ONE}"),
        (
            {"size": 2, "scale_factor": 2},
            ValueError,
            f"size and scale_factor are both given, {ONE}",
        ),
        ({"size": 0}, ValueError, f"size is 0, {EACH_AXIS}"),
        ({"size": 2.0}, TypeError, f"size is 2.0, {EACH_AXIS}"),
        (
            {"size": (1, 2, 3)},
            ValueError,
            "size has 3 entries, but it must be one integer or 2 of them, one per axis",
        ),
        ({"scale_factor": -1}, ValueError, "scale_factor is -1, but it must be a number above 0"),
        (
            {"scale_factor": (2, float("inf"))},
            ValueError,
            "scale_factor[1] is inf, but it must be a number above 0",
        ),
        ({"scale_factor": "2"}, TypeError, "scale_factor is '2', but it must be a real number"),
        (
            {"scale_factor": 0.15},
            ValueError,
            "scale_factor is 0.15, which makes (0, 1) of an input of (5, 7), but the output must "
            "be at least 1 on each axis",
        ),
        ({"size": 2, "mode": "cub"}, ValueError, f"mode is 'cub', but it must be one of {WORDS}"),
        ({"size": 2, "mode": 3}, TypeError, f"mode is 3, but it must be one of {WORDS}"),
        ({"size": 2, "mode": "Area"}, ValueError, "mode is 'Area', but its name here is 'area'"),
        (
            {"size": 2, "mode": "linear"},
            ValueError,
            "mode is 'linear', but it must be one of 'nearest', 'nearest-exact', 'bilinear', "
            "'bicubic', 'area' for an input of shape (1, 3, 5, 7), which has 2 spatial axes",
        ),
        (
            {"size": 2, "mode": "trilinear"},
            ValueError,
            "mode is 'trilinear', but it must be one of 'nearest', 'nearest-exact', 'bilinear', "
            "'bicubic', 'area' for an input of shape (1, 3, 5, 7), which has 2 spatial axes; if it "
            "has no batch axis, write input[None]",
        ),
        (
            {"size": 2, "align_corners": True},
            ValueError,
            f"align_corners is True, but it must be None for mode 'nearest'; only {ALIGN} use it",
        ),
        (
            {"size": 2, "mode": "bilinear", "align_corners": 1},
            TypeError,
            "align_corners is 1, but it must be True or False",
        ),
        (
            {"size": 2, "antialias": True},
            ValueError,
            "antialias is True, but it must be False for mode 'nearest'; only 'bilinear' or "
            "'bicubic' use it",
        ),
        (
            {"size": 2, "recompute_scale_factor": True},
            ValueError,
            "recompute_scale_factor is True, but it must be None or False where size is given",
        ),
        ({"size": 2, "channels_last": 1}, TypeError, f"channels_last is 1, {FLAG}"),
        (
            {"size": 2, "algorithm": "direct"},
            ValueError,
            "algorithm is 'direct', but it must be one of 'auto', 'resample', 'reference'",
        ),
        (
            {"size": 2, "out": np.zeros((1, 3, 2, 3), "f4")},
            ValueError,
            "out has shape (1, 3, 2, 3), but it must be (1, 3, 2, 2)",
        ),
        (
            {"size": 2, "out": np.zeros((1, 3, 2, 2))},
            TypeError,
            "out has dtype float64, but it must be float32",
        ),
        (
            {"size": 2**31 - 1},
            ValueError,
            f"output of shape (1, 3, {2**31 - 1}, {2**31 - 1}) takes "
            f"{24 * (2**31 - 1) ** 2} bytes, but it must not take more than {2**63 - 1}",
        ),
    ],
    ids=str,
)
def test_a_refusal_says_why(said, kind, message):
    with pytest.raises(kind, match=f"^interpolate: {re.escape(message)}$"):
        interpolate(**{"input": X} | said)
    if "out" not in said and said.get("input", X) is not None:
        with pytest.raises(kind, match=re.escape(message)):
            plan(interpolate, **{"input": X} | said)


def test_the_layout_is_named_in_messages():
    with pytest.raises(ValueError, match=r"\(N, \*spatial, C\)"):
        interpolate(np.zeros(3), 2, channels_last=True)


# ---- PyTorch -----------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.parametrize(("rank", "mode"), EACH)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("said", range(10))
def test_it_is_that_of_pytorch(rank, mode, dtype, said):
    import torch

    x = numbers(SHAPES[rank], dtype)
    more = [{"scale_factor": (1.37,) * rank, "recompute_scale_factor": True}]
    more += [{"scale_factor": (0.61,) * rank}]
    said = [*sizes_of(rank), *scales_of(rank), *more][said]
    for align in (None,) if mode in (*COPYING, "area") else (None, False, True):
        for antialias in (False, True) if mode in ANTIALIASED else (False,):
            words = {"mode": mode, "align_corners": align, "antialias": antialias, **said}
            expected = torch.nn.functional.interpolate(torch.from_numpy(x), **words).numpy()
            got = interpolate(x, **words)
            if mode in COPYING:
                np.testing.assert_array_equal(got, expected)
            else:
                close = 3e-6 if dtype == "f4" else 1e-13
                np.testing.assert_allclose(got, expected, rtol=close, atol=8 * close)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
@pytest.mark.parametrize("mode", COPYING)
def test_nearest_inputs_are_those_of_pytorch(dtype, mode):
    """Where rounding decides."""
    import torch

    random = np.random.default_rng(0)
    for _ in range(400):
        n = int(random.integers(1, 250))
        x = np.arange(n).astype(dtype)[None, None]
        said = {"scale_factor": float(random.uniform(0.3, 5))}
        if n * said["scale_factor"] < 1 or random.integers(2):
            said = {"size": int(random.integers(1, 700))}
        expected = torch.nn.functional.interpolate(torch.from_numpy(x), mode=mode, **said).numpy()
        np.testing.assert_array_equal(interpolate(x, mode=mode, **said), expected)


@pytest.mark.peers
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_uint8_differs_from_pytorch_by_one_at_most(mode):
    import torch

    x = 64 + numbers((1, 3, 31, 37), "u1") // 2  # it clips between axes, too
    for size in ((17, 23), (47, 61)):
        for antialias in (False, True):
            said = {"size": size, "mode": mode, "antialias": antialias}
            expected = torch.nn.functional.interpolate(torch.from_numpy(x), **said).numpy()
            assert abs(interpolate(x, **said).astype(int) - expected).max() <= 1


def test_it_is_public():
    assert fastconv.interpolate is interpolate
