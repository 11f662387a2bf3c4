/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel table: everything that C computes for _core.  One table per (ISA, dtype); pointers
 * are untyped, the table knows the dtype.  Sizes, strides and offsets count elements unless the
 * name ends in _bytes.
 *
 * A tile is the product of a narrow operand A, whose elements are broadcast, and a wide operand B,
 * whose elements fill vectors:
 *
 *     C[i][j] (+)= sum over taps t, sum over s < length
 *                      A[tap[t].a + s a_step + i a_row] * B[tap[t].b + s b_step + j]
 *
 * A tap is one of the kernel, its steps are input channels.  Either operand may be the weights and
 * the other one the pixels; the plan decides ("orientation").  The offsets let the pixels be a
 * packed panel, a strip of the input, or the user's array itself.
 */
#ifndef FC_KERNELS_H
#define FC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Rows [trim, rows) of a tile take part in a tap, or [0, rows + trim) if trim is negative: pixels
 * whose tap falls on padding are left out.  |trim| <= FC_TRIMS, and less than the rows. */
enum { FC_TRIMS = 3 };
typedef struct { ptrdiff_t a, b, trim; } fc_tap;

/* Rows of memory that are wanted soon: tiles prefetch `burst` lines of the cache a tap. */
typedef struct {
    const char *row; /* the one whose `line` is next */
    ptrdiff_t row_bytes, rows, lines, line; /* `rows` are left, each of so many `lines` */
    ptrdiff_t burst;
} fc_prefetch;

typedef struct {
    const fc_tap *tap;
    ptrdiff_t count, length, a_step, b_step; /* taps, and steps of each */
    ptrdiff_t a_row; /* from row to row of A; `tile` knows that it is 1, `tile_strided` reads it */
    ptrdiff_t trims; /* whether any tap has one */
    fc_prefetch *prefetch; /* or NULL */
    ptrdiff_t a_ahead; /* how far before A is read it is prefetched; 0: it is in the cache */
} fc_taps;

/* A step along the width of a stencil: a tap and a channel. */
typedef struct { ptrdiff_t a, b; } fc_step;

/* A row of the source in a stencil, and the output rows [low, high) that use it: b is where the
 * row begins, a[r] where the weights of output row r for it do. */
enum { FC_STENCIL_ROWS = 4 };
typedef struct { ptrdiff_t b, low, high, a[FC_STENCIL_ROWS]; } fc_row_use;

/* Neighbouring columns of the output, in whole vectors, of which the last may be cut off. Bit l of
 * mask[step * vectors + v] says whether element l from a step of a vector lies in the source, and
 * is not on padding; NULL: all of them do. */
typedef struct {
    ptrdiff_t at, cols;
    int vectors; /* 1, 2 or 4; of pairs at most 2 */
    const uint32_t *mask;
} fc_columns;

/* What the outputs of an axis read: output i and tap t what lies, in elements, at
 *     place[i * stride + t * dilation]
 * or nothing, if that is FC_NOWHERE: then it is on padding, and adds nothing. */
#define FC_NOWHERE PTRDIFF_MIN
typedef struct {
    const ptrdiff_t *place;
    ptrdiff_t outputs, taps, stride, dilation;
    ptrdiff_t together; /* outputs that lie so far apart read the same, ... */
    ptrdiff_t apart;    /* ... through taps that do: together * stride = apart * dilation */
} fc_reads;

/* A plane of an output channel, with pixels in vectors. */
typedef struct {
    fc_reads depth, row;
    const ptrdiff_t *step; /* where the steps along a row are: taps, and for each its channels */
    ptrdiff_t steps;
    int pairs; /* from column to column there are two elements of the source, else one */
    int bytes; /* source and C are of uint8: there are whole vectors, of one plane of depth */
    const fc_columns *columns, *columns_end;
    ptrdiff_t a_row, c_row; /* from the weights of a tap row to the next, and from row to row of C */
    ptrdiff_t b_plane, c_plane; /* from one output of depth to the next; the kernel finds b_plane */
    ptrdiff_t a_channel, b_channel, c_channel; /* ... from one output channel to the next */
    /* From what is read and written to a later plane, which is prefetched; 0: none is. */
    ptrdiff_t b_ahead, c_ahead;
    int columns_ahead; /* whether the next columns are */
} fc_plane;

