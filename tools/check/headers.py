#!/usr/bin/env python3
"""Each public header compiles alone, included twice, as pedantic C11 and as
C++17, with gcc and with clang, and drags in neither uv.h nor stdatomic.h nor
a thread header, not even through another header."""

import os
import shutil
import subprocess
import sys

import common

FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-H"]
COMPILERS = [
    (["gcc", "-x", "c", "-std=c11"], "C11, gcc"),
    (["clang", "-x", "c", "-std=c11"], "C11, clang"),
    (["g++", "-x", "c++", "-std=c++17"], "C++17, g++"),
    (["clang++", "-x", "c++", "-std=c++17"], "C++17, clang++"),
]
BANNED = ("uv.h", "stdatomic.h", "pthread.h", "threads.h", "semaphore.h")


def compile_alone(root, header, command):
    """What is wrong, as a list. -H lists what was read, deeper by dots."""
    done = subprocess.run(
        command + FLAGS + ["-I", os.path.join(root, "include"), "-"],
        input=f"#include <{header}>\n#include <{header}>\nint not_empty;\n",
        capture_output=True, text=True, check=False)
    read, said = [], []
    for line in done.stderr.splitlines():
        (read if line.startswith(".") else said).append(line)
    found = []
    if done.returncode != 0:
        first = [s for s in said if "error:" in s] or said or ["failed"]
        found.append(first[0])
    names = {line.lstrip(". ").rsplit("/", 1)[-1] for line in read}
    found += [f"drags in {b}" for b in BANNED if b in names]
    return found


def check(root):
    for command, _ in COMPILERS:
        if not shutil.which(command[0]):
            sys.exit(f"needs {command[0]}")
    found = []
    headers = common.files(root, (".h",), ("include/",))
    if not headers:
        found.append("include:1: no public headers found")
    for name in headers:
        for command, what in COMPILERS:
            found += [f"{name}:1: as {what}: {wrong}" for wrong in
                      compile_alone(root, name[len("include/"):], command)]
    return found


def self_test():
    good = {"include/m/a.h": "#ifndef A\n#define A\n#include <stdint.h>\n"
                             "typedef int64_t a;\n#endif\n"}
    both = ("C11, gcc", "C11, clang", "C++17, g++", "C++17, clang++")
    with common.Tree(good) as root:
        common.expect(check(root))
    with common.Tree({}) as root:
        common.expect(check(root), "no public headers")
    bad = {
        "size_t needs_a_header(void);\n": both,
        "int *class(void);\n": both[2:],
        "#ifndef __cplusplus\nint f(x) int x; { return ({ x; }); }\n#endif\n":
            both[:2],
        "struct twice { int x; };\n": both,
        "#include <m/a.h>\n#ifndef __cplusplus\n#include <stdatomic.h>\n"
        "#endif\n": both[:2],
        "#include <pthread.h>\n": both,
    }
    for text, wanted in bad.items():
        with common.Tree({**good, "include/m/b.h": text}) as root:
            common.expect(check(root), *wanted)


if __name__ == "__main__":
    common.main(check, self_test)
