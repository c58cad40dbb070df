"""Names of threads, functions, files and values beyond ASCII, and such as would drive a terminal. For Python 3."""
import os

import common

NAMES = ["caf\u00e9", "\u4e16\u754c", "\U0001f600", "\x1b[31mred\x1b[2J", "\u202eright to left", "new\nline", "\udcff\x9b2J"]
SOURCE = """
def gr\u00f6\u00dfe(wert="\u00fc\x1b[2J\u2066"):
    read(gate, 1)
"""
FILE = "/srv/pr\u00fcfung \u2028\x1b]0;title\x07.py"

scope = {"read": os.read, "gate": common.FDS["gate"]}
exec(compile(SOURCE, FILE, "exec"), scope)
for name in NAMES:
    common.start(name, scope["gr\u00f6\u00dfe"])
common.serve()
