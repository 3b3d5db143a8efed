#!/usr/bin/env python3
"""Shell scripts pass shellcheck. Parts that a script sources (they open with
a shellcheck directive, not with #!) are looked at through it."""

import os
import shutil
import subprocess
import sys

import common


def is_shell(root, name):
    if name.endswith(".sh"):
        return True
    first = first_line(root, name)
    return first.startswith(b"#!") and first.endswith(b"sh")


def is_part(root, name):
    return first_line(root, name) == b"# shellcheck shell=bash"


def first_line(root, name):
    with open(os.path.join(root, name), "rb") as f:
        return f.readline(80).rstrip()


def check(root):
    if not shutil.which("shellcheck"):
        sys.exit("needs shellcheck")
    names = [n for n in common.files(root) if is_shell(root, n)]
    whole = [n for n in names if not is_part(root, n)]
    sourced = "".join(common.read(root, n) for n in whole)
    found = [f"{n}:1: no script says `# shellcheck source={n}`"
             for n in set(names) - set(whole)
             if f"# shellcheck source={n}\n" not in sourced]
    for name in whole:
        done = subprocess.run(
            ["shellcheck", "-x", "-a", "-f", "gcc", name], cwd=root,
            capture_output=True, text=True, check=False)
        found += done.stdout.splitlines()
        if done.returncode != 0 and not done.stdout:
            found.append(done.stderr.strip())
    return found


def self_test():
    good = "#!/usr/bin/env bash\necho \"$1\"\n"
    with common.Tree({"a": good, "b.c": "echo $1\n"}) as root:
        common.expect(check(root))
    with common.Tree({"a": good.replace('"', ""), "b.sh": "#!/bin/sh\nif\n"
                      }) as root:
        found = check(root)
        for wanted in ("a:2:", "b.sh:2:"):
            assert any(f.startswith(wanted) for f in found), found
    part = "# shellcheck shell=bash\necho \"$x\"\n"
    user = "#!/bin/bash\nx=$1\n# shellcheck source=p.sh\n. ./p.sh\n"
    with common.Tree({"p.sh": part, "u": user}) as root:
        common.expect(check(root))
    with common.Tree({"p.sh": part.replace('"', ""), "u": user}) as root:
        common.expect(check(root), "p.sh:2:")
    with common.Tree({"p.sh": part}) as root:
        common.expect(check(root), "no script says")


if __name__ == "__main__":
    common.main(check, self_test)
