# SPDX-License-Identifier: BSD-3-Clause
"""Ranks and medians of scipy.ndimage and scipy.signal, called as their compiled ones are.

As in filter_pass.pyx, each function returns what it is asked for, or a `str`: why it cannot.
Of NaN, and of zeros of different sign, which are equal, SciPy takes what its algorithm comes by, so
arrays that hold NaN or -0.0 are not for us.

A rank is found by a sorting network without the steps on which it does not depend, or, under large
footprints, by halving numbers.
"""
import numpy as np

from libc.math cimport isnan, signbit
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from numpy cimport (
    NPY_BOOL, NPY_DOUBLE, NPY_FLOAT, NPY_LONG, PyArray_DATA, PyArray_EMPTY,
    PyArray_IS_C_CONTIGUOUS, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, import_array, ndarray,
    npy_intp)

from fastconv._core.boxes cimport array_t, choose_boxes, pass_t
from fastconv._core.cells cimport run_pass
from fastconv._core.context cimport I64, context_t
from fastconv._core.filter_pass cimport (
    RANGES, as_double, begin_window_pass, elements_of, hold_narrow, odd_numbers, place_taps)
from fastconv._core.filters cimport (
    FC_F32, FC_F64, FC_FILTER_SLACK, FC_I64, FC_KIND, fc_rank, fc_rank_step)
from fastconv._core.views cimport elements, look

import_array()

cdef enum:
    NETWORK = 128               # elements that networks sort
    SHORT = 25                  # ... of a line; SciPy moves a longer window at no cost


cdef const char *rank_row(const pass_t *p, const char *cell, Py_ssize_t count,
                          char *out) noexcept nogil:
    p.filters.rank_row(out, cell, &p.rank, count, out + p.sums.dst_imaginary * p.itemsize)
    return out


cdef void make_network(fc_rank *rank, fc_rank_step *step) noexcept:
    """The steps for a rank: those of a merge exchange sort (Batcher), seen from their end, so that
    only what the result depends on stays.  `step` has room for all."""
    cdef Py_ssize_t n = rank.taps, p, q, r, d, i, count = 0, kept = 0
    cdef bint[NETWORK] live
    cdef Py_ssize_t top = 1
    while 2 * top < n:
        top *= 2
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            for i in range(n - d):
                if i & p == r:
                    step[count].low, step[count].high = i, i + d
                    count += 1
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    for i in range(n):
        live[i] = i == rank.rank
    kept = count
    for i in range(count - 1, -1, -1):
        if live[step[i].low] or live[step[i].high]:
            live[step[i].low] = live[step[i].high] = True
            kept -= 1
            step[kept] = step[i]
    rank.step, rank.steps, rank.place = step + kept, count - kept, rank.rank


cdef Py_ssize_t most_steps(Py_ssize_t n) noexcept:
    """Steps of a network for n elements, at most."""
    cdef Py_ssize_t log = 1
    while 1 << log < n:
        log += 1
    return n * log * (log + 1) // 4 + n


cdef object find_rank(pass_t *p, const array_t *window, const char *used, Py_ssize_t taps,
                      Py_ssize_t rank, const context_t *context):
    """Run a pass for the rank among the taps that are used."""
    cdef Py_ssize_t work
    cdef fc_rank_step *step
    cdef Py_ssize_t *offset = <Py_ssize_t *> malloc(
        taps * sizeof(Py_ssize_t)
        + (most_steps(taps) if taps <= NETWORK else 0) * sizeof(fc_rank_step))
    if offset == NULL:
        raise MemoryError(f"fastconv: no memory for a footprint of {taps} elements")
    step = <fc_rank_step *> (offset + taps)
    p.name, p.taps = "rank_filter", taps
    p.rank.taps, p.rank.rank, p.rank.offset = taps, rank, offset
    p.rank.step, p.rank.steps, p.row = NULL, 0, rank_row
    work = 16 * taps
    if (taps == 9 and rank == 4) or (taps == 25 and rank == 12):
        work = 8 * taps         # kernels know these
    elif 1 < taps <= NETWORK:
        make_network(&p.rank, step)
        work = 2 * p.rank.steps
        p.room_bytes = 2 * taps * 64 + FC_FILTER_SLACK
    choose_boxes(p, elements_of(p) * work, 1, context.threads)
    place_taps(p, window, used, offset)
    try:
        run_pass(p, context.threads, context.shared, elements_of(p) * work)
    finally:
        free(offset)
    return None


