# SPDX-License-Identifier: BSD-3-Clause
"""scipy.signal.upfirdn, called as its compiled function is, with the same bits.

Zeros between the elements of x are not multiplied.  With `up` and `down` without a common factor,

    out[r + m up] = 0 + sum over j of x[b_r + m down - taps + 1 + j] * h[t_r][j]

for r < up: each r has weights of its own, and reads every down-th element.  So x is dealt into
`down` rows of cells, from which a vector of outputs m, m + 1, ... reads side by side.
"""
import numbers

import numpy as np

from libc.math cimport isfinite
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from numpy cimport (
    NPY_CDOUBLE, NPY_CFLOAT, NPY_DOUBLE, NPY_FLOAT, PyArray_IS_C_CONTIGUOUS, PyArray_ISALIGNED,
    PyArray_ISNOTSWAPPED, PyArray_TYPE, import_array)

from fastconv._core.axis cimport CONSTANT, EDGE, MIRROR, SYMMETRIC, WRAP, Axis, reach
from fastconv._core.boxes cimport array_t
from fastconv._core.context cimport F32, F64, context_t, find_context
from fastconv._core.filters cimport (
    FC_FILTER_SLACK, FC_SUM, FC_SUM_COMPLEX, fc_filters, fc_sums)
from fastconv._core.parallel cimport SMALL_SCRATCH, run_all, run_small, tasks_t
from fastconv._core.table cimport fc_kernels
from fastconv._core.views cimport elements, look_complex, overlap
from fastconv._core.window cimport operands_t

import_array()

cdef enum:
    CELLS = 48 * 1024           # of a task, about
    CHUNK_WORK = 1000 * 1000 * 1000     # operations between two looks at signals

# The borders of SciPy by their numbers, of those that repeat elements.
cdef int[6] BORDERS = [CONSTANT, SYMMETRIC, EDGE, -1, WRAP, MIRROR]

cdef struct upfirdn_t:
    const fc_kernels *kernels
    const fc_filters *filters
    Py_ssize_t itemsize
    int components
    array_t src, dst
    int axis
    Axis border                 # along that axis
    char value[2][8]
    Py_ssize_t up, down, taps   # without a common factor; of one output
    Py_ssize_t counts           # outputs of each r, at most
    Py_ssize_t each, segments   # of a task; tasks of a line
    Py_ssize_t pitch, places    # cells of a row, and of the border's places
    fc_sums sums
    const char *weight          # of each r
    const Py_ssize_t *offset    # of each r and tap
    const Py_ssize_t *count     # outputs of each r
    const Py_ssize_t *phase     # t_r
    Py_ssize_t at_places, at_row


