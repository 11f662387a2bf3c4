# SPDX-License-Identifier: BSD-3-Clause
"""Any pooling that can be asked for, against the reference.

``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_pooling.py`` looks further.
"""

import os
import re

import numpy as np
import pytest
from arrays import numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pools import CONVENTIONS, assert_right, pools, uneven_pools
from ways import ISAS

import fastconv

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "600"))
MANY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

pytestmark = pytest.mark.usefixtures("poisoned")


def check(name, arguments, said, threads, isa, algorithm="auto"):
    pool = getattr(fastconv, name)
    try:
        wanted = pool(*arguments, **said, algorithm="reference")
        with fastconv.settings(isa=isa), np.errstate(all="ignore"):
            got = pool(*arguments, **said, threads=threads, algorithm=algorithm)
    except ValueError:  # no output, a border of nothing, or an algorithm that is not for it
        assume(False)
    assert_right(got, wanted, exact="max" in name or "min" in name)


@MANY
@given(pools(), st.integers(1, 3), st.sampled_from(ISAS), st.sampled_from(["auto", "direct"]))
def test_any_pool_is_that_of_the_reference(problem, threads, isa, algorithm):
    check(*problem, threads, isa, algorithm)


@MANY
@given(pools(indices=False), st.integers(1, 3), st.sampled_from(ISAS))
def test_any_pool_one_axis_after_the_other_is_that_of_the_reference(problem, threads, isa):
    check(*problem, threads, isa, "separable")


@MANY
@given(uneven_pools(), st.integers(1, 3), st.sampled_from(ISAS))
def test_any_adaptive_global_or_fractional_pool_is_that_of_the_reference(problem, threads, isa):
    check(*problem, threads, isa)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("k", "stride", "padding"), [(4, 4, 0), (4, 4, 2), (3, 4, 1), (2, 2, 1)])
@pytest.mark.parametrize("kind", ["max", "indices", "avg"])
def test_rows_of_any_length_are_read_where_they_lie(isa, k, stride, padding, kind):
    """Vectors that hang over either end of a row, and those that just do not."""
    pool = fastconv.avg_pool2d if kind == "avg" else fastconv.max_pool2d
    said = {"return_indices": True} if kind == "indices" else {}
    for dtype in ("f4", "f8"):
        for width in (*range(4, 20), 31, 32, 33, 63, 64, 65, 67, 127, 128, 129, 131):
            x = numbers((1, 2, 4, width), dtype)
            if kind != "avg":
                x[..., ::7] = np.nan
            wanted = pool(x, k, stride, padding, algorithm="reference", **said)
            with fastconv.settings(isa=isa):
                assert fastconv.plan(pool, x, k, stride, padding, **said).copies == ()
                got = pool(x, k, stride, padding, **said)
            assert_right(got, wanted, exact=kind != "avg")


@settings(max_examples=100, deadline=None)
@given(pools(), st.sampled_from(ISAS))
def test_bits_do_not_depend_on_threads(problem, isa):
    name, arguments, said = problem
    pool = getattr(fastconv, name)
    with fastconv.settings(isa=isa), np.errstate(all="ignore"):
        try:
            one = pool(*arguments, **said, threads=1)
        except ValueError:
            assume(False)
        two = pool(*arguments, **said, threads=3)
    one, two = (x if isinstance(x, tuple) else (x,) for x in (one, two))
    assert [x.tobytes() for x in one] == [x.tobytes() for x in two]


@settings(max_examples=100, deadline=None)
@given(uneven_pools(), st.sampled_from(ISAS))
def test_bits_of_uneven_pools_do_not_depend_on_threads(problem, isa):
    name, arguments, said = problem
    with fastconv.settings(isa=isa), np.errstate(all="ignore"):
        try:
            one = getattr(fastconv, name)(*arguments, **said, threads=1)
        except ValueError:
            assume(False)
        two = getattr(fastconv, name)(*arguments, **said, threads=3)
    one, two = (x if isinstance(x, tuple) else (x,) for x in (one, two))
    assert [x.tobytes() for x in one] == [x.tobytes() for x in two]


