# SPDX-License-Identifier: BSD-3-Clause
"""The boxes of a pass, one after another: cells with borders, outputs, and tasks: see boxes.pxd."""

import threading

from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

from fastconv._core.scratch import limit
from fastconv._core.axis cimport EDGE, MIRROR, SYMMETRIC, reach
from fastconv._core.boxes cimport CHUNK_WORK, box_t, pass_t, side_t
from fastconv._core.parallel cimport SMALL_SCRATCH, run_all, run_small, tasks_t
from fastconv._core.window cimport operands_t

cdef extern from *:
    """
    /* Prefetch what lies in some bytes. */
    static inline void fc_bring(const char *from, ptrdiff_t bytes)
    {
        for (ptrdiff_t i = 0; i < bytes; i += 64)
            __builtin_prefetch(from + i);
    }
    """
    void fc_bring(const char *begin, Py_ssize_t bytes) noexcept nogil

cdef enum:
    MOST_KEPT = 32 * 1024 * 1024        # bytes of scratch between calls
    SMALL_PLACES = 64           # elements of a border that the stack has room for


ctypedef fused bits_t:          # of a cell
    int32_t
    int64_t

cdef object passes = None       # of a call that is explained: they are not run
cdef unsigned long explained = 0        # its thread
lock = threading.Lock()


def explain(call):
    """The passes that a call makes in this thread, each a dict: nothing is computed."""
    global passes, explained
    with lock:
        passes, explained = [], PyThread_get_thread_ident()
        try:
            call()
            return passes
        finally:
            passes = None


cdef inline bint is_explained() noexcept:
    return passes is not None and explained == PyThread_get_thread_ident()


cdef dict described(const pass_t *p, Py_ssize_t tasks, int threads):
    """A pass in words and numbers; its axes are in the order of memory."""
    letters = {4: "float32", 8: "float64"}
    return {
        "name": p.name.decode(),
        "taps": p.taps,
        "cells": "int64" if p.filters.dtype[0] == b"i" else letters[p.itemsize],
        "outputs": tuple(p.side[a].n for a in range(p.axes)),
        "box": tuple(p.side[a].box for a in range(p.axes)),
        "along": p.moving,
        "in_place": bool(p.in_place),
        "tasks": tasks,
        "threads": min(threads, tasks),
        "isa": p.filters.isa.decode(),
    }


# ---- cells ---------------------------------------------------------------------------------------


