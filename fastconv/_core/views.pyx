# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of NumPy as the filters see them."""

from numpy cimport (
    NPY_ARRAY_WRITEABLE, NPY_BOOL, NPY_BYTE, NPY_DOUBLE, NPY_FLOAT, NPY_INT, NPY_LONG,
    NPY_LONGLONG, NPY_SHORT, NPY_UBYTE, NPY_UINT, NPY_ULONG, NPY_ULONGLONG, NPY_USHORT,
    PyArray_BYTES, PyArray_CHKFLAGS, PyArray_Check, PyArray_DIMS, PyArray_ISCOMPLEX,
    PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_STRIDES, PyArray_TYPE,
    import_array, ndarray)

from fastconv._core.boxes cimport array_t
from fastconv._core.filters cimport (
    FC_F32, FC_F64, FC_I8, FC_I16, FC_I32, FC_I64, FC_SWAPPED, FC_U8, FC_U16, FC_U32, FC_U64)

import_array()


cdef int storage_of(int number, Py_ssize_t size) noexcept:
    """How elements of a type of NumPy are stored; -1 for one that filters do not know."""
    if number == NPY_BOOL or number == NPY_UBYTE:
        return FC_U8
    if number == NPY_BYTE:
        return FC_I8
    if number == NPY_USHORT:
        return FC_U16
    if number == NPY_SHORT:
        return FC_I16
    if number == NPY_FLOAT:
        return FC_F32
    if number == NPY_DOUBLE:
        return FC_F64
    if number in (NPY_INT, NPY_LONG, NPY_LONGLONG):
        return FC_I32 if size == 4 else FC_I64
    if number in (NPY_UINT, NPY_ULONG, NPY_ULONGLONG):
        return FC_U32 if size == 4 else FC_U64
    return -1


cdef object look(object array, array_t *view, bint written):
    """See an array; None, or the reason why filters do not take it."""
    cdef ndarray a
    cdef int axis, rank
    if not PyArray_Check(array):
        return "an argument that is no array of NumPy"
    a = <ndarray> array
    view.storage = storage_of(PyArray_TYPE(a), PyArray_ITEMSIZE(a))
    if view.storage < 0:
        return f"dtype {a.dtype}"
    if not PyArray_ISNOTSWAPPED(a):
        if written:
            return "an output of another byte order"
        view.storage |= FC_SWAPPED
    if written and not PyArray_CHKFLAGS(a, NPY_ARRAY_WRITEABLE):
        return "an output that is read-only"
    rank = view.rank = PyArray_NDIM(a)
    view.data, view.itemsize = <char *> PyArray_BYTES(a), PyArray_ITEMSIZE(a)
    for axis in range(rank):
        view.shape[axis] = PyArray_DIMS(a)[axis]
        view.strides[axis] = PyArray_STRIDES(a)[axis]
        if written and view.strides[axis] == 0 and view.shape[axis] > 1:
            return "an output whose elements share memory"
    return None


cdef object look_complex(object array, array_t *view, bint written):
    """The same, where complex arrays are seen by their real components."""
    if PyArray_Check(array) and PyArray_ISCOMPLEX(<ndarray> array):
        return look(array.real, view, written)
    return look(array, view, written)


cdef Py_ssize_t elements(const array_t *array) noexcept:
    cdef Py_ssize_t count = 1
    cdef int a
    for a in range(array.rank):
        count *= array.shape[a]
    return count


cdef bint same_place(const array_t *a, const array_t *b) noexcept:
    """Whether two arrays of the same shape are one."""
    cdef int axis
    if a.data != b.data or a.storage != b.storage:
        return False
    for axis in range(a.rank):
        if a.strides[axis] != b.strides[axis] and a.shape[axis] > 1:
            return False
    return True


cdef void bounds(const array_t *array, char **low, char **high) noexcept:
    cdef int axis
    low[0] = high[0] = array.data
    for axis in range(array.rank):
        if array.strides[axis] > 0:
            high[0] += (array.shape[axis] - 1) * array.strides[axis]
        else:
            low[0] += (array.shape[axis] - 1) * array.strides[axis]
    high[0] += array.itemsize


cdef bint overlap(const array_t *a, const array_t *b) noexcept:
    """Whether two arrays may share memory: their bounds do."""
    cdef char *a_low
    cdef char *a_high
    cdef char *b_low
    cdef char *b_high
    if elements(a) == 0 or elements(b) == 0:
        return False
    bounds(a, &a_low, &a_high)
    bounds(b, &b_low, &b_high)
    return a_low < b_high and b_low < a_high
