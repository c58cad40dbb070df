"""A program whose children do the work: pools of multiprocessing, processes of subprocess."""
import multiprocessing
import subprocess
import sys
import time

import common


def stand(number):
    common.say(pid=common.os.getpid(), tid=common.tid())
    time.sleep(3600)


def pool(method):
    made = multiprocessing.get_context(method).Pool(2)
    made.map_async(stand, [0, 1])
    return made


def children():
    code = "import common; common.say(pid=common.os.getpid(), tid=common.tid()); common.hear()"
    return [subprocess.Popen([sys.executable, "-c", code, "{}"], stdin=subprocess.PIPE, cwd=sys.path[0])
            for _ in range(2)] + [subprocess.Popen(["sleep", "3600"])]


if __name__ == "__main__":
    method = common.ARGS[0]
    kept = children() if method == "subprocess" else pool(method)
    common.serve()
