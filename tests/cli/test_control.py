"""A program that starts gilspy has a say in the run: --control."""
import contextlib
import json
import socket

import pytest

import gilspy
from test_errors import check_failure

SECONDS = 60  # that nothing here takes


@contextlib.contextmanager
def controlled(*words):
    """gilspy when its run has begun, and our end of the socket."""
    ours, theirs = socket.socketpair()
    ours.settimeout(SECONDS)
    with ours, theirs, gilspy.begun(*words, "--control", theirs.fileno(), pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        assert ours.recv(1) == b"\n"
        yield process, ours


def test_figures_are_told_when_asked(spinning):
    with controlled("stat", "--json", "-r", "100", "-p", spinning.pid) as (process, socket):
        told = []
        for _ in range(3):
            socket.send(b"\n")
            told.append(json.loads(process.stdout.readline()))
        assert all(document["quality"]["samples"] > 0 for document in told)
        assert all(document["seconds"] > 0 for document in told[1:])  # the first may be of one sample, which has no length
        socket.close()
        output, errors = process.communicate(timeout=SECONDS)
        assert (process.returncode, errors) == (0, "")
        assert len(output.splitlines()) <= 1  # of what was after the last one that was asked for


@pytest.mark.parametrize("words", [["stat", "--json"], ["record", "-q", "-f", "folded", "-o", "-"], ["why", "--json", "-d", "1h"]])
def test_the_run_ends_with_the_other_end(spinning, words):
    with controlled(*words, "-p", spinning.pid) as (process, socket):
        socket.close()
        output, errors = process.communicate(timeout=SECONDS)
        assert (process.returncode, errors) == (0, "") and output


@pytest.mark.parametrize("fd", ["0", "99", "-1", "x", ""])
def test_what_is_no_socket(fd):
    check_failure(gilspy.run("stat", "-p", "1", "--control", fd), 2, "--control", "socket")
