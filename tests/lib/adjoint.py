# SPDX-License-Identifier: BSD-3-Clause
"""What a transposed convolution has to give, and calls of it in any way."""

from dataclasses import replace

import numpy as np
from truth import assert_near, bound_of, scale_of

import fastconv
from fastconv import conv_transpose1d, conv_transpose2d, conv_transpose3d
from fastconv._plan.algorithms import names
from fastconv._spec import reference, scatter
from fastconv._spec.transpose import TransposeSpec, make_transpose_spec

TRANSPOSE = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}
ALGORITHMS = tuple(name for name in names(TransposeSpec) if name not in ("auto", "reference"))


def specified(x, w, bias=None, residual=None, **said):
    """The specification of a call."""
    rank = w.ndim - 2
    arrays = (x.shape, x.dtype, w.shape, w.dtype)
    given = {"bias": bias is not None, "residual": residual is not None}
    return make_transpose_spec(f"conv_transpose{rank}d", rank, *arrays, **said, **given)


def truth(x, w, bias=None, residual=None, out=None, **said):
    """(what the reference says, how far from it a result may be)."""
    problem = specified(x, w, bias, residual, **said)
    if problem.flipped:
        w = np.flip(w, tuple(range(2, w.ndim)))
    if problem.arithmetic.integer:
        return scatter.transpose(problem, x, w, bias, residual, out), 0
    exact = replace(problem, dtype=reference.wide(problem))
    expected = scatter.transpose(exact, x, w, bias, residual, out)
    size = reference.as_seen(problem, scatter.magnitude(problem, x, w))
    return expected, bound_of(problem, expected, scale_of(problem, size, bias, residual, out))


def assert_right(got, x, w, bias=None, residual=None, out=None, **said):
    """`got` is the transposed convolution; `out` what it was before."""
    problem = specified(x, w, bias, residual, **said)
    assert_near(got, problem, *truth(x, w, bias, residual, out, **said))


def run(x, w, bias=None, *, isa=None, prepared=False, residual=None, out=None, **said):
    """The transposed convolution, in one call or of prepared weights."""
    function = TRANSPOSE[w.ndim - 2]
    with fastconv.settings(isa=isa):
        if prepared:
            threads = said.pop("threads", None)
            layer = fastconv.prepare(function, w, bias, **said)
            return layer(x, out, threads, residual=residual)
        return function(x, w, bias, residual=residual, out=out, **said)
