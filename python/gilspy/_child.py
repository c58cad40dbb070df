"""The program as a child of this process: started, asked, ended, and never left behind.

A socket ties it to this process: it ends when nobody has our end any more. That holds also when this process is killed or
runs another program; a signal of the parent's death would come when the thread ends that started it, and signals that
are ignored here are ignored there. The child reads this process from outside; no thread is started here, nothing loaded.
"""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from typing import IO, Any, Dict, Optional, Sequence, Union, cast

from . import _yama
from ._cells import named
from ._errors import Error, Failed, of_run
from ._program import program

CANNOT_START = "the program gilspy cannot be started: %s"

_lock = threading.Lock()  # from the making of a socket until it is in _living
_living: weakref.WeakSet[Child] = weakref.WeakSet()


def _completed(words: Sequence[str], stdin: Union[int, IO[bytes]]) -> subprocess.CompletedProcess[bytes]:
    allowed = _yama.allow()
    try:
        return subprocess.run([program(), *words], stdin=stdin, capture_output=True, start_new_session=True)
    except OSError as why:
        raise Failed(CANNOT_START % why) from why
    finally:
        if allowed:
            _yama.release()


def run(*words: str, stdin: Union[int, IO[bytes]] = subprocess.DEVNULL) -> bytes:
    """Runs the program to its end: what it wrote to stdout. stdin: a file that it reads."""
    done = _completed(words, stdin)
    if done.returncode != 0:
        raise of_run(done.returncode, done.stderr.decode("utf-8", "replace"))
    return named(done.stdout)


def document(*words: str) -> Dict[str, Any]:
    """Runs the program to its end: the JSON document that it wrote."""
    done = _completed(words, subprocess.DEVNULL)
    # Where SIGCHLD is ignored the exit status is lost, and subprocess takes it for 0.
    if done.returncode != 0 or not done.stdout:
        raise of_run(done.returncode, done.stderr.decode("utf-8", "replace"))
    return only_document(done.stdout)


def _end(owner: int, process: subprocess.Popen[bytes], ours: socket.socket, files: Sequence[IO[bytes]], allowed: bool,
         wait: Optional[float] = 10.0) -> None:
    """Ends the child, whatever it does; runs once, at the latest when this interpreter ends."""
    if os.getpid() != owner:
        return
    _hang_up(ours)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for file in files:
        file.close()
    if allowed:
        _yama.release()


def _hang_up(ours: socket.socket) -> None:
    """shutdown, and not close alone: somebody else may have our end, as a child of a fork that no Python was told of."""
    try:
        ours.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the child is gone, or it was done before
    ours.close()


