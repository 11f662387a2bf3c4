# SPDX-License-Identifier: BSD-3-Clause
"""rows: elements that are moved from one array to another, and columns that are added.

Moves: unfold, pad and shuffles.  The output has some axes, or levels, each a list of runs: so many
positions, evenly spaced in the output and in the input, or holding the constant of the border.  An
element of the output is the sum of one position of each level:

    for each line, a position of all levels but the last two:
        for each run of rows, of the last but one:
            for each run of elements, of the last: rows of them (src_c/kernels/move_template.h)

Where the input has channels last, a row of several channels is transposed instead.  A task is
some lines, some rows of them, and some of the runs of elements.

Sums: fold.  A task is some rows and columns of a plane of the image, of some lines: a line is a
channel of an image of the batch, or its real or imaginary part.

    for each line:
        clear the sums
        for each tap:   add its element of all windows that have it in the task
        store the sums, unless they are in the image already

Of a stride s, columns x = s q + phase of the sums lie in scratch as [phase][q], so that the rows of
a tap are added side by side.  Each sum is 0 plus its elements in the order of their taps, however
tasks are cut.
"""
from libc.string cimport memset

from fastconv._core.axis cimport Axis, ceiling
from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport FC_NOWHERE, fc_run, find
from fastconv._core.window cimport PAGE, book, operands_t

cdef inline Py_ssize_t shares(Py_ssize_t number, Py_ssize_t each) noexcept nogil:
    return (number + each - 1) // each


# ---- moves --------------------------------------------------------------------------------------

cdef inline Py_ssize_t run_of(const level_t *level, Py_ssize_t position) noexcept nogil:
    """The run that a position of a level is in."""
    cdef Py_ssize_t low = 0, high = level.runs, middle
    while high - low > 1:
        middle = (low + high) // 2
        if level.first[middle] <= position:
            low = middle
        else:
            high = middle
    return low


