/* SPDX-License-Identifier: BSD-3-Clause */
#define FC_ISA avx512
#define FC_VBYTES 64
#define FC_TILES_1 FC_ROWS_14
#define FC_TILES_2 FC_ROWS_14
#define FC_TILES_4 FC_ROWS_6
#define FC_STENCIL_VECTORS 4
#define FC_REGISTERS 32
#include "fc_instantiate.h"
