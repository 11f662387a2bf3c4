# SPDX-License-Identifier: BSD-3-Clause
"""Boxes of a filter: the axes of its arrays, cells with borders, and tasks: see boxes.pxd."""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

from fastconv._core.axis cimport CONSTANT, EDGE, MIRROR, SYMMETRIC, WRAP, reach
from fastconv._core.filters cimport FC_FILTER_SLACK
from fastconv._core.parallel cimport run_all, tasks_t
from fastconv._core.window cimport operands_t

cdef enum:
    CELLS = 24 * 1024           # of a box, about: they stay in the second-level cache
    WINDOW = 2 * 1024           # ... of the windows of some outputs: in the first-level cache
    WIDE = 2048                 # ... of a row, where there are several
    LINE = 64                   # bytes
    SMALL_SCRATCH = 16 * 1024   # bytes that the stack has room for
    SMALL_PLACES = 64           # ... and elements of a border
    TASK_WORK = 200 * 1000      # operations of a task, at least
    CHUNK_WORK = 1000 * 1000 * 1000     # ... between two looks at signals

# The borders of scipy.ndimage by their numbers: nearest, wrap, reflect, mirror, constant,
# grid-wrap, grid-constant.
cdef int[7] BORDERS = [EDGE, WRAP, SYMMETRIC, MIRROR, CONSTANT, WRAP, CONSTANT]


# ---- axes ----------------------------------------------------------------------------------------


cdef bint follows(const side_t *outer, const side_t *inner) noexcept:
    """Whether two axes lie in memory like one."""
    return (outer.src_bytes == inner.n * inner.src_bytes
            and outer.dst_bytes == inner.n * inner.dst_bytes)


cdef bint plain(const side_t *side) noexcept:
    """Whether outputs read nothing but what lies at their own position."""
    return side.before == 0 and side.after == 0 and side.n == side.src


cdef void move_last(pass_t *p, int a, int *order) noexcept:
    """Let this axis be the one that fills vectors."""
    cdef side_t side = p.side[a]
    cdef int told = order[a]
    for a in range(a, p.axes - 1):
        p.side[a], order[a] = p.side[a + 1], order[a + 1]
    p.side[p.axes - 1], order[p.axes - 1] = side, told


cdef object begin_pass(pass_t *p, const array_t *src, const array_t *dst, const Py_ssize_t *before,
                       const Py_ssize_t *after, int mode, bint across):
    """The axes of a pass. `across`: what fills vectors is no axis along which windows lie.
    Returns None, or the reason why it cannot be."""
    cdef side_t sides[MOST_TOLD]
    cdef int told[MOST_TOLD]
    cdef int order[MOST_TOLD]       # the axis of the caller that each axis is, or -1
    cdef side_t side
    cdef int a, b, count = 0
    cdef Py_ssize_t best
    for a in range(src.rank):
        p.of_axis[a] = -1
        side.n, side.src, side.before, side.after = dst.shape[a], src.shape[a], before[a], after[a]
        side.src_bytes, side.dst_bytes = src.strides[a], dst.strides[a]
        side.box = side.pitch = 1
        if side.n == 1 and plain(&side):
            continue
        b = count               # the largest strides first, of equals in the order of the caller
        while b > 0 and abs(sides[b - 1].src_bytes) < abs(side.src_bytes):
            sides[b], told[b] = sides[b - 1], told[b - 1]
            b -= 1
        sides[b], told[b] = side, a
        count += 1
    p.axes, p.pixel = 0, 1
    for a in range(count):
        side = sides[a]
        if p.axes and plain(&side) and plain(&p.side[p.axes - 1]) \
                and follows(&p.side[p.axes - 1], &side):
            side.n *= p.side[p.axes - 1].n
            side.src = side.n
            p.side[p.axes - 1] = side
            continue
        if p.axes == MOST_AXES - 1:
            return "more than 7 axes that are filtered or lie apart"
        p.side[p.axes], order[p.axes] = side, told[a]
        p.axes += 1
    if p.axes == 0 or (across and not plain(&p.side[p.axes - 1])):
        best = -1               # the innermost axis of those that are not filtered
        for a in range(p.axes):
            if plain(&p.side[a]) and (best < 0 or p.side[a].n >= min(LANES, p.side[best].n)):
                best = a
        if best >= 0:
            move_last(p, best, order)
        else:
            side.n = side.src = side.box = side.pitch = 1
            side.before = side.after = side.src_bytes = side.dst_bytes = 0
            p.side[p.axes], order[p.axes] = side, -1
            p.axes += 1
    elif not across and p.axes > 1 and p.side[p.axes - 1].n < LANES:
        a = p.axes - 1
        if plain(&p.side[a]) and follows(&p.side[a - 1], &p.side[a]):
            join_pixel(p)
        else:
            best = a
            for b in range(p.axes):
                if p.side[b].n > p.side[best].n:
                    best = b
            move_last(p, best, order)
    elif across and p.axes > 2 and p.side[p.axes - 1].n < LANES:
        best = p.axes - 1
        for b in range(p.axes - 1):
            if plain(&p.side[b]) and p.side[b].n > p.side[best].n:
                best = b
        move_last(p, best, order)
    for a in range(p.axes):
        if order[a] >= 0:
            p.of_axis[order[a]] = a
        p.border[a].src = p.side[a].src // (p.pixel if a == p.axes - 1 else 1)
        p.border[a].border = BORDERS[mode]
    p.constant = BORDERS[mode] == CONSTANT
    p.moving = p.axes - 1
    for a in range(p.axes):
        if not plain(&p.side[a]):
            p.moving = a
            break
    p.src, p.dst = src.data, dst.data
    p.src_storage, p.dst_storage = src.storage, dst.storage
    p.before_place = p.after_place = NULL
    p.whole, p.row = NULL, NULL
    p.components, p.room_bytes = 1, 0
    p.in_place = p.running = False
    return None


