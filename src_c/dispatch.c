/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which tables this CPU may use: the only file that asks the CPU. */
#include "fc_filters.h"
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

#define FC_EXTERN(dtype, letter, isa) extern const fc_kernels fc_kernels_##dtype##_##isa;
#define FC_EXTERNS(isa, usable) FC_DTYPE_LIST(FC_EXTERN, isa)
FC_ISA_LIST(FC_EXTERNS)

#define FC_LETTER(dtype, letter, isa) letter,
static const char letters[] = {FC_DTYPE_LIST(FC_LETTER, )};
enum { DTYPES = sizeof letters };

#define FC_TABLE(dtype, letter, isa) &fc_kernels_##dtype##_##isa,
#define FC_TABLES(isa, usable) {FC_DTYPE_LIST(FC_TABLE, isa)},
static const fc_kernels *const tables[][DTYPES] = {FC_ISA_LIST(FC_TABLES)};
enum { ISAS = sizeof tables / sizeof tables[0] };

#define FC_FILTER_EXTERN(dtype, letter, isa) extern const fc_filters fc_filters_##dtype##_##isa;
#define FC_FILTER_EXTERNS(isa, usable) FC_FILTER_DTYPE_LIST(FC_FILTER_EXTERN, isa)
FC_ISA_LIST(FC_FILTER_EXTERNS)

static const char filter_letters[] = {FC_FILTER_DTYPE_LIST(FC_LETTER, )};
enum { FILTER_DTYPES = sizeof filter_letters };

#define FC_FILTER_TABLE(dtype, letter, isa) &fc_filters_##dtype##_##isa,
#define FC_FILTER_TABLES(isa, usable) {FC_FILTER_DTYPE_LIST(FC_FILTER_TABLE, isa)},
static const fc_filters *const filter_tables[][FILTER_DTYPES] = {FC_ISA_LIST(FC_FILTER_TABLES)};

const char *fc_isa_name(int number)
{
    return 0 <= number && number < ISAS ? tables[number][0]->isa : NULL;
}

/* The CPU is asked once: in a virtual machine, cpuid takes many microseconds. Callers hold the GIL,
 * so no two threads ask. */
int fc_isa_usable(int number)
{
    static char asked, answers[ISAS];
    if (!asked) {
#if defined(__x86_64__)
        __builtin_cpu_init();
#endif
#define FC_USABLE(isa, usable) (usable) != 0,
        const char found[ISAS] = {FC_ISA_LIST(FC_USABLE)};
        memcpy(answers, found, sizeof found);
        asked = 1;
    }
    return 0 <= number && number < ISAS && answers[number];
}

const fc_kernels *fc_find_kernels(const char *isa, char dtype)
{
    for (int number = 0; number < ISAS; number++)
        for (int i = 0; i < DTYPES; i++)
            if (letters[i] == dtype && strcmp(isa, fc_isa_name(number)) == 0)
                return fc_isa_usable(number) ? tables[number][i] : NULL;
    return NULL;
}

const fc_filters *fc_find_filters(const char *isa, char dtype)
{
    for (int number = 0; number < ISAS; number++)
        for (int i = 0; i < FILTER_DTYPES; i++)
            if (filter_letters[i] == dtype && strcmp(isa, fc_isa_name(number)) == 0)
                return fc_isa_usable(number) ? filter_tables[number][i] : NULL;
    return NULL;
}

#define FC_QUOTED_NAME(name, ...) #name,
const char *fc_storage_name(int number)
{
    static const char *const names[] = {FC_STORAGE_LIST(FC_QUOTED_NAME)};
    return 0 <= number && number < FC_STORAGES ? names[number] : NULL;
}

const char *fc_activation_name(int number)
{
    static const char *const names[] = {FC_ACTIVATION_LIST(FC_QUOTED_NAME)};
    return 0 <= number && number < FC_ACTIVATIONS ? names[number] : NULL;
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
