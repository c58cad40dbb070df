"""Runs a command to which perf_event_open is closed, as in a container: closed.py ERRNO COMMAND... And watchpoints of
somebody else's, for tests of what is left."""
import ctypes
import os
import struct
import sys

PERF_EVENT_OPEN = 298  # of x86-64
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2  # prctl
LOAD, EQUAL, RETURN, ALLOW, FAIL = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
BREAKPOINT, STORES, USER_ONLY, LENGTH, ATTRIBUTES = 5, 2, 1 << 5 | 1 << 6, 4, 72

libc = ctypes.CDLL(None, use_errno=True)


def close_perf(number):
    """For this process and what it runs."""
    rules = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, PERF_EVENT_OPEN), (RETURN, 0, 0, FAIL | number), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code)))
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SECCOMP, FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def watch(tid, address):
    """A debug register of a thread; the descriptor that holds it."""
    attributes = struct.pack("IIQQQQQIIQQ", BREAKPOINT, ATTRIBUTES, 0, 0, 0, 0, USER_ONLY, 0, STORES, address, LENGTH)
    fd = libc.syscall(PERF_EVENT_OPEN, attributes, tid, -1, -1, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return fd


if __name__ == "__main__":
    close_perf(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
