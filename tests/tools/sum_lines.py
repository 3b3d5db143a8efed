#!/usr/bin/env python3
"""The lines of `millrace sum`, beside those of coreutils."""

import ctypes
import hashlib
import json
import os
import struct
import unittest

from sum_case import Case, OddCase, ODD, sha256

TOOLS = {"md5": "md5sum", "sha1": "sha1sum", "sha224": "sha224sum",
         "sha256": "sha256sum", "sha384": "sha384sum", "sha512": "sha512sum",
         "blake2b512": "b2sum", "blake2b": "b2sum"}
ENDS = [0, 1, 131071, 131072, 131073, 262144, 262145, 3 << 20]


class Lines(OddCase):
    def test_each_algorithm_writes_what_coreutils_write(self):
        names = [b"tree/" + name for name in ODD]
        for algorithm, tool in TOOLS.items():
            for more in ([], ["--tag"], ["-z"]):
                with self.subTest(algorithm=algorithm, more=more):
                    theirs = self.coreutils(tool, *more, "--", *names)
                    ours = self.sum("-a", algorithm, *more, "--", *names)
                    self.expect(ours, 0, theirs.stdout, b"")

    def test_algorithms_without_a_tool_are_those_of_openssl(self):
        self.write("f", b"some text" * 9999)
        for name in ("sha512-256", "sha3-224", "sha3-256", "sha3-384",
                     "sha3-512", "blake2s256", "sm3"):
            theirs = self.coreutils("openssl", "dgst", "-r", f"-{name}", "f")
            self.assertEqual(theirs.returncode, 0, theirs.stderr)
            self.assertEqual(self.sum("-a", name, "f").stdout.split()[0],
                             theirs.stdout.split()[0], name)

    def test_a_tree_is_checked_well_by_coreutils(self):
        done = self.sum("tree")
        self.expect(done, 0, err=b"")
        self.assertEqual(done.stdout.count(b"\n"), len(ODD))
        self.write("list", done.stdout)
        self.expect(self.coreutils("sha256sum", "-c", "--strict", "--quiet",
                                   "list"), 0, b"", b"")

    def test_the_order_is_that_of_a_sorted_walk(self):
        def walk(folder):
            for name in sorted(os.listdir(folder)):
                below = folder + b"/" + name
                if os.path.isdir(below):
                    yield from walk(below)
                else:
                    yield below
        wanted = list(walk(self.dir + b"/tree"))
        lines = self.sum("-z", self.path("tree")).stdout.split(b"\0")[:-1]
        self.assertEqual([line[66:] for line in lines], wanted)

    def test_the_order_stays_however_many_work(self):
        for i in range(3000):
            self.write(f"many/{i % 7}/{i}", b"x" * (i * 37 % 5000))
        for i in range(3):
            self.write(f"many/{i}/large{i}", b"y" * (3 << 20))
        first = self.sum("-w", "1", "many").stdout
        self.assertEqual(first.count(b"\n"), 3003)
        for workers in (2, 3, 8, 64):
            again = self.sum("-w", str(workers), "many").stdout
            self.assertEqual(again, first, workers)

    def test_sizes_around_a_block_are_digested_whole(self):
        for size in ENDS:
            data = os.urandom(size)
            self.write("f", data)
            self.expect(self.sum("f"), 0, f"{sha256(data)}  f\n".encode())

    def test_slashes_at_the_end_of_a_directory_are_not_doubled(self):
        self.write("a/f")
        empty = sha256(b"").encode()
        for given, shown in ((b"a", b"a/f"), (b"a/", b"a/f"), (b"./a", b"./a/f"),
                             (b".", b"./a/f")):
            if given == b".":
                done = self.sum("-w", "2", b"a/../a")
                self.expect(done, 0, empty + b"  a/../a/f\n")
                continue
            self.expect(self.sum(given), 0, empty + b"  " + shown + b"\n")

    def test_paths_are_taken_in_their_order_and_as_often_as_given(self):
        self.write("b")
        self.write("a")
        names = [line[66:] for line in
                 self.sum("b", "a", "b").stdout.splitlines()]
        self.assertEqual(names, [b"b", b"a", b"b"])


class StandardInput(Case):
    def test_it_is_read_without_a_path_and_for_a_dash(self):
        for size in ENDS:
            data = os.urandom(size)
            wanted = sha256(data).encode() + b"  -\n"
            self.expect(self.sum(data=data), 0, wanted, b"")
            self.expect(self.sum("-", data=data), 0, wanted, b"")
        self.write("f", b"x")
        with open(self.path("f"), "rb") as f:
            self.expect(self.sum(stdin=f), 0, sha256(b"x").encode() + b"  -\n")

    def test_a_closed_one_is_an_error(self):
        done = self.sum("-", before=("sh", "-c", "exec <&-; exec \"$@\"", "sh"))
        self.expect(done, 1, b"")
        self.assertIn(b"Bad file descriptor", done.stderr)


