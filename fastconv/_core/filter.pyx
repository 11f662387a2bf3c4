# SPDX-License-Identifier: BSD-3-Clause
"""The filters of scipy.ndimage, called as its compiled ones are, with the same bits.

Each function computes what it is asked for, or returns the reason why it cannot give the same bits,
and has written nothing then.  Arguments are those that SciPy's Python code has checked.

Sums and comparisons are those of double, whatever the arrays hold; a result is stored as
`truncate_row` does.
"""
import numpy as np

from libc.math cimport fabs, isnan
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from fastconv._core cimport boxes
from fastconv._core.boxes cimport (
    LANES, MOST_TOLD, array_t, box_t, choose_boxes, pass_t, run_pass, side_t, tap_offset)
from fastconv._core.filters cimport (
    fc_filters,
    FC_ADD_DOUBLE, FC_ADD_FLOAT, FC_ADD_INTEGER, FC_ADD_NOTHING, FC_F32, FC_F64, FC_I8, FC_I16, FC_SUM,
    FC_SUM_ANTISYMMETRIC, FC_SUM_FIRST, FC_SUM_SYMMETRIC, FC_SWAPPED,
    FC_TURN, FC_U8, FC_U16, FC_U64)
from fastconv._core.crew cimport F32, F64, crew_t, find_crew
from fastconv._core.views cimport elements, look, overlap, same_place

cdef double EPSILON = 2.0 ** -52

cdef enum:
    LINES = 4                   # columns that are worth running side by side
    SMALL = 32                  # weights for which no memory is asked


# ---- what a call is ------------------------------------------------------------------------------

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
                            Py_ssize_t size, Py_ssize_t origin, bint running, crew_t *crew):
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
    reason = boxes.begin_pass(p, &src, &dst, before, after, mode, across)
    if reason is not None:
        return reason
    p.in_place, p.size, p.running = in_place, size, running
    find_crew(crew, elements(&src) * (8 if running else size))
    p.kernels, p.filters, p.itemsize = crew.kernels[F64], crew.filters[F64], 8
    memcpy(p.value[0], &value, 8)
    return None


# ---- sums ----------------------------------------------------------------------------------------

cdef const char *sum_row(const pass_t *p, const char *cell, Py_ssize_t count,
                         char *out) noexcept nogil:
    p.filters.sum_row(out, cell, &p.sums, count)
    return out


def correlate1d(input, weights, int axis, output, int mode, cval, Py_ssize_t origin):
    """Sums along an axis: scipy.ndimage.correlate1d, once its arguments are checked."""
    cdef pass_t p
    cdef crew_t crew
    cdef array_t taps
    cdef Py_ssize_t t, n, half
    cdef const double *given
    cdef double[3 * SMALL] small
    cdef double *weight
    cdef Py_ssize_t *offset
    reason = look(weights, &taps, False)
    if reason is not None:
        return reason
    if taps.rank != 1 or taps.storage != FC_F64 or (taps.strides[0] != 8 and taps.shape[0] > 1):
        return "weights that are no row of float64"
    n = taps.shape[0]
    reason = begin_line_pass(&p, input, axis, output, mode, cval, n, origin, False, &crew)
    if reason is not None:
        return reason or None
    given, half = <const double *> taps.data, n // 2
    weight = small
    if n > SMALL:
        weight = <double *> malloc(n * (sizeof(double) + 2 * sizeof(Py_ssize_t)))
        if weight == NULL:
            raise MemoryError(f"fastconv: no memory for {n} weights")
    offset = <Py_ssize_t *> (weight + n)
    p.sums.weight, p.sums.offset, p.sums.mate = weight, offset, offset + n
    p.row = sum_row
    choose_boxes(&p, elements_of(&p) * n, 1, crew.threads)
    p.sums.form, p.sums.taps = form_of(given, n), n
    if p.sums.form == FC_SUM_FIRST:         # the last one comes first
        weight[0], offset[0] = given[n - 1], tap_offset(&p, axis, n - 1)
        for t in range(n - 1):
            weight[t + 1], offset[t + 1] = given[t], tap_offset(&p, axis, t)
    else:
        p.sums.taps = half + 1
        weight[0], offset[0] = given[half], tap_offset(&p, axis, half)
        for t in range(half):
            weight[t + 1], offset[t + 1] = given[t], tap_offset(&p, axis, t)
            offset[n + t + 1] = tap_offset(&p, axis, n - 1 - t)
    try:
        run_pass(&p, crew.threads, crew.shared, elements_of(&p) * n)
    finally:
        if n > SMALL:
            free(weight)
    return None


