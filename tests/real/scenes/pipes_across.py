"""A parent that reads the answer of a child which waits for its question."""
import os
import subprocess
import sys

if len(sys.argv) > 1:
    sys.stdout.write(sys.stdin.readline())
    sys.exit()
child = subprocess.Popen([sys.executable, __file__, "child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.pid, flush=True)
os.read(child.stdout.fileno(), 1)
