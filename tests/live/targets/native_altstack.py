"""Threads whose signal handlers run on stacks of their own. ARGS: the library, asleep or busy."""
import ctypes

import common

library = ctypes.CDLL(common.ARGS[0])


def strike():
    library.struck(common.FDS["sleep"] if common.ARGS[1] == "asleep" else -1, 40)


common.start("struck", strike)
common.serve()
