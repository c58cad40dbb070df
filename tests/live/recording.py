"""Making recordings, and reading what is drawn from them."""
import json

import gilspy

SUMMARY = {"schema", "pid", "python", "output", "format", "mode", "seconds", "rate_hz", "samples", "thread_samples",
           "unique_stacks", "quality"}


def check(document):
    assert set(document) == SUMMARY and document["schema"] == 1
    assert set(document["quality"]) == gilspy.QUALITY and document["quality"]["samples"] == document["samples"] > 0
    assert document["thread_samples"] > 0 and document["unique_stacks"] > 0 and document["seconds"] > 0


# On a machine without a processor to spare one stop may take what may be stopped in a second, and so the samples of it:
# for tests of something else.
NO_BUDGET = ("--max-pause", "100%")


def record(pid, path, *words):
    """Records into a file; the summary of the run, checked for what holds for every one."""
    budget = () if "--max-pause" in words else NO_BUDGET
    done = gilspy.run("record", "-q", "-j", "-p", pid, "-o", path, *budget, *words)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    check(document)
    assert document["output"] == str(path)
    return document


def read_folded(text):
    """{frames, outermost first: microseconds}"""
    stacks = {}
    for line in text.splitlines():
        frames, us = line.rsplit(" ", 1)
        assert int(us) > 0 and tuple(frames.split(";")) not in stacks
        stacks[tuple(frames.split(";"))] = int(us)
    return stacks


def draw(path, *words):
    done = gilspy.run("report", path, "-f", "folded", "-o", "-", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return read_folded(done.stdout)


def samples(path):
    """(time, weight, threads by name) of each sample; times in nanoseconds."""
    done = gilspy.run("report", path, "-f", "jsonl", "-o", "-", "-i")
    assert (done.returncode, done.stderr) == (0, "")
    for row in map(json.loads, done.stdout.splitlines()):
        if row["type"] == "sample":
            yield 1000 * row["time_us"], 1000 * row["weight_us"], {thread["name"]: thread for thread in row["threads"]}


def sum_by(stacks, key):
    """Microseconds by what key says of a stack, which may be None: it does not count."""
    sums = {}
    for frames, us in stacks.items():
        name = key(frames)
        if name is not None:
            sums[name] = sums.get(name, 0) + us
    return sums


LATE = "[gap: sampler late]"


def threads(stacks):
    """Microseconds by the first frame, the thread's name."""
    return sum_by(stacks, lambda frames: frames[0])
