# SPDX-License-Identifier: BSD-3-Clause
"""The axes of a pass, and the sizes of its boxes and tasks: see boxes.pxd."""

from fastconv._core.axis cimport CONSTANT, EDGE, MIRROR, SYMMETRIC, WRAP
from fastconv._core.filters cimport FC_FILTER_SLACK

cdef enum:
    CELLS = 24 * 1024           # of a box, about: they stay in the second-level cache
    WINDOW = 2 * 1024           # ... of the windows of some outputs: in the first-level cache
    WIDE = 2048                 # ... of a row, where there are several
    LINE = 64                   # bytes
    TASK_WORK = 200 * 1000      # operations of a task, at least

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
    choose_sizes(p, work, lines, threads)
    choose_tasks(p, work, threads)
    choose_places(p)


cdef void choose_sizes(pass_t *p, Py_ssize_t work, Py_ssize_t lines, int threads) noexcept:
    """Outputs of a box along each axis, and the pitches of its cells."""
    cdef int a, last = p.axes - 1
    cdef Py_ssize_t halo, around = 1, outputs = 1, cells, most, unit, pitch
    cdef side_t *side
    p.lines = 1
    if p.moving != last or last == 0:
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
    for a in range(p.axes):
        outputs *= p.side[a].n
    most = CHUNK_WORK // 8 // max(<Py_ssize_t> 1, work // outputs)
    cells = min(cells, max(<Py_ssize_t> LANES, most))
    if last != p.moving and abs(side.src_bytes) > abs(p.side[p.moving].src_bytes):
        cells = LANES          # each in a line of the cache of its own
    unit = LANES * p.pixel      # whole vectors, and whole pixels: each element has a sum of its own
    side.box = min(side.n, (cells + unit - 1) // unit * unit)
    p.rows_whole = side.box >= side.n
    p.together = side.box if p.whole != NULL else max(<Py_ssize_t> 4 * LANES,
                                                      WINDOW // around // LANES * LANES)
    cells = side.box + halo
    for a in range(last - 1, -1, -1):
        side = &p.side[a]
        around //= 1 + side.before + side.after
        halo = side.before + side.after
        if not plain(side):
            side.box = min(side.n, max(1, CELLS // (cells * around) - halo))
            if a > p.moving:    # the moving axis gets what is left
                side.box = min(side.box, max(1, 2 * halo))
        elif a == last - 1 and lines > 1:
            side.box = p.lines = min(side.n, lines)
        elif p.moving == last and p.rows_whole and (lines > 1 or not p.running):
            side.box = min(side.n, max(1, CELLS // 4 // cells))     # several short rows
            if threads > 1:
                side.box = min(side.box, max(1, side.n // (4 * threads)))
        cells *= side.box + halo
    pitch = 1
    for a in range(last, -1, -1):
        p.side[a].pitch = pitch
        pitch *= p.side[a].box + p.side[a].before + p.side[a].after
        if a == last and last > 0:  # rows begin a line each, in another set of the cache
            pitch = whole_lines(pitch * p.itemsize) // p.itemsize
            if pitch * p.itemsize // LINE % 2 == 0:
                pitch += LINE // p.itemsize
    p.cells = whole_lines(pitch * p.itemsize + FC_FILTER_SLACK) // p.itemsize


cdef void choose_tasks(pass_t *p, Py_ssize_t work, int threads) noexcept:
    """Tasks are columns of boxes, or parts of such."""
    cdef side_t *side = &p.side[p.moving]
    cdef Py_ssize_t wanted, boxes = (side.n + side.box - 1) // side.box
    cdef int a
    p.columns = 1
    for a in range(p.axes):
        if a != p.moving:
            p.columns *= (p.side[a].n + p.side[a].box - 1) // p.side[a].box
    wanted = max(<Py_ssize_t> 1, min(work // TASK_WORK, <Py_ssize_t> 8 * threads))
    if threads == 1:
        wanted = 1
    if work > CHUNK_WORK:
        wanted = max(wanted, min(work // TASK_WORK, <Py_ssize_t> 100000))
    p.columns_a_task = max(<Py_ssize_t> 1, p.columns // min(wanted, p.columns))
    p.parts = 1
    if side.box >= side.n:      # all of the input is read before there are outputs
        p.in_place = False
    p.resumes = p.running or p.in_place
    if p.resumes and p.columns == 1:    # parts follow one another, for a look at signals
        p.parts = max(<Py_ssize_t> 1, min(boxes, 4 * (work // CHUNK_WORK)))
    elif not p.resumes and p.columns < wanted:
        p.parts = max(<Py_ssize_t> 1, min(boxes, wanted // p.columns))
    p.part = (boxes + p.parts - 1) // p.parts * side.box
    p.parts = (side.n + p.part - 1) // p.part if p.part else 0


cdef void choose_places(pass_t *p) noexcept:
    """Scratch: cells, what lies behind an input that is overwritten, a second box, a row, sums."""
    cdef const side_t *last = &p.side[p.axes - 1]
    cdef const side_t *side = &p.side[p.moving]
    cdef Py_ssize_t bytes = p.cells * p.itemsize
    p.sums.src_imaginary = p.cells
    p.sums.dst_imaginary = whole_lines(last.box * p.itemsize + FC_FILTER_SLACK) // p.itemsize
    p.at_saved = p.components * bytes
    p.at_work = p.at_saved
    p.saved_line = 0
    if p.in_place and p.moving == p.axes - 1:
        p.saved_line = last.after
        p.at_work += whole_lines(p.saved_line * p.lines * p.itemsize)
    elif p.in_place:
        p.at_work += whole_lines((side.after * side.pitch + last.box) * p.itemsize)
    if p.lines > 1:             # transposed ones, whose last vector may not be full
        bytes = max(bytes, LANES * (last.box + last.before + last.after) * p.itemsize
                    + FC_FILTER_SLACK)
    p.at_row = p.at_work
    if p.whole != NULL and (p.lines > 1 or not p.running):
        p.at_row += whole_lines(bytes)
    p.at_total = p.at_row + p.components * p.sums.dst_imaginary * p.itemsize + p.room_bytes
    p.scratch_bytes = p.at_total + FC_FILTER_SLACK + whole_lines(
        max(<Py_ssize_t> LANES, last.box) * p.itemsize)


cdef Py_ssize_t tap_offset(const pass_t *p, int axis, Py_ssize_t tap) noexcept:
    """Cells from the first tap of an output along an axis of the caller to another one."""
    cdef int a = p.of_axis[axis]
    if a < 0:
        return 0
    return tap * p.side[a].pitch * (p.pixel if a == p.axes - 1 else 1)