cdef int form_of(const double *weight, Py_ssize_t n) noexcept:
    """Whether weights are symmetric, antisymmetric or neither, to rounding."""
    cdef Py_ssize_t i, half = n // 2
    cdef bint symmetric = n % 2, antisymmetric = n % 2
    for i in range(1, half + 1 if n % 2 else 0):
        if fabs(weight[half + i] - weight[half - i]) > EPSILON:
            symmetric = False
        if fabs(weight[half + i] + weight[half - i]) > EPSILON:
            antisymmetric = False
    return FC_SUM_SYMMETRIC if symmetric else FC_SUM_ANTISYMMETRIC if antisymmetric \
        else FC_SUM_FIRST


cdef Py_ssize_t elements_of(const pass_t *p) noexcept:
    """Outputs of a pass."""
    cdef Py_ssize_t count = 1
    cdef int a
    for a in range(p.axes):
        count *= p.side[a].n
    return count


cdef object begin_window_pass(pass_t *p, object input, const array_t *window, object output,
                              int mode, origins, crew_t *crew, double value):
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
    reason = boxes.begin_pass(p, &src, &dst, before, after, mode, False)
    if reason is not None:
        return reason
    if p.dst_storage == FC_U64:
        p.dst_storage |= FC_TURN
    find_crew(crew, elements(&src) * elements(window))
    p.kernels, p.filters, p.itemsize = crew.kernels[F64], crew.filters[F64], 8
    memcpy(p.value[0], &value, 8)
    return None


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


def correlate(input, weights, output, int mode, cval, origins):
    """Sums over windows: scipy.ndimage.correlate, once its arguments are checked."""
    cdef pass_t p
    cdef crew_t crew
    cdef array_t window
    cdef Py_ssize_t i, n, taps = 0
    cdef const double *given
    cdef double value
    cdef char *used
    cdef double[3 * SMALL] small
    cdef double *weight
    reason = look(weights, &window, False)
    if reason is None:
        reason = as_double(cval, &value)
    if reason is not None:
        return reason
    if window.storage != FC_F64 or not weights.flags.c_contiguous:
        return "weights that are no contiguous float64"
    reason = begin_window_pass(&p, input, &window, output, mode, origins, &crew, value)
    if reason is not None:
        return reason or None
    n, given = elements(&window), <const double *> window.data
    weight = small
    if n > SMALL:
        weight = <double *> malloc(n * (sizeof(double) + sizeof(Py_ssize_t) + 1))
        if weight == NULL:
            raise MemoryError(f"fastconv: no memory for {n} weights")
    used = <char *> (weight + 2 * n)
    for i in range(n):
        used[i] = fabs(given[i]) > EPSILON
        if used[i]:
            weight[taps] = given[i]
            taps += 1
    p.sums.form, p.sums.taps, p.row = FC_SUM, taps, sum_row
    p.sums.weight, p.sums.offset = weight, <Py_ssize_t *> (weight + n)
    choose_boxes(&p, elements_of(&p) * n, 1, crew.threads)
    place_taps(&p, &window, used, <Py_ssize_t *> (weight + n))
    try:
        run_pass(&p, crew.threads, crew.shared, elements_of(&p) * n)
    finally:
        if n > SMALL:
            free(weight)
    return None


cdef char *mean_box(const pass_t *p, const box_t *box, char *cells, char *scratch) noexcept nogil:
    cdef char *work = scratch + p.at_work
    cdef char *total = scratch + p.at_total
    cdef const side_t *side = &p.side[p.moving]
    cdef Py_ssize_t pitch = side.pitch, size = box.size[p.moving], i, away, line
    if p.lines > 1:             # transposed, so that lines are lanes
        line = p.side[p.moving - 1].pitch
        p.kernels.transpose(work, LANES, cells, line, box.size[p.moving - 1],
                            size + side.before + side.after, NULL)
        p.filters.mean_rows(work, work + LANES * p.itemsize, LANES, size, LANES, p.size, total,
                            box.begins)
        p.kernels.transpose(cells, line, work, LANES, size, box.size[p.moving - 1], NULL)
        return cells
    if p.moving == p.axes - 1:
        for i in range(p.pixel):
            away = i * p.itemsize
            p.filters.mean_line(work + away, cells + p.pixel * p.itemsize + away, p.pixel,
                                (size - i + p.pixel - 1) // p.pixel, p.size,
                                total + away, box.begins)
        return work
    p.filters.mean_rows(work, cells + pitch * p.itemsize, pitch, size, box.size[p.axes - 1],
                        p.size, total, box.begins)
    return work


