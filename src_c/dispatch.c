/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which tables this CPU may use: the only file that asks the CPU. */
#include "fc_kernels.h"
#include <string.h>

#if defined(__x86_64__) && !defined(FC_GENERIC_ONLY)
#include <cpuid.h>
/* Not every compiler's __builtin_cpu_supports knows f16c. That the system keeps the registers,
 * avx2 has told. */
static int has_f16c(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & bit_F16C;
}

#define FC_ISA_LIST(ROW)                                                                         \
    ROW(generic, 1)                                                                              \
    ROW(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&                 \
                  has_f16c())                                                                    \
    ROW(avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&       \
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
#else
#define FC_ISA_LIST(ROW) ROW(generic, 1)
#endif

#define FC_EXTERN(isa, usable)                                                                   \
    extern const fc_kernels fc_kernels_f32_##isa, fc_kernels_f64_##isa, fc_kernels_i32_##isa,    \
        fc_kernels_i64_##isa, fc_kernels_l64_##isa;
FC_ISA_LIST(FC_EXTERN)

#define FC_ROW(isa, usable)                                                                      \
    {&fc_kernels_f32_##isa, &fc_kernels_f64_##isa, &fc_kernels_i32_##isa, &fc_kernels_i64_##isa, \
     &fc_kernels_l64_##isa},
static const struct { const fc_kernels *f32, *f64, *i32, *i64, *l64; } tables[] = {
    FC_ISA_LIST(FC_ROW)
};
enum { ISAS = sizeof tables / sizeof tables[0] };

const char *fc_isa_name(int number)
{
    return 0 <= number && number < ISAS ? tables[number].f32->isa : NULL;
}

int fc_isa_usable(int number)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#define FC_USABLE(isa, usable) (usable) != 0,
    const int answers[] = {FC_ISA_LIST(FC_USABLE)};
    return 0 <= number && number < ISAS && answers[number];
}

const fc_kernels *fc_find_kernels(const char *isa, char dtype)
{
    for (int number = 0; number < ISAS; number++)
        if (strcmp(isa, tables[number].f32->isa) == 0 && fc_isa_usable(number))
            return dtype == 'f'   ? tables[number].f32
                   : dtype == 'd' ? tables[number].f64
                   : dtype == 'i' ? tables[number].i32
                   : dtype == 'q' ? tables[number].i64
                   : dtype == 'l' ? tables[number].l64
                                  : NULL;
    return NULL;
}

#define FC_QUOTED_(major, minor, patch) #major "." #minor "." #patch
#define FC_QUOTED(major, minor, patch) FC_QUOTED_(major, minor, patch)
const char *fc_compiler(void)
{
#ifdef __clang__
    return "clang " FC_QUOTED(__clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    return "gcc " __VERSION__;
#endif
}
