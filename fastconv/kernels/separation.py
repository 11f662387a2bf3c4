# SPDX-License-Identifier: BSD-3-Clause
"""1-D kernels for one of several axes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import prod
from typing import Any, SupportsIndex

import numpy as np

from .checks import Array, as_integer, as_number, as_taps

EPS = float(np.finfo(np.float64).eps)
SWEEPS = 100  # of alternating least squares
SLOW = 1e-9  # a sweep that lowers the error by less than this part of the kernel is the last

Term = tuple[Array, ...]  # a 1-D array for each axis


class Separation(list[Term]):
    """The terms that `separate` returns: a list, with how far their sum is from the kernel."""

    error: float
    """The root of the sum of squared differences, divided by that of squared taps."""

    def __init__(self, terms: Iterable[Term], error: float) -> None:
        super().__init__(terms)
        self.error = error


def separate(
    kernel: Any, tolerance: float | None = None, rank: SupportsIndex | None = None
) -> Separation:
    """Tuples of 1-D arrays, one an axis, whose outer products sum to ``kernel``, the largest first.

    kernel
        an array of finite real numbers, with one axis or more.
    tolerance
        from 0 to below 1. A term is left out if its norm, which in 2-D is its singular value, is at
        most tolerance times the largest one. None is the longest axis times the eps of the dtype of
        the kernel, 2^-52 for integers: only what rounding makes is left out.
    rank
        None, or the largest number of terms: an integer of at least 1.

    Returns a list of tuples of float64 arrays, in 2-D of pairs (column, row). Its attribute
    ``error`` is the norm of what the terms lack, divided by the norm of the kernel. A kernel of
    rank 1 (mean, gaussian, sobel, scharr, prewitt) gives one term: the lines along the axes through
    its largest tap, exact to rounding. Any other gives in 2-D its singular value decomposition: the
    first n pairs are the best approximation by n pairs. With more axes it gives the singular value
    decompositions of slices, which need not be the fewest terms; of at most ``rank`` terms, those
    that alternating least squares finds from there: a good approximation, which is always the same,
    but need not be the best. The largest number of each array but the first of a term is 1. A
    kernel of zeros gives one term of zeros. Raises TypeError or ValueError, which name the
    argument.

    >>> from fastconv.kernels import laplacian, sobel
    >>> separate(sobel())
    [(array([1., 2., 1.]), array([-1.,  0.,  1.]))]
    >>> len(separate(laplacian()))
    2
    >>> nearest = separate(laplacian(), rank=1)
    >>> len(nearest), round(nearest.error, 3)
    (1, 0.101)
    >>> ((depth, height, width),) = separate([[[1, 2], [3, 6]], [[2, 4], [6, 12]]])
    >>> depth, height, width
    (array([ 6., 12.]), array([0.33333333, 1.        ]), array([0.5, 1. ]))
    """
    taps = as_taps("separate", "kernel", kernel)
    dtype = np.asarray(kernel).dtype
    eps = max(EPS, float(np.finfo(dtype).eps) if dtype.kind == "f" else 0)
    least = max(taps.shape) * eps
    if tolerance is not None:
        least = as_number("separate", "tolerance", tolerance)
        if not 0 <= least < 1:
            raise ValueError(f"separate: tolerance is {least}, but it must be from 0 to below 1")
    most = taps.size if rank is None else as_integer("separate", "rank", rank, 1, None)
    if not taps.any():
        return Separation([tuple(np.zeros(n) for n in taps.shape)], 0.0)
    peak = taps.flat[_peak(taps)]
    with np.errstate(over="ignore", under="ignore"):  # a difference of inf is no rank 1
        term = _through_peak(taps)
        if np.abs(_outer(term) - taps).max() <= 2 * taps.ndim * eps * abs(peak):
            return Separation([term], _error([term], taps, peak))
        scaled = taps / peak
        if taps.ndim == 2:
            terms = _large(_decomposed(scaled, (0, 1)), least)[:most]
        else:
            terms = _few(scaled, least, most)
        terms = [_normal(term, peak) for term in terms]
        return Separation(terms, _error(terms, taps, peak))


def _through_peak(taps: Array) -> Term:
    """The lines along the axes through the largest tap, of which all but the first have 1 there."""
    at: tuple[Any, ...] = np.unravel_index(_peak(taps), taps.shape)
    lines = [taps[(*at[:axis], slice(None), *at[axis + 1 :])] for axis in range(taps.ndim)]
    return (lines[0].copy(), *(line / taps[at] for line in lines[1:]))


def _decomposed(taps: Array, axes: tuple[int, ...]) -> list[Term]:
    """Orthogonal terms that sum to `taps`: those of the singular value decomposition that parts
    the first of `axes` from the others, whose right-hand sides are decomposed likewise."""
    if len(axes) == 1:
        return [(taps,)]
    first, *rest = axes
    rows = np.moveaxis(taps, first, 0)
    left, values, right = np.linalg.svd(rows.reshape(len(rows), -1), full_matrices=False)
    terms = []
    for column, value, row in zip(left.T, values, right, strict=True):
        if value == 0:
            break
        inner = _decomposed(row.reshape(rows.shape[1:]), tuple(a - (a > first) for a in rest))
        terms += [(*term[:first], column * value, *term[first:]) for term in inner]
    return terms


def _few(taps: Array, least: float, most: int) -> list[Term]:
    """At most `most` terms for more than two axes: of the axes that may be parted first, that which
    gives the fewest, or with fewer terms the least error."""
    orders = [(a, *(b for b in range(taps.ndim) if b != a)) for a in range(taps.ndim)]
    ways = [_large(_decomposed(taps, order), least) for order in orders]
    fewest = min(ways, key=len)
    if len(fewest) <= most:
        return fewest
    found = [_improved(way[:most], taps) for way in ways]
    return _large(min(found, key=lambda terms: _error(terms, taps)), 0.0)


def _improved(terms: list[Term], taps: Array) -> list[Term]:
    """Alternating least squares: of each axis in turn the arrays that, with those of the others,
    leave the least error, which so never grows."""
    factors = [np.stack(arrays) for arrays in zip(*terms, strict=True)]
    error = _error(terms, taps)
    for _ in range(SWEEPS):
        for axis in range(taps.ndim):
            others = [factor for other, factor in enumerate(factors) if other != axis]
            products = [_outer(arrays).ravel() for arrays in zip(*others, strict=True)]
            lines = np.moveaxis(taps, axis, -1).reshape(-1, taps.shape[axis])
            factors[axis] = np.linalg.lstsq(np.stack(products, axis=1), lines, rcond=None)[0]
        # Scales move between the arrays of a term; the same for all keeps the equations even.
        terms = [_even(term) for term in zip(*factors, strict=True)]
        factors = [np.stack(arrays) for arrays in zip(*terms, strict=True)]
        before, error = error, _error(terms, taps)
        if before - error <= SLOW:
            break
    return terms


def _even(term: Term) -> Term:
    """The same product, of arrays of equal norms."""
    norms = [float(np.linalg.norm(array)) for array in term]
    mean = prod(norms) ** (1 / len(norms))
    return tuple(
        array * (mean / norm if norm else 0) for array, norm in zip(term, norms, strict=True)
    )


def _large(terms: list[Term], least: float) -> list[Term]:
    """Those of a norm above `least` times the largest, the largest first."""
    sizes = [prod(float(np.linalg.norm(array)) for array in term) for term in terms]
    order = sorted(range(len(terms)), key=lambda k: -sizes[k])
    return [terms[k] for k in order if sizes[k] > least * sizes[order[0]]]


def _normal(term: Term, scale: float) -> Term:
    """`scale` times a term, whose arrays but the first have 1 as their largest number."""
    tops = [array[_peak(array)] for array in term[1:]]
    first = term[0] * (prod(tops) * scale)
    return (first, *(array / top for array, top in zip(term[1:], tops, strict=True)))


def _error(terms: list[Term], taps: Array, scale: float = 1) -> float:
    """The norm of what terms lack, divided by that of the taps; both are scaled before they are
    squared."""
    lack = reduce(np.subtract, map(_outer, terms), taps)
    return float(np.linalg.norm(lack / scale) / np.linalg.norm(taps / scale))


def _outer(term: Iterable[Array]) -> Array:
    return reduce(np.multiply.outer, term)


def _peak(taps: Array) -> int:
    """Where the magnitude is largest, rather at a positive tap."""
    high, low = int(taps.argmax()), int(taps.argmin())
    return high if taps.flat[high] >= -taps.flat[low] else low
