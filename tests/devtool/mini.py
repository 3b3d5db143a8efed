"""A tree just large enough for tools/dev, and a machine that is faked as far
as a test wants it: which packages are there, who calls, what apt-get does.

The faked commands stand first on the PATH; behind them come all commands of
the machine except those that a test takes away.
"""

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
NOBODY = 65534

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(mini LANGUAGES C)
enable_testing()
add_executable(millrace main.c)
set_target_properties(millrace PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tools)
include(tests.cmake)
"""
MAIN = """#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sum") == 0)
        return puts("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
                    "7852b855  /dev/null") < 0;
    return printf("%s on a mini machine\\n", argc > 1 ? argv[1] : "") < 0;
}
"""
PASSING = "add_test(NAME passes COMMAND millrace)\n"

FAKES = {
    "dpkg-query": """for name; do :; done
if grep -qx "$name" "$FAKE/missing"; then exit 1; fi
printf installed
""",
    # What apt-get does next stands in $FAKE/apt.
    "apt-get": """echo "apt-get $*" >>"$FAKE/calls"
case $(cat "$FAKE/apt") in
no-network) echo "E: Unable to fetch some archives" >&2; exit 100 ;;
no-lists) case "$*" in *update*) echo works >"$FAKE/apt" ;; *) exit 100 ;; esac ;;
lies) ;;
*) case "$*" in *install*)
    for name; do sed -i "/^$name\\$/d" "$FAKE/missing"; done ;; esac ;;
esac
""",
    "id": "cat \"$FAKE/uid\"\n",
    "sudo": """echo "sudo $*" >>"$FAKE/calls"
[ -e "$FAKE/sudo-allowed" ] || { echo "a password is required" >&2; exit 1; }
[ "$1" != -n ] || shift
exec "$@"
""",
}


@functools.cache
def commands_without(names):
    """A directory with links to all commands on the PATH except these."""
    rest = tempfile.mkdtemp(prefix="devtool-commands-")
    atexit.register(shutil.rmtree, rest, True)
    os.chmod(rest, 0o755)
    for folder in os.environ["PATH"].split(":"):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            link = os.path.join(rest, name)
            if name not in names and not os.path.lexists(link):
                os.symlink(os.path.join(folder, name), link)
    return rest


class Case(unittest.TestCase):
    """Each test has its tree (self.tree) and its machine (self.fake)."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="devtool-")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.tree = os.path.join(self.dir, "a tree")
        self.fake = os.path.join(self.dir, "fake")
        self.make_tree()
        self.make_machine()

    def make_tree(self):
        shutil.copytree(os.path.join(ROOT, "tools", "dev.d"),
                        os.path.join(self.tree, "tools", "dev.d"))
        for name in ("tools/dev", "CMakePresets.json"):
            shutil.copy(os.path.join(ROOT, name),
                        os.path.join(self.tree, name))
        self.write("CMakeLists.txt", CMAKE)
        self.write("main.c", MAIN)
        self.write("tests.cmake", PASSING)

    def make_machine(self):
        for name, script in FAKES.items():
            self.write(f"bin/{name}", "#!/bin/sh\n" + script, self.fake)
            os.chmod(os.path.join(self.fake, "bin", name), 0o755)
        self.machine(missing=[], apt="works", uid=os.getuid())
        self.write("calls", "", self.fake)
        self.take_away()

    def machine(self, missing=None, apt=None, uid=None):
        if missing is not None:
            self.write("missing", "".join(m + "\n" for m in missing), self.fake)
        if apt is not None:
            self.write("apt", apt, self.fake)
        if uid is not None:
            self.write("uid", f"{uid}\n", self.fake)

    def take_away(self, *names):
        """The machine's commands, without these."""
        self.rest = commands_without(names)
        for name in names:
            fake = os.path.join(self.fake, "bin", name)
            if os.path.exists(fake):
                os.unlink(fake)

    def write(self, name, text, base=None):
        path = os.path.join(base or self.tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name, base=None):
        with open(os.path.join(base or self.tree, name),
                  encoding="utf-8") as f:
            return f.read()

    def calls(self):
        return self.read("calls", self.fake).splitlines()

    def path(self, name):
        return os.path.join(self.tree, name)

    def start(self, *arguments, tree=None, before=(), **environment):
        """Start tools/dev: no terminal, nothing on stdin."""
        kept = {k: v for k, v in os.environ.items()
                if k in ("HOME", "LANG", "TMPDIR")}
        return subprocess.Popen(
            [*before, os.path.join(tree or self.tree, "tools", "dev"),
             *arguments],
            env={**kept, "PATH": f"{self.fake}/bin:{self.rest}",
                 "FAKE": self.fake, "JOBS": "2", **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            cwd=self.dir)

    def dev(self, *arguments, **options):
        """Run tools/dev to its end."""
        with self.start(*arguments, **options) as running:
            out, err = running.communicate()
        return subprocess.CompletedProcess(arguments, running.returncode, out,
                                           err)

    def assert_one_sentence(self, done, status, *parts):
        """It ended with this status, and said why in one line on stderr."""
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("tools/dev: "), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])

    def assert_works(self, done, *parts):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for part in parts:
            self.assertIn(part, done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def closing(self, done):
        """The closing line, as two numbers."""
        match = re.fullmatch(r"(\d+) passed, (\d+) failed",
                             done.stdout.splitlines()[-1])
        self.assertTrue(match, done.stdout + done.stderr)
        return int(match.group(1)), int(match.group(2))
