"""A thread in the C code of the standard library. ARGS: what it does there."""
import hashlib
import re
import sqlite3
import zlib

import common


def match():
    while True:
        re.match("(a+)+$", "a" * 22 + "b")


def deflate():
    data = bytes(range(256)) * 4096
    while True:
        zlib.compress(data, 9)


def derive():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 200000)


def query():
    base = sqlite3.connect(":memory:")
    while True:
        base.execute("with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) "
                     "select max(i) from n").fetchall()


common.start("worker", {"match": match, "deflate": deflate, "hash": derive, "sql": query}[common.ARGS[0]])
common.serve()
