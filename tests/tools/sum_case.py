"""What the tests of `millrace sum` share: a fresh directory for each, and the
command, which is the one argument of the script."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

COMMAND = sys.argv.pop(1)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="millrace-sum-").encode()
        self.addCleanup(self.remove)

    def remove(self):
        subprocess.run(["chmod", "-R", "u+rwx", self.dir], check=False,
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        name = name if isinstance(name, bytes) else name.encode()
        return os.path.join(self.dir, name)

    def write(self, name, data=b""):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path

    def start(self, *arguments, before=(), **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, "cwd": self.dir, **options}
        return subprocess.Popen([*before, COMMAND, "sum", *arguments],
                                **options)

    def sum(self, *arguments, data=None, timeout=100, **options):
        """Run it to its end; bytes in and out."""
        if data is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(*arguments, **options) as running:
            try:
                out, err = running.communicate(data, timeout=timeout)
            except subprocess.TimeoutExpired:
                running.kill()
                self.fail(f"{arguments} hangs")
        return subprocess.CompletedProcess(arguments, running.returncode, out,
                                           err)

    def coreutils(self, *arguments, data=b""):
        return subprocess.run(arguments, input=data, capture_output=True,
                              cwd=self.dir, check=False,
                              env={**os.environ, "LC_ALL": "C"})

    def expect(self, done, status, out=None, err=None):
        self.assertEqual(done.returncode, status, done.stderr)
        if out is not None:
            self.assertEqual(done.stdout, out)
        if err is not None:
            self.assertEqual(done.stderr, err)

    def skip(self, reason):
        suite = os.path.basename(sys.argv[0]).removesuffix(".py")
        print(f"skip {suite}/{self._testMethodName}: {reason}", flush=True)
        self.skipTest(reason)


# Names that a list cannot hold as they are, that look like an option, a tag,
# a comment, that are no UTF-8, that sort oddly.
ODD = [b"new\nline", b"back\\slash", b"return\rhere", b"\\n", b" blank first",
       b"blank last ", b"*star", b"-dash", b"#hash", b"SHA256 (a) = b",
       b"no\xfftext\x80", "größe".encode(), b"tab\tin", b"\x01\x1b[31m",
       b"quote'\"", b"a b/c", b"a/b", b"a-b", b"a.b", b"A", b"\n", b"\\",
       b"x" * 255]


class OddCase(Case):
    """A tree of odd names, empty files among them."""

    def setUp(self):
        super().setUp()
        self.contents = {}
        for i, name in enumerate(ODD):
            self.contents[name] = os.urandom(i * 1000)
            self.write(b"tree/" + name, self.contents[name])
        os.makedirs(self.path("tree/empty/directory"))
