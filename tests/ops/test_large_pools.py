# SPDX-License-Identifier: BSD-3-Clause
"""Pools of windows, or of pixels, that are large, or of a whole plane, against the reference."""

import numpy as np
import pytest
from arrays import numbers
from pools import assert_right
from ways import ISAS, with_caches

import fastconv
from fastconv._plan import constants, kept

pytestmark = pytest.mark.usefixtures("poisoned")


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("last", [False, True])
def test_large_windows_leave_out_nan_one_axis_after_the_other(kind, last):
    x = numbers((2, 3, 61, 67), "f4")
    x[np.random.default_rng(0).random(x.shape) < 0.4] = np.nan
    x[0, :, :20, :20] = np.nan  # whole windows
    x = np.moveaxis(x, 1, -1).copy() if last else x
    pool = getattr(fastconv, f"{kind}_pool2d")
    said = {"channels_last": last, "nan_policy": "omit"}
    assert fastconv.plan(pool, x, 13, 1, 6, **said).algorithm == "separable"
    got = pool(x, (13, 11), (1, 2), "same", **said)
    assert_right(got, pool(x, (13, 11), (1, 2), "same", **said, algorithm="reference"), exact=True)
    assert np.isinf(got).any()


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "u1", "i8", "?"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("last", [False, True])
def test_planes_too_large_for_a_task_are_pooled_in_parts(dtype, rank, last, monkeypatch):
    monkeypatch.setattr(constants, "POOL_PLANE", 100)
    monkeypatch.setattr(constants, "POOL_PLANE_PART", 37)
    kept.forget()
    x = numbers((2, 9, *{1: (311,), 2: (19, 23), 3: (7, 5, 11)}[rank]), dtype)
    x = np.moveaxis(x, 1, -1) if last else x
    for name, more in (("avg", ()), ("max", ()), ("min", ()), ("lp", (3,)), ("lp", (np.inf,))):
        pool = getattr(fastconv, f"global_{name}_pool{rank}d")
        got = pool(x, *more, channels_last=last, threads=3)
        wanted = pool(x, *more, channels_last=last, algorithm="reference")
        assert_right(got, wanted, exact=name in ("max", "min"))
        one = pool(x[:1], *more, channels_last=last, threads=1)
        assert one.tobytes() == got[:1].tobytes()
    if np.dtype(dtype).kind == "f":
        x = x.copy()
        x.flat[::3] = np.nan
        for policy in ("omit", "propagate"):
            pool = getattr(fastconv, f"global_max_pool{rank}d")
            got = pool(x, nan_policy=policy, channels_last=last)
            wanted = pool(x, nan_policy=policy, channels_last=last, algorithm="reference")
            assert_right(got, wanted, exact=True)
    kept.forget()


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_large_windows_are_done_one_axis_after_the_other(kind):
    x = numbers((1, 3, 61, 67), "f4")
    pool = getattr(fastconv, f"{kind}_pool2d")
    assert fastconv.plan(pool, x, 13, 1, 6).algorithm == "separable"
    assert fastconv.plan(pool, x, 3, 1, 1).algorithm == "direct"
    got = pool(x, (29, 31), (1, 2), "same", threads=2)
    wanted = pool(x, (29, 31), (1, 2), "same", algorithm="reference")
    assert_right(got, wanted, exact=kind == "max")


@pytest.mark.parametrize(("kind", "more"), [("avg", ()), ("lp", (3,)), ("max", ())])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("k", [13, 71])
def test_bits_of_large_windows_do_not_depend_on_caches_or_layout(kind, more, channels_last, k):
    pool = getattr(fastconv, f"{kind}_pool2d")
    x = numbers((1, 17, 73, 79), "f4")
    wanted = pool(x, *more, k, 1)
    if channels_last:
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for l2 in 2**12, 2**15, 2**20, 2**24:
        with with_caches(l2):
            got = pool(x, *more, k, 1, channels_last=channels_last)
            plan = fastconv.plan(pool, x, *more, k, 1, channels_last=channels_last)
        assert plan.algorithm == "separable" or kind == "max"
        got = np.moveaxis(got, -1, 1) if channels_last else got
        assert got.tobytes() == wanted.tobytes(), l2


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("max_pool2d", (3, 2), {"padding": ((4, 0), (0, 3))}),  # some windows hold only padding
        ("min_pool2d", (2,), {"padding": 1, "padding_mode": "wrap"}),
        ("avg_pool2d", (3, 1), {"padding": 1, "count_include_pad": False}),
        ("avg_pool2d", (2,), {"nan_policy": "omit"}),
        ("lp_pool2d", (2.0, (5, 3)), {}),
        ("global_max_pool2d", (), {}),
        ("global_avg_pool2d", (), {}),
        ("adaptive_avg_pool2d", ((3, 4),), {}),
    ],
)
def test_pixels_of_many_channels(name, arguments, said, dtype, isa):
    """They are pooled row by row."""
    x = numbers((2, 7, 11, 149), dtype)
    x[0, 3, 5, ::2] = np.nan
    pool, said = getattr(fastconv, name), {**said, "channels_last": True}
    wanted = pool(x, *arguments, **said, algorithm="reference")
    with fastconv.settings(isa=isa):
        for threads in (1, 2):
            got = pool(x, *arguments, **said, threads=threads)
            assert_right(got, wanted, exact="max" in name or "min" in name)
