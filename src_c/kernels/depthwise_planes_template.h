/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The planes of some output channels, with pixels in vectors: see depthwise_template.h.
 */
/* Outputs of a part of so many at most: all parts are of about the same size. */
FC_INLINE ptrdiff_t FC_NAME(evenly)(ptrdiff_t outputs, ptrdiff_t most)
{
    const ptrdiff_t parts = (outputs + most - 1) / most;
    return (outputs + parts - 1) / parts;
}

/* Of an element that is read or written. */
FC_INLINE ptrdiff_t FC_NAME(plane_bytes)(const fc_plane *plane)
{
    return plane->bytes ? 1 : sizeof(FC_T);
}

/* Taps of depth that are valid for a plane. */
FC_INLINE ptrdiff_t FC_NAME(valid_depth)(const fc_reads *depth)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t d = 0; d < depth->taps; d++)
        count += depth->place[d * depth->dilation] != FC_NOWHERE;
    return count;
}

/* What needs what C held before. */
#define FC_READS_C (FC_ADD | FC_INTEGER | FC_RESIDUAL)

/* All planes of depth, one after the other, unless `plane` does that: the sums of one go on where
 * those of the one before it have ended, in C, which has to hold sums as they are. */
static __attribute__((noinline)) void FC_NAME(planes_of_depth)(FC_NAME(plane_fn) *make,
                                                               const fc_plane *plane,
                                                               const FC_T *a, const char *b,
                                                               char *c, const fc_store *store)
{
    const fc_store unfinished = {.flags = 0};
    ptrdiff_t left = FC_NAME(valid_depth)(&plane->depth), goes_on = 0;
    if (make == FC_NAME(plane) || left == 0
        || (left > 1 && store->flags & FC_READS_C)) {
        FC_NAME(plane)(plane, a, b, c, 0, store);
        return;
    }
    for (ptrdiff_t d = 0; d < plane->depth.taps; d++, a += plane->row.taps * plane->a_row) {
        const ptrdiff_t depth = plane->depth.place[d * plane->depth.dilation];
        if (depth == FC_NOWHERE)
            continue;
        left--;
        make(plane, a, b + depth * FC_NAME(plane_bytes)(plane), c, goes_on,
             left ? &unfinished : store);
        goes_on = 1;
    }
}

/* Rows and columns of a plane that are made together, while the next columns are prefetched: so
 * few rows that the CPU remembers their pages, and so many columns that memory is fast. */
#define FC_SOME_ROWS 16
#define FC_SOME_COLUMNS 4

FC_INLINE const fc_columns *FC_NAME(some_columns)(const fc_plane *plane, const fc_columns *at)
{
    const ptrdiff_t left = plane->columns_end - at;
    return at + (left < FC_SOME_COLUMNS ? left : FC_SOME_COLUMNS);
}

static void FC_NAME(large_planes)(FC_NAME(plane_fn) *make, const fc_plane *plane, const FC_T *a,
                                  const char *b, char *c, const fc_store *store)
{
    const fc_reads *rows = &plane->row, *depth = &plane->depth;
    const ptrdiff_t last = depth->place[(depth->taps - 1) * depth->dilation];
    const ptrdiff_t height = FC_NAME(evenly)(rows->outputs, FC_SOME_ROWS * rows->together);
    const ptrdiff_t size = FC_NAME(plane_bytes)(plane);
    const ptrdiff_t reach = plane->steps ? plane->step[plane->steps - 1] : 0;
    fc_plane part = *plane;
    for (ptrdiff_t y = 0; y < rows->outputs; y += height) {
        const fc_columns *at = plane->columns;
        char *to = c + y * plane->c_row * size;
        part.row.place = rows->place + y * rows->stride;
        part.row.outputs = rows->outputs - y < height ? rows->outputs - y : height;
        while (at < plane->columns_end) {
            const fc_columns *next = FC_NAME(some_columns)(plane, at);
            const fc_columns *end = FC_NAME(some_columns)(plane, next);
            fc_area read = {0}, written = {0};
            if (next < end) {
                const ptrdiff_t x = next->at, count = end[-1].at + end[-1].cols - x;
                if (last != FC_NOWHERE)
                    read = fc_area_read(b + (last + (x << plane->pairs) + reach) * size, &part.row,
                                        size, count << plane->pairs);
                written = fc_area_written(to + x * size, plane->c_row, part.row.outputs, size, count);
            }
            for (; at < next; at++) {
                fc_prefetch_area(&read, FC_SOME_COLUMNS);
                fc_prefetch_area(&written, FC_SOME_COLUMNS);
                part.columns = at;
                part.columns_end = at + 1;
                FC_NAME(planes_of_depth)(make, &part, a, b, to, store);
            }
        }
    }
}

/* Elements from plane to plane of what FC_PLANE_VECTORS outputs of depth read, through each tap; or
 * FC_NOWHERE if that differs. */
static ptrdiff_t FC_NAME(stack_step)(const fc_reads *depth)
{
    ptrdiff_t step = FC_NOWHERE;
    for (ptrdiff_t d = 0; d < depth->taps; d++) {
        const ptrdiff_t *place = depth->place + d * depth->dilation;
        for (int v = 1; v < FC_PLANE_VECTORS; v++) {
            const ptrdiff_t at = place[v * depth->stride], before = place[(v - 1) * depth->stride];
            if ((at == FC_NOWHERE) != (before == FC_NOWHERE))
                return FC_NOWHERE;
            if (at == FC_NOWHERE)
                continue;
            if (step != FC_NOWHERE && at - before != step)
                return FC_NOWHERE;
            step = at - before;
        }
    }
    return step;
}

static void FC_NAME(depthwise)(const fc_plane *plane, ptrdiff_t channels, const void *a_,
                               const void *b_, void *c_, const fc_store *store)
{
    const ptrdiff_t size = FC_NAME(plane_bytes)(plane), outputs = plane->depth.outputs;
    FC_NAME(plane_fn) *const make = FC_NAME(choose_plane)(plane);
    FC_NAME(plane_fn) *const stack = FC_NAME(choose_stack)(make, plane);
    const FC_T *a = a_, *bias = store->bias;
    const char *b = b_;
    FC_T same[FC_STENCIL_ROWS] = {0}; /* the rows are of one channel */
    fc_plane part = *plane;
    fc_store own = *store;
    own.bias = same;
    for (ptrdiff_t channel = 0; channel < channels; channel++) {
        char *c = (char *)c_ + channel * plane->c_channel * size;
        if (store->flags & FC_BIAS_ROWS)
            for (int r = 0; r < FC_STENCIL_ROWS; r++)
                same[r] = bias[channel];
        part.depth.place = plane->depth.place;
        for (ptrdiff_t z = 0, made; z < outputs; z += made) {
            made = 1;
            part.b_plane = FC_NOWHERE;
            if (stack && outputs - z >= FC_PLANE_VECTORS && !(store->flags & FC_READS_C))
                part.b_plane = FC_NAME(stack_step)(&part.depth);
            if (part.b_plane != FC_NOWHERE)
                made = FC_PLANE_VECTORS;
            if (plane->columns_ahead)
                FC_NAME(large_planes)(make, &part, a, b, c, &own);
            else
                FC_NAME(planes_of_depth)(made > 1 ? stack : make, &part, a, b, c, &own);
            part.depth.place += made * plane->depth.stride;
            c += made * plane->c_plane * size;
        }
        a += plane->a_channel;
        b += plane->b_channel * size;
    }
}
#undef FC_READS_C
#undef FC_SOME_ROWS
#undef FC_SOME_COLUMNS