/* Planes of neighbouring channels, with these in a vector; bits of `lanes` say which there are.
 * The weights are [tap][lane]. */
typedef struct {
    fc_reads depth, row, column;
    ptrdiff_t c_row, c_column; /* from row to row, and from pixel to pixel of C */
    uint32_t lanes;
    int ahead; /* whether what is read and written next is prefetched */
} fc_pixels;

/* The channels of some groups in a vector, of planes as above: `channels` of each group, from
 * `first` on, whose weights for one tap and channel are `width` apart.  Bits of `lanes` say which
 * lanes of a pixel hold input channels; index[k] is where each 32 bits of a vector find channel
 * first + k of their group, or index is NULL: there is one group.  Places for rows of pixels, and
 * for a step of each tap of a row and channel. */
enum {
    FC_SPREAD = 4,        /* pixels that are stored together: rows have whole parts of so many */
    FC_GROUPED_NARROW = 8 /* pixels of a row that are made together, where not grouped_pixels */
};
typedef struct {
    ptrdiff_t channels, first, width;
    uint32_t lanes;
    const void *index;
    void *room;
    ptrdiff_t *step;
} fc_groups;

#include "fc_tables.h"

/* Pixels of a panel that lie side by side in the source. */
typedef struct { ptrdiff_t src, dst, count; } fc_segment;

/* What `move_rows` moves: elements of `size` bytes, that many from one to the next in dst; where
 * the byte order changes, `turned` bytes of each number at a time, else 0. In runs of elements
 * that are `step` bytes apart in a row of the source, or all are *value, if src is FC_NOWHERE. */
typedef struct { ptrdiff_t size, turned, dst_step; const char *value; } fc_moved;
typedef struct { ptrdiff_t dst, src, count, step; } fc_run;

/* What the last lines of a tile do with the sums, in this order. */
enum {
    FC_INTEGER = 1,   /* sums are integers, and C holds those of the same size */
    FC_ADD = 2,       /* C already holds the blocks of k before this one */
    FC_BIAS_ROWS = 4, /* last block: add bias[i] */
    FC_BIAS_COLS = 8, /* ... or bias[j] (readable in whole vectors) */
    FC_RESIDUAL = 16, /* ... then what lies residual_bytes from C */
    FC_CLAMP = 32     /* ... and leave nothing below low, or above high */
};
typedef struct {
    int flags;
    const void *bias;
    ptrdiff_t residual_bytes;
    double low, high;
} fc_store;

/* How elements of an array are stored: STORAGE(kind, type of its bits), and FC_SWAPPED for the
 * other byte order. */
#define FC_STORAGE_LIST(STORAGE)                                                                 \
    STORAGE(U8, uint8_t)                                                                         \
    STORAGE(I8, int8_t)                                                                          \
    STORAGE(U16, uint16_t)                                                                       \
    STORAGE(I16, int16_t)                                                                        \
    STORAGE(F16, uint16_t)                                                                       \
    STORAGE(BF16, uint16_t)                                                                      \
    STORAGE(U32, uint32_t)                                                                       \
    STORAGE(I32, int32_t)                                                                        \
    STORAGE(F32, float)                                                                          \
    STORAGE(U64, uint64_t)                                                                       \
    STORAGE(I64, int64_t)                                                                        \
    STORAGE(F64, double)

/* Activations; their formulas are in kernels/activation_template.h, clamps in the epilogue. */
#define FC_ACTIVATION_LIST(ACTIVATION)                                                           \
    ACTIVATION(NONE)                                                                             \
    ACTIVATION(RELU)                                                                             \
    ACTIVATION(CLIP)                                                                             \
    ACTIVATION(LEAKY_RELU)                                                                       \
    ACTIVATION(SIGMOID)                                                                          \
    ACTIVATION(TANH)                                                                             \
    ACTIVATION(SILU)                                                                             \
    ACTIVATION(GELU)                                                                             \
    ACTIVATION(HARDSWISH)

