# SPDX-License-Identifier: BSD-3-Clause
"""rows: elements that are moved from one array to another, and columns that are added.

Moves: unfold, pad and shuffles.  The output has some axes, or levels, each a list of runs: so many
positions, evenly spaced in the output and in the input, or holding the constant of the border.  An
element of the output is the sum of one position of each level:

    for each line, a position of all levels but the last two:
        for each run of rows, of the last but one:
            for each run of elements, of the last: rows of them (src_c/kernels/move_template.h)

A task is some lines, some rows of them, and some of the runs of elements.

Sums: fold.  A task is some rows and columns of a plane of the image, of some lines: a line is a
channel of an image of the batch, or its real or imaginary part.

    for each line:
        clear the sums
        for each tap:   add its element of all windows that have it in the task
        store the sums, unless they are in the image already

So each sum is 0 plus its elements in the order of their taps, however tasks are cut.
"""
from libc.string cimport memset

from fastconv._core.axis cimport Axis, ceiling
from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport (
    FC_NOWHERE, fc_epilogue, fc_kernels, fc_moved, fc_run, find)
from fastconv._core.window cimport PAGE, book, operands_t

cdef inline Py_ssize_t shares(Py_ssize_t number, Py_ssize_t each) noexcept nogil:
    return (number + each - 1) // each


# ---- moves --------------------------------------------------------------------------------------

# An axis of the output.  `first` has the number of the first position of each run, and the end.
cdef struct level_t:
    Py_ssize_t runs, total          # how many, and all positions
    Py_ssize_t dst_step             # bytes from one position of a run to the next, in the output
    const fc_run *run
    const Py_ssize_t *first

cdef enum:
    MOST_LEVELS = 80                # NumPy has at most 64 axes

cdef struct moves_t:
    const fc_kernels *kernels
    fc_moved bits
    Py_ssize_t outer                # levels of lines
    level_t level[MOST_LEVELS]      # ... first, then that of rows, then that of elements
    Py_ssize_t lines
    Py_ssize_t task_lines, task_rows, task_runs     # of a task, at most


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


cdef void move_line(const moves_t *p, Py_ssize_t line, Py_ssize_t row, Py_ssize_t row_end,
                    const fc_run *run, Py_ssize_t runs, char *dst, const char *src) noexcept nogil:
    """Rows [row, row_end) of a line, through some runs of elements."""
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
        p.kernels.move_rows(&p.bits, run, runs, dst + found.dst + position * level.dst_step,
                            level.dst_step, at, found.step, end - row)
        row = end
        i += 1


cdef void move_task(const void *what, operands_t *operands, Py_ssize_t task,
                    char *scratch) noexcept nogil:
    cdef const moves_t *p = <const moves_t *> what
    cdef const level_t *rows = &p.level[p.outer]
    cdef const level_t *elements = &p.level[p.outer + 1]
    cdef Py_ssize_t parts, first, row, line
    parts = shares(elements.runs, p.task_runs)
    first = task % parts * p.task_runs
    task //= parts
    parts = shares(rows.total, p.task_rows)
    row = task % parts * p.task_rows
    task = task // parts * p.task_lines
    for line in range(task, min(p.lines, task + p.task_lines)):
        move_line(p, line, row, min(rows.total, row + p.task_rows), elements.run + first,
                  min(p.task_runs, elements.runs - first), operands.dst, operands.src)


