# SPDX-License-Identifier: BSD-3-Clause
"""Weights in panels: [k][width] elements, `width` neighbouring output channels for each k.

Prepared weights hold all panels one after another: group, block of k, panel.  A call without them
packs a panel into scratch when it needs it, so it writes no copy of the weights; or it prepares
them itself, where many boxes would pack the same.
"""
from libc.string cimport memset

from fastconv._core.conv cimport Problem, conv_t, next_block, panels_t
from fastconv._core.parallel cimport Tasks, make_tasks, run_all
from fastconv._core.table cimport fc_prefetch
from fastconv._core.window cimport LINE, block_t, operands_t, window_t

cdef enum:
    BYTES_PER_CHUNK = 1 << 24   # packed between two looks at signals (Ctrl-C)
    OFFSETS = 64                # of weights, found at a time; no panel is wider


cdef void offsets_of(const window_t *window, const panels_t *panels, Py_ssize_t j,
                     Py_ssize_t count, Py_ssize_t *offset) noexcept nogil:
    """Where elements [j, j + count) of an output channel, (channel, tap), lie in it."""
    cdef Py_ssize_t at[4]
    cdef Py_ssize_t i, a
    for a in range(3, 0, -1):
        at[a] = j % window.axis[a].taps
        j //= window.axis[a].taps
    at[0] = j
    for i in range(count):
        offset[i] = (at[0] * panels.axis_bytes[0] + at[1] * panels.axis_bytes[1]
                     + at[2] * panels.axis_bytes[2] + at[3] * panels.axis_bytes[3])
        a = 3
        at[3] += 1
        while a > 0 and at[a] == window.axis[a].taps:
            at[a] = 0
            a -= 1
            at[a] += 1


cdef void gather_rows(const conv_t *p, const char *wei, Py_ssize_t first, Py_ssize_t rows,
                      Py_ssize_t j, Py_ssize_t count, char *raw) noexcept nogil:
    """Elements [j, j + count) of output channels from `first` on, as tiles multiply them.  The
    components of a complex channel are two channels."""
    cdef const panels_t *panels = &p.panels
    cdef Py_ssize_t row, component, done = 0, some, step = panels.step_bytes
    cdef Py_ssize_t size = p.window.itemsize, components = p.epilogue.dst.components
    cdef Py_ssize_t offset[OFFSETS]
    cdef const char *src
    cdef char *dst
    while done < count:
        some = count if step else min(<Py_ssize_t> OFFSETS, count - done)
        if not step:
            offsets_of(&p.window, panels, j + done, some, offset)
        for row in range(rows):
            component = (first + row) % components
            src = (wei + (first + row) // components * panels.row_bytes
                   + component * panels.component_bytes)
            dst = raw + (row * count + done) * size
            if component >= panels.components:
                memset(dst, 0, some * size)
            elif step:
                p.window.kernels.copy_row(dst, 0, count, 0, src + j * step, step, panels.storage,
                                          dst)
            else:
                p.window.kernels.gather(dst, src, offset, some, panels.storage)
        done += some


cdef void pack_across(const conv_t *p, const char *wei, Py_ssize_t first, Py_ssize_t rows,
                      const block_t *block, char *dst) noexcept nogil:
    """A panel, a row at a time: one k of all output channels, and of their components."""
    cdef const panels_t *panels = &p.panels
    cdef Py_ssize_t taps = block.t1 - block.t0, channels = block.c1 - block.c0
    cdef Py_ssize_t row_bytes = panels.width * p.window.itemsize
    cdef Py_ssize_t components = panels.components
    cdef Py_ssize_t offset[OFFSETS]
    cdef Py_ssize_t place[OFFSETS]
    cdef Py_ssize_t done = 0, count = block.k1 - block.k0, i, k
    wei += first // components * panels.row_bytes
    for i in range(0 if panels.whole else rows):
        place[i] = i // components * panels.row_bytes + i % components * panels.component_bytes
    while done < count:
        offsets_of(&p.window, panels, block.k0 + done, min(<Py_ssize_t> OFFSETS, count - done),
                   offset)
        for i in range(min(<Py_ssize_t> OFFSETS, count - done)):
            k = (done + i) % taps * channels + (done + i) // taps
            if panels.whole:
                panels.packer.copy_row(
                    dst + k * row_bytes, 0, rows // components, 0, wei + offset[i],
                    panels.row_bytes, panels.whole_storage, dst)
            else:
                p.window.kernels.gather(dst + k * row_bytes, wei + offset[i], place, rows,
                                        panels.storage)
        done += OFFSETS