/* The dtypes of tables: DTYPE(name, the letter by which it is asked for, isa).  i32 has no tiles;
 * l64 is int64 of integers that int32 would hold. */
#define FC_DTYPE_LIST(DTYPE, isa)                                                                \
    DTYPE(f32, 'f', isa)                                                                         \
    DTYPE(f64, 'd', isa)                                                                         \
    DTYPE(i32, 'i', isa)                                                                         \
    DTYPE(i64, 'q', isa)                                                                         \
    DTYPE(l64, 'l', isa)

#define FC_MEMBER(name, ...) FC_##name,
enum { FC_STORAGE_LIST(FC_MEMBER) FC_STORAGES, FC_KIND = 15, FC_SWAPPED = 16 };
enum { FC_ACTIVATION_LIST(FC_MEMBER) FC_ACTIVATIONS };
#undef FC_MEMBER

/* The epilogue of a sum, and how the arrays are stored:
 *     out = activation(alpha * sum + bias + beta * out + residual)
 * Parameters are real or integer like the dtype of the table. */
typedef struct {
    int activation, saturate, sum_storage, dst_storage, residual_storage;
    double real_alpha, real_beta, real_low, real_high;
    long long integer_alpha, integer_beta, integer_low, integer_high;
} fc_epilogue;

enum { FC_MAX_ROWS = 14, FC_WIDTHS = 3, FC_MAX_VECTORS = 4 }; /* widths: 1, 2, 4 vectors */

/* Sums that keep the multiply-add ports busy: latency 4 on two ports. */
enum { FC_SUMS_IN_FLIGHT = 8 };

typedef void fc_tile_fn(const fc_taps *taps, const void *a, const void *b, void *c,
                        ptrdiff_t ldc, ptrdiff_t cols, const fc_store *store);

/* The list: KERNEL(name, return type, arguments).  It declares the table, fills it in
 * fc_templates.h and names the kernels for the tests. */
