/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One (ISA, dtype): the templates, and the table that holds them. */
#ifndef FC_TIMES
#define FC_TIMES(a, b) ((a) * (b))
#define FC_VECTOR_TIMES(a, b) ((a) * (b))
#endif

#include "kernels/convert_template.h"
#include "kernels/pack_template.h"
#include "kernels/store_template.h"
#include "kernels/tile_template.h"
#if FC_TILED
#include "kernels/stencil_template.h"
#include "kernels/depthwise_row_template.h"
#include "kernels/depthwise_template.h"
#include "kernels/depthwise_column_template.h"
#include "kernels/depthwise_planes_template.h"
#include "kernels/depthwise_run_template.h"
#include "kernels/depthwise_channels_template.h"
#include "kernels/grouped_template.h"
#include "kernels/dot_template.h"
#else
#include "kernels/untiled_template.h"
#endif
#include "kernels/transpose_template.h"
#include "kernels/activation_template.h"
#include "kernels/epilogue_template.h"
#include "kernels/pool_template.h"
#include "kernels/pool_across_template.h"
#include "kernels/pool_rows_template.h"
#include "kernels/scatter_template.h"
#include "kernels/move_template.h"
#include "kernels/resample_template.h"
#include "kernels/peak_template.h"

#define FC_COUNT(ROWS, WIDTH) +1
#define FC_ENTRY(ROWS, WIDTH) [ROWS] = FC_NAME(tile_##ROWS##x##WIDTH),
#define FC_ENTRY_STRIDED(ROWS, WIDTH) [ROWS] = FC_NAME(tile_strided_##ROWS##x##WIDTH),
#define FC_FIELD(name, result, arguments) .name = FC_NAME(name),
const fc_kernels FC_NAME(fc_kernels) = {
    .isa = FC_STRING(FC_ISA),
    .dtype = FC_STRING(FC_DTYPE),
    .itemsize = sizeof(FC_T),
    .lanes = FC_LANES,
    .plane_vectors = FC_PLANE_VECTORS,
    .grouped_pixels = FC_GROUPED_MOST,
#if FC_TILED
    .max_rows = {FC_TILES_1(FC_COUNT, 1), FC_TILES_2(FC_COUNT, 2), FC_TILES_4(FC_COUNT, 4)},
    .tile = {{FC_TILES_1(FC_ENTRY, 1)}, {FC_TILES_2(FC_ENTRY, 2)}, {FC_TILES_4(FC_ENTRY, 4)}},
    .tile_strided = {{FC_TILES_1(FC_ENTRY_STRIDED, 1)}, {FC_TILES_2(FC_ENTRY_STRIDED, 2)}},
#endif
    FC_KERNEL_LIST(FC_FIELD)
};
#undef FC_COUNT
#undef FC_ENTRY
#undef FC_ENTRY_STRIDED
#undef FC_FIELD

#undef FC_T
#undef FC_TIMES
#undef FC_VECTOR_TIMES
#undef FC_DTYPE
#undef FC_SQUARE_IS_8
#undef FC_REAL
#undef FC_SELECTS
#undef FC_TILED
#undef FC_PLANE_VECTORS
#undef FC_GROUPED_MOST
#undef FC_OWN_KIND
#undef FC_INT
#undef FC_BITS
#undef FC_FRACTION
#undef FC_ONE
#undef FC_MOST
#undef FC_TO_HALF
#undef FC_TO_BFLOAT
