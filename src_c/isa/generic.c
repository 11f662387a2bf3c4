/* SPDX-License-Identifier: BSD-3-Clause
 * Any CPU: 128-bit vectors, 16 registers (SSE2) or 32 (NEON). */
#define FC_ISA generic
#define FC_VBYTES 16
#ifdef __aarch64__
#define FC_TILES_1 FC_ROWS_8
#define FC_TILES_2 FC_ROWS_8
#define FC_TILES_4 FC_ROWS_6
#define FC_REGISTERS 32
#else
#define FC_TILES_1 FC_ROWS_4
#define FC_TILES_2 FC_ROWS_4
#define FC_TILES_4 FC_ROWS_2
#define FC_REGISTERS 16
#endif
#define FC_STENCIL_VECTORS 2
#include "fc_instantiate.h"