@pytest.mark.parametrize(
    ("shape", "outputs"),
    [
        ((5, 7), 1),
        ((57, 57), (7, 5)),
        ((700, 3), 2),
        ((40, 3000), (3, 7)),
        ((7, 30, 19), (3, 2, 4)),
    ],
)
def test_bits_of_adaptive_averages_do_not_depend_on_batch_threads_or_byte_order(shape, outputs):
    pool = getattr(fastconv, f"adaptive_avg_pool{len(shape)}d")
    x = numbers((3, 37 if len(shape) == 3 else 5, *shape), "f4")
    wanted = pool(x, outputs, threads=3)
    for got in (
        np.concatenate([pool(image[None], outputs, threads=1) for image in x]),
        np.concatenate([pool(x[:, c : c + 1], outputs) for c in range(x.shape[1])], 1),
        pool(x.astype(">f4"), outputs) if outputs != 1 else wanted,
    ):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("k", "channels"), [(2, 19), (3, 19), (5, 19), (13, 19), (3, 149), (2, 133)]
)
def test_bits_of_averages_do_not_depend_on_the_layout(k, channels):
    x = numbers((2, channels, 23, 29), "f4")
    wanted = fastconv.avg_pool2d(x, k, padding="same", stride=1)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    got = fastconv.avg_pool2d(last, k, padding="same", stride=1, channels_last=True)
    np.testing.assert_array_equal(np.moveaxis(got, -1, 1), wanted)
    turned = np.asfortranarray(x.astype(">f4"))
    np.testing.assert_array_equal(fastconv.avg_pool2d(turned, k, padding="same", stride=1), wanted)


# ---- one thing at a time -----------------------------------------------------------------------


def test_of_equal_elements_the_first_wins_and_of_nan_the_last():
    x = np.array([[1.0, 3.0, 3.0, np.nan, 0.0, np.nan, 2.0, 2.0]])
    values, indices = fastconv.max_pool1d(x, 4, return_indices=True)
    np.testing.assert_array_equal(indices, [[3, 5]])
    values, indices = fastconv.max_pool1d(x, 4, return_indices=True, nan_policy="omit")
    np.testing.assert_array_equal(values, [[3, 2]])
    np.testing.assert_array_equal(indices, [[1, 6]])


def test_a_window_of_padding_has_no_index():
    x = np.ones((1, 1, 3), np.float32)
    values, indices = fastconv.max_pool1d(x, 2, padding=[(4, 0)], return_indices=True)
    np.testing.assert_array_equal(values, [[[-np.inf, -np.inf, 1]]])
    np.testing.assert_array_equal(indices, [[[-1, -1, 0]]])
    values, _ = fastconv.max_pool1d(x.astype(np.int8), 2, padding=[(4, 0)], return_indices=True)
    np.testing.assert_array_equal(values, [[[-128, -128, 1]]])
    averages = fastconv.avg_pool1d(x, 2, padding=[(4, 0)], count_include_pad=False)
    np.testing.assert_array_equal(averages, [[[np.nan, np.nan, 1]]])


def test_a_window_of_minus_inf_has_the_index_of_its_first_cell():
    x = np.full((1, 1, 5, 7), -np.inf, np.float32)
    _, indices = fastconv.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    np.testing.assert_array_equal(indices[0, 0, :2], [[0, 1, 3, 5], [7, 8, 10, 12]])