cdef void deal_row(const upfirdn_t *p, const char *src, const char *value, Py_ssize_t first,
                   Py_ssize_t count, char *cell, Py_ssize_t *place) noexcept nogil:
    """Elements first, first + down, ... of a line, with what lies around it."""
    cdef Py_ssize_t bytes = p.src.strides[p.axis], n = p.border.src, i
    cdef Py_ssize_t before = min(count, max(<Py_ssize_t> 0, (-first + p.down - 1) // p.down))
    cdef Py_ssize_t end = min(count, max(before, (n - first + p.down - 1) // p.down))
    if p.border.border == CONSTANT:
        p.kernels.copy_row(cell, before, end - before, count - end,
                           src + (first + before * p.down) * bytes, p.down * bytes,
                           p.src.storage, value)
        return
    for i in range(before):
        place[i] = reach(&p.border, first + i * p.down) * bytes
    for i in range(end, count):
        place[i] = reach(&p.border, first + i * p.down) * bytes
    p.kernels.copy_row_border(cell, before, end - before, count - end, src,
                              (first + before * p.down) * bytes, p.down * bytes, p.src.storage,
                              place)


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const upfirdn_t *p = <const upfirdn_t *> what
    cdef fc_sums sums = p.sums
    cdef Py_ssize_t first = task % p.segments * p.each, line = task // p.segments
    cdef Py_ssize_t r, i, count, at
    cdef int a, c
    cdef const char *src = p.src.data
    cdef char *dst = p.dst.data
    cdef char *row = scratch + p.at_row
    for a in range(p.src.rank - 1, -1, -1):
        if a != p.axis:
            i = line % p.dst.shape[a]
            line //= p.dst.shape[a]
            src += i * p.src.strides[a]
            dst += i * p.dst.strides[a]
    count = min(p.each, p.counts - first)
    for c in range(p.components):
        for i in range(p.down):
            deal_row(p, src + c * p.itemsize, p.value[c], first * p.down - p.taps + 1 + i,
                     count + p.taps // p.down + 1,
                     scratch + (c * p.down + i) * p.pitch * p.itemsize,
                     <Py_ssize_t *> (scratch + p.at_places))
    for r in range(p.up):
        i = min(count, p.count[r] - first)
        if i <= 0:
            continue
        sums.offset = p.offset + r * p.taps
        sums.weight = p.weight + p.phase[r] * p.taps * p.itemsize * p.components
        p.filters.sum_row(row, scratch, &sums, i)
        at = (r + first * p.up) * p.dst.strides[p.axis]
        for c in range(p.components):
            p.filters.truncate_row(dst + at + c * p.itemsize, p.up * p.dst.strides[p.axis],
                                   row + c * sums.dst_imaginary * p.itemsize, i, p.dst.storage)


cdef Py_ssize_t common_factor(Py_ssize_t a, Py_ssize_t b) noexcept:
    while b:
        a, b = b, a % b
    return a


def upfirdn(x, h, out, Py_ssize_t up, Py_ssize_t down, Py_ssize_t axis, int mode, cval):
    """Upsample, filter and downsample along an axis, once arguments are checked: `h` are weights in
    the order of SciPy's own function, and `out` holds zeros."""
    cdef upfirdn_t p
    cdef context_t context
    cdef array_t weights
    cdef operands_t operands
    cdef tasks_t tasks
    cdef Py_ssize_t r, j, at, common, lines, work
    cdef Py_ssize_t *room
    cdef int table, number
    cdef double complex value
    cdef double real
    cdef float narrow
    cdef bint is_complex
    if type(x) is not np.ndarray or type(h) is not np.ndarray or type(out) is not np.ndarray:
        return "an argument that is no array of NumPy"
    number = PyArray_TYPE(x)
    is_complex = number == NPY_CFLOAT or number == NPY_CDOUBLE
    if (not is_complex and number != NPY_FLOAT and number != NPY_DOUBLE) \
            or PyArray_TYPE(h) != number or PyArray_TYPE(out) != number \
            or not PyArray_ISNOTSWAPPED(x) or not PyArray_ISNOTSWAPPED(h):
        return f"dtypes {x.dtype}, {h.dtype} and {out.dtype}"
    if not 0 <= mode < 6 or BORDERS[mode] < 0:
        return "a border that extrapolates"
    if not PyArray_ISALIGNED(h):
        h = np.array(h)
    reason = look_complex(x, &p.src, False) or look_complex(out, &p.dst, True) \
        or look_complex(h, &weights, False)
    if reason is not None:
        return reason
    if p.src.rank != p.dst.rank or not 0 <= axis < p.src.rank or up < 1 or down < 1 \
            or weights.rank != 1 or not PyArray_IS_C_CONTIGUOUS(h) or weights.shape[0] % up:
        return "unusual arguments"
    if not elements(&p.src) or not elements(&p.dst) or not elements(&weights) \
            or (mode and p.src.shape[axis] < 2):
        return "unusual arguments"
    p.components = 2 if is_complex else 1
    if p.src.strides[axis] % (p.components * p.src.itemsize):   # which SciPy rounds
        return "elements that are not aligned to one another"
    if type(cval) is not int and type(cval) is not float \
            and not isinstance(cval, numbers.Number if is_complex else numbers.Real):
        return "unusual arguments"
    try:
        value = cval
    except OverflowError:
        return "unusual arguments"
    if not isfinite(value.real) or not isfinite(value.imag) \
            or (is_complex and not np.isfinite(x).all()):
        return "numbers that are not finite"
    if overlap(&p.src, &p.dst):
        return "the output overlaps the input"
    common = common_factor(up, down)
    p.taps, p.up, p.down, p.axis = weights.shape[0] // up, up // common, down // common, axis
    p.border.src, p.border.border = p.src.shape[axis], BORDERS[mode]
    table = F32 if p.src.itemsize == 4 else F64
    work = elements(&p.dst) * p.taps * p.components
    find_context(&context, work)
    p.kernels, p.filters = context.kernels[table], context.filters[table]
    p.itemsize = p.src.itemsize
    if not p.kernels.finite(weights.data, weights.shape[0] * p.components):
        return "numbers that are not finite"
    for j in range(p.components):
        real = value.imag if j else value.real
        narrow = <float> real
        memcpy(p.value[j], &narrow if table == F32 else <void *> &real, p.itemsize)
        if table == F32 and not isfinite(narrow):
            return "numbers that are not finite"
    room = <Py_ssize_t *> malloc((p.taps + 2) * p.up * sizeof(Py_ssize_t))
    if room == NULL:
        raise MemoryError(f"fastconv: no memory for {p.taps * p.up} weights")
    p.counts = (p.dst.shape[axis] + p.up - 1) // p.up
    p.each = min(p.counts, max(<Py_ssize_t> 64, CELLS // (p.down * p.components)))
    p.each = min(p.each, max(<Py_ssize_t> 64, CHUNK_WORK // 8 // p.taps))
    if elements(&p.dst) == p.dst.shape[axis]:       # one line: a part for each thread
        p.each = min(p.each, max(<Py_ssize_t> 256, p.counts // (4 * context.threads)))
    p.segments = (p.counts + p.each - 1) // p.each
    p.pitch = p.each + p.taps // p.down + 1 + FC_FILTER_SLACK // p.itemsize
    p.offset, p.count, p.phase = room, room + p.taps * p.up, room + (p.taps + 1) * p.up
    for r in range(p.up):
        at = r * p.down // p.up
        room[(p.taps + 1) * p.up + r] = (r * p.down % p.up) * common
        for j in range(p.taps):
            room[r * p.taps + j] = (at + j) % p.down * p.pitch + (at + j) // p.down
        # outputs that there are, and that read any element
        room[p.taps * p.up + r] = max(<Py_ssize_t> 0, min(
            (p.dst.shape[axis] - r + p.up - 1) // p.up,
            (p.border.src + p.taps - 1 - at + p.down - 1) // p.down))
    p.weight = weights.data
    p.sums.form, p.sums.taps = FC_SUM_COMPLEX if is_complex else FC_SUM, p.taps
    p.sums.every = p.taps
    p.sums.src_imaginary = p.down * p.pitch
    p.sums.dst_imaginary = p.each + FC_FILTER_SLACK // p.itemsize
    p.at_places = (p.components * p.down * p.pitch * p.itemsize + 63) // 64 * 64
    p.at_row = p.at_places + p.pitch * <Py_ssize_t> sizeof(Py_ssize_t)
    tasks.one_task, tasks.what = one_task, &p
    lines = elements(&p.dst) // p.dst.shape[axis]
    tasks.count = lines * p.segments
    tasks.scratch_bytes = p.at_row + p.components * (
        p.sums.dst_imaginary * p.itemsize) + 64
    tasks.scratch_bytes = (tasks.scratch_bytes + 63) // 64 * 64
    try:
        if tasks.count == 1 and tasks.scratch_bytes <= SMALL_SCRATCH:
            run_small(&tasks, &operands)
        else:
            run_all(&tasks, &operands, context.threads, context.shared,
                    max(<Py_ssize_t> 1, tasks.count // (work // CHUNK_WORK + 1)))
    finally:
        free(room)
    return out
