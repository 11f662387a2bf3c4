# SPDX-License-Identifier: BSD-3-Clause
"""What a locally connected layer has to give, and calls of it in any way."""

from dataclasses import replace

import numpy as np
from truth import assert_near, bound_of, scale_of

import fastconv
from fastconv import local_conv1d, local_conv2d, local_conv3d
from fastconv._spec import reference
from fastconv._spec.local import make_local_spec

LOCAL = {1: local_conv1d, 2: local_conv2d, 3: local_conv3d}


def rank_of(w):
    """Spatial axes of a layer with these weights."""
    return w.ndim // 2 - 1


def specified(x, w, bias=None, residual=None, **said):
    """The specification of a call."""
    rank = rank_of(w)
    arrays = (x.shape, x.dtype, w.shape, w.dtype)
    given = {"bias": bias is not None, "residual": residual is not None}
    return make_local_spec(f"local_conv{rank}d", rank, *arrays, **said, **given)


def truth(x, w, bias=None, residual=None, out=None, **said):
    """(what the reference says, how far from it a result may be)."""
    problem = specified(x, w, bias, residual, **said)
    if problem.flipped:
        w = np.flip(w, tuple(range(w.ndim - problem.rank, w.ndim)))
    if problem.arithmetic.integer:
        return reference.convolve(problem, x, w, bias, residual, out), 0
    exact = replace(problem, dtype=reference.wide(problem))
    expected = reference.convolve(exact, x, w, bias, residual, out)
    if bias is not None:
        bias = bias.reshape(len(bias), *bias.shape[1:] or (1,) * problem.rank)
        if problem.channels_last:
            bias = np.moveaxis(bias, 0, -1)
    size = reference.magnitude(problem, x, w)
    size = scale_of(problem, size, None, residual, out) + (0 if bias is None else abs(bias))
    return expected, bound_of(problem, expected, size)


def assert_right(got, x, w, bias=None, residual=None, out=None, **said):
    """`got` is the layer's result; `out` what it was before."""
    problem = specified(x, w, bias, residual, **said)
    assert_near(got, problem, *truth(x, w, bias, residual, out, **said))


def run(x, w, bias=None, *, isa=None, prepared=False, residual=None, out=None, **said):
    """The layer, in one call or of prepared weights."""
    function = LOCAL[rank_of(w)]
    with fastconv.settings(isa=isa):
        if prepared:
            threads = said.pop("threads", None)
            layer = fastconv.prepare(function, w, bias, **said)
            return layer(x, out, threads, residual=residual)
        return function(x, w, bias, residual=residual, out=out, **said)
