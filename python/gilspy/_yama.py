"""Letting one's own children read this process where Yama would not (kernel.yama.ptrace_scope is 1, as on Ubuntu)."""
from __future__ import annotations

import ctypes
import os
import threading

SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
PR_SET_PTRACER = 0x59616D61  # linux/prctl.h

_lock = threading.Lock()
_users = 0


def _restricted() -> bool:
    try:
        with open(SCOPE) as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _set_ptracer(pid: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


def allow() -> bool:
    """Until release is called as often, the descendants of this process may read it. False: nothing had to be done.

    Yama asks whether the reader descends from the one that was named (security/yama/yama_lsm.c, ptracer_exception_found):
    to name oneself lets in one's descendants, and nobody else; and it is done before the child is there. What was named
    before, as a crash handler may have done, is forgotten: the kernel keeps one name, and does not tell it.
    """
    global _users
    if not _restricted():
        return False
    with _lock:
        _users += 1
        if _users == 1:
            _set_ptracer(os.getpid())
    return True


def release() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _set_ptracer(0)


def _forget() -> None:
    """A child of fork has no children, and what was named does not hold for it."""
    global _users, _lock
    _users, _lock = 0, threading.Lock()


os.register_at_fork(after_in_child=_forget)
