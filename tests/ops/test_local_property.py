# SPDX-License-Identifier: BSD-3-Clause
"""Any locally connected layer that can be asked for, against the reference.

``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_local_property.py`` looks further.
"""

import os

import numpy as np
import pytest
from arrays import BF16, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from truth import assert_same_bits as assert_same_real_bits
from unshared import assert_right, run, specified
from ways import CONV, ISAS, WORDS

from fastconv._spec.borders import MODES
from fastconv._spec.conv import make_conv_spec

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "1500"))
SIZES = {1: 19, 2: 7, 3: 4}  # the longest axis, by rank
FLOATS = ("f4", "f4", "f8", "f2", BF16, "c8", "c16")
INTEGERS = ("u1", "i1", "i2", "i4", "i8", "u8")

pytestmark = pytest.mark.usefixtures("poisoned")


@st.composite
def problems(draw, dtypes=(*FLOATS, *INTEGERS)):
    """(input, weight, keywords of arrays, keywords of the layer)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    c_in = draw(st.sampled_from([1, 2, 3, 5, 0, 17]))
    c_out = draw(st.sampled_from([1, 1, 2, 3, 5, 7, 19]))
    batch = draw(st.sampled_from([(), (1,), (2,), (3,), (5,), (7,), (0,)]))
    src = per_axis(st.integers(1, SIZES[rank]))
    wei = per_axis(st.sampled_from([1, 2, 3, 4, 5, 7] if rank < 3 else [1, 2, 3]))
    pair = st.tuples(st.integers(-2, 5), st.integers(-2, 5))
    last = draw(st.booleans())
    said = {
        "stride": per_axis(st.sampled_from([1, 1, 2, 3, 5])),
        "padding": draw(
            st.sampled_from(WORDS)
            | st.integers(0, 4)
            | st.lists(pair, min_size=rank, max_size=rank)
        ),
        "dilation": per_axis(st.sampled_from([1, 1, 1, 2, 3])),
        "groups": groups,
        "channels_last": last,
        "flip": draw(st.booleans()),
    }
    if draw(st.booleans()):
        said["padding_mode"] = draw(
            st.sampled_from(sorted(MODES))
            | st.lists(st.sampled_from(sorted(MODES)), min_size=rank, max_size=rank)
        )
    first = draw(st.sampled_from(dtypes))
    second = draw(st.sampled_from([d for d in dtypes if (d in INTEGERS) == (first in INTEGERS)]))
    if {first, second} in ({BF16, "f2"}, {"u8", "i1"}, {"u8", "i2"}, {"u8", "i4"}, {"u8", "i8"}):
        second = first
    x = numbers((*batch, groups * c_in, *src), first)
    if last:
        x = np.ascontiguousarray(np.moveaxis(x, len(batch), -1))
    shared = (groups * c_out, c_in, *wei)
    try:
        problem = make_conv_spec("conv", rank, x.shape, x.dtype, shared, np.dtype(second), **said)
    except ValueError:  # no output, or a border of nothing
        assume(False)
    w = numbers((*problem.outputs[3 - rank :], *shared), second, seed=1)
    integer, real = problem.arithmetic.integer, problem.components == 1
    if "constant" in str(said.get("padding_mode", "constant")) and draw(st.booleans()):
        said["padding_value"] = 3
    if draw(st.booleans()):
        said |= {"alpha": draw(st.sampled_from([2, -3]))}
    if real and draw(st.booleans()):
        said |= {"activation": draw(st.sampled_from(["relu", ("clip", -3, 5), "relu6"]))}
    if real and not integer and draw(st.booleans()):
        said |= {"dtype": draw(st.sampled_from(["f4", "f8", "c8"])), "activation": None}
        said |= draw(st.sampled_from([{}, {"dtype": np.uint8, "overflow": "saturate"}]))
    problem = specified(x, w, **said)
    addend = problem.dtype if problem.dtype.kind != "u" else np.dtype("f4")
    if integer:
        addend = np.dtype("i2")
    arrays = {}
    if draw(st.booleans()):
        places = problem.outputs[3 - rank :] if draw(st.booleans()) else ()
        arrays["bias"] = numbers((groups * c_out, *places), addend, seed=2)
    if draw(st.booleans()):
        arrays["residual"] = numbers(problem.output_shape, addend, seed=3)
    if draw(st.booleans()):
        said["beta"] = 2
    x, w = (READABLE[draw(st.sampled_from(sorted(READABLE)))](a) for a in (x, w))
    return x, w, arrays, said


hows = st.fixed_dictionaries(
    {
        "isa": st.sampled_from(ISAS),
        "threads": st.sampled_from([1, 2, 3, 7]),
        "prepared": st.booleans(),
    }
)


def several(share):
    return settings(
        max_examples=max(1, int(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )


def assert_same_bits(got, expected):
    """The same for complex numbers, and for any strides."""
    for part in ("real", "imag") if expected.dtype.kind == "c" else ("real",):
        pair = (getattr(a, part) if a.dtype.kind == "c" else a for a in (got, expected))
        assert_same_real_bits(*(a.copy() for a in pair))


def before(problem):
    """What is in an output."""
    return numbers(problem.output_shape, problem.dtype, seed=4)


@several(0.25)
@given(problem=problems(), how=hows, to=st.sampled_from([None, *sorted(WRITEABLE)]))
def test_against_the_reference(problem, how, to):
    x, w, arrays, said = problem
    spec, out, old = specified(x, w, **said), None, None
    if to is not None or "beta" in said:
        old = before(spec)
        out = WRITEABLE[to or "contiguous"](old.copy())
    got = run(x, w, **arrays, out=out, **said, **how)
    assert out is None or got is out
    assert_right(got, x, w, **arrays, out=old, **said)


@several(0.1)
@given(problem=problems(FLOATS), how=hows, data=st.data())
def test_infinities_and_nans_touch_what_they_meet(problem, how, data):
    """Zero padding adds nothing; elsewhere outputs are inf or NaN where the truth is."""
    x, w, arrays, said = problem
    said["dtype"] = None
    spec = specified(x, w, **said)
    assume(spec.components == 1)
    arrays = {name: a.real.astype("f4") for name, a in arrays.items()}
    old = before(spec)
    x, w = x.copy(), w.copy()
    for array in (x, w):
        for _ in range(data.draw(st.integers(0, 3)) if array.size else 0):
            at = data.draw(st.integers(0, array.size - 1))
            array.flat[at] = data.draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    got = run(x, w, **arrays, out=old.copy(), **said, **how)
    with np.errstate(invalid="ignore"):
        assert_right(got, x, w, **arrays, out=old, **said)


@several(0.1)
@given(problem=problems(), how=hows, isa=st.sampled_from(ISAS))
def test_bits_do_not_depend_on_how_it_runs(problem, how, isa):
    """Threads, prepared or not, layouts, the place of the channels, one image at a time."""
    x, w, arrays, said = problem
    old = before(specified(x, w, **said))
    one = {"isa": isa, "threads": 1}
    expected = run(x, w, **arrays, out=old.copy(), **said, **one)
    assert_same_bits(run(x, w, **arrays, out=old.copy(), **said, **how | {"isa": isa}), expected)
    assert_same_bits(run(x.copy(), w.copy(), **arrays, out=old.copy(), **said, **one), expected)
    rank = w.ndim // 2 - 1
    batched = x.ndim == rank + 2
    if said["channels_last"]:

        def turned(a):
            return np.moveaxis(a, -1, -1 - rank)
    else:

        def turned(a):
            return np.moveaxis(a, -1 - rank, -1)

    more = {name: turned(a) if name == "residual" else a for name, a in arrays.items()}
    other = said | {"channels_last": not said["channels_last"]}
    got = run(turned(x), w, **more, out=turned(old).copy(), **other, **one)
    assert_same_bits(got, turned(expected))
    for n in range(len(x) if batched else 0):
        more = {name: a[n] if name == "residual" else a for name, a in arrays.items()}
        assert_same_bits(run(x[n], w, **more, out=old[n].copy(), **said, **one), expected[n])


@several(0.1)
@given(problem=problems(INTEGERS), how=hows)
def test_the_same_weights_everywhere_are_those_of_a_convolution(problem, how):
    """Exactly, for integers."""
    x, w, arrays, said = problem
    rank = w.ndim // 2 - 1
    shared = w[(0,) * rank]
    if arrays.get("bias") is not None:
        arrays["bias"] = arrays["bias"].reshape(len(arrays["bias"]), -1)[:, 0]
    old = before(specified(x, w, **said))
    expected = CONV[rank](x, shared, **arrays, out=old.copy(), **said)
    got = run(x, np.broadcast_to(shared, w.shape), **arrays, out=old.copy(), **said, **how)
    np.testing.assert_array_equal(got, expected)
