# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that are outer products of 1-D ones: algorithm separable, and when "auto" takes it."""

import pickle
import re
from functools import reduce

import numpy as np
import pytest
from arrays import READABLE, WRITEABLE, numbers
from drawn import keywords
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from truth import assert_near, assert_same_bits, scale_of, specified, truth
from ways import ISAS, run, with_caches

from fastconv import conv2d, filter2d, filter_nd, kernels, plan, prepare
from fastconv._plan import factored
from fastconv._spec import reference

pytestmark = pytest.mark.usefixtures("poisoned")

REASON = "weight is the outer product of 1-D kernels"


def outer_product(sizes, dtype="f4", seed=1):
    """A kernel of small integers, which no rounding changes."""
    random = np.random.default_rng(seed)
    factors = [random.integers(1, 9, n) * random.choice([-1, 1], n) for n in sizes]
    return reduce(np.multiply.outer, factors).astype(dtype)


def assert_within_its_bound(got, x, w, bias=None, residual=None, out=None, **said):
    """As docs/operations.md has it."""
    problem = specified(x, w, bias, residual, **said)
    expected, bound = truth(x, w, bias, residual, out, **said)
    turned = w[(..., *[slice(None, None, -1)] * problem.rank)] if problem.flipped else w
    size = scale_of(problem, reference.magnitude(problem, x, turned), bias, residual, out)
    taps = [axis.k for axis in problem.user_axes if axis.k > 1]
    unit = 2.0**-24 if problem.arithmetic.tile == "f" else 2.0**-53
    ours = unit * (sum(min(256, k) + k / 256 + 10 for k in taps) + 2 + 4) * size
    if not problem.epilogue.activation and problem.dtype == problem.sum_dtype:
        bound = ours
    assert_near(got, problem, expected, bound)


# ---- by name: any convolution with one kernel ---------------------------------------------------


