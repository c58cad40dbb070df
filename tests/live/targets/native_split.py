"""One thread asleep in a chain of Python and C. ARGS: the library, how many times it goes from C to Python and back."""
import ctypes

import common

library = ctypes.CDLL(common.ARGS[0])
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


def descend(left):
    if not left:
        common.wait("sleep")
        return 0
    return library.outer_plain(CALLBACK(lambda depth: descend(left - 1)), 0)


common.start("plain", descend, int(common.ARGS[1]))
common.serve()
