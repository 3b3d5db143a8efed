"""What the checkers of `tools/dev check` share.

A checker is a script with a function that takes the root of a tree and
returns a list of complaints, "path:line: what". Called with --self-test it
proves on small trees of its own that it complains about what it should, and
only about that: a checker that cannot fail checks nothing.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def files(root, suffixes=None, under=None):
    """Files of the tree that git tracks or would track, sorted, relative."""
    # A fresh clone may belong to somebody else than who builds in it.
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:
        names = walk(root)
    names = sorted({n for n in names if n})
    return [n for n in names
            if (not suffixes or n.endswith(tuple(suffixes)))
            and (not under or n.startswith(tuple(under)))
            and os.path.isfile(os.path.join(root, n))]


def walk(root):
    """The same without git: a release archive, a copy."""
    for base, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in (".git", "__pycache__")
                   and not (base == root and d.startswith("build"))]
        for name in names:
            yield os.path.relpath(os.path.join(base, name), root)


def read(root, name):
    path = os.path.join(root, name)
    with open(path, encoding="utf-8", newline="") as f:
        return f.read()


TOKENS = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL)


def strip_c(text, strings=True):
    """C without comments (and without the contents of strings), every line
    where it was."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2 if strings else token
        return " " + "\n" * token.count("\n")
    return TOKENS.sub(blank, text)


def expect(found, *wanted):
    """For self-tests: exactly these complaints (each by a part of it)."""
    missing = [w for w in wanted if not any(w in f for f in found)]
    if missing or len(found) != len(wanted):
        raise AssertionError(f"wanted {list(wanted)}, found {found}")


class Tree:
    """A small tree for a self-test: Tree({"src/base/a.h": "text", ...})."""

    def __init__(self, contents):
        self.contents = contents
        self.dir = tempfile.TemporaryDirectory()

    def __enter__(self):
        for name, text in self.contents.items():
            path = os.path.join(self.dir.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
        return self.dir.name

    def __exit__(self, *_):
        self.dir.cleanup()


def main(check, self_test):
    """A checker's main: complaints on stderr, exit status 1 if any."""
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        self_test()
        print("ok: it finds what it should, and nothing else")
        return
    if len(arguments) > 1:
        sys.exit(f"usage: {sys.argv[0]} [--self-test | ROOT]")
    complaints = check(arguments[0] if arguments else ROOT)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        sys.exit(1)
