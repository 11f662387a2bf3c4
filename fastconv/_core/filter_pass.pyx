# SPDX-License-Identifier: BSD-3-Clause
"""What the filters of scipy.ndimage share: a pass for the arguments that their compiled functions
take, once SciPy's Python code has checked them.

Each filter computes what it is asked for, or returns a `str`: the reason why it cannot give the
same bits, and has written nothing then.  Sums and comparisons are those of double, whatever the
arrays hold; results are stored as `truncate_row` does.
"""
import numpy as np

from libc.string cimport memcpy

from fastconv._core.boxes cimport MOST_TOLD, array_t, begin_pass, pass_t, tap_offset
from fastconv._core.context cimport F32, F64, context_t, find_context
from fastconv._core.filters cimport (
    FC_F32, FC_F64, FC_I8, FC_I16, FC_KIND, FC_SWAPPED, FC_TURN, FC_U8, FC_U16, FC_U64, fc_filters)
from fastconv._core.views cimport elements, look, overlap, same_place

cdef enum:
    LINES = 4                   # columns that are worth running side by side

# What integers of a kind hold; what passes through double must be exact in it.
cdef dict RANGES = {"u1": (0, 255), "i1": (-128, 127), "u2": (0, 65535), "i2": (-32768, 32767),
                    "u4": (0, 2 ** 32 - 1), "i4": (-2 ** 31, 2 ** 31 - 1), "b1": (0, 255),
                    "u8": (0, 2 ** 53), "i8": (-2 ** 53, 2 ** 53)}


cdef object look_at(object input, object output, array_t *src, array_t *dst, bint *in_place):
    """Both arrays of a call; None, or the reason why it is not for us."""
    cdef int a
    reason = look(input, src, False)
    if reason is None:
        reason = look(output, dst, True)
    if reason is not None:
        return reason
    if src.rank != dst.rank:
        return "input and output differ in shape"
    for a in range(src.rank):
        if src.shape[a] != dst.shape[a]:
            return "input and output differ in shape"
    in_place[0] = same_place(src, dst)
    if not in_place[0] and overlap(src, dst):
        return "the output overlaps the input"
    return None


cdef object as_double(value, double *number):
    """A number of the caller; None, or a reason."""
    try:
        number[0] = value
    except (TypeError, ValueError, OverflowError):
        return "a constant that is no real number"
    return None


cdef object begin_line_pass(pass_t *p, object input, int axis, object output, int mode, cval,
                            Py_ssize_t size, Py_ssize_t origin, bint running, context_t *context):
    """A pass with windows of `size` along one axis; "" where there is nothing to do.  A sum that is
    `running` subtracts what lies before a window, and lines run side by side."""
    cdef bint across = False
    cdef array_t src, dst
    cdef Py_ssize_t[MOST_TOLD] before, after
    cdef bint in_place
    cdef double value
    cdef int a
    reason = look_at(input, output, &src, &dst, &in_place)
    if reason is None:
        reason = as_double(cval, &value)
    if reason is not None:
        return reason
    if src.rank == 0 or not 0 <= axis < src.rank or not 0 <= mode <= 6 or size < 1:
        return "unusual arguments"
    if not 0 <= size // 2 + origin < size:
        return "unusual arguments"
    if elements(&src) == 0:
        return ""
    for a in range(src.rank):
        before[a] = after[a] = 0
        if running and a != axis and src.shape[a] >= LINES \
                and abs(src.strides[a]) < abs(src.strides[axis]):
            across = True
    before[axis] = size // 2 + origin
    after[axis] = size - 1 - before[axis]
    if running:
        before[axis] += 1
    reason = begin_pass(p, &src, &dst, before, after, mode, across)
    if reason is not None:
        return reason
    p.in_place, p.size, p.running = in_place, size, running
    find_context(context, elements(&src) * (8 if running else size))
    p.kernels, p.filters, p.itemsize = context.kernels[F64], context.filters[F64], 8
    memcpy(p.value[0], &value, 8)
    return None