def uniform_filter1d(input, Py_ssize_t size, int axis, output, int mode, cval, Py_ssize_t origin):
    """Means along an axis: scipy.ndimage.uniform_filter1d, once its arguments are checked."""
    cdef pass_t p
    cdef crew_t crew
    reason = begin_line_pass(&p, input, axis, output, mode, cval, size, origin, True, &crew)
    if reason is not None:
        return reason or None
    p.whole = mean_box
    choose_boxes(&p, elements_of(&p) * 8, LANES if p.pixel == 1 else 1, crew.threads)
    run_pass(&p, crew.threads, crew.shared, elements_of(&p) * 8)
    return None


# ---- extremes ------------------------------------------------------------------------------------

cdef char *extreme_box(const pass_t *p, const box_t *box, char *cells,
                       char *scratch) noexcept nogil:
    """Windows of 2, 4, 8 ... by twos, and two that overlap for the size that is wanted."""
    cdef char *work = scratch + p.at_work
    cdef Py_ssize_t m = 1, pitch = p.side[p.moving].pitch
    cdef Py_ssize_t count = p.cells
    if p.moving == p.axes - 1:
        count = box.size[p.moving] + p.side[p.moving].before + p.side[p.moving].after
    else:
        count = (box.size[p.moving] + p.side[p.moving].before + p.side[p.moving].after) * pitch
    if p.pixel > 1 and p.moving == p.axes - 1:
        pitch *= p.pixel
    while 2 * m <= p.size:
        p.filters.extreme_two(work, cells, m * pitch, count - m * pitch, p.minimum)
        cells = work
        count -= m * pitch
        m *= 2
    if m < p.size:
        p.filters.extreme_two(work, cells, (p.size - m) * pitch, count - (p.size - m) * pitch,
                              p.minimum)
        cells = work
    return cells


def min_or_max_filter1d(input, Py_ssize_t size, int axis, output, int mode, cval,
                        Py_ssize_t origin, int minimum):
    """Extremes along an axis: scipy.ndimage.minimum_filter1d, once its arguments are checked."""
    cdef pass_t p
    cdef crew_t crew
    cdef array_t src
    cdef double value
    reason = begin_line_pass(&p, input, axis, output, mode, cval, size, origin, False, &crew)
    if reason is not None:
        return reason or None
    look(input, &src, False)
    memcpy(&value, p.value[0], 8)
    if p.constant and isnan(value):
        return "a constant that is NaN"
    if odd_numbers(input, &src, &crew) & 1:
        return "NaN in the input"
    hold_narrow(&p, &crew, value)
    p.whole, p.minimum = extreme_box, minimum != 0
    choose_boxes(&p, elements_of(&p) * 8, 1, crew.threads)
    run_pass(&p, crew.threads, crew.shared, elements_of(&p) * 8)
    return None


cdef void hold_narrow(pass_t *p, const crew_t *crew, double value) noexcept:
    """Let cells be float32 where that holds all that there is: comparisons are the same then."""
    cdef float narrow = <float> value
    if p.constant and narrow != value:
        return
    if p.src_storage in (FC_F32, FC_U8, FC_I8, FC_U16, FC_I16):
        p.kernels, p.filters, p.itemsize = crew.kernels[F32], crew.filters[F32], 4
        memcpy(p.value[0], &narrow, 4)


cdef int odd_numbers(object input, const array_t *array, const crew_t *crew) except -1:
    """Bits: 1 if any number of an array is NaN, and 2 if one is -0.0."""
    cdef const fc_filters *filters = crew.filters[F32 if array.storage == FC_F32 else F64]
    cdef Py_ssize_t size = array.itemsize
    cdef int a
    if array.storage & FC_SWAPPED:
        return 3                # not looked at
    if array.storage not in (FC_F32, FC_F64):
        return 0
    for a in range(array.rank - 1, -1, -1):
        if array.strides[a] != size and array.shape[a] != 1:
            input = np.ascontiguousarray(input)
            return filters.odd_numbers(<const void *> <size_t> input.ctypes.data, input.size)
        size *= array.shape[a]
    return filters.odd_numbers(array.data, elements(array))