cdef bint fits_double(object integers) except -1:
    """Whether all are integers of their dtype once they are rounded to double."""
    most = np.iinfo(integers.dtype).max
    return float(integers.max()) <= most


cdef object rank_window(object input, Py_ssize_t rank, ndarray footprint, object output, int mode,
                        cval, origins, bint exact):
    """`exact`: integers of 64 bits are compared as such, not as double."""
    cdef pass_t p
    cdef context_t context
    cdef array_t src, window
    cdef Py_ssize_t i, taps = 0
    cdef double value
    cdef const char *used
    cdef long long whole = 0
    reason = look(input, &src, False) or look(footprint, &window, False) \
        or as_double(cval, &value)
    if reason is not None:
        return reason
    if PyArray_TYPE(footprint) != NPY_BOOL or not PyArray_IS_C_CONTIGUOUS(footprint):
        return "a footprint that is no contiguous bool"
    used = window.data
    for i in range(elements(&window)):
        taps += used[i] != 0
    if not 0 <= rank < taps:
        return "unusual arguments"
    reason = begin_window_pass(&p, input, &window, output, mode, origins, &context, value)
    if reason is not None:
        return reason or None
    if p.src_storage & FC_KIND not in (FC_F32, FC_F64):
        low, high = RANGES[input.dtype.str[1:]]
        if p.constant and not low <= value <= high:
            return "a constant beyond the integers of the input"
        whole = <long long> value if p.constant else 0
        value = <double> whole
        if input.itemsize == 8 and not exact and not fits_double(input):
            return "integers that are rounded beyond their dtype"
    elif p.src_storage & FC_KIND == FC_F32:
        value = <double> <float> value
    memcpy(p.value[0], &value, 8)
    if p.constant and (isnan(value) or (value == 0 and signbit(value))):
        return "a constant that is NaN or -0.0"
    if odd_numbers(input, &src, &context):
        return "NaN or -0.0 in the input"
    hold_narrow(&p, &context, value)
    if exact and p.src_storage == FC_I64:
        p.kernels, p.filters = context.kernels[I64], context.filters[I64]
        memcpy(p.value[0], &whole, 8)
    return find_rank(&p, &window, used, taps, rank, &context)


def rank_filter(input, Py_ssize_t rank, footprint, output, int mode, cval, origins):
    """Ranks under a footprint: scipy.ndimage.rank_filter, once its arguments are checked."""
    if type(footprint) is not np.ndarray:
        return "an argument that is no array of NumPy"
    return rank_window(input, rank, footprint, output, mode, cval, origins, False)


cdef ndarray whole_footprint(int rank, npy_intp *shape):
    cdef ndarray footprint = PyArray_EMPTY(rank, shape, NPY_BOOL, 0)
    memset(PyArray_DATA(footprint), 1, PyArray_SIZE(footprint))
    return footprint


def rank_filter_1d(input, Py_ssize_t rank, npy_intp size, output, int mode, cval,
                   Py_ssize_t origin):
    """The same along the one axis of an array: newer versions have a function of its own."""
    cdef ndarray array
    if type(input) is not np.ndarray or size < 1:
        return "unusual arguments"
    array = input
    if PyArray_NDIM(array) != 1:
        return "unusual arguments"
    if PyArray_TYPE(array) not in (NPY_LONG, NPY_FLOAT, NPY_DOUBLE):
        return f"dtype {array.dtype}"
    if size > PyArray_SIZE(array):          # SciPy reads beyond its array then
        return "a window larger than the array"
    if size > SHORT:
        return "a long window along one axis, where SciPy is faster"
    return rank_window(array, rank, whole_footprint(1, &size), output, mode, cval, (origin,), True)


def medfilt2d(image, kernel_size):
    """scipy.signal.medfilt2d, once its arguments are checked."""
    cdef npy_intp[2] size
    cdef ndarray out, array
    cdef int a
    if type(image) is not np.ndarray or image.ndim != 2 or image.dtype.char not in "Bfd":
        return "unusual arguments"
    if len(kernel_size) != 2:
        return "unusual arguments"
    array = image
    for a in range(2):
        size[a] = kernel_size[a]
        if size[a] < 1 or size[a] % 2 == 0 or array.shape[a] == 0:
            return "unusual arguments"
        if size[a] > 2 * array.shape[a]:
            return "a kernel much larger than the image"
    out = PyArray_EMPTY(2, array.shape, PyArray_TYPE(array), 0)
    reason = rank_window(array, size[0] * size[1] // 2, whole_footprint(2, size), out, 4, 0.0,
                         (0, 0), False)
    return out if reason is None else reason
