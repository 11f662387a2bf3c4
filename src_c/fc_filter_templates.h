/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One (ISA, dtype): the templates of filters, and the table that holds them. */
#include "kernels/filter_sum_template.h"
#include "kernels/filter_mean_template.h"
#include "kernels/filter_extreme_template.h"
#include "kernels/filter_rank_template.h"
#include "kernels/filter_truncate_template.h"

#define FC_FIELD(name, result, arguments) .name = FC_NAME(name),
const fc_filters FC_NAME(fc_filters) = {
    .isa = FC_STRING(FC_ISA),
    .dtype = FC_STRING(FC_DTYPE),
    .itemsize = sizeof(FC_T),
    .lanes = FC_LANES,
    FC_FILTER_LIST(FC_FIELD)
};
#undef FC_FIELD

#undef FC_T
#undef FC_DTYPE
#undef FC_REAL
#undef FC_OWN_KIND
