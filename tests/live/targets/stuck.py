"""Memory that never comes: pages that are handed to userfaultfd, which nobody serves. For Python 3.8 and later."""
import ctypes
import os
import struct

import common

PAGE = 4096
USERFAULTFD, MADV_DONTNEED = 323, 4
UFFDIO_API, UFFDIO_REGISTER, REGISTER_MISSING = 0xc018aa3f, 0xc020aa00, 1
kept = []  # must not be freed


def lose(first, count):
    """From now on whoever touches these pages waits for ever."""
    fd = common.libc.syscall(USERFAULTFD, os.O_CLOEXEC)
    api = ctypes.create_string_buffer(struct.pack("<QQQ", 0xaa, 0, 0))
    assert fd >= 0 and common.libc.ioctl(fd, ctypes.c_ulong(UFFDIO_API), api) == 0
    where = ctypes.create_string_buffer(struct.pack("<QQQQ", first, count * PAGE, REGISTER_MISSING, 0))
    assert common.libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(count * PAGE), MADV_DONTNEED) == 0
    assert common.libc.ioctl(fd, ctypes.c_ulong(UFFDIO_REGISTER), where) == 0


def body():
    common.wait("begin")


def hold_value():
    value = b"v" * (1 << 20)
    if "values" in common.ARGS:
        kept.append(value)
        lose(id(value) // PAGE * PAGE, 200)  # nobody touches it from here on
    common.wait("begin")


def hold_code():
    """A code object that is large enough to have pages of its own, and waits in its middle."""
    names = {"wait": common.wait}
    exec("def large():\n" + "    x = 1\n" * 100000 + "    wait('begin')\n" + "    x = 1\n" * 100000, names)
    kept.append(names["large"].__code__)
    first = id(kept[-1]) // PAGE * PAGE
    names["wait"] = lambda pipe: (lose(first, 1), common.wait(pipe))
    names["large"]()


if "names" in common.ARGS:
    path = "/lost/" + "n" * (1 << 20)
    body.__code__ = body.__code__.replace(co_filename=path)
    assert body.__code__.co_filename is path
    kept.append(path)
    lose((id(path) // PAGE + 1) * PAGE, 200)  # all of it but its first page
common.start("lost", body)
common.start("value", hold_value)
if "codes" in common.ARGS:
    common.start("code", hold_code)
common.serve(ping=lambda: "pong")