def test_a_cell_of_a_border_has_the_index_of_the_cell_that_it_copies():
    x = np.array([[[5.0, 1.0, 9.0]]])
    _, indices = fastconv.max_pool1d(
        x, 2, stride=1, padding=2, padding_mode="wrap", return_indices=True
    )
    np.testing.assert_array_equal(indices, [[[2, 2, 0, 2, 2, 0]]])
    _, indices = fastconv.max_pool1d(
        x, 2, stride=1, padding=2, padding_value=6, return_indices=True
    )
    np.testing.assert_array_equal(indices, [[[-1, -1, 0, 2, 2, -1]]])


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_indices_count_as_their_convention_says(convention):
    x = numbers((2, 3, 5, 7), "f4")
    _, plane = fastconv.max_pool2d(x, 2, return_indices=True)
    _, found = fastconv.max_pool2d(x, 2, return_indices=True, index_convention=convention)
    n, c = np.indices((2, 3)).reshape(2, 2, 3, 1, 1)
    y, x = plane // 7, plane % 7
    wanted = {
        "plane": plane,
        "flat": ((n * 3 + c) * 5 + y) * 7 + x,
        "flat_column_major": (n * 3 + c) * 35 + y + 5 * x,
        "nhwc": (y * 7 + x) * 3 + c,
        "nhwc_batch": ((n * 5 + y) * 7 + x) * 3 + c,
    }
    np.testing.assert_array_equal(found, wanted[convention])


@pytest.mark.parametrize("indices", [False, True])
def test_out_may_have_any_strides_and_overlap_the_input(indices):
    x = numbers((2, 5, 11, 13), "f4")
    wanted = fastconv.max_pool2d(x, 3, stride=2, return_indices=indices)
    wanted = wanted if indices else (wanted,)
    out = tuple(np.zeros((6, 5, 5, 4), one.dtype).T[::2] for one in wanted)
    got = fastconv.max_pool2d(
        x, 3, stride=2, return_indices=indices, out=out if indices else out[0]
    )
    assert got is out or got is out[0]
    for one, there in zip(out, wanted, strict=True):
        np.testing.assert_array_equal(one, there)
    inside = x[:, :, :5, :6]
    out = (inside, np.zeros(inside.shape, np.int64)) if indices else inside
    fastconv.max_pool2d(x, 3, stride=2, return_indices=indices, out=out)
    np.testing.assert_array_equal(inside, wanted[0])


def test_large_windows_and_long_rows():
    x = numbers((1, 2, 5003), "f4")
    for k, stride in ((1009, 1), (1009, 7), (3, 1), (2, 2), (4, 4)):
        wanted = np.lib.stride_tricks.sliding_window_view(x, k, axis=2)[:, :, ::stride].max(-1)
        np.testing.assert_array_equal(fastconv.max_pool1d(x, k, stride), wanted)


def test_an_average_is_as_exact_as_blocks_of_sums():
    x = np.full((1, 1, 100_003), 0.1, np.float32)  # one chain of additions is off by 1e-3
    got = fastconv.avg_pool1d(x, 100_003)
    np.testing.assert_allclose(got, [[[np.float32(0.1)]]], rtol=1e-5)
    np.testing.assert_allclose(fastconv.global_avg_pool1d(x), [[[np.float32(0.1)]]], rtol=1e-5)