class Json(OddCase):
    def test_all_files_are_in_it_whatever_they_are_called(self):
        self.write("tree/a b/large", b"z" * 1000000)
        self.contents[b"a b/large"] = b"z" * 1000000
        done = self.sum("--json", "--stats", "-w", "2", "tree", "gone")
        self.expect(done, 1)
        report = json.loads(done.stdout)
        self.assertEqual(set(report), {"millrace", "files", "summary"})
        seen = {}
        for file in report["files"][:-1]:
            path = bytes.fromhex(file["path_hex"]) if "path_hex" in file \
                else file["path"].encode()
            seen[path.removeprefix(b"tree/")] = file
        self.assertEqual(set(seen), set(self.contents))
        for name, data in self.contents.items():
            self.assertEqual(seen[name]["digest"], sha256(data))
            self.assertEqual(seen[name]["size"], len(data))
        self.assertEqual(report["files"][-1],
                         {"path": "gone", "code": "MR_ENOENT",
                          "error": "No such file or directory"})
        summary = report["summary"]
        self.assertEqual(summary["files"], len(self.contents))
        self.assertEqual(summary["bytes"],
                         sum(map(len, self.contents.values())))
        self.assertEqual(summary["failed"], 1)
        workers = [w for w in summary["workers"] if not w["spare"]]
        self.assertEqual(len(workers), 2)
        for worker in workers:
            whole = sum(worker[part + "_s"] for part in
                        ("running", "waiting", "stealing", "idle"))
            self.assertAlmostEqual(whole, summary["seconds"], delta=0.01)

    def test_without_a_file_it_is_json_too(self):
        report = json.loads(self.sum("--json", "tree/empty").stdout)
        self.assertEqual(report["files"], [])

    def test_md5_is_told_as_such(self):
        self.write("f", b"q")
        report = json.loads(self.sum("--json", "-a", "md5", "f").stdout)
        self.assertEqual(report["files"],
                         [{"path": "f", "algorithm": "md5", "size": 1,
                           "digest": hashlib.md5(b"q").hexdigest()}])


class Begun(Case):
    """In which order files of a tree are opened, as the system saw it."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tree"))
        libc = ctypes.CDLL(None, use_errno=True)
        self.seen = libc.inotify_init1(os.O_NONBLOCK)
        in_open = 0x20
        if self.seen < 0 or libc.inotify_add_watch(
                self.seen, self.path("tree"), in_open) < 0:
            self.skip("no inotify here")
        self.addCleanup(os.close, self.seen)

    def opened(self):
        names, size = [], struct.calcsize("iIII")
        while True:
            try:
                events = os.read(self.seen, 1 << 20)
            except BlockingIOError:
                return names
            while events:
                length = struct.unpack_from("iIII", events)[3]
                name = events[size:size + length].rstrip(b"\0")
                events = events[size + length:]
                if name:
                    names.append(name)

    def test_a_huge_file_among_thousands_is_begun_first(self):
        # Begun last, it would keep one core busy, and no other.
        for i in range(3000):
            self.write(f"tree/{i:04}", b"x")
        os.truncate(self.write("tree/last"), 32 << 20)
        # Some may be digested while the tree is walked; the first time.
        for workers in ("1", "1", "2", "2"):
            self.opened()
            done = self.sum("-w", workers, "tree")
            self.expect(done, 0, err=b"")
            names = self.opened()
            self.assertEqual(len(names), 3001)
            place = names.index(b"last")
            if place < 1000:
                return
        self.fail(f"it is number {place}")


class Stats(OddCase):
    def test_they_are_on_stderr_and_have_a_line_for_each_worker(self):
        done = self.sum("--stats", "-w", "3", "tree")
        self.expect(done, 0, self.sum("tree").stdout)
        lines = done.stderr.decode().splitlines()
        self.assertRegex(lines[0], rf"^{len(ODD)} files, \d+ kB in \d+\.\d+ s:"
                         r" \d+ files/s, \S+ [kMG]?B/s$")
        self.assertRegex(lines[1], "^0 failed, 0 skipped, 0 changed")
        for i in range(3):
            self.assertRegex(lines[4 + i], rf"^ +{i}( +\d+\.\d+ s){{4}}  \d+, ")


if __name__ == "__main__":
    unittest.main()
