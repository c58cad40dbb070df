"""A thread, waiter, that waits for the lock of a file, which a child or, with ARGS[0] `own`, its own process has.
ARGS[1:]: flock; or of a sqlite database its mode, what its owner does with it, and what the waiter does."""
import fcntl
import os
import sqlite3
import tempfile

import common

path = os.path.join(tempfile.mkdtemp(), "stock")
do = common.ARGS[2:]
keep, had = os.pipe(), os.pipe()


def connect():
    return sqlite3.connect(path, timeout=1000, isolation_level=None, check_same_thread=False)


def lock():
    """What is returned is to be kept."""
    if not do:
        opened = open(path, "w")
        fcntl.flock(opened, fcntl.LOCK_EX)
        return opened
    connection = connect()
    cursor = connection.execute(do[0])
    return connection, cursor, cursor.fetchone()


def owner():
    os.close(keep[1])
    kept = lock()
    os.write(had[1], b".")
    os.read(keep[0], 1)
    os._exit(0 if kept else 1)


def waiter():
    if not do:
        return lock()
    connection = connect()
    connection.execute("begin")
    connection.execute("insert into stock values (3)")
    connection.execute("commit")


if do:
    setup = connect()
    setup.execute("pragma journal_mode=" + common.ARGS[1]).fetchone()
    setup.execute("create table stock (n int)")
    setup.execute("insert into stock values (1), (2)")
    setup.close()
if common.ARGS[0] == "own":
    child, kept = 0, lock()
else:
    child = os.fork()
    if child == 0:
        owner()
    os.read(had[0], 1)
common.start("waiter", waiter)
common.serve(where=lambda: {"child": child, "path": path})
