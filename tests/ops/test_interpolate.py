# SPDX-License-Identifier: BSD-3-Clause
"""interpolate: its modes, layouts, dtypes and plans."""

import pickle
from itertools import product

import numpy as np
import pytest
from arrays import BF16, EVERY, READABLE, WRITEABLE, numbers
from resampled import (
    ANTIALIASED,
    COPYING,
    EACH,
    MODES,
    SHAPES,
    assert_near,
    run,
    scales_of,
    sizes_of,
    truth,
)
from truth import assert_same_bits as assert_same_contiguous_bits
from ways import ISAS

from fastconv import interpolate, plan, settings

pytestmark = pytest.mark.usefixtures("poisoned")


def moved(x):
    """Channels last."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def assert_same_bits(got, expected):
    assert_same_contiguous_bits(*map(np.ascontiguousarray, (got, expected)))


# ---- what it is --------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("rank", "mode"), EACH)
@pytest.mark.parametrize("said", range(8))
def test_it_is_the_sum_that_the_docstring_says(isa, rank, mode, said):
    x = numbers(SHAPES[rank], "f8")
    said = [*sizes_of(rank), *scales_of(rank)][said]
    aligned = (False,) if mode in (*COPYING, "area") else (False, True)
    for align in aligned:
        more = {"align_corners": align} if len(aligned) > 1 else {}
        for antialias in (False, True) if mode in ANTIALIASED else (False,):
            expected = truth(x, mode, **said, aligned=align, antialias=antialias)
            got = run(x, isa=isa, mode=mode, antialias=antialias, **said, **more)
            assert_near(got, expected, 4 * abs(x).max())


def test_the_step_is_that_of_the_scale_or_of_the_sizes():
    x = numbers((1, 2, 10), "f8")
    said = {"scale_factor": 1.25, "mode": "linear"}  # 12 outputs
    of_scale = truth(x, "linear", scale_factor=(1.25,))
    of_sizes = truth(x, "linear", size=(12,))
    assert abs(of_scale - of_sizes).max() > 0.1
    assert_near(interpolate(x, **said), of_scale, 4)
    assert_near(interpolate(x, **said, recompute_scale_factor=False), of_scale, 4)
    assert_near(interpolate(x, **said, recompute_scale_factor=True), of_sizes, 4)
    assert_near(interpolate(x, scale_factor=1.25, mode="area"), truth(x, "area", size=(12,)), 4)


def test_one_number_stands_for_all_axes():
    x = numbers((1, 2, 5, 7), "f4")
    assert_same_bits(interpolate(x, 3), interpolate(x, (3, 3)))
    assert_same_bits(interpolate(x, scale_factor=1.5), interpolate(x, scale_factor=[1.5, 1.5]))


def test_an_axis_of_the_same_size_is_left_alone():
    """Also where its neighbours are infinite."""
    x = numbers((1, 2, 5, 7), "f4")
    x[0, 0, 2, 3] = np.inf
    for mode in MODES[2]:
        assert_same_bits(interpolate(x, (5, 7), mode=mode), x)
    got = interpolate(x, (5, 14), mode="bilinear")
    assert np.isinf(got).sum() == 4
    assert np.isinf(interpolate(x, (5, 3), mode="area")).sum() == 1
    assert not np.isnan(interpolate(x, (3, 3), mode="area")).any()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(1, 3, 1, 37), (1, 3, 37, 1), (1, 3, 29, 31), (1, 67, 5, 31)])
def test_nothing_beside_what_an_output_covers_is_read(isa, mode, shape):
    """Outputs of a vector have different numbers of inputs."""
    x = numbers(shape, "f4")
    for numerator in (5, 9):
        size = tuple(max(1, n * numerator // 7) for n in shape[2:])
        said = {"mode": mode, "size": size, "antialias": mode != "area"}
        for last, columns in product((False, True), (slice(17, None), slice(0, 1))):
            a = x.copy()
            a[..., columns] = np.inf
            a = moved(a) if last else a
            got = run(a, isa=isa, channels_last=last, **said)
            expected = interpolate(a, channels_last=last, algorithm="reference", **said)
            np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))
            np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))


# ---- dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("mode", COPYING)
@pytest.mark.parametrize("isa", ISAS)
def test_nearest_copies_bits(dtype, mode, isa):
    """Also those of a NaN."""
    for shape in ((2, 3, 7, 19), (1, 17, 5, 3), (1, 8, 3, 7)):
        size = np.prod(shape) * dtype.itemsize
        bits = np.random.default_rng(0).integers(0, 256, size, np.uint8)
        bits = bits % 2 if dtype.kind == "b" else bits
        x = bits.view(dtype).reshape(shape)
        said = {"mode": mode, "scale_factor": (1.71, 2.33)}
        raw = x.view(f"V{dtype.itemsize}")
        index = truth(np.arange(shape[2] * shape[3]).reshape(1, 1, *shape[2:]), **said)
        index = index.astype(int)[0, 0]
        expected = raw.reshape(*shape[:2], -1)[:, :, index]
        assert run(x, isa=isa, **said).tobytes() == expected.tobytes()
        last = run(moved(x), isa=isa, channels_last=True, **said)
        assert last.tobytes() == moved(expected).tobytes()


@pytest.mark.parametrize("dtype", [d for d in EVERY if d.kind != "b"], ids=str)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area"])
@pytest.mark.parametrize("algorithm", ["resample", "reference"])
def test_dtypes(dtype, mode, algorithm):
    x = numbers((2, 3, 7, 11), dtype)
    got = interpolate(x, (5, 17), mode=mode, algorithm=algorithm)
    assert got.dtype == dtype
    assert_near(got, truth(x, mode, size=(5, 17)), 4 * float(abs(x.astype("c16")).max()))
    said = {"mode": mode, "channels_last": True, "algorithm": algorithm}
    last = interpolate(moved(x), (5, 17), **said)
    assert_same_bits(np.moveaxis(last, -1, 1), got)


@pytest.mark.parametrize("algorithm", ["resample", "reference"])
def test_an_infinite_part_of_a_complex_number_leaves_the_other_part_alone(algorithm):
    x = np.array([[[complex(1, np.inf), complex(3, np.inf)]]], np.complex64)
    got = interpolate(x, size=1, mode="area", algorithm=algorithm)
    np.testing.assert_array_equal((got.real, got.imag), ([[[2]]], [[[np.inf]]]))


def test_integers_are_rounded_to_even_and_clipped():
    x = np.array([[[0, 1, 2, 3]]], np.uint8)
    assert interpolate(x, 8, mode="linear").tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3]]]
    assert interpolate(x, 2, mode="area").tolist() == [[[0, 2]]]
    edge = np.array([[[[0, 0, 255, 255]]]], np.uint8)
    assert interpolate(edge, (1, 8), mode="bicubic").min() == 0
    assert interpolate(edge, (1, 8), mode="bicubic").max() == 255
    large = np.array([[[2**63 - 1] * 3]])
    assert (interpolate(large, 5, mode="linear") == 2**63 - 1).all()


# ---- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "c8", BF16], ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_layouts_of_the_input(name, dtype, last):
    if dtype is BF16 and "swapped" in name:
        dtype = "f2"  # NumPy has no swapped bfloat16
    x = numbers((2, 5, 7, 23), dtype)
    a = READABLE[name](x)
    for mode in MODES[2]:
        said = {"scale_factor": (1.7, 0.9), "mode": mode}
        expected = interpolate(a.astype(x.dtype), **said)
        given = np.moveaxis(a, 1, -1) if last else a
        got = interpolate(given, channels_last=last, **said)
        assert_same_bits(np.moveaxis(got, -1, 1) if last else got, expected)


@pytest.mark.parametrize("name", WRITEABLE)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "c16", BF16], ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_layouts_of_the_output(name, dtype, last):
    x = numbers((2, 5, 7, 23), dtype)
    for mode in MODES[2]:
        expected = interpolate(x, (11, 17), mode=mode)
        out = WRITEABLE[name](np.zeros_like(expected))
        seen = np.moveaxis(out, 1, -1) if last else out
        given = np.moveaxis(x, 1, -1) if last else x
        assert interpolate(given, (11, 17), mode=mode, channels_last=last, out=seen) is seen
        assert_same_bits(out.astype(expected.dtype), expected)


def test_an_output_may_overlap_the_input():
    memory = numbers((1, 3, 8, 8), "f4")
    x = memory[..., ::2, ::2]
    for mode in MODES[2]:
        expected = interpolate(x, (8, 8), mode=mode)
        mine = memory.copy()
        interpolate(mine[..., ::2, ::2], (8, 8), mode=mode, out=mine)
        assert_same_bits(mine, expected)


def test_an_empty_batch_and_no_channels():
    for shape in ((0, 3, 5, 7), (2, 0, 5, 7)):
        got = interpolate(np.zeros(shape, "f4"), scale_factor=2, mode="bilinear")
        assert got.shape == (*shape[:2], 10, 14)


@pytest.mark.parametrize(
    "shape", [(1, 64, 19, 29), (3, 1, 131, 7), (5, 3, 31, 37), (1, 2, 1, 9001)]
)
@pytest.mark.parametrize("mode", MODES[2])
def test_threads_change_no_bits(shape, mode):
    x = numbers(shape, "f4")
    for last in (False, True):
        a = moved(x) if last else x
        said = {"scale_factor": (1.5, 2.5), "mode": mode, "channels_last": last}
        expected = interpolate(a, threads=1, **said)
        for threads in (2, 3):
            assert_same_bits(interpolate(a, threads=threads, **said), expected)
        slow = interpolate(a, algorithm="reference", **said)
        np.testing.assert_allclose(expected, slow, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("isa", ISAS)
def test_long_rows_are_made_in_parts(isa):
    scales = (1.1, 0.3, 3.0, 0.001)
    shapes = ((1, 2, 30011), (1, 3, 20011), (1, 1031, 29), (1, 2, 10007))
    for shape, scale in zip(shapes, scales, strict=True):
        x = numbers(shape, "f8")
        for mode in MODES[1]:
            expected = truth(x, mode, scale_factor=(scale,)) if shape[2] < 99 else None
            for last in (False, True):
                a = moved(x) if last else x
                said = {"scale_factor": scale, "mode": mode, "channels_last": last}
                got = run(a, isa=isa, **said)
                slow = interpolate(a, algorithm="reference", **said)
                np.testing.assert_allclose(got, slow, rtol=1e-12, atol=1e-12)
                if expected is not None and not last:
                    assert_near(got, expected, 16)


def test_scratch_does_not_grow_with_rows():
    """Nor where a few outputs are made of many inputs, more than it must."""
    for shape, size in (((1, 3, 50, 500_000), (70, 600_000)), ((1, 1, 1, 300_007), (1, 99))):
        for mode in MODES[2]:
            for x in (shape, np.broadcast_to(np.float32(0), shape)):
                how = plan(interpolate, x, size, mode=mode, threads=1)
                assert how.scratch_bytes <= 1 << 20


# ---- plans -------------------------------------------------------------------------------------


def test_a_plan_tells_what_runs():
    how = plan(interpolate, (1, 64, 56, 56), scale_factor=2, mode="bilinear", threads=2)
    assert how.algorithm == "resample"
    assert how.output_shape == (1, 64, 112, 112)
    assert how.copies == ()
    assert how.flops == 2 * 4 * 64 * 112 * 112
    first = str(how).splitlines()[0]
    assert first == "interpolate float32  1x64x56x56 -> 1x64x112x112"
    assert pickle.loads(pickle.dumps(how)) == how
    other = plan("interpolate", np.zeros((1, 3, 5, 7), ">i2"), 9, mode="bicubic")
    assert "input int16 -> float64" in str(other) or "input >i2 -> float64" in str(other)
    assert "float64 -> int16, saturated" in str(other)
    assert other.copies
    slow = plan(interpolate, (1, 3, 5, 7), 9, algorithm="reference")
    assert (slow.algorithm, slow.isa) == ("reference", "numpy")


def test_plans_are_kept_apart():
    """By all that a call says."""
    x = numbers((1, 2, 5, 7), "f4")
    seen = set()
    for said in (
        {"size": 9},
        {"size": (9, 8)},
        {"scale_factor": 1.8},
        {"size": 9, "mode": "bilinear"},
        {"size": 9, "mode": "bilinear", "align_corners": True},
        {"size": 3, "mode": "bilinear"},
        {"size": 3, "mode": "bilinear", "antialias": True},
    ):
        seen.add(interpolate(x, **said).tobytes())
    assert len(seen) == 7


def test_scales_that_print_alike_are_told_apart():
    class Scale:
        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.value, dtype)

        def __repr__(self):
            return "Scale"

    x = np.ones((1, 1, 4))
    sizes = [interpolate(x, scale_factor=Scale(scale)).shape[2] for scale in (1.5, 2.5, 0.5)]
    assert sizes == [6, 10, 2]


def test_settings_choose_the_algorithm():
    x = numbers((1, 2, 5, 7), "f4")
    with settings(algorithm="reference"):
        assert plan(interpolate, x, 9).algorithm == "reference"
    with settings(algorithm="direct"):
        assert plan(interpolate, x, 9).algorithm == "resample"