cdef void move_across(const moves_t *p, Py_ssize_t lines, const fc_run *run, Py_ssize_t runs,
                      char *dst, const char *src) noexcept nogil:
    """A row of some neighbouring lines, whose elements are neighbours in the input."""
    cdef Py_ssize_t i, line, size = p.bits.size, line_bytes = p.level[p.outer - 1].dst_step
    for i in range(runs):
        if src != NULL and run[i].src != FC_NOWHERE:
            p.kernels.transpose(dst + run[i].dst, line_bytes // size, src + run[i].src,
                                run[i].step // size, run[i].count, lines, NULL)
            continue
        for line in range(lines):
            p.kernels.move_rows(&p.bits, run + i, 1, dst + line * line_bytes, 0, NULL, 0, 1)


cdef void move_lines(const moves_t *p, Py_ssize_t line, Py_ssize_t lines, Py_ssize_t row,
                     Py_ssize_t row_end, const fc_run *run, Py_ssize_t runs, char *dst,
                     const char *src) noexcept nogil:
    """Rows [row, row_end) of a line, or several `across`, through some runs of elements."""
    cdef Py_ssize_t a, i, position, end
    cdef const level_t *level
    cdef const fc_run *found
    cdef const char *at
    for a in range(p.outer - 1, -1, -1):
        level = &p.level[a]
        position = line % level.total
        line //= level.total
        i = run_of(level, position)
        found = &level.run[i]
        position -= level.first[i]
        dst += found.dst + position * level.dst_step
        if found.src == FC_NOWHERE:
            src = NULL
        elif src != NULL:
            src += found.src + position * found.step
    level = &p.level[p.outer]
    i = run_of(level, row)
    while row < row_end:
        found = &level.run[i]
        end = min(row_end, level.first[i + 1])
        position = row - level.first[i]
        at = NULL
        if src != NULL and found.src != FC_NOWHERE:
            at = src + found.src + position * found.step
        if p.across:
            while row < end:
                move_across(p, lines, run, runs, dst + found.dst + position * level.dst_step, at)
                row, position = row + 1, position + 1
                if at != NULL:
                    at += found.step
        else:
            p.kernels.move_rows(&p.bits, run, runs, dst + found.dst + position * level.dst_step,
                                level.dst_step, at, found.step, end - row)
        row = end
        i += 1


cdef void move_task(const void *what, operands_t *operands, Py_ssize_t task,
                    char *scratch) noexcept nogil:
    cdef const moves_t *p = <const moves_t *> what
    cdef const level_t *rows = &p.level[p.outer]
    cdef const level_t *elements = &p.level[p.outer + 1]
    cdef Py_ssize_t inner = p.level[max(0, p.outer - 1)].total
    cdef Py_ssize_t parts, first, row, line, end, lines = 1
    parts = shares(elements.runs, p.task_runs)
    first = task % parts * p.task_runs
    task //= parts
    parts = shares(rows.total, p.task_rows)
    row = task % parts * p.task_rows
    task = task // parts * p.task_lines
    line, end = task, min(p.lines, task + p.task_lines)
    while line < end:
        if p.across:
            lines = min(end, (line // inner + 1) * inner) - line
        move_lines(p, line, lines, row, min(rows.total, row + p.task_rows), elements.run + first,
                   min(p.task_runs, elements.runs - first), operands.dst, operands.src)
        line += lines


cdef class Moves:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from _plan/moves.py: `size` bytes of an element, `turned` of the numbers in it
    whose order is turned around, or 0; `value` the bytes of an element of the border; `levels`
    (bytes from one position to the next in the output, number of runs, address of the runs, address
    of the first positions), in arrays that `held` keeps; `task` lines, rows and runs of a task, at
    most; `across`: positions of the last level of lines are neighbours in the input, elements of 4
    or 8 bytes, and those of a row in the output.
    """
    cdef moves_t c
    cdef readonly Py_ssize_t tasks
    cdef object held                # what the structs point to

    def __init__(self, *, isa, size, turned, value, levels, held, task, across):
        cdef moves_t *p = &self.c
        cdef level_t *level
        cdef Py_ssize_t a
        cdef size_t run, first
        if len(levels) > MOST_LEVELS:
            raise ValueError(f"fastconv: {len(levels)} levels, but at most {MOST_LEVELS}")
        self.held = (value, held)
        p.kernels, p.across = find(isa, "d" if size == 8 else "f"), across
        p.outer, p.lines = len(levels) - 2, 1
        for a in range(len(levels)):
            level = &p.level[a]
            level.dst_step, level.runs, run, first = levels[a]
            level.run, level.first = <const fc_run *> run, <const Py_ssize_t *> first
            level.total = level.first[level.runs]
            if a < p.outer:
                p.lines *= level.total
        p.bits.size, p.bits.turned, p.bits.value = size, turned, value
        p.bits.dst_step = p.level[p.outer + 1].dst_step
        p.task_lines, p.task_rows, p.task_runs = task
        self.tasks = (shares(p.lines, p.task_lines)
                      * shares(p.level[p.outer].total, p.task_rows)
                      * shares(p.level[p.outer + 1].runs, p.task_runs))


def move_tasks(Moves problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, move_task, problem.tasks, 0)


# ---- sums ---------------------------------------------------------------------------------------

cdef inline Py_ssize_t line_bytes(const fold_t *p, const place_t *place,
                                  Py_ssize_t line) noexcept nogil:
    """From the first element of an array to a line."""
    return (line % p.parts * place.part_bytes
            + line // p.parts % p.channels * place.channel_bytes
            + line // p.parts // p.channels * place.image_bytes)


cdef inline Py_ssize_t falls(const Axis *axis, Py_ssize_t tap, Py_ssize_t low, Py_ssize_t high,
                             Py_ssize_t *first, Py_ssize_t *end) noexcept nogil:
    """Outputs [first, end) have their tap in [low, high) of the image; returns where in it the
    first one has it."""
    cdef Py_ssize_t offset = tap * axis.dilation - axis.pad
    first[0] = max(0, ceiling(low - offset, axis.stride))
    end[0] = min(axis.dst, ceiling(high - offset, axis.stride))
    return first[0] * axis.stride + offset - low


cdef void add(const fold_t *p, char *sums, Py_ssize_t pitch, const char *src, Py_ssize_t rows,
              Py_ssize_t count, char *scratch) noexcept nogil:
    """Rows of one tap; `sums` is where its first element falls."""
    cdef Py_ssize_t r, size = p.itemsize
    cdef Py_ssize_t row_bytes = p.columns.axis_bytes[1]
    pitch *= p.axis[1].stride
    if p.in_columns:
        p.kernels.add_rows(sums, pitch, src, row_bytes // size, rows, count)
        return
    for r in range(rows):
        p.kernels.copy_row(scratch + p.row, 0, count, 0, src + r * row_bytes,
                           p.columns.axis_bytes[2], p.columns.storage, sums)
        p.kernels.add_rows(sums + r * pitch * size, 0, scratch + p.row, 0, 1, count)


cdef void weave(const fold_t *p, const box_t *box, const char *sums, char *to,
                Py_ssize_t to_bytes) noexcept nogil:
    """Rows of sums, their phases in turns: some at a time, which the first-level cache holds."""
    cdef Py_ssize_t phase, size = p.itemsize, width = box.x1 - box.x0, rows = box.y1 - box.y0
    cdef Py_ssize_t some = max(1, PAGE // (width * size))
    cdef fc_run run
    run.dst, run.src, run.step = 0, 0, size
    while rows > 0:
        for phase in range(min(width, p.phases)):
            run.count = shares(width - phase, p.phases)
            p.kernels.move_rows(&p.phase, &run, 1, to + phase * size, to_bytes,
                                sums + phase * box.each * size, box.pitch * size, min(some, rows))
        rows -= some
        to += some * to_bytes
        sums += some * box.pitch * size


cdef void add_taps(const fold_t *p, const box_t *box, const char *columns, char *sums,
                   char *scratch) noexcept nogil:
    """The elements of all taps that fall into a box."""
    cdef Py_ssize_t i, j, k, d, d_end, y, y_end, down
    cdef const Py_ssize_t *tap = p.columns.tap_bytes
    cdef const Py_ssize_t *step = p.columns.axis_bytes
    cdef const fall_t *fall = <const fall_t *> (scratch + p.falls)
    cdef const char *src
    for i in range(p.axis[0].taps):
        falls(&p.axis[0], i, box.plane, box.plane + 1, &d, &d_end)
        if d >= d_end:
            continue
        for j in range(p.axis[1].taps):
            down = falls(&p.axis[1], j, box.y0, box.y1, &y, &y_end)
            if y >= y_end:
                continue
            src = columns + i * tap[0] + j * tap[1] + d * step[0] + y * step[1]
            for k in range(p.axis[2].taps):
                if fall[k].count > 0:
                    add(p, sums + (down * box.pitch + fall[k].at) * p.itemsize, box.pitch,
                        src + fall[k].bytes, y_end - y, fall[k].count, scratch)


cdef void sum_line(const fold_t *p, box_t *box, const char *columns, char *image,
                   char *scratch) noexcept nogil:
    """A box of a line."""
    cdef Py_ssize_t r, size = p.itemsize, width = box.x1 - box.x0
    cdef bint in_image = p.in_image and p.phases == 1
    cdef char *sums = scratch + p.sums
    image += (box.plane * p.image.axis_bytes[0] + box.y0 * p.image.axis_bytes[1]
              + box.x0 * p.image.axis_bytes[2])
    if in_image:
        sums = image
    for r in range(box.y1 - box.y0):
        memset(sums + r * box.pitch * size, 0, p.phases * box.each * size)
    add_taps(p, box, columns, sums, scratch)
    if p.phases > 1 and p.in_image:
        weave(p, box, sums, image, p.image.axis_bytes[1])
    elif not in_image:
        if p.phases > 1:
            weave(p, box, sums, scratch + p.woven, width * size)
            sums = scratch + p.woven
        for r in range(box.y1 - box.y0):
            p.kernels.epilogue(&p.how, image + r * p.image.axis_bytes[1], p.image.axis_bytes[2],
                               sums + r * width * size, size, NULL, 0, NULL, 0, width)


cdef void begin_box(const fold_t *p, box_t *box, fall_t *fall) noexcept nogil:
    """Where its rows lie, and where in them the taps of the last axis fall."""
    cdef const Axis *axis = &p.axis[2]
    cdef Py_ssize_t k, first, end, at
    box.each = shares(box.x1 - box.x0, p.phases)
    box.pitch = p.phases * box.each
    if p.in_image and p.phases == 1:
        box.pitch = p.image.axis_bytes[1] // p.itemsize
    for k in range(axis.taps):
        at = falls(axis, k, box.x0, box.x1, &first, &end)
        fall[k].count = end - first
        fall[k].at = at % p.phases * box.each + at // p.phases
        fall[k].bytes = k * p.columns.tap_bytes[2] + first * p.columns.axis_bytes[2]


cdef void sum_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const fold_t *p = <const fold_t *> what
    cdef Py_ssize_t parts, line
    cdef box_t box
    parts = shares(p.axis[2].src, p.task_columns)
    box.x0 = task % parts * p.task_columns
    box.x1 = min(p.axis[2].src, box.x0 + p.task_columns)
    task //= parts
    parts = shares(p.axis[1].src, p.task_rows)
    box.y0 = task % parts * p.task_rows
    box.y1 = min(p.axis[1].src, box.y0 + p.task_rows)
    task //= parts
    box.plane = task % p.axis[0].src
    task = task // p.axis[0].src * p.task_lines
    begin_box(p, &box, <fall_t *> (scratch + p.falls))
    for line in range(task, min(p.lines, task + p.task_lines)):
        sum_line(p, &box, operands.src + line_bytes(p, &p.columns, line),
                 operands.dst + line_bytes(p, &p.image, line), scratch)


cdef set_place(place_t *place, values):
    """An array, from its `Place`."""
    cdef Py_ssize_t a
    (place.storage, place.image_bytes, place.channel_bytes, place.part_bytes, taps,
     axes) = values
    for a in range(3):
        place.tap_bytes[a], place.axis_bytes[a] = taps[a], axes[a]


cdef class Sums:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_part` of _plan/columns.py: axes as in _core/conv.pyx; columns and image
    `Place` there; `how` activation, storage of sums and the largest integer that is
    stored; `task` lines, rows and columns of the image of a task, at most.
    """
    cdef fold_t c
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, axes, lines, columns, image, in_columns, in_image, how, task):
        cdef fold_t *p = &self.c
        cdef Axis *axis
        cdef Py_ssize_t a, room, end = 0
        p.kernels = find(isa, dtype)
        p.itemsize = p.kernels.itemsize
        for a in range(3):
            axis = &p.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.border) = axes[a]
        set_place(&p.columns, columns)
        set_place(&p.image, image)
        p.in_columns, p.in_image = in_columns, in_image
        p.how.activation, p.how.sum_storage, p.how.integer_high = how
        p.how.dst_storage = p.how.residual_storage = p.image.storage
        p.how.real_alpha = p.how.integer_alpha = 1
        batch, p.channels, p.parts = lines
        p.lines = batch * p.channels * p.parts
        p.task_lines, p.task_rows, p.task_columns = task
        self.tasks = (shares(p.lines, p.task_lines) * p.axis[0].src
                      * shares(p.axis[1].src, p.task_rows)
                      * shares(p.axis[2].src, p.task_columns))
        p.phases = p.axis[2].stride
        if p.phases >= p.task_columns:      # no two windows have the same tap in a row
            p.phases = 1
        room = p.phases * shares(p.task_columns, p.phases) * p.itemsize
        p.row = book(&end, 0 if in_columns else p.task_columns * p.itemsize)
        p.sums = book(&end, 0 if in_image and p.phases == 1 else p.task_rows * room)
        p.woven = book(&end, 0 if in_image or p.phases == 1 else p.task_rows * room)
        p.falls = book(&end, p.axis[2].taps * sizeof(fall_t))
        p.phase.size, p.phase.turned, p.phase.value = p.itemsize, 0, NULL
        p.phase.dst_step = p.phases * p.itemsize
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def sum_tasks(Sums problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, sum_task, problem.tasks, problem.c.scratch_bytes)
