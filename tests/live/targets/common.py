"""What the targets share: their pipes, what they say, the truth about their own threads. For Python 2.7 and 3.6 on."""
import ctypes
import json
import os
import platform
import sys
import threading
import time

FDS = json.loads(sys.argv[1])
ARGS = sys.argv[2:]
libc = ctypes.CDLL(None)
gil_keeping_libc = ctypes.PyDLL(None)  # its functions are called with the GIL held
GETTID = {"x86_64": 186, "aarch64": 178}[platform.machine()]
u"".encode("ascii").decode("utf-8")  # Python 2 imports them late, and cannot while a thread stands in an import
threading.stack_size(8 << 20)  # musl gives a thread 128 kB, too little for some
clock = getattr(time, "monotonic", time.time)
try:
    NUMBERS = xrange
except NameError:
    NUMBERS = range
tids = {}  # of the threads by their names


def tid():
    return libc.syscall(GETTID)


def wait(pipe):
    """Sleeps until it is fed, without the GIL."""
    return os.read(FDS[pipe], 1)


def wait_holding(pipe):
    """Sleeps until it is fed, and keeps the GIL."""
    gil_keeping_libc.read(FDS[pipe], ctypes.create_string_buffer(1), 1)


def start(name, body, *args, **options):
    """A daemon thread, after it has noted its tid."""
    begun = threading.Event()

    def run():
        tids[name] = tid()
        begun.set()
        body(*args, **options)

    thread = threading.Thread(target=run, name=name)
    thread.daemon = True
    thread.start()
    begun.wait()
    return thread


def spin():
    """Computes for ever."""
    while True:
        for _ in range(1000):
            pass


def idents():
    return dict((thread.name, thread.ident) for thread in threading.enumerate())


def say(**what):
    os.write(1, (json.dumps(what) + "\n").encode("ascii"))


def hear():
    """The next order, a list of words; None: there will be no more."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return json.loads(line.decode("utf-8"))


def stack(ident):
    """[function, file, line, qualified name] of every frame, innermost first."""
    rows, frame = [], sys._current_frames()[ident]
    while frame:
        code = frame.f_code
        rows.append([code.co_name, code.co_filename, frame.f_lineno, getattr(code, "co_qualname", None)])
        frame = frame.f_back
    return rows


def serve(**orders):
    """Says that all is ready, then obeys: each order answers with what its function returns."""
    say(tids=dict(tids, MainThread=tid()), idents=idents())
    while True:
        words = hear()
        if words is None:
            os._exit(0)
        say(answer=orders[words[0]](*words[1:]))