# ---- PyTorch -----------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_pools_are_those_of_torch(rank, dtype):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = numbers((2, 5, *(13, 11, 7)[:rank]), dtype)
    x[0, 0][:2] = np.nan
    t = torch.from_numpy(x)
    for k, s, p, d, ceil in (
        (3, 2, 1, 1, False), (2, 2, 0, 1, True), (3, 1, 1, 2, False), (3, 3, 1, 1, True),
        (2, None, 1, 1, False),
    ):  # fmt: skip
        name = f"max_pool{rank}d"
        wanted = getattr(functional, name)(t, k, s, p, d, ceil, return_indices=True)
        got = getattr(fastconv, name)(x, k, s, p, d, ceil, True)
        for here, there in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(here, there.numpy())
        for include in (True, False):
            name = f"avg_pool{rank}d"
            wanted = getattr(functional, name)(t, k, s, p, ceil, include).numpy()
            got = getattr(fastconv, name)(x, k, s, p, ceil, include)
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    wanted = getattr(functional, f"lp_pool{rank}d")(t, 2, 3, 2).numpy()
    got = getattr(fastconv, f"lp_pool{rank}d")(x, 2, 3, 2)
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.peers
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_adaptive_pools_are_those_of_torch(rank):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = numbers((2, 5, *(13, 11, 7)[:rank]), "f4")
    size = (5, 3, 2)[:rank]
    name = f"adaptive_max_pool{rank}d"
    wanted = getattr(functional, name)(torch.from_numpy(x), size, return_indices=True)
    got = getattr(fastconv, name)(x, size, return_indices=True)
    for here, there in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(here, there.numpy())
    name = f"adaptive_avg_pool{rank}d"
    wanted = getattr(functional, name)(torch.from_numpy(x), size).numpy()
    np.testing.assert_allclose(getattr(fastconv, name)(x, size), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_fractional_pools_are_those_of_torch(rank, dtype):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = numbers((3, 5, *(17, 13, 11)[:rank]), dtype)
    samples = np.random.default_rng(0).random((3, 5, rank)).astype(dtype)
    name = f"fractional_max_pool{rank}d"
    for size in ((7, 5, 4)[:rank], (1, 9, 2)[:rank]):
        wanted = getattr(functional, name)(
            torch.from_numpy(x), 3, size, return_indices=True,
            _random_samples=torch.from_numpy(samples),
        )  # fmt: skip
        got = getattr(fastconv, name)(x, 3, size, return_indices=True, _random_samples=samples)
        for here, there in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(here, there.numpy())


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("shape", [(53, 15), (131, 17), (67, 5)])
def test_rows_of_many_averages_have_their_own_counts(shape, channels_last):
    """A row of outputs that is computed in several parts: each part reads its own counts."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal(shape, "f4")
    x = x if channels_last else x.T
    said = {"padding": [(3, 0)], "channels_last": channels_last, "where": rng.random(x.shape) < 0.8}
    found = fastconv.avg_pool1d(x, 3, 1, **said)
    expected = fastconv.avg_pool1d(x, 3, 1, algorithm="reference", **said)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("n", "kernel", "stride"), [(1, 10, 1), (1, 10, 3), (3, 9, 2)])
def test_a_window_that_hangs_over_too_far_is_refused(n, kernel, stride):
    with pytest.raises(ValueError, match=f"max_pool1d: input has size {n} on axis L, but a window"):
        fastconv.max_pool1d(np.ones((1, n)), kernel, stride, ceil_mode=True)
    assert fastconv.max_pool1d(np.ones((1, n)), kernel, kernel, ceil_mode=True).shape == (1, 1)


@pytest.mark.parametrize("algorithm", ["direct", "reference"])
@pytest.mark.parametrize("sample", [-0.1, 1.5, np.nan, 2.7e8])
def test_samples_beyond_their_range_would_read_beyond_the_input(sample, algorithm):
    x, out = numbers((1, 50, 50), "f4"), np.full((1, 20, 20), 7, np.float32)
    samples = np.array([[[0.5, sample]]])
    with pytest.raises(ValueError, match=r"_random_samples\[0, 0, 1\] is .*, but it must be from"):
        fastconv.fractional_max_pool2d(x, 2, 20, None, False, samples, out=out, algorithm=algorithm)
    assert (out == 7).all()


@pytest.mark.parametrize("pool", ["avg_pool1d", "adaptive_avg_pool1d", "lp_pool1d"])
def test_a_result_of_bool_is_refused(pool):
    arguments = (2, 2) if pool == "lp_pool1d" else (2,)
    with pytest.raises(TypeError, match=f"{pool}: dtype is bool, but it must be an integer dtype"):
        getattr(fastconv, pool)(np.ones((1, 4)), *arguments, dtype=bool)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("algorithm", ["direct", "reference"])
def test_what_integers_do_not_hold_is_the_nearest_or_0_without_a_warning(algorithm):
    x = np.array([[np.inf, 1e300, -1e300, -np.inf, np.inf, -np.inf]])
    got = fastconv.avg_pool1d(x, 2, dtype=np.int64, algorithm=algorithm)
    np.testing.assert_array_equal(got, [[2**63 - 1, -(2**63), 0]])
    got = fastconv.global_avg_pool1d(x[:, :2], dtype=np.int64, algorithm=algorithm)
    np.testing.assert_array_equal(got, [[2**63 - 1]])
    got = fastconv.lp_pool1d(x[:, 1:3], 3, 2, algorithm=algorithm)
    np.testing.assert_array_equal(got, [[np.inf]])


@pytest.mark.parametrize("dtype", ["f4", "i4", "f8", "u1"])
def test_one_window_of_a_fractional_pool_is_not_the_whole_plane(dtype):
    x = np.arange(3 * 4 * 5).reshape(1, 3, 4, 5)[..., ::-1, ::-1].astype(dtype)  # largest first
    got = fastconv.fractional_max_pool2d(np.ascontiguousarray(x), (2, 3), 1, rng=0)
    np.testing.assert_array_equal(got, x[:, :, 2:3, 2:3])


@pytest.mark.parametrize("shape", [(4, 16, 5, 7), (3, 1, 7, 9), (2, 3, 20, 33)])
def test_bits_of_global_averages_do_not_depend_on_other_planes_or_on_out(shape):
    x = np.random.default_rng(3).standard_normal(shape, "f4")
    whole = fastconv.global_avg_pool2d(x)
    for n, c in np.ndindex(shape[:2]):
        alone = fastconv.global_avg_pool2d(x[n : n + 1, c : c + 1].copy())
        assert alone.item() == whole[n, c, 0, 0]
    out = np.zeros((*shape[:2], 1, 2), "f4")[..., :1]
    np.testing.assert_array_equal(fastconv.global_avg_pool2d(x, out=out), whole)


@pytest.mark.parametrize("pool", ["max_pool1d", "avg_pool1d"])
def test_a_window_never_reads_what_is_cropped(pool):
    x, said = np.array([[1.0, 2, 3, 9]]), {"padding": [(0, -1)], "ceil_mode": True}
    with pytest.raises(ValueError, match=f"{pool}: ceil_mode is True, but it must be False where"):
        getattr(fastconv, pool)(x, 2, **said)
    assert getattr(fastconv, pool)(x, 3, **said).shape == (1, 1)  # none hangs over


def test_a_fractional_pool_needs_a_kernel():
    with pytest.raises(TypeError, match="fractional_max_pool2d: kernel_size is None, but it must"):
        fastconv.fractional_max_pool2d(np.ones((1, 3, 3)), None, 2)


@pytest.mark.parametrize("dtype", ["i4", "?", "f4"])
def test_without_nan_omit_counts_the_same_of_every_dtype(dtype):
    x = np.ones((1, 3, 5), dtype)
    for algorithm in ("auto", "reference"):
        got = fastconv.avg_pool1d(x, 3, 1, 1, nan_policy="omit", algorithm=algorithm)
        assert (got == 1).all()


@pytest.mark.parametrize("rng", ["a", -1])
def test_rng_is_refused_by_name(rng):
    with pytest.raises((TypeError, ValueError), match="fractional_max_pool2d: rng is"):
        fastconv.fractional_max_pool2d(np.ones((1, 4, 4)), 2, 2, rng=rng)


def test_what_out_must_be():
    x = np.ones((1, 2, 3, 5))
    for out, message in (
        ([x, x], "out is a list, but it must be a tuple of two arrays, values and indices"),
        ((x, x.astype("i4")), "out[1] has dtype int32, but it must be int64, unless index_dtype "),
    ):
        with pytest.raises(TypeError, match=f"max_pool2d: {re.escape(message)}"):
            fastconv.max_pool2d(x, 1, return_indices=True, out=out)
    for pool, more in ((fastconv.avg_pool2d, ()), (fastconv.lp_pool2d, (2,))):
        with pytest.raises(TypeError, match="but it must be float64, unless dtype says otherwise"):
            pool(x, *more, 1, out=x.astype("f4"))
