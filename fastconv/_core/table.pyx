# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels of this build; the only extension that they are linked into."""

cdef extern from "fc_kernels.h" nogil:
    const char *fc_isa_name(int number)
    int fc_isa_usable(int number)
    const fc_kernels *fc_find_kernels(const char *isa, char dtype)
    const char *fc_storage_name(int number)
    const char *fc_activation_name(int number)
    const char *fc_compiler()
    enum:
        FC_SWAPPED

cdef extern from "fc_filters.h" nogil:
    const fc_filters *fc_find_filters(const char *isa, char dtype)

ctypedef const char *(*name_fn)(int number)


cdef list names_of(name_fn name):
    """All names of a list in C, in its order."""
    found = []
    while name(len(found)) != NULL:
        found.append(name(len(found)).decode())
    return found


def numbered(names):
    """The numbers of the names, which are their places."""
    return {name: number for number, name in enumerate(names)}


KINDS = numbered(names_of(fc_storage_name)) | {"SWAPPED": FC_SWAPPED}
ACTIVATIONS = numbered(names_of(fc_activation_name))
SUMS_IN_FLIGHT = FC_SUMS_IN_FLIGHT
TRIMS = FC_TRIMS


cdef const fc_kernels *find(isa, dtype) except NULL:
    """The table of an ISA that this CPU can run, for a letter of FC_DTYPE_LIST in fc_kernels.h."""
    cdef const fc_kernels *kernels = fc_find_kernels(isa.encode(), ord(dtype))
    if kernels == NULL:
        raise ValueError(f"isa {isa!r} with dtype {dtype!r} is not usable here")
    return kernels


cdef const fc_filters *find_filters(isa, dtype) except NULL:
    """The same of filters, for a letter of FC_FILTER_DTYPE_LIST in fc_filters.h."""
    cdef const fc_filters *filters = fc_find_filters(isa.encode(), ord(dtype))
    if filters == NULL:
        raise ValueError(f"isa {isa!r} with dtype {dtype!r} is not usable here")
    return filters


def isas_compiled():
    """Names of the ISAs in this build, the plainest first."""
    return tuple(names_of(fc_isa_name))


def isas_usable():
    """Those that this CPU can run."""
    return tuple(name for number, name in enumerate(isas_compiled()) if fc_isa_usable(number))


def compiler():
    return fc_compiler().decode()


def tile_rows(isa, dtype):
    """(elements in a vector, rows of the tallest tile two vectors wide)."""
    cdef const fc_kernels *kernels = find(isa, dtype)
    return kernels.lanes, kernels.max_rows[1]


def plane_vectors(isa, dtype):
    """Vectors in the widest tile of `depthwise`."""
    return find(isa, dtype).plane_vectors
