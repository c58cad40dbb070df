"""Traps, signals and births, each told how often it came."""
import ctypes
import mmap
import os
import platform
import signal
import struct
import subprocess
import threading

import common

RT_TGSIGQUEUEINFO = {"x86_64": 297, "aarch64": 240}[platform.machine()]
TRAP_BRKPT = 1  # what the kernel says of an int1, and of a trap without a reason
SA_SIGINFO, SA_RESTART = 4, 0x10000000
VALUES_MOST = 1 << 16
counts = {"traps": 0, "births": 0}
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code_at = ctypes.addressof(ctypes.c_char.from_buffer(code))
got = (ctypes.c_uint64 * 1)()
values = (ctypes.c_uint32 * VALUES_MOST)()


def put_code(offset, code_bytes):
    code[offset:offset + len(code_bytes)] = code_bytes
    return code_at + offset


def run_code(at):
    ctypes.CFUNCTYPE(None)(at)()


def count_trap(number, frame):
    counts["traps"] += 1


def handle_traps():
    signal.signal(signal.SIGTRAP, count_trap)


def keep_values(number):
    """The value of each such signal is kept, in the order in which they are delivered; threads may get some at once."""
    handler = put_code(64, b"\x48\xb9" + struct.pack("<Q", ctypes.addressof(got)) +     # mov rcx, got
                       b"\xba\x01\0\0\0" + b"\xf0\x48\x0f\xc1\x11" +                   # mov edx, 1; lock xadd [rcx], rdx
                       b"\x8b\x46\x18" +                                               # mov eax, value
                       b"\x49\xb8" + struct.pack("<Q", ctypes.addressof(values)) +       # mov r8, values
                       b"\x41\x89\x04\x90" + b"\xc3")                                   # [r8 + 4 rdx] = eax
    action = struct.pack("<Q128siIQ", handler, b"", SA_SIGINFO | SA_RESTART, 0, 0)
    common.libc.sigaction(number, ctypes.create_string_buffer(action), None)


def stray():
    """What the kernel sends for a trap that it cannot tell the reason of, to this thread."""
    info = ctypes.create_string_buffer(struct.pack("<iii", signal.SIGTRAP, 0, TRAP_BRKPT), 128)
    common.libc.syscall(RT_TGSIGQUEUEINFO, os.getpid(), common.tid(), signal.SIGTRAP, info)


def hold_traps(how):
    """Its main thread lets no SIGTRAP in (SIG_BLOCK, 0), or does again (SIG_UNBLOCK, 1)."""
    common.libc.pthread_sigmask(how, struct.pack("<Q120x", 1 << (signal.SIGTRAP - 1)), None)


def int3():
    run_code(put_code(0, b"\xcc\xc3"))


def int1():
    run_code(put_code(16, b"\xf1\xc3"))


def call(name):
    while True:
        common.wait(name)
        for _ in range(100):
            common.libc.getppid()


def strayer(name):
    while True:
        common.wait(name)
        stray()


def bear(count):
    def live():
        common.libc.getppid()
        counts["births"] += 1
    for _ in range(int(count)):
        thread = threading.Thread(target=live)
        thread.start()
        thread.join()


def bear_stray():
    """A thread whose only deed is a trap without a reason: its tracer."""
    tracers = []

    def live():
        with open("/proc/self/task/%d/status" % common.tid()) as file:
            tracers.append([int(line.split()[1]) for line in file if line.startswith("TracerPid:")][0])
        stray()
    thread = threading.Thread(target=live)
    thread.start()
    thread.join()
    return tracers[0]


def clone_untraced():
    """A thread that no tracer is told of, as glibc makes none: it sleeps for good."""
    flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x800000  # VM FS FILES SIGHAND THREAD SYSVSEM UNTRACED
    at = put_code(128, b"\xb8\x38\0\0\0" + b"\x0f\x05" +                   # mov eax, clone; syscall
                  b"\x85\xc0" + b"\x75\x09" +                               # test eax, eax; jnz to ret
                  b"\xb8\x22\0\0\0" + b"\x0f\x05" + b"\xeb\xf7" + b"\xc3")   # mov eax, pause; syscall; jmp; ret
    return ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_void_p)(at)(flags, code_at + 4096)


def fork():
    """What a child sees of itself: its tracer."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open("/proc/self/status") as file:
            tracer = [line.split()[1] for line in file if line.startswith("TracerPid:")][0]
        for _ in range(100):
            common.libc.getppid()
        os.write(writer, tracer.encode("ascii"))
        os._exit(0)
    os.close(writer)
    tracer = os.read(reader, 20)
    os.close(reader)
    return [int(tracer), os.waitpid(child, 0)[1]]


def spin(name):
    common.wait(name)
    while True:
        common.libc.getppid()


def leave():
    """The main thread ends, and the others go on."""
    common.say(answer=None)
    common.libc.pthread_exit(None)


common.start("call", call, "call")
common.start("stray", strayer, "stray")
common.start("spin", spin, "spin")
common.serve(ping=lambda: "pong", stray=stray, int3=int3, int1=int1, handle_traps=handle_traps, bear=bear,
             bear_stray=bear_stray, clone_untraced=clone_untraced, hold_traps=hold_traps, fork=fork,
             raise_trap=lambda: os.kill(os.getpid(), signal.SIGTRAP), counts=lambda: counts,
             keep_values=keep_values, values=lambda: list(values[:got[0]]), spawn=lambda: subprocess.call(["true"]),
             leave=leave, lead=lambda: os.setpgid(0, 0),
             become=lambda *words: os.execv(words[0], words), end=lambda status: os._exit(status))
