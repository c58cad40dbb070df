"""What is shown is true at a moment during the look, not before: the line of each worker is a number that it also
writes into shared memory, which is read before and after."""
import mmap
import os
import struct

import pytest

import gilspy
from target import running

LOOKS = 40
WORKERS = ("worker-0", "worker-1", "worker-2")


def positions(page):
    return struct.unpack_from("3Q", page)


@pytest.mark.pythons(fits=lambda python: python.at_least in ((2, 7), (3, 8), (3, 12), (3, 15)))
@pytest.mark.slow
def test_lines_are_fresh(python, folders):
    path = os.path.join(folders.of(python), "page")
    with open(path, "w+b") as file:
        file.truncate(mmap.PAGESIZE)
        page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
    with running(python, folders, "lines.py", python.inside(path), pipes=["go"]) as target:
        target.feed("go", len(WORKERS))
        count, first = target.began["lines"], target.began["first"]
        dated = 0
        for how in ([], ["--blocking"], ["--nonblocking"]):
            for _ in range(LOOKS):
                before = positions(page)
                document = gilspy.dump(target.pid, *how)
                after = positions(page)
                threads = gilspy.threads_by_name(document)
                for name, low, high in zip(WORKERS, before, after):
                    frame = threads[name]["frames"][0]
                    if frame["function"] != "lines" or frame["line"] < first:
                        continue
                    # The number of the line that runs is written by it: already, or in a moment.
                    number = low + (frame["line"] - first - low) % count
                    assert number <= high + 1, (name, how, frame["line"], low, high)
                    dated += high + 1 - low < count // 2  # else any line would do
        assert dated > LOOKS
