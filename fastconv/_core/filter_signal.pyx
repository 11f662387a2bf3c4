# SPDX-License-Identifier: BSD-3-Clause
"""The filters of scipy.signal, called as its compiled ones are, with the same bits.

As in filter_pass.pyx, each function returns what it is asked for, or a `str`: why it cannot.
Sums are those of the dtype of the arrays; integers keep their low bits.
"""
import numpy as np

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from numpy cimport (
    PyArray_EMPTY, PyArray_IS_C_CONTIGUOUS, PyArray_ISALIGNED, PyArray_ISNOTSWAPPED, PyArray_TYPE,
    import_array, ndarray, npy_intp)

from fastconv._core.boxes cimport MOST_TOLD, array_t, begin_pass, choose_boxes, pass_t
from fastconv._core.cells cimport run_pass
from fastconv._core.context cimport F32, F64, I64, context_t, find_context
from fastconv._core.filter_pass cimport place_taps
from fastconv._core.filter_sums cimport sum_row
from fastconv._core.filters cimport (
    FC_F32, FC_F64, FC_SUM, FC_SUM_COMPLEX, FC_SUM_COMPLEX_FOURS, FC_SUM_FOURS)
from fastconv._core.views cimport elements, look_complex, overlap

import_array()

cdef enum:                      # the borders of scipy.ndimage by their numbers
    WRAP = 1
    SYMMETRIC = 2
    CONSTANT = 4

cdef enum:
    VALID, SAME, FULL
    SMALL = 64                  # taps for which no memory is asked

CELLS = {(F32, True): np.complex64, (F64, True): np.complex128, (I64, False): np.int64}
SERVED = frozenset("bBhHiIlLqQfdFD")