cdef object begin_window_pass(pass_t *p, object input, const array_t *window, object output,
                              int mode, origins, context_t *context, double value):
    """A pass with windows along all axes; "" where there is nothing to do."""
    cdef array_t src, dst
    cdef Py_ssize_t[MOST_TOLD] before, after
    cdef bint in_place
    cdef int a
    cdef Py_ssize_t origin
    reason = look_at(input, output, &src, &dst, &in_place)
    if reason is not None:
        return reason
    if in_place:
        return "the output overlaps the input"
    if window.rank != src.rank or src.rank == 0 or not 0 <= mode <= 6 or elements(window) == 0:
        return "unusual arguments"
    if len(origins) != src.rank:
        return "unusual arguments"
    for a in range(src.rank):
        origin = origins[a]
        if not 0 <= window.shape[a] // 2 + origin < window.shape[a]:
            return "unusual arguments"
        before[a] = window.shape[a] // 2 + origin
        after[a] = window.shape[a] - 1 - before[a]
    if elements(&src) == 0:
        return ""
    for a in range(src.rank):
        if src.strides[a] != 0:
            break
    else:                       # SciPy takes a part of it for its border
        return "an input whose elements are all one"
    reason = begin_pass(p, &src, &dst, before, after, mode, False)
    if reason is not None:
        return reason
    if p.dst_storage == FC_U64:
        p.dst_storage |= FC_TURN
    find_context(context, elements(&src) * elements(window))
    p.kernels, p.filters, p.itemsize = context.kernels[F64], context.filters[F64], 8
    memcpy(p.value[0], &value, 8)
    return None


cdef Py_ssize_t elements_of(const pass_t *p) noexcept:
    """Outputs of a pass."""
    cdef Py_ssize_t count = 1
    cdef int a
    for a in range(p.axes):
        count *= p.side[a].n
    return count


cdef void place_taps(const pass_t *p, const array_t *window, const char *used,
                     Py_ssize_t *offset) noexcept:
    """Offsets of those taps of a window that are used, in C order."""
    cdef Py_ssize_t[MOST_TOLD] at
    cdef Py_ssize_t i, t = 0
    cdef int a
    for a in range(window.rank):
        at[a] = 0
    for i in range(elements(window)):
        if used[i]:
            offset[t] = 0
            for a in range(window.rank):
                offset[t] += tap_offset(p, a, at[a])
            t += 1
        a = window.rank - 1
        while a >= 0:
            at[a] += 1
            if at[a] < window.shape[a]:
                break
            at[a] = 0
            a -= 1


cdef void hold_narrow(pass_t *p, const context_t *context, double value) noexcept:
    """Let cells be float32 where that holds all that there is: comparisons are the same then."""
    cdef float narrow = <float> value
    if p.constant and narrow != value:
        return
    if p.src_storage in (FC_F32, FC_U8, FC_I8, FC_U16, FC_I16):
        p.kernels, p.filters, p.itemsize = context.kernels[F32], context.filters[F32], 4
        memcpy(p.value[0], &narrow, 4)


cdef int odd_numbers(object input, const array_t *array, const context_t *context) except -1:
    """Bits: 1 if any number of an array is NaN, and 2 if one is -0.0."""
    cdef int kind = array.storage & FC_KIND
    cdef const fc_filters *filters = context.filters[F32 if kind == FC_F32 else F64]
    cdef Py_ssize_t size = array.itemsize
    cdef bint dense = not array.storage & FC_SWAPPED
    cdef int a
    if kind not in (FC_F32, FC_F64):
        return 0
    for a in range(array.rank - 1, -1, -1):
        if array.strides[a] != size and array.shape[a] != 1:
            dense = False
        size *= array.shape[a]
    if dense:
        return filters.odd_numbers(array.data, elements(array))
    input = np.ascontiguousarray(input, input.dtype.newbyteorder("="))
    return filters.odd_numbers(<const void *> <size_t> input.ctypes.data, input.size)