cdef class Moves:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from _plan/moves.py: `size` bytes of an element, `turned` of the numbers in it
    whose order is turned around, or 0; `value` the bytes of an element of the border; `levels`
    (bytes from one position to the next in the output, number of runs, address of the runs, address
    of the first positions), in arrays that `held` keeps; `task` lines, rows and runs of a task, at
    most.
    """
    cdef moves_t c
    cdef readonly Py_ssize_t tasks
    cdef object held                # what the structs point to

    def __init__(self, *, isa, size, turned, value, levels, held, task):
        cdef moves_t *p = &self.c
        cdef level_t *level
        cdef Py_ssize_t a
        cdef size_t run, first
        if len(levels) > MOST_LEVELS:
            raise ValueError(f"fastconv: {len(levels)} levels, but at most {MOST_LEVELS}")
        self.held = (value, held)
        p.kernels = find(isa, "f")
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

# An array, in bytes from one element to the next; of numbers of `storage` (fc_kernels.h).
cdef struct place_t:
    int storage
    Py_ssize_t image_bytes, channel_bytes, part_bytes
    Py_ssize_t tap_bytes[3]         # of columns
    Py_ssize_t axis_bytes[3]        # from one output, or element of the image, to the next

cdef struct fold_t:
    const fc_kernels *kernels       # of the dtype of sums
    Py_ssize_t itemsize             # of that dtype
    Axis axis[3]                    # depth, height, width: src of the image, dst of the columns
    place_t columns, image
    fc_epilogue how
    bint in_columns                 # rows of columns are added where they lie
    bint in_image                   # sums are those of the image
    Py_ssize_t channels, parts, lines
    Py_ssize_t task_lines, task_rows, task_columns      # of a task, at most
    Py_ssize_t row, sums            # places in scratch
    Py_ssize_t scratch_bytes


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
        p.kernels.add_rows(sums, pitch, p.axis[2].stride, src, row_bytes // size, rows, count)
        return
    for r in range(rows):
        p.kernels.copy_row(scratch + p.row, 0, count, 0, src + r * row_bytes,
                           p.columns.axis_bytes[2], p.columns.storage, sums)
        p.kernels.add_rows(sums + r * pitch * size, 0, p.axis[2].stride, scratch + p.row, 0, 1,
                           count)


cdef void sum_line(const fold_t *p, const char *columns, char *image, Py_ssize_t plane,
                   Py_ssize_t y0, Py_ssize_t y1, Py_ssize_t x0, Py_ssize_t x1,
                   char *scratch) noexcept nogil:
    """Elements [y0, y1) x [x0, x1) of a plane of a line."""
    cdef Py_ssize_t i, j, k, d, d_end, y, y_end, x, x_end, r, down, right, size = p.itemsize
    cdef Py_ssize_t pitch = x1 - x0
    cdef const Py_ssize_t *tap = p.columns.tap_bytes
    cdef const Py_ssize_t *step = p.columns.axis_bytes
    cdef const char *src
    cdef char *sums = scratch + p.sums
    image += (plane * p.image.axis_bytes[0] + y0 * p.image.axis_bytes[1]
              + x0 * p.image.axis_bytes[2])
    if p.in_image:
        sums, pitch = image, p.image.axis_bytes[1] // size
    for r in range(y1 - y0):
        memset(sums + r * pitch * size, 0, (x1 - x0) * size)
    for i in range(p.axis[0].taps):
        falls(&p.axis[0], i, plane, plane + 1, &d, &d_end)
        if d >= d_end:
            continue
        for j in range(p.axis[1].taps):
            down = falls(&p.axis[1], j, y0, y1, &y, &y_end)
            if y >= y_end:
                continue
            for k in range(p.axis[2].taps):
                right = falls(&p.axis[2], k, x0, x1, &x, &x_end)
                if x >= x_end:
                    continue
                src = (columns + i * tap[0] + j * tap[1] + k * tap[2]
                       + d * step[0] + y * step[1] + x * step[2])
                add(p, sums + (down * pitch + right) * size, pitch, src, y_end - y, x_end - x,
                    scratch)
    if not p.in_image:
        for r in range(y1 - y0):
            p.kernels.epilogue(&p.how, image + r * p.image.axis_bytes[1], p.image.axis_bytes[2],
                               sums + r * pitch * size, size, NULL, 0, NULL, 0, x1 - x0)


cdef void sum_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const fold_t *p = <const fold_t *> what
    cdef Py_ssize_t parts, x, y, plane, line
    parts = shares(p.axis[2].src, p.task_columns)
    x = task % parts * p.task_columns
    task //= parts
    parts = shares(p.axis[1].src, p.task_rows)
    y = task % parts * p.task_rows
    task //= parts
    plane = task % p.axis[0].src
    task = task // p.axis[0].src * p.task_lines
    for line in range(task, min(p.lines, task + p.task_lines)):
        sum_line(p, operands.src + line_bytes(p, &p.columns, line),
                 operands.dst + line_bytes(p, &p.image, line), plane,
                 y, min(p.axis[1].src, y + p.task_rows), x, min(p.axis[2].src, x + p.task_columns),
                 scratch)


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
        cdef Py_ssize_t a, end = 0
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
        p.row = book(&end, 0 if in_columns else p.task_columns * p.itemsize)
        p.sums = book(&end, 0 if in_image else p.task_rows * p.task_columns * p.itemsize)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def sum_tasks(Sums problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, sum_task, problem.tasks, problem.c.scratch_bytes)