@st.composite
def convolutions(draw):
    """(input, weight, bias, keywords), the weight an outer product."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    said = keywords(draw, rank)
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    sizes = per_axis(st.sampled_from([2, 5, 11, 17]))
    groups = draw(st.sampled_from([1, 1, 3]))
    shape = (*sizes, groups) if said["channels_last"] else (groups, *sizes)
    source, kernel = draw(
        st.sampled_from(["f4 f4", "f8 f8", "f4 f8", "u1 f4", "f2 f2", "c8 f4", "f4 i2"])
    ).split()
    x = numbers((*batch, *shape), source)
    w = outer_product(per_axis(st.sampled_from([1, 2, 3, 5])), kernel)
    w = np.broadcast_to(w, (groups, 1, *w.shape))
    said["groups"] = groups
    if source != "c8" and draw(st.booleans()):
        said["activation"] = "relu"
    try:
        sizes = specified(x, w, **said).output_shape
    except ValueError:  # no output
        assume(False)
    bias = draw(st.sampled_from([None, "f4"]))
    residual = numbers(sizes, "c8" if source == "c8" else "f4", 3) if draw(st.booleans()) else None
    return x, w, None if bias is None else numbers((groups,), bias, 2), residual, said


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=convolutions(),
    isa=st.sampled_from(ISAS),
    threads=st.sampled_from([1, 2, 7]),
    layout=st.sampled_from(["contiguous", "steps", "backwards", "swapped", "misaligned"]),
    to=st.sampled_from([None, *sorted(set(WRITEABLE) - {"channels last"})]),
    l2=st.sampled_from([None, 64, 4096]),
)
def test_any_convolution_with_one_kernel(problem, isa, threads, layout, to, l2):
    x, w, bias, residual, said = problem
    spec = specified(x, w, bias, residual, **said)
    given = READABLE[layout](x), w, bias
    got = run(*given, isa=isa, residual=residual, algorithm="separable", threads=1, **said)
    assert_within_its_bound(got, x, w, bias, residual, **said)
    out = None if to is None else WRITEABLE[to](np.full(spec.output_shape, 7, spec.dtype))
    said = said | {"residual": residual, "algorithm": "separable", "threads": threads}
    with with_caches(l2 or 2**20):
        made = run(*given, isa=isa, out=out, **said)
        assert out is None or made is out
        assert_same_bits(made.astype(spec.dtype), got)
        assert_same_bits(run(*given, isa=isa, prepared=True, **said), got)
    if spec.batched:
        for image, one in zip(x, got, strict=True):
            said["residual"] = None
            if residual is None:
                assert_same_bits(run(image, w, bias, isa=isa, **said), one)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3, 1), (1, 1, 1, 1, 1)])
def test_kernels_of_one_tap_and_of_one_axis(shape):
    x, w = numbers((2, 1, *(5, 7, 3)[: len(shape) - 2])), numbers(shape, seed=1)
    for said in ({}, {"stride": 2}, {"padding": 1}):
        got = run(x, w, algorithm="separable", **said)
        assert_within_its_bound(got, x, w, **said)


def test_an_input_without_elements():
    assert conv2d(np.ones((0, 1, 5, 7)), np.ones((1, 1, 3, 3)), algorithm="separable").shape == (
        *(0, 1, 3, 5),
    )


# ---- "auto" ------------------------------------------------------------------------------------


def taken(x, w, function=conv2d, **said):
    return plan(function, x, w, **said).algorithm


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("size", [9, 17])
def test_it_takes_kernels_with_factors(dtype, size):
    w = outer_product((size, size), "f8" if dtype == "f8" else "f4") / 64
    w = w.astype(dtype)
    x = numbers((3, 1, 37, 41), dtype)
    weight = w[None, None]
    expected = conv2d(x, weight, algorithm="separable")
    assert taken(x, weight) == "separable"
    how = plan(conv2d, x, weight)
    assert how.chosen == REASON
    assert how.variants == ()
    assert dict(how.refused)["direct"] == "more multiply-adds"
    for threads in (1, 2, 7):
        assert_same_bits(conv2d(x, weight, threads=threads), expected)
    layer = prepare(weight)
    for made in (layer, pickle.loads(pickle.dumps(layer))):
        assert_same_bits(made(x), expected)
        assert made.plan(x).chosen == REASON
    assert_same_bits(np.concatenate([conv2d(image[None], weight) for image in x]), expected)
    last = conv2d(np.moveaxis(x, 1, -1), weight, channels_last=True)
    assert_same_bits(np.moveaxis(last, -1, 1), expected)
    for image in x:
        alone = filter2d(image[0], w, padding="valid")
        assert_same_bits(alone, expected[0, 0] if image is x[0] else conv2d(image, weight)[0])
    if dtype != "f2":
        direct = conv2d(x, weight, algorithm="direct")
        assert (direct.view("i1") != expected.view("i1")).any()
        assert_within_its_bound(expected, x, weight)


def test_channels_of_an_image_share_the_kernel():
    image, w = numbers((37, 41, 3)), outer_product((9, 11))
    assert taken(image, w, filter2d) == "separable"
    got = filter2d(image, w)
    for channel in range(3):
        assert_same_bits(got[..., channel], filter2d(image[..., channel], w))
    assert_same_bits(prepare(filter2d, w)(image), got)
    volume = numbers((11, 13, 17, 2))
    w = outer_product((5, 5, 5))
    assert taken(volume, w, filter_nd) == "separable"
    assert_same_bits(prepare(filter_nd, w)(volume), filter_nd(volume, w))
    layer = prepare(filter2d, np.ones((9, 9), np.float32))
    assert layer.plan((37, 41, 3)).chosen == REASON


def test_large_kernels_are_not_kept():
    before = factored._kept.cache_info().currsize
    x, w = numbers((1, 203, 211)), outer_product((191, 197))[None, None]
    assert w.nbytes > factored.KERNEL_BYTES
    assert taken(x, w) == "separable"
    assert_within_its_bound(conv2d(x, w), x, w)
    assert factored._kept.cache_info().currsize == before


def test_layers_choose_by_their_own_weights():
    x, w = numbers((1, 37, 41)), outer_product((9, 9))[None, None]
    for _ in range(2):
        assert prepare(w).plan(x).algorithm == "separable"
        assert_same_bits(prepare(w)(x), conv2d(x, w))
        w = numbers(w.shape, seed=3)
        assert prepare(w).plan(x).algorithm != "separable"
        assert_same_bits(prepare(w)(x), conv2d(x, w, algorithm="direct"))
        assert_same_bits(conv2d(x, w), conv2d(x, w, algorithm="direct"))
        w = outer_product((9, 9), seed=5)[None, None]


def test_what_it_leaves_to_the_others():
    x, w = numbers((1, 37, 41)), outer_product((9, 9))
    weight = w[None, None]
    nan, inf = weight.copy(), weight.copy()
    nan[..., 1, 1], inf[..., 1, 1] = np.nan, np.inf
    twice = np.broadcast_to(weight, (2, 1, 9, 9))
    for image, kernel, said, reason in (
        (x, numbers((1, 1, 9, 9), seed=2), {}, f"only if {REASON}"),
        (x, nan, {"padding": 1}, f"only if {REASON}"),
        (x, inf, {"padding": 1}, f"only if {REASON}"),
        (x, weight[..., :5, :5], {}, "too few taps"),
        (x, weight[..., :1], {}, "too few taps"),
        (x, weight, {"stride": (1, 3)}, None),
        (x, weight[..., :7, :8], {"stride": (1, 3)}, "too few taps"),
        (x.astype("i2"), weight.astype("i2"), {}, "sums are integers"),
        (x, weight.astype("c8"), {}, "complex weights"),
        (np.concatenate([x, x]), np.concatenate([weight, weight], 1), {}, "a group has 2 x 1 kern"),
        (np.concatenate([x, x]), twice.copy(), {"groups": 2}, "channels have kernels of their own"),
    ):
        how = plan(conv2d, image, kernel, **said)
        if reason is None:
            assert how.algorithm == "separable"
            continue
        assert how.algorithm != "separable"
        assert dict(how.refused)["separable"].startswith(reason)
        expected = conv2d(image, kernel, algorithm="direct", **said)
        assert_same_bits(conv2d(image, kernel, **said), expected)
    # Copies of the weights have the bits of shared ones.
    two = np.concatenate([x, x])
    assert_same_bits(conv2d(two, twice, groups=2), conv2d(two, twice.copy(), groups=2))


def test_a_plan_of_shapes_depends_on_the_values():
    for how in (
        plan(conv2d, (1, 37, 41), (1, 1, 9, 9)),
        plan(filter2d, (37, 41, 3), (9, 9)),
        plan(filter_nd, (37, 41), (9, 9)),
    ):
        assert how.algorithm != "separable"
        assert how.variants == (REASON,)
        assert f"depends on the values: another plan runs if {REASON}" in str(how)
    assert REASON not in plan(conv2d, (1, 37, 41), (1, 1, 9, 9), algorithm="direct").variants


def test_the_stride_of_later_axes_counts():
    for stride, cheaper in (((1, 1), True), ((3, 1), True), ((1, 3), True), ((1, 4), False)):
        spec = specified(np.ones((1, 99, 99)), np.ones((1, 1, 9, 9)), stride=stride)
        assert factored.is_cheaper(spec) == cheaper


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_auto_chooses_does_not_depend_on_the_input(data):
    w = data.draw(
        st.sampled_from([outer_product((9, 9)), numbers((9, 9)), kernels.gaussian(sigma=1.5)])
    )
    shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
    chosen = {
        taken(np.ones((1, *data.draw(shapes)), w.dtype), w[None, None], padding=9, threads=threads)
        == "separable"
        for threads in (1, 2, 7)
    }
    assert len(chosen) == 1


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [numbers((5, 5)), np.full((5, 5), np.nan, np.float32)])
def test_other_kernels_are_refused_by_name(w):
    x, out = numbers((37, 41)), np.full((33, 37), 7, np.float32)
    message = "{}: {} has other elements than an outer product of 1-D kernels has, to the rounding "
    message += "of float32, but it must"
    calls = (
        ("filter2d", "kernel", lambda **k: filter2d(x, w, padding=0, out=out, **k)),
        ("conv2d", "weight", lambda **k: conv2d(x[None], w[None, None], out=out[None], **k)),
        ("filter2d", "kernel", lambda **k: plan(filter2d, x, w, **k)),
        ("conv2d", "weight", lambda **k: prepare(w[None, None], **k)(x[None], out=out[None])),
        ("conv2d", "weight", lambda **k: prepare(w[None, None], **k).plan(x[None])),
        ("filter2d", "kernel", lambda **k: prepare(filter2d, w, **k)(x)),
    )
    for name, argument, call in calls:
        with pytest.raises(ValueError, match=f"^{re.escape(message.format(name, argument))}"):
            call(algorithm="separable")
    assert (out == 7).all()


@pytest.mark.parametrize("dtype", ["f8", "i4"])
def test_a_kernel_that_was_rounded_to_another_dtype_is_refused_with_the_reason(dtype):
    x, w = numbers((37, 41), dtype), kernels.gaussian(sigma=2)
    assert plan(filter2d, x, w).algorithm == "separable"
    w = w.astype(np.float32)
    assert plan(filter2d, x, w).algorithm != "separable"
    message = (
        "filter2d: kernel is an outer product of 1-D kernels only to the rounding of float32, "
        "but for algorithm 'separable' it must be one to that of float64; pass a kernel that is "
        "computed in float64, or use fastconv.separable_filter"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        filter2d(x, w, algorithm="separable")
    w[3, 5] *= 2
    with pytest.raises(ValueError, match=r"has other elements .*, to the rounding of float64, "):
        filter2d(x, w, algorithm="separable")


@pytest.mark.parametrize(
    ("x", "w", "reason"),
    [
        (np.ones((1, 9), "i2"), np.ones((1, 1, 3), "i2"), "sums are integers"),
        (np.ones((1, 9)), np.ones((1, 1, 3), "c8"), "complex weights"),
        (np.ones((1, 9)), np.ones((2, 1, 3)), "a group has 1 x 2 kernels, not one"),
    ],
)
def test_other_convolutions_are_refused_by_name(x, w, reason):
    with pytest.raises(ValueError, match=f"^conv1d: algorithm is 'separable', .*{reason}"):
        run(x, w, algorithm="separable")
