"""gil.py in a Python that tells nothing by name: it wipes the names of its symbols out of its own memory first."""
import ctypes
import struct

import common

NAMES = [b"_PyRuntime", b"Py_Version", b"_PyThreadState_Current", b"PyInterpreterState_Head", b"PyType_Type",
         b"PyEval_ThreadsInitialized", b"_PyEval_SetSwitchInterval", b"PyCode_Type", b"_Py_NegativeRefcount"]
PT_LOAD, PT_DYNAMIC, DT_STRTAB, DT_STRSZ = 1, 2, 5, 10
PROT_READ, PROT_WRITE, PAGE = 1, 2, 4096


class DlInfo(ctypes.Structure):
    _fields_ = [("path", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p),
                ("address", ctypes.c_void_p)]


def own_image():
    """Where the image that holds this Python begins."""
    info = DlInfo()
    function = ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p)
    if not common.libc.dladdr(function, ctypes.byref(info)):
        raise OSError("dladdr")
    return info.base


def strings_of(base):
    """Address and size of the names of an image's symbols."""
    header = ctypes.string_at(base, 64)
    at, count = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<H", header, 56)[0]
    segments = [struct.unpack_from("<IIQQQQQQ", ctypes.string_at(base + at, 56 * count), 56 * i) for i in range(count)]
    bias = base - min(segment[3] for segment in segments if segment[0] == PT_LOAD) // PAGE * PAGE
    entries = {}
    for segment in segments:
        if segment[0] == PT_DYNAMIC:
            for i in range(segment[6] // 16):
                tag, value = struct.unpack("<QQ", ctypes.string_at(bias + segment[3] + 16 * i, 16))
                entries.setdefault(tag, value)
    table = entries.get(DT_STRTAB, 0)
    return (table if table >= base else bias + table), entries.get(DT_STRSZ, 0)


def wipe(address, size):
    start = address // PAGE * PAGE
    length = (address + size - start + PAGE - 1) // PAGE * PAGE
    if common.libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(length), PROT_READ | PROT_WRITE):
        raise OSError("mprotect")
    text = ctypes.string_at(address, size)
    for name in NAMES:
        at = text.find(name + b"\0")
        while at >= 0:
            ctypes.memset(address + at, ord("?"), 1)
            at = text.find(name + b"\0", at + 1)
    common.libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(length), PROT_READ)


wipe(*strings_of(own_image()))
import gil  # noqa: it serves from here on
