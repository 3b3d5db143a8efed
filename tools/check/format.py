#!/usr/bin/env python3
"""C and C++ are laid out as .clang-format says."""

import os
import shutil
import subprocess
import sys

import common

# Other versions lay some lines out differently: Debian 12's is the reference.
VERSION = "14"


def clang_format():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            said = subprocess.run([path, "--version"], capture_output=True,
                                  text=True, check=True).stdout
            if f"version {VERSION}." in said:
                return path
    sys.exit(f"needs clang-format {VERSION} (Debian 12: clang-format)")


def check(root):
    names = common.files(root, (".c", ".h", ".cc", ".hh"))
    if not names:
        return []
    done = subprocess.run(
        [clang_format(), "--dry-run", "--style=file"] + names,
        cwd=root, capture_output=True, text=True, check=False)
    found = [line for line in done.stderr.splitlines() if ": warning: " in line]
    if done.returncode != 0 and not found:
        found = [f"clang-format failed: {done.stderr.strip()}"]
    return [f.replace("warning: code should be clang-formatted",
                      "run clang-format -i") for f in found]


def self_test():
    style = common.read(common.ROOT, ".clang-format")
    with common.Tree({".clang-format": style, "src/a.c": "int x;\n",
                      "b.txt": "int  x;\n"}) as root:
        common.expect(check(root))
    with common.Tree({".clang-format": style, "a.h": "int x;\nint  y;\n",
                      "b.cc": "int *f();\n"}) as root:
        common.expect(check(root), "a.h:2:")
        os.rename(os.path.join(root, "a.h"), os.path.join(root, "a.txt"))
        common.expect(check(root))


if __name__ == "__main__":
    common.main(check, self_test)