cdef inline const char *group_of(const conv_t *p, const char *wei,
                                 Py_ssize_t group) noexcept nogil:
    """The weights of a group: real ones serve both components of complex arrays."""
    return wei + group // p.window.src.component_groups * p.panels.group_bytes


cdef void pack(const conv_t *p, const char *wei, Py_ssize_t group, Py_ssize_t s,
               const block_t *block, char *raw, char *dst) noexcept nogil:
    """Panel s of a block."""
    cdef const panels_t *panels = &p.panels
    cdef Py_ssize_t width = panels.width, first = s * width, size = p.window.itemsize
    cdef Py_ssize_t rows = min(width, p.epilogue.channels - first), pitch = width
    cdef Py_ssize_t depth = block.k1 - block.k0, taps = block.t1 - block.t0
    cdef Py_ssize_t channels = block.c1 - block.c0, j = block.k0, count = depth
    cdef bint complex_src = p.window.src.components == 2
    cdef bint both = False      # components of an input channel
    wei = group_of(p, wei, group)
    if rows < width:
        memset(dst, 0, depth * width * size)
    if complex_src and channels:
        both = channels > 1
        channels = channels // 2 if both else 1
        j = block.c0 // 2 * p.window.taps + block.t0
        count = channels * taps
        pitch = 2 * width if both else width
    if panels.native:
        size *= panels.components
        panels.packer.pack(dst, pitch // panels.components,
                           wei + first // panels.components * panels.row_bytes + j * size,
                           panels.row_bytes // size, rows // panels.components, channels, taps)
    elif panels.across:
        pack_across(p, wei, first, rows, block, dst)
    else:
        gather_rows(p, wei, first, rows, j, count, raw)
        p.window.kernels.pack(dst, pitch, raw, count, rows, channels, taps)
    if both:
        p.window.kernels.multiply_i(dst + width * p.window.itemsize, dst, pitch, rows, count)
    elif complex_src and block.c0 % 2:
        p.window.kernels.multiply_i(dst, dst, pitch, rows, count)


cdef inline void clear_slack(const conv_t *p, char *end) noexcept nogil:
    """Zeros behind panels that are narrower than the vectors that read them: as `clear_beyond` of
    source.pyx says."""
    if p.panels.width < p.window.kernels.lanes:
        memset(end, 0, p.window.kernels.lanes * p.window.itemsize)


cdef const char *panel(const conv_t *p, operands_t *operands, Py_ssize_t group, Py_ssize_t s,
                       const block_t *block, bint check, char *scratch) noexcept nogil:
    """Panel s of a block."""
    return panels(p, operands, group, s, s + 1, block, check, scratch)


cdef inline char *place_of(const conv_t *p, const operands_t *operands, Py_ssize_t group,
                           Py_ssize_t s, const block_t *block) noexcept nogil:
    """Where panel s of a block is among all panels."""
    group //= p.window.src.component_groups
    return (operands.packed
            + (p.panels.count * (group * p.schedule.depth + block.k0)
               + s * (block.k1 - block.k0)) * p.panels.width * p.window.itemsize)


cdef const char *panels(const conv_t *p, operands_t *operands, Py_ssize_t group, Py_ssize_t s0,
                        Py_ssize_t s1, const block_t *block, bint check,
                        char *scratch) noexcept nogil:
    """Panels [s0, s1) of a block: found among the prepared ones, or packed now; `check`: tell of
    inf and NaN in them."""
    cdef Py_ssize_t s, count = (block.k1 - block.k0) * p.panels.width
    cdef char *packed = scratch + p.at.weight
    if operands.packed != NULL:
        return place_of(p, operands, group, s0, block)
    for s in range(s0, s1):
        pack(p, operands.wei, group, s, block, scratch + p.at.raw,
             packed + (s - s0) * count * p.window.itemsize)
    clear_slack(p, packed + (s1 - s0) * count * p.window.itemsize)
    if check and not p.panels.integer:
        if not p.window.kernels.finite(packed, (s1 - s0) * count):
            operands.not_finite = 1
    return packed


cdef void prefetch_next(const conv_t *p, const operands_t *operands, Py_ssize_t group,
                        Py_ssize_t s, Py_ssize_t s0, Py_ssize_t s1, const block_t *block,
                        Py_ssize_t bursts, fc_prefetch *prefetch) noexcept nogil:
    """The weights that will be packed after panel s of [s0, s1), in so many bursts."""
    cdef const panels_t *panels = &p.panels
    cdef block_t after = block[0]
    cdef Py_ssize_t size = p.window.itemsize * panels.components    # of a weight
    cdef Py_ssize_t components = p.window.src.components            # a weight serves so many k
    prefetch.rows, prefetch.line, prefetch.burst = 0, 0, 0
    s += 1
    if operands.packed != NULL or not panels.native or (s == s1 and not next_block(p, &after)):
        return
    if s == s1:
        s = s0
    prefetch.rows = min(panels.width, p.epilogue.channels - s * panels.width) // panels.components
    prefetch.row_bytes = panels.row_bytes
    prefetch.row = (group_of(p, operands.wei, group)
                    + s * panels.width // panels.components * panels.row_bytes
                    + after.k0 // components * size)
    prefetch.lines = (after.k1 - after.k0) // components * size // LINE + 1
    prefetch.burst = (prefetch.rows * prefetch.lines + bursts - 1) // max(1, bursts)


cdef inline Py_ssize_t blocks_of(const conv_t *p) noexcept nogil:
    """Blocks of k: as many in each part that encloses them."""
    cdef Py_ssize_t enclosing = p.schedule.enclosing, block_k = p.schedule.block_k
    return p.schedule.depth // enclosing * ((enclosing + block_k - 1) // block_k)


cdef void pack_task(const void *what, operands_t *operands, Py_ssize_t task,
                    char *scratch) noexcept nogil:
    """A panel; tasks follow one another as panels do."""
    cdef const conv_t *p = <const conv_t *> what
    cdef Py_ssize_t group = task // (p.panels.count * blocks_of(p)) * p.window.src.component_groups
    cdef Py_ssize_t s = task % p.panels.count, number = task // p.panels.count % blocks_of(p)
    cdef Py_ssize_t enclosed = (p.schedule.enclosing + p.schedule.block_k - 1) // p.schedule.block_k
    cdef block_t block
    cdef char *dst
    block.k1 = (number // enclosed * p.schedule.enclosing
                + number % enclosed * p.schedule.block_k)   # of the block before
    next_block(p, &block)
    dst = place_of(p, operands, group, s, &block)
    pack(p, operands.wei, group, s, &block, scratch + p.at.raw, dst)
    if not p.window.kernels.finite(dst, (block.k1 - block.k0) * p.panels.width):
        operands.not_finite = 1


def prepare(Problem problem, size_t wei, size_t packed, int threads, bint shared):
    """Pack all panels; returns whether all weights are finite."""
    cdef const conv_t *p = &problem.c
    cdef Py_ssize_t panels = p.groups // p.window.src.component_groups * p.panels.count
    cdef Py_ssize_t width_bytes = p.panels.width * p.window.itemsize
    cdef Py_ssize_t chunk = BYTES_PER_CHUNK // (p.schedule.block_k * width_bytes)
    cdef Tasks tasks = make_tasks(problem, p, pack_task, panels * blocks_of(p), p.scratch_bytes)
    cdef operands_t operands
    operands.wei, operands.packed, operands.not_finite = <char *> wei, <char *> packed, 0
    clear_slack(p, operands.packed + panels * p.schedule.depth * width_bytes)
    return run_all(&tasks.c, &operands, threads, shared, max(threads, chunk))