cdef void join_pixel(pass_t *p) noexcept:
    """A few elements, such as colours, and the axis around them, as one: these move together."""
    cdef side_t inner = p.side[p.axes - 1]
    cdef side_t outer = p.side[p.axes - 2]
    p.pixel = inner.n
    p.axes -= 1
    outer.n *= p.pixel
    outer.src *= p.pixel
    outer.before *= p.pixel
    outer.after *= p.pixel
    outer.src_bytes, outer.dst_bytes = inner.src_bytes, inner.dst_bytes
    p.side[p.axes - 1] = outer


# ---- boxes ---------------------------------------------------------------------------------------


cdef Py_ssize_t whole_lines(Py_ssize_t size) noexcept:
    return (size + LINE - 1) // LINE * LINE


cdef void choose_boxes(pass_t *p, Py_ssize_t work, Py_ssize_t lines, int threads) noexcept:
    """Sizes of boxes and tasks, and places in scratch.  `work` is what there is to do, in
    operations; `lines` are in a box, where they lie along the last axis, which is moving."""
    cdef int a, last = p.axes - 1
    cdef Py_ssize_t halo, around = 1, cells, pitch, wanted, columns_wanted, boxes
    cdef side_t *side
    p.lines = 1
    if p.moving != last:
        lines = 1
    for a in range(last):
        p.side[a].box = 1
        around *= 1 + p.side[a].before + p.side[a].after
    side = &p.side[last]
    halo = side.before + side.after
    if around > 1:
        cells = min(<Py_ssize_t> WIDE, CELLS // (2 * around) - halo)
    else:
        cells = max(CELLS // lines - halo, 2 * halo)
    cells = max(cells, <Py_ssize_t> LANES, min(halo, <Py_ssize_t> WIDE))
    if last != p.moving and abs(side.src_bytes) > abs(p.side[p.moving].src_bytes):
        cells = LANES          # each in a line of the cache of its own
    side.box = min(side.n, (cells + LANES - 1) // LANES * LANES)
    p.together = side.box if p.whole != NULL else max(<Py_ssize_t> 4 * LANES,
                                                      WINDOW // around // LANES * LANES)
    cells = side.box + halo
    for a in range(last - 1, -1, -1):
        around //= 1 + p.side[a].before + p.side[a].after
        halo = p.side[a].before + p.side[a].after
        if not plain(&p.side[a]):
            p.side[a].box = min(p.side[a].n, max(1, CELLS // (cells * around) - halo))
            if a > p.moving:    # the moving axis gets what is left
                p.side[a].box = min(p.side[a].box, max(1, 2 * halo))
        elif a == last - 1:
            p.side[a].box = p.lines = min(p.side[a].n, lines)
        cells *= p.side[a].box + halo
    pitch = 1
    for a in range(last, -1, -1):
        p.side[a].pitch = pitch
        pitch *= p.side[a].box + p.side[a].before + p.side[a].after
        if a == last and last > 0:  # rows begin a line each, in another set of the cache
            pitch = whole_lines(pitch * p.itemsize) // p.itemsize
            if pitch * p.itemsize // LINE % 2 == 0:
                pitch += LINE // p.itemsize
    p.cells = pitch
    # Tasks are columns of boxes, or parts of such.
    p.columns = 1
    for a in range(p.axes):
        if a != p.moving:
            p.columns *= (p.side[a].n + p.side[a].box - 1) // p.side[a].box
    wanted = max(<Py_ssize_t> 1, min(work // TASK_WORK, <Py_ssize_t> 8 * threads))
    if threads == 1:
        wanted = 1
    if work > CHUNK_WORK:
        wanted = max(wanted, min(work // TASK_WORK, <Py_ssize_t> 100000))
    columns_wanted = min(wanted, p.columns)
    p.columns_a_task = max(<Py_ssize_t> 1, p.columns // columns_wanted)
    side = &p.side[p.moving]
    boxes = (side.n + side.box - 1) // side.box
    p.parts = 1
    if not p.running and not p.in_place and p.columns < wanted:
        p.parts = max(<Py_ssize_t> 1, min(boxes, wanted // p.columns))
    p.part = (boxes + p.parts - 1) // p.parts * side.box
    p.parts = (side.n + p.part - 1) // p.part if p.part else 0
    # Scratch: cells, what lies behind an input that is overwritten, a second box, a row, sums.
    p.cells = whole_lines(p.cells * p.itemsize + FC_FILTER_SLACK) // p.itemsize
    p.sums.src_imaginary = p.cells
    p.sums.dst_imaginary = whole_lines(p.side[last].box * p.itemsize + FC_FILTER_SLACK) \
        // p.itemsize
    cells = p.cells * p.itemsize
    p.at_saved = p.components * cells
    p.at_work = p.at_saved
    p.saved_line = 0
    if p.in_place and p.moving == last:
        p.saved_line = p.side[last].after
        p.at_work += whole_lines(p.saved_line * p.lines * p.itemsize)
    elif p.in_place:
        p.at_work += whole_lines((p.side[p.moving].after * p.side[p.moving].pitch
                                  + p.side[last].box) * p.itemsize)
    if p.lines > 1:             # transposed ones, whose last vector may not be full
        cells = max(cells, LANES * (p.side[last].box + p.side[last].before + p.side[last].after)
                    * p.itemsize + FC_FILTER_SLACK)
    p.at_row = p.at_work + (whole_lines(cells) if p.whole != NULL else 0)
    p.at_total = p.at_row + p.components * p.sums.dst_imaginary * p.itemsize + p.room_bytes
    p.scratch_bytes = p.at_total + whole_lines(max(<Py_ssize_t> LANES, p.side[last].box)
                                               * p.itemsize) + FC_FILTER_SLACK


cdef Py_ssize_t tap_offset(const pass_t *p, int axis, Py_ssize_t tap) noexcept:
    """Cells from the first tap of an output along an axis of the caller to another one."""
    cdef int a = p.of_axis[axis]
    if a < 0:
        return 0
    return tap * p.side[a].pitch * (p.pixel if a == p.axes - 1 else 1)


# ---- cells ---------------------------------------------------------------------------------------


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
            memcpy(cells + (first - box.first[m] + i * p.side[m - 1].pitch) * p.itemsize,
                   scratch + p.at_saved + (first - side.src + i * p.saved_line) * p.itemsize,
                   (box.end[m] - first) * p.itemsize)
        return
    memcpy(cells + (first - box.first[m]) * pitch,
           scratch + p.at_saved + (first - side.src) * pitch,
           ((box.end[m] - first - 1) * side.pitch + box.size[p.axes - 1]) * p.itemsize)


# ---- outputs -------------------------------------------------------------------------------------


cdef void put_rows(const pass_t *p, const box_t *box, int a, const char *cell, char *dst,
                   char *scratch) noexcept nogil:
    """Compute and store the rows of a box, from axis `a` inwards."""
    cdef Py_ssize_t i
    dst += box.at[a] * p.side[a].dst_bytes
    if a == p.axes - 1:
        if p.row != NULL:
            cell = p.row(p, cell, box.size[a], scratch + p.at_row)
        p.filters.truncate_row(dst, p.side[a].dst_bytes, cell, box.size[a], p.dst_storage)
        if p.components > 1:
            p.filters.truncate_row(dst + p.itemsize, p.side[a].dst_bytes,
                                   cell + p.sums.dst_imaginary * p.itemsize, box.size[a],
                                   p.dst_storage)
        return
    for i in range(box.size[a]):
        put_rows(p, box, a + 1, cell, dst, scratch)
        cell += p.side[a].pitch * p.itemsize
        dst += p.side[a].dst_bytes


cdef void one_column(const pass_t *p, box_t *box, Py_ssize_t begin, Py_ssize_t end,
                     char *scratch) noexcept nogil:
    """Boxes along the moving axis, one after another; what two of them read is converted once."""
    cdef int m = p.moving, last = p.axes - 1
    cdef const side_t *side = &p.side[m]
    cdef Py_ssize_t at, size, i, have = 0, halo = side.before + side.after
    cdef box_t part
    cdef char *cells = scratch
    cdef char *line
    cdef char *data
    box.value = p.value[0]
    if p.in_place and side.after:
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
                if i > 0:
                    line += i * (p.side[m - 1].pitch if p.components == 1 else p.cells) * p.itemsize
                memmove(line, line + side.box * side.pitch * p.itemsize,
                        have * side.pitch * p.itemsize)
        box.begins = at == begin
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
        part = box[0]
        while part.size[last] > 0:      # some outputs of all rows, then the next ones
            size = part.size[last]
            part.size[last] = min(size, p.together)
            put_rows(p, &part, 0, data, p.dst, scratch)
            part.size[last], part.at[last] = size - p.together, part.at[last] + p.together
            data += p.together * p.itemsize
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
    cdef Py_ssize_t count = 0 if p.constant else side.before + after
    tasks.one_task, tasks.what = one_task, p
    tasks.count = (p.columns + p.columns_a_task - 1) // p.columns_a_task * p.parts
    tasks.scratch_bytes = p.scratch_bytes
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
            run_small(p)
        else:
            run_all(&tasks, &operands, threads, shared, chunk_of(&tasks, work))
    finally:
        if count > SMALL_PLACES:
            free(p.before_place)
    return 0


cdef void run_small(pass_t *p) noexcept:
    """The one task of a pass, with scratch that need not be asked for."""
    cdef char[SMALL_SCRATCH + LINE] scratch
    one_task(p, NULL, 0, scratch + (-<uintptr_t> scratch) % LINE)


cdef Py_ssize_t chunk_of(const tasks_t *tasks, Py_ssize_t work) noexcept:
    return max(<Py_ssize_t> 1, tasks.count // (work // CHUNK_WORK + 1))


cdef Py_ssize_t place_of(const pass_t *p, Py_ssize_t at) noexcept:
    """Bytes from the beginning of a row to what lies at a position outside of it."""
    cdef const side_t *side = &p.side[p.axes - 1]
    cdef Py_ssize_t pixel = at // p.pixel if at >= 0 else -((-at + p.pixel - 1) // p.pixel)
    cdef Py_ssize_t element = at - pixel * p.pixel
    return (reach(&p.border[p.axes - 1], pixel) * p.pixel + element) * side.src_bytes