class Child:
    """The program at work until end() is called, this object goes, or this process ends.

    words: its arguments, without --control. stdout: where its result is to be; None: it is read by ask() and by end().
    Returns when the run has begun. Raises what the program ended with if it could not begin.
    """

    def __init__(self, *words: str, stdout: Optional[IO[bytes]] = None) -> None:
        self.owner = os.getpid()
        self._asking = threading.Lock()
        self._said = tempfile.TemporaryFile(prefix="gilspy-")
        self._rest = b""
        self._owed = False  # an answer that was asked for, and has not come
        allowed = _yama.allow()
        try:
            with _lock:
                self._start(words, stdout)
        except BaseException:
            self._said.close()
            if allowed:
                _yama.release()
            raise
        files = [file for file in (self._said, self._process.stdout) if file is not None]
        self._finalizer = weakref.finalize(self, _end, self.owner, self._process, self._ours, files, allowed)
        self._await_begin()

    def _start(self, words: Sequence[str], stdout: Optional[IO[bytes]]) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            fd = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, 3)  # a daemon has closed 0 to 2, which the child needs
            try:
                self._process = subprocess.Popen(
                    [program(), *words, "--control", str(fd)], stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if stdout is None else stdout, stderr=self._said, pass_fds=[fd],
                    start_new_session=True)  # Ctrl-C is for this process: it ends what it has begun
            except BaseException as why:
                self._ours.close()
                if isinstance(why, OSError):
                    raise Failed(CANNOT_START % why) from why
                raise
            finally:
                os.close(fd)
        _living.add(self)

    def _await_begin(self) -> None:
        try:
            began = self._ours.recv(1)
        except ConnectionError:
            began = b""
        except BaseException:  # Ctrl-C
            self._finalizer()
            raise
        if not began:
            raise self._failure()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        """It has not ended, and is this process's own."""
        return os.getpid() == self.owner and self._finalizer.alive and self._process.poll() is None

    def ask(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """The figures of `stat` since this was asked the last time.

        Raises TimeoutError when they do not come within so many seconds; the next call has them then.
        """
        with self._asking:
            if os.getpid() != self.owner or not self._finalizer.alive:
                raise Error("gilspy is not running")
            try:
                if not self._owed:
                    self._ours.send(b"\n")
            except OSError:
                raise self._failure() from None
            self._owed = True
            line = self._read_line(timeout)
            self._owed = False
            return cast(Dict[str, Any], json.loads(named(line)))

    def last(self) -> Dict[str, Any]:
        """The same, and ends it; of a run that has ended by itself what it told then."""
        with self._asking:
            if os.getpid() != self.owner or not self._finalizer.alive:
                raise Error("gilspy is not running")
            try:
                with contextlib.suppress(OSError):  # it has ended, and its figures wait to be read
                    if not self._owed:
                        self._ours.send(b"\n")
                return cast(Dict[str, Any], json.loads(named(self._read_line(None))))
            finally:
                self.kill()

    def _read_line(self, timeout: Optional[float]) -> bytes:
        until = None if timeout is None else time.monotonic() + timeout
        pipe = cast(IO[bytes], self._process.stdout).fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while b"\n" not in self._rest:
            left = None if until is None else max(0.0, until - time.monotonic()) * 1000
            if not poll.poll(left):
                raise TimeoutError("gilspy did not answer within %g s" % cast(float, timeout))
            got = os.read(pipe, 1 << 16)
            if not got:
                raise self._failure()
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _failure(self) -> Error:
        """It ended by itself: why. Nothing of it is left afterwards."""
        if not self._finalizer.alive:
            return Error("gilspy is not running")
        _hang_up(self._ours)
        status = self._process.wait()
        said = self._read_said()
        self._finalizer()
        return of_run(status, said)

    def _read_said(self) -> str:
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace")

    def await_end(self) -> None:
        """Waits until the run ends by itself: after its duration, or with the process that it watches."""
        self._ours.recv(1)

    def end(self, timeout: Optional[float] = None) -> bytes:
        """Ends the run: what was written to stdout and not read yet. Nothing is left of the child afterwards.

        Raises what it ended with if that was no success, TimeoutError when it does not end within so many seconds.
        """
        with self._asking:
            if os.getpid() != self.owner or not self._finalizer.alive:
                raise Error("gilspy is not running")
            _hang_up(self._ours)
            try:
                rest, _ = self._process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise TimeoutError("gilspy did not end within %g s" % cast(float, timeout)) from None
            self.said = self._read_said()
            self._finalizer()
        if self._process.returncode != 0:
            raise of_run(self._process.returncode, self.said)
        return self._rest + (rest or b"")

    def kill(self) -> None:
        """Ends it at once, and without a result."""
        if self.running:
            self._process.kill()
        self._finalizer()


def _leave() -> None:
    """In a child of fork: what the parent has started is the parent's."""
    global _lock
    _lock = threading.Lock()
    for child in list(_living):
        child._ours.close()
        child._process.returncode = 0  # or it would be waited for, and warned of
    _living.clear()


os.register_at_fork(before=lambda: _lock.acquire() and None, after_in_parent=lambda: _lock.release(), after_in_child=_leave)


def only_document(said: Union[bytes, str]) -> Dict[str, Any]:
    """The JSON document among what was said: a line of it, or all."""
    text = named(said).decode() if isinstance(said, bytes) else said
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise Error("gilspy told no result: %s" % text.strip())
    return cast(Dict[str, Any], json.loads(lines[-1]))
