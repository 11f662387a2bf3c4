# SPDX-License-Identifier: BSD-3-Clause
"""The filters of scipy.signal, called as its compiled ones are, with the same bits.

As in filter_pass.pyx, each function returns what it is asked for, or a `str`: why it cannot.
Sums are those of the dtype of the arrays; integers keep their low bits.
"""
import numpy as np

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastconv._core.boxes cimport MOST_TOLD, array_t, begin_pass, choose_boxes, pass_t
from fastconv._core.cells cimport run_pass
from fastconv._core.crew cimport F32, F64, I64, crew_t, find_crew
from fastconv._core.filter_pass cimport place_taps
from fastconv._core.filter_sums cimport sum_row
from fastconv._core.filters cimport FC_SUM, FC_SUM_COMPLEX, FC_SUM_COMPLEX_FOURS, FC_SUM_FOURS
from fastconv._core.views cimport elements, look_complex, overlap

cdef enum:                      # the borders of scipy.ndimage by their numbers
    WRAP = 1
    SYMMETRIC = 2
    CONSTANT = 4

VALID, SAME, FULL = 0, 1, 2


cdef object window_sum(object input, object kernel, object output, const Py_ssize_t *before,
                       int border, object constant, bint flipped, bint by_fours):
    """Sums of all arrays of one dtype; `by_fours`: see FC_SUM_FOURS."""
    cdef pass_t p
    cdef crew_t crew
    cdef array_t src, dst, window
    cdef Py_ssize_t[MOST_TOLD] after
    cdef int a, table
    cdef Py_ssize_t i, n
    cdef bint is_complex = input.dtype.kind == "c"
    cdef char *used
    cdef Py_ssize_t *offset
    reason = look_complex(input, &src, False) or look_complex(output, &dst, True)
    if reason is not None:
        return reason
    kernel = np.ascontiguousarray(kernel)
    if is_complex and not (np.isfinite(input).all() and np.isfinite(kernel).all()
                           and np.isfinite(constant)):
        return "complex numbers that are not finite"
    look_complex(kernel, &window, False)
    for a in range(src.rank):
        after[a] = window.shape[a] - 1 - before[a]
    if overlap(&src, &dst):
        return "the output overlaps the input"
    reason = begin_pass(&p, &src, &dst, before, after, border, False)
    if reason is not None:
        return reason
    n = elements(&window)
    if is_complex:
        p.components = 2
    find_crew(&crew, elements(&dst) * n * p.components)
    name = (input.real if is_complex else input).dtype.str[1:]
    table = F32 if name == "f4" else F64 if name == "f8" else I64
    p.kernels, p.filters = crew.kernels[table], crew.filters[table]
    p.itemsize = 4 if table == F32 else 8
    number = np.array(constant, kernel.dtype).astype(CELLS[table, is_complex])
    held = kernel.astype(CELLS[table, is_complex])
    for i in range(p.components):
        memcpy(p.value[i], <char *> <size_t> number.ctypes.data + i * p.itemsize, p.itemsize)
    used = <char *> malloc(n * (sizeof(Py_ssize_t) + 1))
    if used == NULL:
        raise MemoryError(f"fastconv: no memory for a kernel of {n} elements")
    memset(used + n * sizeof(Py_ssize_t), 1, n)
    p.name, p.taps = "convolve2d" if by_fours else "correlate", n
    if is_complex:
        p.sums.form = FC_SUM_COMPLEX_FOURS if by_fours else FC_SUM_COMPLEX
    else:
        p.sums.form = FC_SUM_FOURS if by_fours else FC_SUM
    p.sums.taps, p.sums.every, p.row = n, window.shape[window.rank - 1], sum_row
    p.sums.weight = <const void *> <size_t> held.ctypes.data
    p.sums.offset = offset = <Py_ssize_t *> used
    choose_boxes(&p, elements(&dst) * n * p.components, 1, crew.threads)
    place_taps(&p, &window, used + n * sizeof(Py_ssize_t), offset)
    if flipped:                 # tap by tap of the kernel, as SciPy goes
        for i in range(n // 2):
            offset[i], offset[n - 1 - i] = offset[n - 1 - i], offset[i]
    try:
        run_pass(&p, crew.threads, crew.shared, elements(&dst) * n * p.components)
    finally:
        free(used)
    return None


CELLS = {(F32, False): np.float32, (F32, True): np.complex64, (F64, False): np.float64,
         (F64, True): np.complex128, (I64, False): np.int64}
SERVED = frozenset("bBhHiIlLqQfdFD")


cdef object alike(object a, object b):
    """Both arrays with the dtype that SciPy's sums would have, or a reason."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return "an argument that is no array of NumPy"
    dtype = a.dtype if a.dtype == b.dtype else np.promote_types(a.dtype, b.dtype)
    if dtype.char not in SERVED:
        return f"dtype {dtype}"
    native = dtype.newbyteorder("=")
    return a.astype(native, copy=False), b.astype(native, copy=False)


def convolve2d(in1, in2, int flip=1, int mode=2, int boundary=0, fillvalue=0):
    """scipy.signal.convolve2d (flip=1) and correlate2d, once their arguments are checked: sums of
    newer versions, which add four products at a time."""
    return convolve_plane(in1, in2, flip, mode, boundary, fillvalue, True)


def convolve2d_one_by_one(in1, in2, int flip=1, int mode=2, int boundary=0, fillvalue=0):
    """The same of older versions, which add one product after the other."""
    return convolve_plane(in1, in2, flip, mode, boundary, fillvalue, False)


cdef object convolve_plane(in1, in2, int flip, int mode, int boundary, fillvalue, bint by_fours):
    cdef Py_ssize_t[2] before
    cdef Py_ssize_t n, k
    cdef int a
    pair = alike(in1, in2)
    if type(pair) is str:
        return pair
    image, kernel = pair
    if image.ndim != 2 or kernel.ndim != 2 or not image.size or not kernel.size:
        return "unusual arguments"
    if mode not in (VALID, SAME, FULL) or boundary not in (0, 4, 8):
        return "unusual arguments"
    if boundary == 0:
        try:
            constant = np.array(fillvalue, image.dtype)
            same = constant.shape == () and constant == fillvalue
        except (TypeError, ValueError, OverflowError):
            same = False
        if not same:
            return "a fill value that the arrays cannot hold"
    else:
        constant = image.dtype.type(0)
    shape = []
    for a in range(2):
        n, k = image.shape[a], kernel.shape[a]
        before[a] = k - 1 if mode == FULL else 0
        if mode == SAME:
            before[a] = k // 2 if flip else (k - 1) // 2
        shape.append(n + k - 1 if mode == FULL else n if mode == SAME else n - k + 1)
        if shape[a] <= 0:
            return "unusual arguments"
    out = np.empty(shape, image.dtype)
    border = CONSTANT if boundary == 0 else SYMMETRIC if boundary == 4 else WRAP
    reason = window_sum(image, kernel, out, before, border, constant, flip != 0, by_fours)
    return out if reason is None else reason


def correlate_nd(in1, in2, out, int mode):
    """scipy.signal.correlate by its sums, once its arguments are checked; `in1` is padded with
    zeros but for mode 0, which is 'valid'."""
    cdef Py_ssize_t[MOST_TOLD] before
    cdef int a
    if type(out) is not np.ndarray:
        return "an argument that is no array of NumPy"
    pair = alike(in1, in2)
    if type(pair) is str:
        return pair
    image, kernel = pair
    if out.dtype != image.dtype or not out.dtype.isnative:
        return "an output of another dtype"
    if image.ndim != kernel.ndim or image.ndim != out.ndim or image.ndim == 0:
        return "unusual arguments"
    if mode not in (VALID, SAME, FULL) or not image.size or not kernel.size or not out.size:
        return "unusual arguments"
    for a in range(image.ndim):
        n, k = image.shape[a], kernel.shape[a]
        before[a] = k - 1 if mode == FULL else k // 2 if mode == SAME else 0
        if out.shape[a] != (n if mode == FULL else n - k + 1):
            return "unusual arguments"
    reason = window_sum(image, kernel.conj() if kernel.dtype.kind == "c" else kernel, out, before,
                        CONSTANT, 0, False, False)
    return out if reason is None else reason
