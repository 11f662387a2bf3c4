# SPDX-License-Identifier: BSD-3-Clause
"""Any convolution that can be asked for, against the reference.

``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_conv_property.py`` looks further.
"""

import os

import numpy as np
import pytest
from arrays import DTYPES, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from truth import assert_right, specified
from ways import ALGORITHMS, CONV, ISAS, WORDS

import fastconv

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "1500"))
SIZES = {1: 61, 2: 23, 3: 9}  # the longest axis, by rank

pytestmark = pytest.mark.usefixtures("poisoned")


@st.composite
def problems(draw):
    """(input, weight, bias, keywords of the convolution)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    c_in = draw(st.sampled_from([1, 2, 3, 5, 0, 17, 71]))
    c_out = draw(st.sampled_from([1, 2, 3, 5, 7, 13, 14, 17, 33]))
    batch = draw(st.sampled_from([(), (1,), (2,), (3,), (0,)]))
    src = per_axis(st.integers(0, SIZES[rank]))
    wei = per_axis(st.sampled_from([1, 2, 3, 4, 5, 7] if rank < 3 else [1, 2, 3, 4]))
    side = st.integers(-2, 4)
    pair = st.tuples(side, side)
    said = {
        "stride": draw(st.integers(1, 4)) if draw(st.booleans()) else per_axis(st.integers(1, 5)),
        "padding": draw(
            st.sampled_from(WORDS)
            | st.integers(0, 4)
            | st.lists(pair, min_size=rank, max_size=rank)
        ),
        "dilation": draw(st.sampled_from([1, 1, 2])) if draw(st.booleans())
        else per_axis(st.integers(1, 6)),
        "groups": groups,
    }  # fmt: skip
    dtypes = [draw(st.sampled_from(DTYPES)) for _ in range(2)]
    x = numbers((*batch, groups * c_in, *src), dtypes[0])
    w = numbers((groups * c_out, c_in, *wei), dtypes[1], seed=1)
    try:
        specified(x, w, **said)
    except ValueError:  # no output cell
        assume(False)
    x, w = (READABLE[draw(st.sampled_from(sorted(READABLE)))](a) for a in (x, w))
    bias = draw(st.sampled_from([None, "f4", "f8"]))
    bias = None if bias is None else numbers((groups * c_out,), bias, seed=2)
    return x, w, bias, said


hows = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(["auto", *ALGORITHMS]),
        "isa": st.sampled_from(ISAS),
        "threads": st.sampled_from([1, 2, 3, 7]),
        "to": st.sampled_from([None, *sorted(WRITEABLE)]),
        "prepared": st.booleans(),
    }
)


def run(x, w, bias, said, *, isa, to, prepared, **how):
    problem = specified(x, w, **said)
    out = None
    if to is not None:
        out = WRITEABLE[to](np.full(problem.output_shape, np.nan, problem.dtype))
    with fastconv.settings(isa=isa):
        if prepared:
            got = fastconv.prepare(w, bias, **said, **how)(x, out=out)
        else:
            got = CONV[problem.rank](x, w, bias, **said, out=out, **how)
    assert out is None or got is out
    return got


def several(share):
    return settings(
        max_examples=max(1, int(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )


@several(1)
@given(problem=problems(), how=hows)
def test_against_the_reference(problem, how):
    x, w, bias, said = problem
    assert_right(run(x, w, bias, said, **how), x, w, bias, **said)


@several(0.5)
@given(problem=problems(), how=hows, data=st.data())
def test_infinities_and_nans_touch_what_they_meet(problem, how, data):
    """On padding they add nothing; elsewhere the outputs are inf or NaN where the truth is."""
    x, w, bias, said = problem
    x, w = x.copy(), w.copy()
    for array in (x, w):
        for _ in range(data.draw(st.integers(0, 2)) if array.size else 0):
            at = data.draw(st.integers(0, array.size - 1))
            array.flat[at] = data.draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    got = run(x, w, bias, said, **how)
    with np.errstate(invalid="ignore"):
        assert_right(got, x, w, bias, **said)
