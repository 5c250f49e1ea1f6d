from libc.stdint cimport uint64_t

cdef extern from "Python.h":
    ctypedef void *PyThread_type_lock


cdef class Ticket:
    cdef PyThread_type_lock lock  # held until the call is done; NULL when nobody sleeps on it
    cdef HandOver owner
    cdef object function
    cdef tuple args
    cdef dict kwargs
    cdef object future
    cdef object task
    cdef object result
    cdef object error
    cdef bint takes_ticket  # the function is given this, and may end the call by it
    cdef bint is_queued
    cdef bint is_cancelled
    cdef bint is_done

    cdef int make_lock(self) except -1
    cdef bint wait(self, double end, bint is_main, int wake_fd) except -1


cdef class HandOver:
    cdef object loop
    cdef object create_task
    cdef object take_method
    cdef object flush_method
    cdef object closed_error
    cdef list queue
    cdef list done
    cdef set running
    cdef unsigned long thread
    cdef unsigned long main_thread
    cdef int wake_out
    cdef int wake_in
    cdef bint is_woken
    cdef bint is_flushing
    cdef readonly uint64_t calls
    cdef readonly uint64_t wakes

    cdef object wait_for(self, Ticket ticket, object timeout)
    cdef Ticket ticket_for(self, object function, tuple args, dict kwargs)
    cdef bint put(self, Ticket ticket) except -1
    cdef object refusal(self)
    cdef bint wake(self) except -1
    cdef int cancel(self, Ticket ticket) except -1
    cdef int begin(self, Ticket ticket) except -1
    cdef int finish(self, Ticket ticket) except -1
