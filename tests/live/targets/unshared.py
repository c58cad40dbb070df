"""Forks into a pid namespace of its own, as Python does or as C does, of which Python is not told."""
import os

import common

CLONE_NEWPID = 0x20000000


def fork(how):
    if common.libc.unshare(CLONE_NEWPID) != 0:
        return "not permitted"
    pid = os.fork() if how == "python" else common.libc.fork()
    if pid == 0:
        common.start("late", common.wait, "child")
        common.say(pid=os.getpid(), tid=common.tid(), late=common.tids["late"])
        common.wait("child")
        os._exit(0)
    return pid


common.start("bystander", common.wait, "child")
common.serve(fork=fork)
