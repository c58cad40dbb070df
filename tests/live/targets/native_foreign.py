"""A thread that is made by C and never runs Python. ARGS: the library that begins it."""
import ctypes

import common

assert ctypes.CDLL(common.ARGS[0]).begin() == 0
common.serve()
