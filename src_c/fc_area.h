/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory that kernels read or write soon: rows of columns, prefetched line by line.  A CPU finds by
 * itself what follows in a row, but not the next columns of many rows.
 */
#ifndef FC_AREA_H
#define FC_AREA_H
#include "fc_kernels.h"

enum { FC_LINE = 64 };

typedef struct {
    const char *at;
    const ptrdiff_t *place; /* of the rows, one after the other, if they are read */
    ptrdiff_t place_bytes;
    ptrdiff_t row_bytes;   /* ... else from one to the next */
    ptrdiff_t rows, lines; /* lines of a row */
    ptrdiff_t row, line;   /* the next one */
} fc_area;

/* One of so many parts: a CPU that is asked for many lines at once waits for them. */
static inline void fc_prefetch_area(fc_area *area, ptrdiff_t parts)
{
    ptrdiff_t lines = (area->rows * area->lines + parts - 1) / parts;
    while (lines > 0 && area->row < area->rows) {
        const ptrdiff_t place = area->place ? area->place[area->row] : 0;
        const ptrdiff_t left = area->lines - area->line, count = left < lines ? left : lines;
        if (place != FC_NOWHERE) {
            const char *from = area->at + area->row * area->row_bytes + place * area->place_bytes
                               + area->line * FC_LINE;
            for (const char *end = from + count * FC_LINE; from < end; from += FC_LINE)
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

/* The last place that columns up to x read, or FC_NOWHERE. */
static inline ptrdiff_t fc_last_place(const fc_reads *column, ptrdiff_t x)
{
    ptrdiff_t i = x * column->stride + (column->taps - 1) * column->dilation;
    while (i > 0 && column->place[i] == FC_NOWHERE)
        i--;
    return column->place[i];
}

/* What `width` columns from x on of some rows, with all `channels` of their pixels, read that the
 * columns before them do not, and what they write.  `size` is that of an element, b and c are where
 * the first column reads and writes. */
static void fc_find_areas(const fc_pixels *rows, const fc_reads *columns, ptrdiff_t x,
                          ptrdiff_t width, ptrdiff_t channels, ptrdiff_t size, const void *b,
                          const void *c, fc_area *read, fc_area *written)
{
    const fc_reads *row = &rows->row, *depth = &rows->depth;
    const ptrdiff_t end = columns->outputs - x < width ? columns->outputs : x + width;
    const ptrdiff_t plane = depth->place[(depth->taps - 1) * depth->dilation];
    const ptrdiff_t first = fc_last_place(columns, x - 1), last = fc_last_place(columns, end - 1);
    if (plane != FC_NOWHERE && first != FC_NOWHERE && first < last) {
        read->at = (const char *)b + (plane + first) * size;
        read->place = row->place;
        read->place_bytes = size;
        read->rows = (row->outputs - 1) * row->stride + (row->taps - 1) * row->dilation + 1;
        read->lines = ((last - first + channels) * size + FC_LINE - 1) / FC_LINE;
    }
    written->at = (const char *)c + x * rows->c_column * size;
    written->row_bytes = rows->c_row * size;
    written->rows = row->outputs;
    written->lines = (((end - x - 1) * rows->c_column + channels) * size + FC_LINE - 1) / FC_LINE;
}
#endif
