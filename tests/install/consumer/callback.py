"""The shared library as Python sees it: its functions are tasks, called in
threads that Python has never heard of.

    callback.py LIBMILLRACE"""

import ctypes
import sys
import threading

FN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


class Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("workers", ctypes.c_uint),
                ("pin", ctypes.c_uint), ("stack_size", ctypes.c_size_t)]


def load(path):
    lib = ctypes.CDLL(path)
    lib.mr_main.argtypes = [ctypes.POINTER(Config), FN, ctypes.c_void_p]
    lib.mr_start.argtypes = [ctypes.POINTER(ctypes.c_void_p),
                             ctypes.POINTER(Config)]
    lib.mr_run.argtypes = [ctypes.c_void_p, FN, ctypes.c_void_p]
    lib.mr_submit.argtypes = [ctypes.c_void_p, FN, ctypes.c_void_p,
                              ctypes.c_size_t]
    lib.mr_stop.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    lib.mr_main.restype = lib.mr_run.restype = ctypes.c_int64
    return lib


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {got}, expected {expected}")


def main():
    lib = load(sys.argv[1])
    here = threading.get_ident()
    seen, counted = [], []

    def task(arg):
        seen.append(threading.get_ident() != here)
        return sum(range(arg or 0))

    def detached(arg):
        counted.append(arg)
        return 0

    run, count = FN(task), FN(detached)
    # Python wants more stack than a task of C does.
    config = Config(size=ctypes.sizeof(Config), workers=2,
                    stack_size=8 << 20)
    check("mr_main", lib.mr_main(config, run, 101), 5050)
    runtime = ctypes.c_void_p()
    check("mr_start", lib.mr_start(ctypes.byref(runtime), config), 0)
    for n in range(1, 100):
        check("mr_run", lib.mr_run(runtime, run, n), n * (n - 1) // 2)
        check("mr_submit", lib.mr_submit(runtime, count, n, 0), 0)
    check("mr_stop", lib.mr_stop(runtime, (1 << 63) - 1), 0)
    check("where tasks ran", all(seen), True)
    check("what was submitted", sorted(counted), list(range(1, 100)))
    print("100 tasks in Python")


if __name__ == "__main__":
    main()
