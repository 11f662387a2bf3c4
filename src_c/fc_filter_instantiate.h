/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernels of filters for each dtype of one ISA, instead of those of fc_instantiate.h. */
#include "fc_filters.h"
#include <string.h>
#include "fc_simd.h"

#define FC_T float
#define FC_DTYPE f32
#define FC_REAL 4
#define FC_OWN_KIND FC_F32
#include "fc_filter_templates.h"

#define FC_T double
#define FC_DTYPE f64
#define FC_REAL 8
#define FC_OWN_KIND FC_F64
#include "fc_filter_templates.h"

#define FC_T int64_t
#define FC_DTYPE i64
#define FC_REAL 0
#define FC_OWN_KIND FC_I64
#include "fc_filter_templates.h"
