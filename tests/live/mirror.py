"""A file system that shows another folder, until its process is stopped: then whoever asks it waits.

    python3 mirror.py FOLDER MOUNT_POINT
"""
import os
import sys

import fusepy as fuse


class Mirror(fuse.Operations):
    def __init__(self, folder):
        self.folder = folder

    def path(self, path):
        return self.folder + path

    def getattr(self, path, fh=None):
        found = os.stat(self.path(path))
        return {name: getattr(found, name) for name in ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_mtime")}

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(self.path(path))]

    def open(self, path, flags):
        return os.open(self.path(path), flags)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)


if __name__ == "__main__":
    fuse.FUSE(Mirror(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True)
