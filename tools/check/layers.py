#!/usr/bin/env python3
"""The order of the house: who may include what.

Rooms of src/ from bottom to top; a file includes from its own room and from
those below it. Some headers and words belong to certain rooms alone.
"""

import os
import posixpath
import re

import common

ROOMS = ["base", "os", "parts", "sched", "task", "io", "async", "parallel",
         "inspect"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# header -> rooms that may include it
OWNED = {
    "uv.h": ["io"],
    "pthread.h": ["os"], "threads.h": ["os"], "semaphore.h": ["os"],
    "sched.h": ["os"], "ucontext.h": ["os"], "sys/mman.h": ["os"],
    "sys/syscall.h": ["os"], "syscall.h": ["os"], "sys/prctl.h": ["os"],
    "linux/futex.h": ["os"], "linux/membarrier.h": ["os"],
    "stdatomic.h": [],
}

ATOMIC = re.compile(r"\b(__atomic_\w+|__sync_\w+|_Atomic)\b")
ATOMIC_HOME = "src/base/atomic.h"

PLATFORM = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(?:\\\n|[^\n])*?\b(__linux__|__linux|"
    r"__x86_64__|__amd64__|__i386__|__aarch64__|__arm__|__riscv|__APPLE__|"
    r"__FreeBSD__|_WIN32|__ANDROID__)\b", re.MULTILINE)

# What a public header may include beside other public ones.
PUBLIC = {"stdint.h", "stddef.h", "stdbool.h", "limits.h", "stdio.h"}


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(text):
    for match in INCLUDE.finditer(text):
        yield (line_of(text, match.start(2)), match.group(1) == '"',
               match.group(2))


def check_room_include(root, room, header, quoted):
    """What is wrong with a file of `room` including this, or None."""
    first = header.split("/")[0]
    if header in OWNED or first == "uv":
        owners = OWNED.get(header, ["io"])
        if room not in owners:
            where = f"only {'/, '.join(owners)}/ may" if owners else "no one may"
            return f"{where} include {header}"
        return None
    if first == "millrace" or header == "millrace.h":
        return "public headers are included as <millrace/...>" \
            if quoted else None
    if not quoted:
        return f"{header} is written in quotes" if first in ROOMS else None
    if first not in ROOMS or "/" not in header:
        return f"\"{header}\" does not name a room and a file"
    if not os.path.isfile(os.path.join(root, "src", header)):
        return f"there is no src/{header}"
    if ROOMS.index(first) > ROOMS.index(room):
        return f"{room}/ is below {first}/ and must not include {header}"
    return None


def check_source(root, name):
    text = common.strip_c(common.read(root, name), strings=False)
    room = name.split("/")[1]
    if room not in ROOMS or name.count("/") != 2:
        return [f"{name}:1: not in a room of the house ({', '.join(ROOMS)})"]
    found = []
    for line, quoted, header in includes(text):
        wrong = check_room_include(root, room, header, quoted)
        if wrong:
            found.append(f"{name}:{line}: {wrong}")
    code = common.strip_c(text)
    for match in ATOMIC.finditer(code):
        if name != ATOMIC_HOME:
            found.append(f"{name}:{line_of(code, match.start())}: "
                         f"{match.group(1)} outside base/atomic.h")
    for match in PLATFORM.finditer(code):
        if room not in ("base", "os"):
            found.append(f"{name}:{line_of(code, match.start(1))}: "
                         f"{match.group(1)} outside base/ and os/")
    return found


def check_public(root, name):
    text = common.strip_c(common.read(root, name), strings=False)
    found = []
    for line, quoted, header in includes(text):
        known = header in PUBLIC or (
            header.startswith("millrace/") and
            os.path.isfile(os.path.join(root, "include", header)))
        if quoted or not known:
            found.append(f"{name}:{line}: a public header must not include "
                         f"{header}")
    return found


def check_api_test(root, name):
    """Tests of the public face see what users see, and each other."""
    text = common.strip_c(common.read(root, name), strings=False)
    found = []
    for line, quoted, header in includes(text):
        places = [posixpath.normpath(posixpath.join(place, header))
                  for place in (posixpath.dirname(name), "tests/support")]
        if quoted and not any(
                path.startswith("tests/") and
                os.path.isfile(os.path.join(root, path)) for path in places):
            found.append(f"{name}:{line}: a test of the public face "
                         f"includes {header}")
    return found


def check(root):
    found = []
    for name in common.files(root, (".c", ".h", ".S"), ("src/",)):
        found += check_source(root, name)
    for name in common.files(root, (".h",), ("include/",)):
        found += check_public(root, name)
    for name in common.files(root, (".c", ".h"),
                             ("tests/api/", "tests/db/", "tests/examples/")):
        found += check_api_test(root, name)
    return found


def self_test():
    good = {
        "src/base/a.h": "#include <stdint.h>\n#if defined(__x86_64__)\n#endif\n",
        "src/base/atomic.h": "int x = __atomic_load_n(&y, 0);\n",
        "src/os/b.c": "#include \"os/b.h\"\n#include <pthread.h>\n",
        "src/os/b.h": "#include \"base/a.h\"\n",
        "src/io/c.c": "#include <uv.h>\n#include \"os/b.h\"\n"
                      "// __atomic_load_n, #ifdef __linux__\n"
                      "#include <millrace/x.h>\n",
        "include/millrace/x.h": "#include <stdint.h>\n",
        "tests/support/test.h": "",
        "tests/api/x.c": "#include \"test.h\"\n#include <pthread.h>\n",
        "tests/examples/e.h": "",
        "tests/examples/f.c": "#include \"e.h\"\n",
        "tests/db/g.c": "#include \"../examples/e.h\"\n",
    }
    bad = {
        "src/base/up.c": ("#include \"os/b.h\"\n", "is below os/"),
        "src/sched/u.c": ("\n#include <uv.h>\n", "u.c:2: only io/"),
        "src/task/v.c": ("#include \"uv/errno.h\"\n", "only io/"),
        "src/parts/p.c": ("#include <pthread.h>\n", "only os/"),
        "src/base/s.c": ("#include <sys/mman.h>\n", "only os/"),
        "src/os/t.c": ("#include <stdatomic.h>\n", "no one may"),
        "src/os/u.c": ("void f() { __sync_synchronize(); }\n",
                       "outside base/atomic.h"),
        "src/os/w.h": ("/* a\n*/ extern _Atomic int x;\n", "w.h:2: _Atomic"),
        "src/parts/d.c": ("#if 1\n#elif A && \\\n defined(__aarch64__)\n",
                          "d.c:3: __aarch64__ outside"),
        "src/io/q.c": ("#include \"b.h\"\n", "does not name a room"),
        "src/io/r.c": ("#include \"os/gone.h\"\n", "there is no"),
        "src/io/m.c": ("#include \"millrace/x.h\"\n", "public headers"),
        "src/io/n.c": ("#include <os/b.h>\n", "in quotes"),
        "src/attic/z.c": ("", "not in a room"),
        "include/millrace/y.h": ("#include <uv.h>\n", "public header must"),
        "tests/api/y.c": ("#include \"os/b.h\"\n", "public face"),
        "tests/examples/e.c": ("#include \"os/b.h\"\n", "public face"),
        "tests/db/h.c": ("#include \"../../src/os/b.h\"\n", "public face"),
        "tests/db/i.c": ("#include \"e.h\"\n", "public face"),
    }
    with common.Tree(good) as root:
        common.expect(check(root))
    for name, (text, complaint) in bad.items():
        with common.Tree({**good, name: text}) as root:
            common.expect(check(root), complaint)


if __name__ == "__main__":
    common.main(check, self_test)
