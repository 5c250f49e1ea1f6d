"""A quick way for the plainest call of a function or class: without the work that arguments left out cost.

Each argument that is left out is None, whose count goes up and down for it. For calls made millions of times a second
that is a good part of the time, so a function looks at them first, and gives all others to the whole one. Inline
functions only.
"""

from cpython.object cimport PyObject

cdef extern from *:
    """
    #ifndef PRMQ_QUICKCALL_H
    #define PRMQ_QUICKCALL_H
    typedef PyObject *(*prmq_call)(PyObject *callable, PyObject **args, size_t nargsf, PyObject *names);
    /* Puts `quick` before what a callable does, and gives that; without a vectorcall NULL, and nothing is done. */
    static prmq_call prmq_quicken(PyObject *callable, prmq_call quick) {
        vectorcallfunc whole;
        Py_ssize_t offset = Py_TYPE(callable)->tp_vectorcall_offset;
        if (!PyType_HasFeature(Py_TYPE(callable), Py_TPFLAGS_HAVE_VECTORCALL) || offset <= 0) return NULL;
        memcpy(&whole, (char *)callable + offset, sizeof whole);
        if (whole != NULL) memcpy((char *)callable + offset, &quick, sizeof quick);
        return (prmq_call)whole;
    }
    #endif
    """
    ctypedef object (*Call "prmq_call")(PyObject *callable, PyObject **args, size_t nargsf, PyObject *names)
    Call quicken "prmq_quicken"(object callable, Call quick) noexcept
    Py_ssize_t arguments_in "PyVectorcall_NARGS"(size_t nargsf) noexcept nogil
