/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory that kernels read or write soon: rows of columns, prefetched line by line.  A CPU finds by
 * itself what follows in a row, but not the next columns of many rows.  Included after fc_simd.h.
 */
#ifndef FC_AREA_H
#define FC_AREA_H
#include "fc_kernels.h"

typedef struct {
    const char *at;
    const ptrdiff_t *place; /* of the rows, one after the other, if they are read */
    ptrdiff_t place_bytes;
    ptrdiff_t row_bytes;   /* ... else from one to the next */
    ptrdiff_t rows, lines; /* lines of a row */
    ptrdiff_t row, line;   /* the next one */
} fc_area;

/* One of so many parts: a CPU that is asked for many lines at once waits for them. */
static __attribute__((noinline)) void fc_prefetch_area(fc_area *area, ptrdiff_t parts)
{
    ptrdiff_t lines = (area->rows * area->lines + parts - 1) / parts;
    __asm__ volatile(""); /* else gcc leaves out calls, as what only prefetches does nothing */
    while (lines > 0 && area->row < area->rows) {
        const ptrdiff_t place = area->place ? area->place[area->row] : 0;
        const ptrdiff_t left = area->lines - area->line, count = left < lines ? left : lines;
        if (place != FC_NOWHERE) {
            const char *from = area->at + area->row * area->row_bytes + place * area->place_bytes
                               + area->line * FC_LINE_BYTES;
            for (const char *end = from + count * FC_LINE_BYTES; from < end; from += FC_LINE_BYTES)
                __builtin_prefetch(from, 0, 2);
        }
        lines -= count;
        area->line += count;
        if (count == left) {
            area->line = 0;
            area->row++;
        }
    }
}

/* What is read of the rows of a table, and what is written of rows: so many elements from `at` on,
 * each of `size` bytes. */
static __attribute__((noinline)) fc_area fc_area_read(const void *at, const fc_reads *row,
                                                      ptrdiff_t size, ptrdiff_t elements)
{
    return (fc_area){.at = at, .place = row->place, .place_bytes = size,
                     .rows = (row->outputs - 1) * row->stride + (row->taps - 1) * row->dilation + 1,
                     .lines = (elements * size + FC_LINE_BYTES - 1) / FC_LINE_BYTES};
}

static __attribute__((noinline)) fc_area fc_area_written(const void *at, ptrdiff_t row_step,
                                                         ptrdiff_t rows, ptrdiff_t size,
                                                         ptrdiff_t elements)
{
    return (fc_area){.at = at, .row_bytes = row_step * size, .rows = rows,
                     .lines = (elements * size + FC_LINE_BYTES - 1) / FC_LINE_BYTES};
}

/* The last place that columns up to x read, or FC_NOWHERE. */
static __attribute__((noinline)) ptrdiff_t fc_last_place(const fc_reads *column, ptrdiff_t x)
{
    ptrdiff_t i = x * column->stride + (column->taps - 1) * column->dilation;
    while (i > 0 && column->place[i] == FC_NOWHERE)
        i--;
    return column->place[i];
}
#endif
