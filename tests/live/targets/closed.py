"""A main thread that serves, in a process that does not let itself be looked at; "open" makes it an ordinary one."""
import common

PR_SET_DUMPABLE = 4


def set_dumpable(value):
    return common.libc.prctl(PR_SET_DUMPABLE, value, 0, 0, 0)


set_dumpable(0)
common.serve(open=lambda: set_dumpable(1))