cdef object alike(object a, object b, bint *same):
    """Both arrays with the dtype that SciPy's sums would have, or a reason."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return "an argument that is no array of NumPy"
    dtype = a.dtype
    same[0] = dtype is b.dtype and PyArray_ISNOTSWAPPED(<ndarray> a)
    if not same[0]:
        dtype = np.promote_types(dtype, b.dtype)
    if dtype.char not in SERVED:
        return f"dtype {dtype}"
    if same[0]:
        return None
    native = dtype.newbyteorder("=")
    return a.astype(native, copy=False), b.astype(native, copy=False)


cdef object window_sum(ndarray image, ndarray kernel, ndarray out, const Py_ssize_t *before,
                       int border, object constant, bint flipped, bint by_fours):
    """Sums of arrays of one dtype; `by_fours`: see FC_SUM_FOURS."""
    cdef pass_t p
    cdef context_t context
    cdef array_t src, dst, window
    cdef Py_ssize_t[MOST_TOLD] after
    cdef Py_ssize_t[2 * SMALL] small
    cdef int a, table
    cdef Py_ssize_t i, n, work
    cdef bint is_complex
    cdef char *used
    cdef double real
    cdef float narrow
    cdef Py_ssize_t *offset
    reason = look_complex(image, &src, False) or look_complex(out, &dst, True) \
        or look_complex(kernel, &window, False)
    if reason is not None:
        return reason
    is_complex = src.itemsize != image.itemsize
    if is_complex and not (np.isfinite(image).all() and np.isfinite(kernel).all()
                           and np.isfinite(constant)):
        return "complex numbers that are not finite"
    for a in range(src.rank):
        after[a] = window.shape[a] - 1 - before[a]
    if overlap(&src, &dst):
        return "the output overlaps the input"
    reason = begin_pass(&p, &src, &dst, before, after, border, False)
    if reason is not None:
        return reason
    n = elements(&window)
    p.components = 2 if is_complex else 1
    work = elements(&dst) * n * p.components
    find_context(&context, work)
    table = F32 if src.storage == FC_F32 else F64 if src.storage == FC_F64 else I64
    p.kernels, p.filters = context.kernels[table], context.filters[table]
    p.itemsize = 4 if table == F32 else 8
    if is_complex or table == I64:
        kernel = np.ascontiguousarray(kernel).astype(CELLS[table, is_complex])
        numbers = np.array(constant, out.dtype).astype(kernel.dtype)
        for i in range(p.components):
            memcpy(p.value[i], <char *> <size_t> numbers.ctypes.data + i * p.itemsize, p.itemsize)
    else:
        if not PyArray_IS_C_CONTIGUOUS(kernel) or not PyArray_ISALIGNED(kernel):
            kernel = np.array(kernel, order="C")
        real = constant
        narrow = <float> real
        memcpy(p.value[0], &narrow if table == F32 else <void *> &real, p.itemsize)
    offset = small
    if n > SMALL:
        offset = <Py_ssize_t *> malloc(n * (sizeof(Py_ssize_t) + 1))
        if offset == NULL:
            raise MemoryError(f"fastconv: no memory for a kernel of {n} elements")
    used = <char *> (offset + n)
    memset(used, 1, n)
    p.name, p.taps = "convolve2d" if by_fours else "correlate", n
    if is_complex:
        p.sums.form = FC_SUM_COMPLEX_FOURS if by_fours else FC_SUM_COMPLEX
    else:
        p.sums.form = FC_SUM_FOURS if by_fours else FC_SUM
    p.sums.taps, p.sums.every, p.row = n, window.shape[window.rank - 1], sum_row
    p.sums.weight, p.sums.offset = <const void *> kernel.data, offset
    choose_boxes(&p, work, 1, context.threads)
    place_taps(&p, &window, used, offset)
    if flipped:                 # tap by tap of the kernel, as SciPy goes
        for i in range(n // 2):
            offset[i], offset[n - 1 - i] = offset[n - 1 - i], offset[i]
    try:
        run_pass(&p, context.threads, context.shared, work)
    finally:
        if n > SMALL:
            free(offset)
    return None


def convolve2d(in1, in2, int flip=1, int mode=2, int boundary=0, fillvalue=0):
    """scipy.signal.convolve2d (flip=1) and correlate2d, once their arguments are checked: sums of
    newer versions, which add four products at a time."""
    return convolve_plane(in1, in2, flip, mode, boundary, fillvalue, True)


def convolve2d_one_by_one(in1, in2, int flip=1, int mode=2, int boundary=0, fillvalue=0):
    """The same of older versions, which add one product after the other."""
    return convolve_plane(in1, in2, flip, mode, boundary, fillvalue, False)


cdef object convolve_plane(in1, in2, int flip, int mode, int boundary, fillvalue, bint by_fours):
    cdef Py_ssize_t[2] before
    cdef npy_intp[2] shape
    cdef Py_ssize_t n, k
    cdef int a, border
    cdef bint same
    cdef ndarray image, kernel, out
    pair = alike(in1, in2, &same)
    if type(pair) is str:
        return pair
    image, kernel = (in1, in2) if pair is None else pair
    if image.ndim != 2 or kernel.ndim != 2:
        return "unusual arguments"
    if mode not in (VALID, SAME, FULL) or boundary not in (0, 4, 8):
        return "unusual arguments"
    for a in range(2):
        n, k = image.shape[a], kernel.shape[a]
        before[a] = k - 1 if mode == FULL else 0
        if mode == SAME:
            before[a] = k // 2 if flip else (k - 1) // 2
        shape[a] = n + k - 1 if mode == FULL else n if mode == SAME else n - k + 1
        if shape[a] <= 0 or n == 0 or k == 0:
            return "unusual arguments"
    if boundary == 0 and not (type(fillvalue) is int and fillvalue == 0):
        try:
            constant = np.array(fillvalue, image.dtype)
            held = constant.shape == () and constant == fillvalue
        except (TypeError, ValueError, OverflowError):
            held = False
        if not held:
            return "a fill value that the arrays cannot hold"
        fillvalue = constant[()]
    elif boundary != 0:
        fillvalue = 0
    out = PyArray_EMPTY(2, shape, PyArray_TYPE(image), 0)
    border = CONSTANT if boundary == 0 else SYMMETRIC if boundary == 4 else WRAP
    reason = window_sum(image, kernel, out, before, border, fillvalue, flip != 0, by_fours)
    return out if reason is None else reason


def correlate_nd(in1, in2, out, int mode):
    """scipy.signal.correlate by its sums, once its arguments are checked; `in1` is padded with
    zeros but for mode 0, which is 'valid'."""
    cdef Py_ssize_t[MOST_TOLD] before
    cdef Py_ssize_t n, k
    cdef int a
    cdef bint same
    cdef ndarray image, kernel, result
    if type(out) is not np.ndarray:
        return "an argument that is no array of NumPy"
    pair = alike(in1, in2, &same)
    if type(pair) is str:
        return pair
    image, kernel = (in1, in2) if pair is None else pair
    result = out
    if out.dtype != image.dtype or not PyArray_ISNOTSWAPPED(result):
        return "an output of another dtype"
    if image.ndim != kernel.ndim or image.ndim != result.ndim or image.ndim == 0:
        return "unusual arguments"
    if mode not in (VALID, SAME, FULL):
        return "unusual arguments"
    for a in range(image.ndim):
        n, k = image.shape[a], kernel.shape[a]
        before[a] = k - 1 if mode == FULL else k // 2 if mode == SAME else 0
        if result.shape[a] != (n if mode == FULL else n - k + 1):
            return "unusual arguments"
        if n == 0 or k == 0 or result.shape[a] == 0:
            return "unusual arguments"
    reason = window_sum(image, kernel.conj() if kernel.dtype.kind == "c" else kernel, result,
                        before, CONSTANT, 0, False, False)
    return out if reason is None else reason