cdef void extend(const pass_t *p, bits_t *row, Py_ssize_t before, Py_ssize_t after) noexcept nogil:
    """Cells before and after a whole row: some pixels turned round, and then what is there already
    once more, as much at a time as there is."""
    cdef Py_ssize_t n = p.border[p.axes - 1].src, pixel = p.pixel, size = n * pixel
    cdef Py_ssize_t period = size, known = size, turned = 0, left_out = 0
    cdef Py_ssize_t i, e, done, count
    cdef int border = p.border[p.axes - 1].border
    if border == EDGE or n == 1:
        period = known = pixel
    elif border == SYMMETRIC:
        turned, period = n, 2 * size
    elif border == MIRROR:      # the pixel at the end is not repeated
        turned, period, left_out = n - 1, 2 * (size - pixel), 1
    done = min(before, turned * pixel)
    for i in range(done // pixel):
        for e in range(pixel):
            row[(-1 - i) * pixel + e] = row[(left_out + i) * pixel + e]
    while done < before:
        count = min(before - done, (known + done) // period * period)
        memcpy(row - done - count, row - done - count + (known + done) // period * period,
               count * sizeof(bits_t))
        done += count
    row += size
    done = min(after, turned * pixel)
    for i in range(done // pixel):
        for e in range(pixel):
            row[i * pixel + e] = row[(-1 - left_out - i) * pixel + e]
    while done < after:
        count = min(after - done, (known + done) // period * period)
        memcpy(row + done, row + done - (known + done) // period * period, count * sizeof(bits_t))
        done += count


cdef void fill_row(const pass_t *p, const box_t *box, const char *src, char *cell,
                   bint outside) noexcept nogil:
    """Cells of a row, with what lies before and after it."""
    cdef int a = p.axes - 1
    cdef const side_t *side = &p.side[a]
    cdef Py_ssize_t first = box.fresh[a], end = box.end[a]
    cdef Py_ssize_t before, after, begin, valid
    cell += (first - box.first[a]) * p.itemsize
    if outside:
        p.kernels.copy_row(cell, end - first, 0, 0, src, 0, p.src_storage, box.value)
        return
    begin = min(max(first, 0), end)
    before = begin - first
    valid = max(<Py_ssize_t> 0, min(end, side.src) - begin)
    after = end - begin - valid
    if p.constant:
        p.kernels.copy_row(cell, before, valid, after, src + begin * side.src_bytes, side.src_bytes,
                           p.src_storage, box.value)
        return
    if p.rows_whole:            # the border repeats cells that are there
        cell += before * p.itemsize
        p.kernels.copy_row(cell, 0, valid, 0, src, side.src_bytes, p.src_storage, box.value)
        if p.itemsize == 4:
            extend(p, <int32_t *> cell, before, after)
        else:
            extend(p, <int64_t *> cell, before, after)
        return
    p.kernels.copy_row_border(cell, before, valid, 0, src, begin * side.src_bytes, side.src_bytes,
                              p.src_storage, p.before_place + first + side.before)
    if after:
        begin += valid
        cell += (before + valid) * p.itemsize
        p.kernels.copy_row_border(cell, after, 0, 0, src, 0, side.src_bytes, p.src_storage,
                                  p.after_place + begin - side.src)


cdef void fill(const pass_t *p, const box_t *box, int a, const char *src, char *cell,
               bint outside) noexcept nogil:
    """Cells of a box, from axis `a` inwards."""
    cdef Py_ssize_t e, at
    if a == p.axes - 1:
        fill_row(p, box, src, cell, outside)
        return
    cell += (box.fresh[a] - box.first[a]) * p.side[a].pitch * p.itemsize
    for e in range(box.fresh[a], box.end[a]):
        at = reach(&p.border[a], e)
        fill(p, box, a + 1, src + (at * p.side[a].src_bytes if at > 0 else 0), cell,
             outside or at < 0)
        cell += p.side[a].pitch * p.itemsize


cdef void fill_lines(const pass_t *p, box_t *box, char *cell, Py_ssize_t apart) noexcept nogil:
    """The same of lines that are so many cells apart; 0: as in a box."""
    cdef Py_ssize_t i
    cdef box_t one = box[0]
    cdef int a = p.axes - 2
    if apart == 0 or p.lines == 1:
        fill(p, box, 0, p.src, cell, False)
        return
    for i in range(box.size[a]):
        one.first[a] = one.fresh[a] = box.at[a] + i
        one.end[a] = one.first[a] + 1
        fill(p, &one, 0, p.src, cell + i * apart * p.itemsize, False)


cdef void fill_saved(const pass_t *p, const box_t *box, char *cells, char *scratch) noexcept nogil:
    """The same where the output is the input: what lies behind that was saved."""
    cdef int m = p.moving
    cdef const side_t *side = &p.side[m]
    cdef box_t inner
    cdef Py_ssize_t i, first, pitch = side.pitch * p.itemsize
    cdef Py_ssize_t apart = p.side[m - 1].pitch if p.lines > 1 else 0
    if box.end[m] <= side.src:
        fill(p, box, 0, p.src, cells, False)
        return
    if box.fresh[m] < side.src:
        inner = box[0]
        inner.end[m] = side.src
        fill(p, &inner, 0, p.src, cells, False)
    first = max(box.fresh[m], side.src)
    if m == p.axes - 1:
        for i in range(box.size[m - 1] if p.lines > 1 else 1):
            memcpy(cells + (first - box.first[m] + i * apart) * p.itemsize,
                   scratch + p.at_saved + (first - side.src + i * p.saved_line) * p.itemsize,
                   (box.end[m] - first) * p.itemsize)
        return
    memcpy(cells + (first - box.first[m]) * pitch,
           scratch + p.at_saved + (first - side.src) * pitch,
           ((box.end[m] - first - 1) * side.pitch + box.size[p.axes - 1]) * p.itemsize)


# ---- outputs -------------------------------------------------------------------------------------


cdef void put_rows(const pass_t *p, const box_t *box, int a, const char *cell, char *dst,
                   const char *ahead, char *scratch) noexcept nogil:
    """Compute and store the rows of a box, from axis `a` inwards.  While a row is computed, what
    the next box reads comes near: `ahead` is where that begins, or NULL."""
    cdef Py_ssize_t i, next
    dst += box.at[a] * p.side[a].dst_bytes
    if a == p.axes - 1:
        if ahead != NULL:
            fc_bring(ahead + box.at[a] * p.side[a].src_bytes, box.size[a] * p.side[a].src_bytes)
        if p.row != NULL:
            cell = p.row(p, cell, box.size[a], scratch + p.at_row)
        p.filters.truncate_row(dst, p.side[a].dst_bytes, cell, box.size[a], p.dst_storage)
        if p.components > 1:
            p.filters.truncate_row(dst + p.itemsize, p.side[a].dst_bytes,
                                   cell + p.sums.dst_imaginary * p.itemsize, box.size[a],
                                   p.dst_storage)
        return
    for i in range(box.size[a]):
        next = (box.end[a] if a == p.moving else box.at[a]) + i
        put_rows(p, box, a + 1, cell, dst,
                 NULL if ahead == NULL or next >= p.side[a].src
                 else ahead + next * p.side[a].src_bytes, scratch)
        cell += p.side[a].pitch * p.itemsize
        dst += p.side[a].dst_bytes


cdef void one_column(const pass_t *p, box_t *box, Py_ssize_t begin, Py_ssize_t end,
                     char *scratch) noexcept nogil:
    """Boxes along the moving axis, one after another; what two of them read is converted once."""
    cdef int m = p.moving, last = p.axes - 1
    cdef const side_t *side = &p.side[m]
    cdef Py_ssize_t at, size, i, first, left, have = 0, halo = side.before + side.after
    cdef char *cells = scratch
    cdef char *line
    cdef const char *ahead = NULL
    if m != last and p.side[last].src_bytes > 0 and end - begin > side.box:
        ahead = p.src
    cdef char *data
    box.value = p.value[0]
    if p.resumes and begin:
        have = halo
    elif p.in_place and side.after:
        box.at[m], box.size[m] = side.src, side.after
        box.first[m] = box.fresh[m] = side.src
        box.end[m] = side.src + side.after
        fill_lines(p, box, scratch + p.at_saved, p.saved_line)
    at = begin
    while at < end:
        size = min(side.box, end - at)
        if have:
            for i in range(p.lines * p.components):
                line = cells
                if i > 0:       # of components, or side by side
                    line += i * (p.side[m - 1].pitch if p.components == 1 else p.cells) * p.itemsize
                memmove(line, line + side.box * side.pitch * p.itemsize,
                        have * side.pitch * p.itemsize)
        box.begins = at == 0 or (at == begin and not p.resumes)
        box.at[m], box.size[m] = at, size
        box.first[m], box.end[m] = at - side.before, at + size + side.after
        box.fresh[m] = box.first[m] + have
        box.value = p.value[0]
        if p.in_place:
            fill_saved(p, box, cells, scratch)
        else:
            fill(p, box, 0, p.src, cells, False)
        if p.components > 1:
            box.value = p.value[1]
            fill(p, box, 0, p.src + p.itemsize, cells + p.cells * p.itemsize, False)
        data = cells if p.whole == NULL else p.whole(p, box, cells, scratch)
        # Some outputs of all rows, then the next ones.
        first, left = box.at[last], box.size[last]
        while left > 0:
            box.size[last] = min(left, p.together)
            put_rows(p, box, 0, data, p.dst, ahead, scratch)
            box.at[last] += p.together
            data += p.together * p.itemsize
            left -= p.together
        box.at[last] = first
        if last != m:
            box.size[last] = box.end[last] - p.side[last].after - first
        at += side.box
        have = halo


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const pass_t *p = <const pass_t *> what
    cdef box_t box
    cdef int a
    cdef Py_ssize_t boxes, i, part = task % p.parts
    cdef Py_ssize_t column = task // p.parts * p.columns_a_task
    cdef Py_ssize_t end = min(p.columns, column + p.columns_a_task)
    while column < end:
        i = column
        for a in range(p.axes - 1, -1, -1):
            if a == p.moving:
                continue
            boxes = (p.side[a].n + p.side[a].box - 1) // p.side[a].box
            box.at[a] = i % boxes * p.side[a].box
            box.size[a] = min(p.side[a].box, p.side[a].n - box.at[a])
            box.first[a] = box.fresh[a] = box.at[a] - p.side[a].before
            box.end[a] = box.at[a] + box.size[a] + p.side[a].after
            i //= boxes
        one_column(p, &box, part * p.part, min(p.side[p.moving].n, (part + 1) * p.part), scratch)
        column += 1


cdef int run_pass(pass_t *p, int threads, bint shared, Py_ssize_t work) except -1:
    """Run all tasks; the places of borders along a row are found here."""
    cdef operands_t operands
    cdef tasks_t tasks
    cdef Py_ssize_t[SMALL_PLACES] places
    cdef const side_t *side = &p.side[p.axes - 1]
    cdef Py_ssize_t i, after = max(<Py_ssize_t> 0, side.n + side.after - side.src)
    cdef Py_ssize_t count = 0 if p.constant or p.rows_whole else side.before + after
    tasks.one_task, tasks.what = one_task, p
    tasks.count = (p.columns + p.columns_a_task - 1) // p.columns_a_task * p.parts
    tasks.scratch_bytes = p.scratch_bytes
    if is_explained():
        passes.append(described(p, tasks.count, threads))
        return 0
    p.before_place = places
    if count > SMALL_PLACES:
        p.before_place = <Py_ssize_t *> malloc(count * sizeof(Py_ssize_t))
        if p.before_place == NULL:
            raise MemoryError(f"fastconv: no memory for a border of {count} elements")
    p.after_place = p.before_place + side.before
    for i in range(count):
        p.before_place[i] = place_of(p, i - side.before if i < side.before
                                     else i - side.before + side.src)
    try:
        if tasks.count == 1 and p.scratch_bytes <= SMALL_SCRATCH:
            run_small(&tasks, &operands)
        else:
            if p.resumes and p.parts > 1:       # in order, with the same scratch
                threads = 1
            limit(min(<Py_ssize_t> MOST_KEPT, threads * p.scratch_bytes))
            run_all(&tasks, &operands, threads, shared, chunk_of(&tasks, work))
    finally:
        if count > SMALL_PLACES:
            free(p.before_place)
    return 0


cdef Py_ssize_t chunk_of(const tasks_t *tasks, Py_ssize_t work) noexcept:
    return max(<Py_ssize_t> 1, tasks.count // (work // CHUNK_WORK + 1))


cdef Py_ssize_t place_of(const pass_t *p, Py_ssize_t at) noexcept:
    """Bytes from the beginning of a row to what lies at a position outside of it."""
    cdef Py_ssize_t bytes = p.side[p.axes - 1].src_bytes
    cdef Py_ssize_t pixel, element
    if p.pixel == 1:
        return reach(&p.border[p.axes - 1], at) * bytes
    pixel = at // p.pixel if at >= 0 else -((-at + p.pixel - 1) // p.pixel)
    element = at - pixel * p.pixel
    return (reach(&p.border[p.axes - 1], pixel) * p.pixel + element) * bytes
