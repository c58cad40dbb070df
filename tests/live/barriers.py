"""Ways to start a program behind a barrier: words that are put before a command, each execs it in its own process.

    python3 barriers.py filter KIND:CALL COMMAND...   that system call fails there (EPERM, ENOSYS), kills, or does pass
    python3 barriers.py namespace UID COMMAND...      a new user namespace of root's in which 0 is that user
"""
import ctypes
import errno
import os
import struct
import sys

NOBODY = 65534
CALLS = {"process_vm_readv": 310, "perf_event_open": 298}  # of x86-64
CLONE_NEWUSER = 0x10000000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of BPF: a word of struct seccomp_data, its number comes first
ALLOW, KILL, ERRNO = 0x7fff0000, 0x80000000, 0x00050000
libc = ctypes.CDLL(None, use_errno=True)


def user(number=NOBODY):
    return ("setpriv", "--reuid=%d" % number, "--regid=%d" % number, "--clear-groups")


WITHOUT_PTRACE = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
WITHOUT_KILL = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")


def filtered(kind, call="process_vm_readv"):
    return ("/usr/bin/python3", "-B", os.path.abspath(__file__), "filter", "%s:%s" % (kind, call))


def namespace_for(number):
    return ("/usr/bin/python3", "-B", os.path.abspath(__file__), "namespace", str(number))


def with_proc(options, then=()):
    """In a mount namespace of its own, where /proc is mounted anew."""
    return ("unshare", "--mount", "sh", "-c", 'mount -t proc -o %s proc /proc && exec "$@"' % options, "sh", *then)


WITHOUT_PROC = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")


def checked(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def set_filter(what):
    kind, call = what.split(":")
    answer = {"kill": KILL, "pass": ALLOW}.get(kind) or ERRNO | getattr(errno, kind)
    rows = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, CALLS[call]), (RETURN, 0, 0, answer), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code)))
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0))


def enter_namespace(number):
    """Only who is outside may write the map of another user than itself: a child that stays there does it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reader, 1)
        for name in ("uid_map", "gid_map"):
            with open("/proc/%d/%s" % (os.getppid(), name), "w") as file:
                file.write("0 %d 1" % number)
        os._exit(0)
    checked(libc.unshare(CLONE_NEWUSER))
    os.write(writer, b".")
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("the namespace could not be mapped")
    os.close(reader)
    os.close(writer)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


if __name__ == "__main__":
    {"filter": set_filter, "namespace": lambda number: enter_namespace(int(number))}[sys.argv[1]](sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])
