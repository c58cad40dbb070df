"""A native thread that comes into Python again and again: PyGILState_Ensure makes a state each time. ARGS: the library that
begins it."""
import ctypes

import common

CALLBACK = ctypes.CFUNCTYPE(None)


def work():
    sum(range(20000))


callback = CALLBACK(work)
assert ctypes.CDLL(common.ARGS[0]).begin(callback) == 0
common.serve()
