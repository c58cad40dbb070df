"""Folders that are the root of a program's world, with /proc in them."""
import contextlib
import os
import shutil
import subprocess


def mount(*words):
    subprocess.run(["mount", *words], check=True)


@contextlib.contextmanager
def proc(root):
    """With the processes of this machine below root/proc."""
    os.makedirs(os.path.join(root, "proc"), exist_ok=True)
    mount("-t", "proc", "proc", os.path.join(root, "proc"))
    try:
        yield root
    finally:
        subprocess.run(["umount", os.path.join(root, "proc")], check=True)


def run(root, *words, **options):
    options = {"stdin": subprocess.DEVNULL, "env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **options}
    return subprocess.run([shutil.which("chroot"), str(root), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=300, **options)
