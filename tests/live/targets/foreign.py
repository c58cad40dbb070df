"""Threads that C code made: they come into Python through PyGILState_Ensure."""
import ctypes

import common

try:
    from threading import get_ident
except ImportError:
    from thread import get_ident  # Python 2

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


def from_c(argument):
    common.say(tid=common.tid(), ident=get_ident())
    common.wait("park")
    common.wait_holding("gate")


callback = CALLBACK(from_c)
common.libc.pthread_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, CALLBACK, ctypes.c_void_p]


def create():
    handle = ctypes.c_ulong()
    common.libc.pthread_create(ctypes.byref(handle), None, callback, None)
    return handle.value


common.serve(create=create, truth=common.stack)
