/* SPDX-License-Identifier: BSD-3-Clause */
#define FC_ISA avx2
#define FC_VBYTES 32
#define FC_TILES_1 FC_ROWS_6
#define FC_TILES_2 FC_ROWS_6
#define FC_TILES_4 FC_ROWS_2
#define FC_STENCIL_VECTORS 2
#define FC_REGISTERS 16
#include "fc_instantiate.h"
