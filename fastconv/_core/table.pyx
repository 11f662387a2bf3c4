# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels of this build; the only extension that they are linked into."""

cdef extern from "fc_kernels.h" nogil:
    const char *fc_isa_name(int number)
    int fc_isa_usable(int number)
    const fc_kernels *fc_find_kernels(const char *isa, char dtype)
    const char *fc_compiler()
    enum:
        FC_U8, FC_I8, FC_U16, FC_I16, FC_F16, FC_BF16, FC_U32, FC_I32, FC_F32, FC_U64, FC_I64
        FC_F64, FC_SWAPPED
        FC_NONE, FC_RELU, FC_CLIP, FC_LEAKY_RELU, FC_SIGMOID, FC_TANH, FC_SILU, FC_GELU
        FC_HARDSWISH


KINDS = {"U8": FC_U8, "I8": FC_I8, "U16": FC_U16, "I16": FC_I16, "F16": FC_F16, "BF16": FC_BF16,
         "U32": FC_U32, "I32": FC_I32, "F32": FC_F32, "U64": FC_U64, "I64": FC_I64,
         "F64": FC_F64, "SWAPPED": FC_SWAPPED}
ACTIVATIONS = {"NONE": FC_NONE, "RELU": FC_RELU, "CLIP": FC_CLIP, "LEAKY_RELU": FC_LEAKY_RELU,
               "SIGMOID": FC_SIGMOID, "TANH": FC_TANH, "SILU": FC_SILU, "GELU": FC_GELU,
               "HARDSWISH": FC_HARDSWISH}
SUMS_IN_FLIGHT = FC_SUMS_IN_FLIGHT
TRIMS = FC_TRIMS


cdef const fc_kernels *find(isa, dtype) except NULL:
    """The table of an ISA that this CPU can run, for dtype 'f', 'd', 'i', 'q' or 'l'."""
    cdef const fc_kernels *kernels = fc_find_kernels(isa.encode(), ord(dtype))
    if kernels == NULL:
        raise ValueError(f"isa {isa!r} with dtype {dtype!r} is not usable here")
    return kernels


def isas_compiled():
    """Names of the ISAs in this build, the plainest first."""
    names, number = [], 0
    while fc_isa_name(number) != NULL:
        names.append(fc_isa_name(number).decode())
        number += 1
    return tuple(names)


def isas_usable():
    """Those that this CPU can run."""
    return tuple(name for number, name in enumerate(isas_compiled()) if fc_isa_usable(number))


def compiler():
    return fc_compiler().decode()


def tile_rows(isa, dtype):
    """(numbers in a vector, rows of the tallest tile two vectors wide)."""
    cdef const fc_kernels *kernels = find(isa, dtype)
    return kernels.lanes, kernels.max_rows[1]
