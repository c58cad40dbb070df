"""Workers whose current line is a number that stands in shared memory as well: what is seen of them can be dated."""
import ctypes
import mmap
import os
import sys
import time

import common

LINES = 4000
FIRST = 3  # the line of the first number

page_file = os.open(common.ARGS[0], os.O_RDWR)
common.libc.mmap.restype = ctypes.c_void_p
common.libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
address = common.libc.mmap(None, mmap.PAGESIZE, 3, mmap.MAP_SHARED, page_file, 0)

source = ["def lines(place, base, some, sum=sum):", "    pass"]
source += ["    place[0] = base + %d; sum(some)" % number for number in range(LINES)]
exec(compile("\n".join(source), "<lines>", "exec"))


def work(index):
    place = (ctypes.c_uint64 * 1).from_address(address + 8 * index)
    some, base = tuple(range(40000)), LINES  # a round takes a second and more, several looks long
    common.wait("go")
    while True:
        lines(place, base, some)
        base += LINES
        time.sleep(0.001)  # 2.7 hands the GIL to nobody who is not awake already: the others might wait for ever


for index in range(3):
    common.start("worker-%d" % index, work, index)
common.say(tids=dict(common.tids, MainThread=common.tid()), lines=LINES, first=FIRST)
common.hear()
os._exit(0)
