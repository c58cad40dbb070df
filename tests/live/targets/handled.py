"""Threads that stand still while an exception is handled, or while none is; each says what Python itself knows of that,
and in the middle of which instruction."""
import dis
import os
import sys

from common import FDS, hear, say, start, tids, wait

truth = {}
ZEROS = os.open(os.devnull, os.O_RDONLY)


def park(name):
    truth[name] = sys.exc_info()[0] is not None
    for fd in [ZEROS] * 100 + [FDS["park"]]:  # until its instructions are specialised
        os.read(fd, 1)


def plain(name):
    park(name)


def handles(name):
    try:
        raise KeyError
    except KeyError:
        park(name)


def has_handled(name):
    try:
        raise KeyError
    except KeyError:
        pass
    park(name)


def cleans(name):
    try:
        try:
            raise KeyError
        finally:
            park(name)
    except KeyError:
        pass


def yields(run, name):
    run(name)
    yield 1


def through(run):
    """Of a generator."""
    return lambda name: list(yields(run, name))


def handles_around(run):
    def around(name):
        try:
            raise ValueError
        except ValueError:
            run(name)
    return around


WAYS = {"plain": plain, "handles": handles, "has_handled": has_handled, "cleans": cleans,
        "generator": through(plain), "generator_handles": through(handles), "generator_has": through(has_handled),
        "called_generator": handles_around(through(has_handled)),
        "two_generators": through(handles_around(through(has_handled)))}
idents = dict((name, start(name, WAYS[name], name).ident) for name in sorted(WAYS))
say(tids=tids)


def instruction(frame):
    """The one that a frame is at, in the form that it has by now."""
    kept = {} if sys.version_info < (3, 11) else {"adaptive": True}
    return dict((row.offset, row.opname) for row in dis.get_instructions(frame.f_code, **kept))[frame.f_lasti]


for _ in iter(hear, None):
    frames = sys._current_frames()
    say(truth=truth, instructions=dict((name, instruction(frames[idents[name]])) for name in idents))
