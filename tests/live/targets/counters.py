"""Threads that touch a known number of new pages, with and without the GIL, or leave the processor a known number of
times, and know what the kernel counted of them meanwhile."""
import ctypes
import mmap
import resource
import sys
import time

import common

PAGES, NAPS = int(common.ARGS[0]), int(common.ARGS[1])
PAGE, NO_HUGE_PAGES, OF_THIS_THREAD, CPU_TIME = 4096, 15, 1, 3
PRIVATE_ANONYMOUS, READ_WRITE = 0x22, 3
libc = common.libc
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


class Timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def used():
    """Page faults, switches for want of something, switches for want of a processor, microseconds on one."""
    usage, spent = resource.getrusage(OF_THIS_THREAD), Timespec()
    common.gil_keeping_libc.clock_gettime(CPU_TIME, ctypes.byref(spent))
    return [usage.ru_minflt + usage.ru_majflt, usage.ru_nvcsw, usage.ru_nivcsw, spent.s * 1000000 + spent.ns // 1000]


def new_pages():
    place = libc.mmap(None, PAGES * PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
    libc.madvise(place, PAGES * PAGE, NO_HUGE_PAGES)
    return place


def touch_with_gil(memory):
    for at in range(0, PAGES * PAGE, PAGE):
        memory[at:at + 1] = b"x"


def nap():
    for _ in range(NAPS):
        time.sleep(0.0001)


def run(name, prepare, body):
    while True:
        made = prepare()
        common.wait(name)
        before = used()
        body(made)
        truth[name] = [after - one for one, after in zip(before, used())]


truth = {}
# Nobody gives up the GIL because others ask for it, or because time has passed.
getattr(sys, "setswitchinterval", lambda seconds: sys.setcheckinterval(2 ** 30))(1000)
common.start("with", run, "with", lambda: mmap.mmap(-1, PAGES * PAGE), touch_with_gil)
common.start("without", run, "without", new_pages, lambda place: libc.memset(place, 1, PAGES * PAGE))
common.start("naps", run, "naps", lambda: None, lambda made: nap())
common.serve(truth=lambda: truth)
