"""Threads in odd places. ARGS: the library, and which."""
import ctypes
import threading

import common

library = ctypes.CDLL(common.ARGS[0])
END = threading.Event()


def forking():
    library.forks(common.FDS["sleep"])


WAYS = {"framed": lambda: library.made_code(1), "bare": lambda: library.made_code(0),
        "overwritten": lambda: library.overwrites(common.FDS["sleep"]), "changing": library.changing_code,
        "forking": forking, "confined": library.confined}


def turnover():
    """Threads that are born and end all the time."""
    while True:
        short = threading.Thread(target=sum, args=(range(2000),))
        short.start()
        short.join()


for name in common.ARGS[1:]:
    if name == "crowd":
        for i in range(1000):
            threading.Thread(target=END.wait, name="crowd-%d" % i, daemon=True).start()
    elif name == "turnover":
        for i in range(4):
            threading.Thread(target=turnover, daemon=True).start()
    else:
        common.start(name, WAYS[name])
common.serve()
