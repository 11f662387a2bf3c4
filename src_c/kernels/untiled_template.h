/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Kernels of products where there are none: the sums of a table without tiles are made by another
 * one. */
#define FC_PLANE_VECTORS 0
#define FC_GROUPED_MOST 0

static void FC_NAME(stencil)(const fc_row_use *use, ptrdiff_t uses, const fc_step *step,
                             ptrdiff_t steps, const void *a, const void *b, void *c, ptrdiff_t ldc,
                             ptrdiff_t rows, ptrdiff_t cols, const fc_store *store)
{
    (void)use, (void)uses, (void)step, (void)steps, (void)a, (void)b, (void)c, (void)ldc;
    (void)rows, (void)cols, (void)store;
}

static void FC_NAME(depthwise)(const fc_plane *plane, ptrdiff_t channels, const void *a,
                               const void *b, void *c, const fc_store *store)
{
    (void)plane, (void)channels, (void)a, (void)b, (void)c, (void)store;
}

static void FC_NAME(depthwise_channels)(const fc_pixels *pixels, ptrdiff_t vectors, const void *a,
                                        const void *b, void *c, const fc_store *store)
{
    (void)pixels, (void)vectors, (void)a, (void)b, (void)c, (void)store;
}

static void FC_NAME(grouped)(const fc_pixels *pixels, const fc_groups *groups, const void *a,
                             const void *b, void *c, const fc_store *store)
{
    (void)pixels, (void)groups, (void)a, (void)b, (void)c, (void)store;
}

static void FC_NAME(dot)(void *sums, ptrdiff_t row_step, ptrdiff_t window_step, const void *a,
                         ptrdiff_t a_row, ptrdiff_t rows, const void *x, ptrdiff_t x_row,
                         ptrdiff_t windows, ptrdiff_t count, int flags)
{
    (void)sums, (void)row_step, (void)window_step, (void)a, (void)a_row, (void)rows, (void)x;
    (void)x_row, (void)windows, (void)count, (void)flags;
}
