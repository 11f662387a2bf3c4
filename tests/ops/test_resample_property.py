# SPDX-License-Identifier: BSD-3-Clause
"""Any interpolation and unpooling that can be asked for, against the reference.

``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_resample_property.py`` looks further.
"""

import os

import numpy as np
import pytest
from arrays import BF16, EVERY, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from resampled import ANTIALIASED, COPYING, MODES, UNPOOL
from ways import ISAS

import fastconv
from fastconv import interpolate
from fastconv._spec.dtypes import is_integer

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "1500"))
SIZES = {1: 70, 2: 23, 3: 9}  # the longest axis, by rank
several = settings(
    max_examples=max(1, EXAMPLES // 3),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)

pytestmark = pytest.mark.usefixtures("poisoned")


@st.composite
def arrays(draw, rank, batches):
    """An array of any layout, with its channels first."""
    lead = (*draw(st.sampled_from(batches)), draw(st.sampled_from([1, 2, 3, 5, 8, 17, 33, 67, 0])))
    shape = (*lead, *(draw(st.integers(1, SIZES[rank])) for _ in range(rank)))
    x = numbers(shape, draw(st.sampled_from(EVERY)))
    layouts = sorted(READABLE)
    if x.dtype == BF16:  # NumPy has no swapped bfloat16
        layouts = [name for name in layouts if "swapped" not in name]
    if len(lead) == 1:  # they are layouts of batches
        return READABLE[draw(st.sampled_from(layouts))](x[None])[0]
    return READABLE[draw(st.sampled_from(layouts))](x)


@st.composite
def interpolations(draw):
    """(input, keywords)."""
    rank = draw(st.integers(1, 3))
    x = draw(arrays(rank, [(1,), (2,), (3,), (0,)]))
    mode = draw(st.sampled_from(MODES[rank]))
    assume(x.dtype.kind != "b" or mode in COPYING)
    said = {"mode": mode}
    if draw(st.booleans()):
        most = 2 * SIZES[rank]
        said["size"] = [draw(st.integers(1, most)) for _ in range(rank)]
        if draw(st.booleans()):
            said["size"][-1] = x.shape[-1]
    else:
        scales = st.sampled_from([2, 3, 0.5, 1, 1.5]) | st.floats(0.1, 4)
        said["scale_factor"] = [draw(scales) for _ in range(rank)]
        pairs = zip(x.shape[2:], said["scale_factor"], strict=True)
        assume(min(n * scale for n, scale in pairs) >= 1)
        said["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
    if mode not in (*COPYING, "area"):
        said["align_corners"] = draw(st.sampled_from([None, False, True]))
    if mode in ANTIALIASED:
        said["antialias"] = draw(st.booleans())
    return x, said


@st.composite
def unpoolings(draw):
    """(input, name of the rule, keywords)."""
    rank = draw(st.integers(1, 3))
    x = draw(arrays(rank, [(), (1,), (2,), (0,)]))
    small = st.lists(st.integers(1, 4), min_size=rank, max_size=rank)
    kernel, stride = draw(small), draw(small)
    padding = [draw(st.integers(0, 2)) for _ in range(rank)]
    sizes = [
        (n - 1) * s + k - 2 * p + draw(st.integers(1 - s, s - 1))
        for n, k, s, p in zip(x.shape[x.ndim - rank :], kernel, stride, padding, strict=True)
    ]
    assume(min(sizes) >= 1)
    said = {"kernel_size": kernel, "stride": stride, "padding": padding, "output_size": sizes}
    if draw(st.booleans()):
        plain = zip(x.shape[x.ndim - rank :], kernel, stride, padding, strict=True)
        assume(min((n - 1) * s + k - 2 * p for n, k, s, p in plain) >= 1)
        del said["output_size"]
    return x, draw(st.sampled_from(sorted(UNPOOL))), said


hows = st.fixed_dictionaries(
    {
        "isa": st.sampled_from(ISAS),
        "threads": st.sampled_from([1, 2, 3]),
        "last": st.booleans(),
        "to": st.sampled_from([None, *sorted(WRITEABLE)]),
    }
)


def run(function, x, rank, isa, threads, last, to, **said):
    """The result with channels first, in a new array or in one of any layout."""
    given = np.moveaxis(x, -1 - rank, -1) if last else x
    said["channels_last"] = last
    out = None
    if to is not None and x.ndim == rank + 2:
        shape = fastconv.plan(function, given, **said).output_shape
        first = (shape[0], shape[-1], *shape[1:-1]) if last else shape
        if x.dtype == BF16:
            to = to.replace("swapped steps", "steps").replace("swapped", "misaligned")
        native = x.dtype if x.dtype == BF16 else x.dtype.newbyteorder("=")
        made = WRITEABLE[to](numbers(first, native, 3))
        out = np.moveaxis(made, 1, -1) if last else made
    with fastconv.settings(isa=isa):
        got = function(given, threads=threads, out=out, **said)
    assert out is None or got is out
    got = np.moveaxis(got, -1, -1 - rank) if last else got
    return got if got.dtype == BF16 else got.astype(got.dtype.newbyteorder("="))


def bits(array):
    return np.ascontiguousarray(array).tobytes()


@several
@given(problem=interpolations(), how=hows)
def test_interpolation_against_the_reference(problem, how):
    x, said = problem
    rank = x.ndim - 2
    got = run(interpolate, x, rank, **how, **said)
    slow = interpolate(x, algorithm="reference", **said)
    if said["mode"] in COPYING:
        assert bits(got) == bits(slow)
    elif is_integer(got.dtype):
        away = got.astype(float) - slow.astype(float)
        bound = 1 if got.dtype.itemsize < 8 else 2**13
        assert abs(away).max(initial=0) <= bound
    else:
        wide = np.complex128 if got.dtype.kind == "c" else np.float64
        size = 1 if got.dtype == BF16 else np.finfo(got.dtype).eps * 50
        size = 2**-5 if got.dtype == BF16 else size
        np.testing.assert_allclose(got.astype(wide), slow.astype(wide), rtol=size, atol=4 * size)
    other = run(interpolate, x, rank, **how | {"threads": how["threads"] % 3 + 1}, **said)
    assert bits(other) == bits(got)


@several
@given(problem=unpoolings(), how=hows)
def test_unpooling_against_the_reference(problem, how):
    x, kind, said = problem
    rank = len(said["kernel_size"])
    function = UNPOOL[kind][rank - 1]
    got = run(function, x, rank, **how, **said)
    assert bits(got) == bits(function(x, algorithm="reference", **said))
