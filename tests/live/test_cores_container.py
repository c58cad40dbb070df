"""Cores out of containers."""
import os
import signal

import pytest

import gilspy
from cores import dump, kernel_cores, leave_by_gcore, leave_by_kernel, standing, told, where  # noqa: F401
from target import Target


def wanted(python):
    return python.kind in ("2.7", "3.9", "3.11", "3.15") and python.where != "pyenv"


class Contained(Target):
    """In a pid and a mount namespace of its own, and in its chroot if it has one."""
    def begin(self, command, pipes, env):
        shell = ["unshare", "--pid", "--mount", "--fork", "sh", "-c", '"$@"; exit 0', "sh"]
        super().begin(lambda fds: shell + command(fds), pipes, env)
        for _ in range(2):
            with open("/proc/%d/task/%d/children" % (self.pid, self.pid)) as file:
                self.pid = int(file.read())
        inside, tids = self.began["tids"], {}
        for tid in map(int, os.listdir("/proc/%d/task" % self.pid)):
            with open("/proc/%d/task/%d/status" % (self.pid, tid)) as file:
                ids = next(line for line in file if line.startswith("NSpid:")).split()
            tids[int(ids[-1])] = tid
        self.inside = inside
        self.began["tids"] = {name: tids[tid] for name, tid in inside.items()}


@pytest.mark.usefixtures("kernel_cores")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_container(python, folders):
    """The kernel notes the ids and paths of the inside, gcore those of the outside."""
    with standing(python, folders, kind=Contained) as target:
        live = gilspy.dump(target.pid)
        assert live["process"]["ns_pid"] != live["process"]["pid"]
        core = leave_by_gcore(target)
        assert told(dump(core)) == told(live)
        os.unlink(core)
        document = dump(leave_by_kernel(target, signal.SIGQUIT), *where(python))
        assert document["process"]["pid"] == document["process"]["ns_pid"] == live["process"]["ns_pid"]
        threads, was = gilspy.threads_by_name(document), gilspy.threads_by_name(live)
        assert {name: thread["tid"] for name, thread in threads.items()} == target.inside
        for name, thread in threads.items():
            for key in ("ident", "gil", "evidence", "frames", "main"):
                assert thread[key] == was[name][key]
