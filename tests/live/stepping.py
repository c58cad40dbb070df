"""A program whose system calls are stopped one by one, so that what happens between two of them happens for sure."""
import ctypes
import errno
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_TRACEME, PTRACE_PEEKUSER, PTRACE_SYSCALL, PTRACE_SETOPTIONS = 0, 3, 24, 0x4200
PTRACE_O_TRACESYSGOOD, PTRACE_O_EXITKILL = 1, 0x100000
ARGUMENTS = (14 * 8, 13 * 8)  # rdi and rsi in struct user of x86-64: where a path may be
RENAME_EXCHANGE = 2
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def ptrace(request, pid, addr=0, data=0):
    ctypes.set_errno(0)
    result = LIBC.ptrace(request, pid, addr, data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def exchange(one, other):
    if LIBC.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")


def names(pid, text):
    """A path that the system call is given has this text."""
    with open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for at in ARGUMENTS:
            try:
                memory.seek(ptrace(PTRACE_PEEKUSER, pid, at) & (1 << 63) - 1)
                if text in memory.read(400).split(b"\0")[0]:
                    return True
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EINVAL, errno.EFAULT):
                    raise
    return False


def run(words, text, number, act, before=lambda: None):
    """Runs a program and calls `act` at the stop with this number, counted from the first system call that names
    `text` on (each has two, one before and one after it). Its exit status, and whether it came to that stop."""
    pid = os.fork()
    if pid == 0:
        try:
            before()
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            ptrace(PTRACE_TRACEME, 0)
            os.execv(words[0], [os.fspath(word) for word in words])
        finally:
            os._exit(99)
    status, count = os.waitpid(pid, 0)[1], 0
    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)
    send = 0
    while not os.WIFEXITED(status) and not os.WIFSIGNALED(status):
        stopped = os.WSTOPSIG(status)
        if stopped == signal.SIGTRAP | 0x80 and count <= number and (count > 0 or names(pid, os.fsencode(text))):
            count += 1
            if count == number:
                act()
        ptrace(PTRACE_SYSCALL, pid, 0, send)
        status = os.waitpid(pid, 0)[1]
        stopped = os.WSTOPSIG(status) if os.WIFSTOPPED(status) else 0
        send = stopped if stopped not in (signal.SIGTRAP | 0x80, signal.SIGTRAP) else 0
    return os.waitstatus_to_exitcode(status), count >= number
