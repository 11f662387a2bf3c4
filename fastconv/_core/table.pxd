# SPDX-License-Identifier: BSD-3-Clause
"""The C kernel table (src_c/fc_kernels.h) as Cython sees it."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastconv._core.filters cimport fc_filters

cdef extern from "fc_kernels.h" nogil:
    ctypedef struct fc_step:
        Py_ssize_t a, b

    ctypedef struct fc_tap:
        Py_ssize_t a, b, trim

    ctypedef struct fc_prefetch:
        const char *row
        Py_ssize_t row_bytes, rows, lines, line, burst

    ctypedef struct fc_taps:
        const fc_tap *tap
        fc_prefetch *prefetch
        Py_ssize_t count, length, a_step, b_step, a_row, trims, a_ahead

    ctypedef struct fc_epilogue:
        int activation, saturate, sum_storage, dst_storage, residual_storage
        double real_alpha, real_beta, real_low, real_high
        long long integer_alpha, integer_beta, integer_low, integer_high

    ctypedef struct fc_store:
        int flags
        const void *bias
        Py_ssize_t residual_bytes
        double low, high

    ctypedef struct fc_segment:
        Py_ssize_t src, dst, count

    ctypedef struct fc_moved:
        Py_ssize_t size, turned, dst_step
        const char *value

    ctypedef struct fc_run:
        Py_ssize_t dst, src, count, step
    ctypedef struct fc_samples:
        Py_ssize_t groups, taps, every
        const Py_ssize_t *at
        const Py_ssize_t *count
        const Py_ssize_t *base
        const int32_t *place
        const void *weight
        const char *near
        Py_ssize_t whole, regular, step

    ctypedef struct fc_pixel_samples:
        Py_ssize_t outputs, taps, every, inner, step
        const Py_ssize_t *count
        const Py_ssize_t *place
        const void *weight

    ctypedef struct fc_columns:
        Py_ssize_t at, cols
        int vectors
        const uint32_t *mask

    ctypedef struct fc_reads:
        const Py_ssize_t *place
        Py_ssize_t outputs, taps, stride, dilation, together, apart

    ctypedef struct fc_plane:
        fc_reads depth, row
        const Py_ssize_t *step
        Py_ssize_t steps
        int pairs, bytes
        const fc_columns *columns
        const fc_columns *columns_end
        Py_ssize_t a_row, c_row, c_plane, a_channel, b_channel, c_channel, b_ahead, c_ahead
        int columns_ahead

    ctypedef struct fc_pixels:
        fc_reads depth, row, column
        Py_ssize_t c_row, c_column
        uint32_t lanes
        int ahead

    ctypedef struct fc_groups:
        Py_ssize_t channels, first, width
        uint32_t lanes
        const void *index
        void *room
        Py_ssize_t *step

    ctypedef struct fc_row_use:
        Py_ssize_t b, low, high
        Py_ssize_t a[4]

    ctypedef struct fc_pool:
        int what, omit, shift, shared, by_rows, index_bytes
        Py_ssize_t lines, src_line, dst_line, line_index, index_line
        const Py_ssize_t *begin
        Py_ssize_t begin_step
        const Py_ssize_t *place
        const Py_ssize_t *row_index
        const Py_ssize_t *step
        const Py_ssize_t *tap_index
        Py_ssize_t taps, lane_index
        const Py_ssize_t *walk
        const Py_ssize_t *walk_index
        Py_ssize_t walk_rows, walk_stride, ahead
        int64_t first_index
        const fc_columns *columns
        const fc_columns *columns_end
        const void *low
        const double *line_divisors
        const void *divisors

    ctypedef struct fc_rows:
        const void *row
        Py_ssize_t rows

    ctypedef struct fc_across:
        int what, omit
        Py_ssize_t lines, outputs, width
        const Py_ssize_t *begin
        const fc_rows *run
        Py_ssize_t step, block
        void *room
        const int64_t *place
        Py_ssize_t place_line
        const Py_ssize_t *first
        const Py_ssize_t *end
        const void *low
        const double *divisors

    ctypedef struct fc_places:
        int64_t first
        uint64_t inverse, limit
        Py_ssize_t place_step
        const int64_t *lane_index
        const int64_t *lane_at
        Py_ssize_t period
        int twos, simple

    Py_ssize_t FC_NOWHERE
    enum:
        FC_STENCIL_ROWS, FC_SUMS_IN_FLIGHT, FC_TRIMS, FC_SPREAD, FC_GROUPED_NARROW
        FC_POOL_MAX, FC_POOL_ARGMAX, FC_POOL_SUM
        FC_SCATTER_LAST, FC_SCATTER_MAX, FC_SCATTER_SUM
        FC_INTEGER, FC_ADD, FC_BIAS_ROWS, FC_BIAS_COLS, FC_RESIDUAL, FC_CLAMP
        FC_MAX_ROWS, FC_WIDTHS, FC_FAR, FC_NEAR, FC_TOGETHER, FC_SUMMED

    ctypedef void fc_tile_fn(
        const fc_taps *taps, const void *a, const void *b, void *c,
        Py_ssize_t ldc, Py_ssize_t cols, const fc_store *store) noexcept nogil

    ctypedef struct fc_kernels:
        const char *isa
        const char *dtype
        int itemsize
        int lanes
        int *max_rows
        int plane_vectors
        int grouped_pixels
        fc_tile_fn *tile[3][15]
        fc_tile_fn *tile_strided[2][15]
        void (*stencil)(const fc_row_use *use, Py_ssize_t uses, const fc_step *step,
                        Py_ssize_t steps, const void *a, const void *b, void *c, Py_ssize_t ldc,
                        Py_ssize_t rows, Py_ssize_t cols, const fc_store *store) noexcept nogil
        void (*depthwise)(const fc_plane *plane, Py_ssize_t channels, const void *a, const void *b,
                          void *c, const fc_store *store) noexcept nogil
        void (*depthwise_channels)(const fc_pixels *pixels, Py_ssize_t vectors, const void *a,
                                   const void *b, void *c, const fc_store *store) noexcept nogil
        void (*grouped)(const fc_pixels *pixels, const fc_groups *groups, const void *a,
                        const void *b, void *c, const fc_store *store) noexcept nogil
        void (*copy_row)(void *dst, Py_ssize_t before, Py_ssize_t valid, Py_ssize_t after,
                         const void *src, Py_ssize_t step_bytes, int storage,
                         const void *value) noexcept nogil
        void (*copy_rows)(void *dst, Py_ssize_t rows, Py_ssize_t before, Py_ssize_t valid,
                          Py_ssize_t after, const void *src, Py_ssize_t row_bytes,
                          Py_ssize_t step_bytes, int storage, const void *value) noexcept nogil
        void (*copy_row_border)(void *dst, Py_ssize_t before, Py_ssize_t valid, Py_ssize_t after,
                                const void *row, Py_ssize_t first, Py_ssize_t step_bytes,
                                int storage, const Py_ssize_t *place) noexcept nogil
        void (*gather)(void *dst, const void *src, const Py_ssize_t *offset_bytes, Py_ssize_t count,
                       int storage) noexcept nogil
        void (*pack_panel)(void *dst, Py_ssize_t width, const void *src, const Py_ssize_t *offset,
                           Py_ssize_t offsets, const fc_segment *segment,
                           Py_ssize_t segments) noexcept nogil
        void (*transpose)(void *dst, Py_ssize_t ldd, const void *src, Py_ssize_t lds,
                          Py_ssize_t rows, Py_ssize_t cols, const fc_store *store) noexcept nogil
        void (*transpose_steps)(void *dst, Py_ssize_t ldd, Py_ssize_t step, const void *src,
                                Py_ssize_t lds, Py_ssize_t rows, Py_ssize_t cols,
                                const fc_store *store) noexcept nogil
        void (*pack)(void *dst, Py_ssize_t ldd, const void *src, Py_ssize_t lds,
                     Py_ssize_t rows, Py_ssize_t groups, Py_ssize_t members) noexcept nogil
        void (*multiply_i)(void *dst, const void *src, Py_ssize_t pitch, Py_ssize_t width,
                           Py_ssize_t rows) noexcept nogil
        void (*epilogue)(const fc_epilogue *how, void *dst, Py_ssize_t dst_bytes, const void *src,
                         Py_ssize_t src_bytes, const void *residual, Py_ssize_t residual_bytes,
                         const void *bias, Py_ssize_t bias_step, Py_ssize_t count) noexcept nogil
        int (*finite)(const void *src, Py_ssize_t count) noexcept nogil
        void (*dot)(void *sums, Py_ssize_t row_step, Py_ssize_t window_step, const void *a,
                    Py_ssize_t a_row, Py_ssize_t rows, const void *x, Py_ssize_t x_row,
                    Py_ssize_t windows, Py_ssize_t count, int flags) noexcept nogil
        int (*pool)(const fc_pool *pool, const void *src, void *dst, void *index) noexcept nogil
        void (*pool_across)(const fc_across *across, void *dst, int64_t *index) noexcept nogil
        void (*pool_two)(int what, void *row, Py_ssize_t away, Py_ssize_t lines, Py_ssize_t line,
                         Py_ssize_t count) noexcept nogil
        void (*scatter)(void *plane, const void *value, Py_ssize_t value_row, const int64_t *place,
                        Py_ssize_t rows, Py_ssize_t cols, int64_t first, int64_t count, int how,
                        const void *flip) noexcept nogil
        int (*find_places)(int64_t *place, const int64_t *index, Py_ssize_t index_row,
                           Py_ssize_t rows, Py_ssize_t cols, const fc_places *how,
                           int64_t *range) noexcept nogil
        void (*flip_bits)(void *row, Py_ssize_t count, const void *bits) noexcept nogil
        void (*power)(void *row, Py_ssize_t count, double power) noexcept nogil
        void (*root)(void *row, Py_ssize_t count, double power) noexcept nogil
        void (*leave_out)(void *row, void *mask, Py_ssize_t count, int omit) noexcept nogil
        void (*divide)(void *row, const void *by, Py_ssize_t count) noexcept nogil
        void (*move_rows)(const fc_moved *bits, const fc_run *run, Py_ssize_t runs, void *dst,
                          Py_ssize_t dst_bytes, const void *src, Py_ssize_t src_bytes,
                          Py_ssize_t rows) noexcept nogil
        void (*add_rows)(void *dst, Py_ssize_t dst_row, const void *src, Py_ssize_t src_row,
                         Py_ssize_t rows, Py_ssize_t count) noexcept nogil
        void (*resample_rows)(const fc_samples *samples, void *const *dst, const void *const *src,
                              Py_ssize_t rows) noexcept nogil
        void (*resample_pixels)(const fc_pixel_samples *samples, void *dst,
                                const void *src) noexcept nogil
        void (*weigh_rows)(void *dst, const void *const *row, const void *weight, Py_ssize_t rows,
                           Py_ssize_t count, int add) noexcept nogil
        double (*peak)(Py_ssize_t rounds) noexcept nogil


cdef const fc_kernels *find(isa, dtype) except NULL
cdef const fc_filters *find_filters(isa, dtype) except NULL
