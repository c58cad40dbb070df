"""An interpreter that shuts down: its main thread stands in an atexit handler, then in a finalizer."""
import atexit
import os
import sys

import common


class LastWords(object):
    def __init__(self):
        # What a finalizer needs must outlive the modules.
        self.read, self.fd, self.write = os.read, common.FDS["finalizer"], os.write

    def __del__(self):
        self.write(1, b"{}\n")
        self.read(self.fd, 1)


def at_exit():
    common.say()
    common.wait("atexit")


common.start("daemon", common.wait, "daemon")
common.start("late", common.wait, "late")
atexit.register(at_exit)
sys.last_words = LastWords()
common.say(tids=dict(common.tids, MainThread=common.tid()))