#define FC_KERNEL_LIST(KERNEL)                                                                   \
    /* a tile of one output channel, rows <= FC_STENCIL_ROWS output rows of cols pixels */       \
    KERNEL(stencil, void,                                                                        \
           (const fc_row_use *use, ptrdiff_t uses, const fc_step *step, ptrdiff_t steps,         \
            const void *a, const void *b, void *c, ptrdiff_t ldc, ptrdiff_t rows, ptrdiff_t cols, \
            const fc_store *store))                                                              \
    /* a plane of each of some output channels */                                                \
    KERNEL(depthwise, void,                                                                      \
           (const fc_plane *plane, ptrdiff_t channels, const void *a, const void *b, void *c,    \
            const fc_store *store))                                                              \
    /* planes of neighbouring vectors of channels, the last of which may have fewer */           \
    KERNEL(depthwise_channels, void,                                                             \
           (const fc_pixels *pixels, ptrdiff_t vectors, const void *a, const void *b, void *c,   \
            const fc_store *store))                                                              \
    /* planes of a vector of output channels of some groups */                                   \
    KERNEL(grouped, void,                                                                        \
           (const fc_pixels *pixels, const fc_groups *groups, const void *a, const void *b,      \
            void *c, const fc_store *store))                                                     \
    /* dst = `before` times *value, `valid` elements read every step_bytes, `after` *value */    \
    KERNEL(copy_row, void,                                                                       \
           (void *dst, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after, const void *src,      \
            ptrdiff_t step_bytes, int storage, const void *value))                               \
    /* the same for some rows that are row_bytes apart, one after the other in dst */            \
    KERNEL(copy_rows, void,                                                                      \
           (void *dst, ptrdiff_t rows, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after,       \
            const void *src, ptrdiff_t row_bytes, ptrdiff_t step_bytes, int storage,             \
            const void *value))                                                                  \
    /* one row with a border that is read: element i of dst is at row + place[i], but the `valid` \
     * ones after the first `before` are every step_bytes from row + first on */                 \
    KERNEL(copy_row_border, void,                                                                \
           (void *dst, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after, const void *row,      \
            ptrdiff_t first, ptrdiff_t step_bytes, int storage, const ptrdiff_t *place))         \
    /* dst[i] = the element at src + offset_bytes[i] */                                          \
    KERNEL(gather, void,                                                                         \
           (void *dst, const void *src, const ptrdiff_t *offset_bytes, ptrdiff_t count,          \
            int storage))                                                                        \
    /* dst[k][0..width) = the segments of src + offset[k]; reads and writes whole vectors */     \
    KERNEL(pack_panel, void,                                                                     \
           (void *dst, ptrdiff_t width, const void *src, const ptrdiff_t *offset,                \
            ptrdiff_t offsets, const fc_segment *segment, ptrdiff_t segments))                   \
    /* dst[c][r] = src[r][c], native on both sides; residual and clamp: see `store` */           \
    KERNEL(transpose, void,                                                                      \
           (void *dst, ptrdiff_t ldd, const void *src, ptrdiff_t lds, ptrdiff_t rows,            \
            ptrdiff_t cols, const fc_store *store))                                              \
    /* the same, where dst[c][r] and dst[c][r + 1] are `step` elements apart */                  \
    KERNEL(transpose_steps, void,                                                                \
           (void *dst, ptrdiff_t ldd, ptrdiff_t step, const void *src, ptrdiff_t lds,            \
            ptrdiff_t rows, ptrdiff_t cols, const fc_store *store))                              \
    /* as `transpose`; columns (group, member) of the source become rows (member, group) */            \
    KERNEL(pack, void,                                                                           \
           (void *dst, ptrdiff_t ldd, const void *src, ptrdiff_t lds, ptrdiff_t rows,            \
            ptrdiff_t groups, ptrdiff_t members))                                                \
    /* rows of complex numbers, each re and im, times i */                                       \
    KERNEL(multiply_i, void,                                                                     \
           (void *dst, const void *src, ptrdiff_t pitch, ptrdiff_t width, ptrdiff_t rows))       \
    /* the epilogue of a row of sums; one bias for all (bias_step 0) or one for each; in place   \
     * where the elements of the row lie side by side */                                         \
    KERNEL(epilogue, void,                                                                       \
           (const fc_epilogue *how, void *dst, ptrdiff_t dst_bytes, const void *src,             \
            ptrdiff_t src_bytes, const void *residual, ptrdiff_t residual_bytes,                 \
            const void *bias, ptrdiff_t bias_step, ptrdiff_t count))                             \
    /* 1 when none of count elements is inf or NaN */                                            \
    KERNEL(finite, int, (const void *src, ptrdiff_t count))                                      \
    /* sums[i * row_step + j * window_step] (+)= sum over k of a[i * a_row + k] x[j * x_row + k]; \
     * x is 0 from count on, up to a whole vector; flags are FC_INTEGER and FC_ADD */            \
    KERNEL(dot, void,                                                                            \
           (void *sums, ptrdiff_t row_step, ptrdiff_t window_step, const void *a,                \
            ptrdiff_t a_row, ptrdiff_t rows, const void *x, ptrdiff_t x_row, ptrdiff_t windows,  \
            ptrdiff_t count, int flags))                                                         \
    /* lines of outputs of pooling; returns whether any window had no cell that won */           \
    KERNEL(pool, int, (const fc_pool *pool, const void *src, void *dst, void *index))            \
    /* lines of outputs whose windows differ: see kernels/pool_across_template.h */              \
    KERNEL(pool_across, void, (const fc_across *across, void *dst, int64_t *index))              \
    /* rows of values to their places: see kernels/scatter_template.h */                         \
    KERNEL(scatter, void,                                                                        \
           (void *plane, const void *value, ptrdiff_t value_row, const int64_t *place,           \
            ptrdiff_t rows, ptrdiff_t cols, int64_t first, int64_t count, int how,               \
            const void *flip))                                                                   \
    KERNEL(find_places, int,                                                                     \
           (int64_t *place, const int64_t *index, ptrdiff_t index_row, ptrdiff_t rows,           \
            ptrdiff_t cols, const fc_places *how, int64_t *range))                               \
    /* some lines, and what lies `away` elements behind them, become one: the larger, or the sum */ \
    KERNEL(pool_two, void,                                                                       \
           (int what, void *row, ptrdiff_t away, ptrdiff_t lines, ptrdiff_t line,                \
            ptrdiff_t count))                                                                    \
    /* ... and what is done to rows of cells, and of outputs: see kernels/pool_rows_template.h */  \
    KERNEL(flip_bits, void, (void *row, ptrdiff_t count, const void *bits))                      \
    KERNEL(power, void, (void *row, ptrdiff_t count, double power))                              \
    KERNEL(root, void, (void *row, ptrdiff_t count, double power))                               \
    KERNEL(leave_out, void, (void *row, void *mask, ptrdiff_t count, int omit))                  \
    KERNEL(divide, void, (void *row, const void *by, ptrdiff_t count))                           \
    /* rows of bits, dst_bytes and src_bytes apart, in runs; NULL: all of them are *value */     \
    KERNEL(move_rows, void,                                                                      \
           (const fc_moved *bits, const fc_run *run, ptrdiff_t runs, void *dst,                   \
            ptrdiff_t dst_bytes, const void *src, ptrdiff_t src_bytes, ptrdiff_t rows))          \
    /* dst[r * dst_row + i] += src[r * src_row + i] */                                           \
    KERNEL(add_rows, void,                                                                       \
           (void *dst, ptrdiff_t dst_row, const void *src, ptrdiff_t src_row, ptrdiff_t rows,    \
            ptrdiff_t count))                                                                    \
    /* some rows, resampled along themselves; src is read in whole vectors */                    \
    KERNEL(resample_rows, void,                                                                  \
           (const fc_samples *samples, void *const *dst, const void *const *src,                 \
            ptrdiff_t rows))                                                                     \
    /* the pixels of a row */                                                                    \
    KERNEL(resample_pixels, void, (const fc_pixel_samples *samples, void *dst, const void *src)) \
    /* dst[j] (+)= sum over k of weight[k] * row[k][j], of floating point */                     \
    KERNEL(weigh_rows, void,                                                                     \
           (void *dst, const void *const *row, const void *weight, ptrdiff_t rows,               \
            ptrdiff_t count, int add))                                                           \
    /* rounds of independent multiply-adds in registers; returns the operations done */          \
    KERNEL(peak, double, (ptrdiff_t rounds))

