/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kernels of pooling, unpooling and resampling take; included by fc_kernels.h. */
#ifndef FC_TABLES_H
#define FC_TABLES_H

/* Lines of outputs of pooling: see kernels/pool_template.h.  Line i reads rows begin[i begin_step]
 * up to the next entry, i src_line elements further on.  Lane j of it, row r and tap t have the
 * index row_index[r] + tap_index[t] + i line_index + j lane_index + first_index. */
enum { FC_POOL_MAX, FC_POOL_ARGMAX, FC_POOL_SUM };
typedef struct {
    int what;   /* see above */
    int omit;   /* NaN is left out */
    int shift;  /* from lane to lane there are 1 << shift elements: of real numbers 1, 2 or 4 */
    int shared; /* each tap is one element behind the one before it, or shift is 0 */
    int by_rows; /* a row of all lanes comes before the next row: of values and sums only */
    int index_bytes; /* of an index that is stored: 8 or 4 */
    ptrdiff_t lines, src_line, dst_line, line_index; /* in elements */
    ptrdiff_t index_line;                            /* in bytes */
    const ptrdiff_t *begin;
    ptrdiff_t begin_step;
    const ptrdiff_t *place, *row_index; /* of rows */
    const ptrdiff_t *step, *tap_index;  /* of taps */
    ptrdiff_t taps;
    /* Places of rows and indices of their first cells, in the order of the plane, where windows of
     * walk_rows rows are walk_stride apart, in both axes, and have taps side by side; or NULL. */
    const ptrdiff_t *walk, *walk_index;
    ptrdiff_t walk_rows, walk_stride;
    ptrdiff_t ahead; /* bytes from a row to what is prefetched then, or 0 */
    ptrdiff_t lane_index;
    int64_t first_index;
    /* Of masked ones each tap has a mask: a word for two vectors of what lies between lanes. */
    const fc_columns *columns, *columns_end;
    const void *low;             /* what is there where there is no cell */
    const double *line_divisors; /* of sums, one for each line ... */
    const void *divisors;        /* ... and one for each lane, readable in whole vectors; or NULL */
} fc_pool;

/* Rows that are a step apart. */
typedef struct { const void *row; ptrdiff_t rows; } fc_rows;

/* Lines of outputs, each from some rows of cells: see kernels/pool_across_template.h. */
typedef struct {
    int what, omit; /* as in fc_pool */
    ptrdiff_t lines, outputs, width;
    const ptrdiff_t *begin; /* line i has runs begin[i] ... begin[i + 1] - 1; with places one row */
    const fc_rows *run;
    ptrdiff_t step, block;  /* elements from row to row; rows that a chain of additions sums */
    void *room;             /* for a row */
    const int64_t *place;   /* of each cell; of one that cannot win negative */
    ptrdiff_t place_line;   /* from a line of places to the next */
    const ptrdiff_t *first, *end;
    const void *low;
    const double *divisors; /* of a line: an average is its sum over that times its columns; NULL */
} fc_across;

/* Which of several values of a place stays. */
enum { FC_SCATTER_LAST, FC_SCATTER_MAX, FC_SCATTER_SUM };

/* What the indices of some lanes (channels side by side) mean. With
 *     x = index - first - lane_index[i]
 * of element i of a row, x / step is from 0 to limit - 1, and its value is in memory, in elements,
 * at
 *     x / step * place_step + lane_at[i]
 * Where step = 2^twos * odd divides x, x / step is x * inverse, rotated right by `twos` bits, if
 * odd * inverse = 1 modulo 2^64. */
typedef struct {
    int64_t first;
    uint64_t inverse, limit;
    ptrdiff_t place_step;
    const int64_t *lane_index, *lane_at;
    ptrdiff_t period; /* of what `lane_index` and `lane_at` hold: a row, or several short ones */
    int twos;
    int simple; /* both steps are 1, and all lanes 0 */
} fc_places;

/* What the outputs of a row read (resample_template.h), in groups of a vector of them.  Tap t of a
 * group finds element l, from base[t] on,
 *     FC_FAR:       at place[l]
 *     FC_NEAR:      in a whole vector, each 32 bits of the output where `place` says
 *     FC_TOGETHER:  the same, and base is the same for all taps
 * The last group begins a vector before the end, and so within the one before. */
enum { FC_FAR, FC_NEAR, FC_TOGETHER };
enum { FC_SUMMED = 16 }; /* rows that are summed at a time, at most */
typedef struct {
    ptrdiff_t groups, taps;  /* taps of a group, at most */
    ptrdiff_t every;         /* as many taps has each group, or 0 */
    const ptrdiff_t *at;     /* [group]: its first output */
    const ptrdiff_t *count;  /* [group]: its taps */
    const ptrdiff_t *base;   /* [group][tap] */
    const int32_t *place;    /* [group][tap], as many as a vector has 32 bits */
    const void *weight;      /* [group][tap][lane] */
    const char *near;        /* [group]: FC_FAR, ... */
    ptrdiff_t whole;         /* all groups have one tap, are not FC_FAR, and weigh all bits */
    ptrdiff_t regular, step; /* so many groups at first differ in `base` only, by `step` each */
} fc_samples;

/* The same for pixels of `inner` elements, a vector or more, whose outputs are `step` apart. */
typedef struct {
    ptrdiff_t outputs, taps, every, inner, step;
    const ptrdiff_t *count;  /* [output] */
    const ptrdiff_t *place;  /* [output][tap] */
    const void *weight;      /* [output][tap] */
} fc_pixel_samples;
#endif