cdef const char *extreme_row(const pass_t *p, const char *cell, Py_ssize_t count,
                             char *out) noexcept nogil:
    p.filters.extreme_row(out, cell, &p.footprint, count)
    return out


# What integers of a kind hold; what passes through double must be exact in it.
cdef dict RANGES = {"u1": (0, 255), "i1": (-128, 127), "u2": (0, 65535), "i2": (-32768, 32767),
                    "u4": (0, 2 ** 32 - 1), "i4": (-2 ** 31, 2 ** 31 - 1), "b1": (0, 255),
                    "u8": (0, 2 ** 53), "i8": (-2 ** 53, 2 ** 53)}


def min_or_max_filter(input, footprint, structure, output, int mode, cval, origins, int minimum):
    """Extremes under a footprint: scipy.ndimage.minimum_filter, once its arguments are checked."""
    cdef pass_t p
    cdef crew_t crew
    cdef array_t window, heights
    cdef Py_ssize_t i, n, taps = 0
    cdef double value
    cdef double *height
    cdef const char *used
    cdef bint integer
    reason = look(footprint, &window, False)
    if reason is None:
        reason = as_double(cval, &value)
    if reason is not None:
        return reason
    if footprint.dtype != bool or not footprint.flags.c_contiguous:
        return "a footprint that is no contiguous bool"
    reason = begin_window_pass(&p, input, &window, output, mode, origins, &crew, value)
    if reason is not None:
        return reason or None
    integer = p.src_storage not in (FC_F32, FC_F64)
    bounds = RANGES[input.dtype.str[1:]] if integer else None
    if p.constant:              # SciPy makes a number of the dtype of it
        if integer and not bounds[0] <= value <= bounds[1]:
            return "a constant beyond the integers of the input"
        value = <double> <long long> value if integer else \
            <double> <float> value if p.src_storage == FC_F32 else value
        memcpy(p.value[0], &value, 8)
    p.footprint.add = FC_ADD_NOTHING
    if structure is None:
        hold_narrow(&p, &crew, value)
    else:
        reason = look(structure, &heights, False)
        if reason is not None:
            return reason
        if heights.storage != FC_F64 or not structure.flags.c_contiguous \
                or structure.shape != footprint.shape:
            return "a structure that is no contiguous float64"
        if integer and input.dtype.itemsize == 8:
            return "a structure over 64-bit integers"
        p.footprint.add = FC_ADD_INTEGER if integer else FC_ADD_DOUBLE \
            if p.src_storage == FC_F64 else FC_ADD_FLOAT
        if integer:
            p.footprint.low, p.footprint.high = bounds
    n, used = elements(&window), window.data
    for i in range(n):
        taps += used[i] != 0
    if taps == 0:
        return "an empty footprint"
    height = <double *> malloc(n * (sizeof(double) + sizeof(Py_ssize_t)))
    if height == NULL:
        raise MemoryError(f"fastconv: no memory for a footprint of {n} elements")
    p.footprint.minimum, p.footprint.taps, p.row = minimum != 0, taps, extreme_row
    p.footprint.height, p.footprint.offset = height, <Py_ssize_t *> (height + n)
    choose_boxes(&p, elements_of(&p) * n, 1, crew.threads)
    place_taps(&p, &window, used, <Py_ssize_t *> (height + n))
    try:
        if structure is not None:
            reason = raise_heights(&p, <const double *> heights.data, used, n, height)
        if reason is None:
            run_pass(&p, crew.threads, crew.shared, elements_of(&p) * n)
    finally:
        free(height)
    return reason


cdef object raise_heights(const pass_t *p, const double *given, const char *used, Py_ssize_t n,
                          double *height):
    """What a structure adds: of all but the first tap a number of the dtype of the input."""
    cdef Py_ssize_t i, t = 0
    cdef double value
    cdef long long whole, low = <long long> p.footprint.low, high = <long long> p.footprint.high
    for i in range(n):
        if not used[i]:
            continue
        value = -given[i] if p.footprint.minimum else given[i]
        if t and p.footprint.add == FC_ADD_FLOAT:
            value = <float> value
        if t and p.footprint.add == FC_ADD_INTEGER:
            if not fabs(value) < 2.0 ** 31:
                return "a structure beyond int32"
            whole = (<long long> value - low) % (high - low + 1)
            value = <double> (whole + low + (high - low + 1 if whole < 0 else 0))
        height[t] = value
        t += 1
    return None