#define FC_DECLARE(name, result, arguments) typedef result fc_##name##_fn arguments;
FC_KERNEL_LIST(FC_DECLARE)
#undef FC_DECLARE

typedef struct {
    const char *isa, *dtype;
    int itemsize;            /* bytes of an element */
    int lanes;               /* elements in a vector */
    int max_rows[FC_WIDTHS]; /* rows of the tallest tile that is 1, 2, 4 vectors wide */
    int plane_vectors;       /* in a row of the widest tile of `depthwise` */
    int grouped_pixels;      /* side by side in `grouped` */
    fc_tile_fn *tile[FC_WIDTHS][FC_MAX_ROWS + 1]; /* [log2 of vectors][rows], a_row is 1 */
    fc_tile_fn *tile_strided[2][FC_MAX_ROWS + 1]; /* any a_row */
#define FC_FIELD(name, result, arguments) fc_##name##_fn *name;
    FC_KERNEL_LIST(FC_FIELD)
#undef FC_FIELD
} fc_kernels;

/* dispatch.c: ISA number 0, 1, ... from the plainest up; NULL past the last one. */
const char *fc_isa_name(int number);
int fc_isa_usable(int number); /* can this CPU run it? */
/* The table of an ISA, for a letter of FC_DTYPE_LIST; NULL: unusable. */
const fc_kernels *fc_find_kernels(const char *isa, char dtype);
/* The names of the lists above; NULL past the last one. */
const char *fc_storage_name(int number);
const char *fc_activation_name(int number);
const char *fc_compiler(void);

#endif
