#!/usr/bin/env python3
"""`millrace sum` among files that are not as one would wish: each is named,
counted, and the others are digested."""

import hashlib
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import stat
import threading
import time
import unittest

from sum_case import Case, COMMAND, sha256


def names(done):
    return [line[66:] for line in done.stdout.splitlines()]


class Kinds(Case):
    """Of files that are not regular ones."""

    def setUp(self):
        super().setUp()
        self.write("tree/a", b"a")
        self.write("tree/z", b"z")
        self.both = (f"{sha256(b'a')}  tree/a\n"
                     f"{sha256(b'z')}  tree/z\n").encode()

    def test_special_files_of_a_tree_are_named_and_skipped(self):
        os.mkfifo(self.path("tree/fifo"))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("tree/socket"))
        done = self.sum("tree")
        self.expect(done, 0, self.both,
                    b"millrace sum: tree/fifo: not a regular file, skipped\n"
                    b"millrace sum: tree/socket: not a regular file, "
                    b"skipped\n")
        report = json.loads(self.sum("--json", "tree").stdout)
        self.assertEqual(report["summary"]["skipped"], 2)

    def test_devices_of_a_tree_are_skipped(self):
        for name in ("null", "zero", "full"):
            try:
                os.mknod(self.path(f"tree/{name}"), 0o600 | stat.S_IFCHR,
                         os.stat(f"/dev/{name}").st_rdev)
            except PermissionError:
                self.skip("no right to make devices")
        done = self.sum("tree", timeout=60)
        self.expect(done, 0, self.both, b"".join(
            b"millrace sum: tree/%s: not a regular file, skipped\n" % name
            for name in (b"full", b"null", b"zero")))

    def test_a_fifo_that_was_named_is_read_while_the_others_go_on(self):
        os.mkfifo(self.path("fifo"))
        with self.start("-w", "1", "tree/a", "fifo", "tree/z") as running:
            ready, _, _ = select.select([running.stdout], [], [], 20)
            self.assertTrue(ready, "what stands before it is not printed")
            self.assertEqual(running.stdout.read1(), self.both[:73])
            with open(self.path("fifo"), "wb") as f:
                f.write(b"through the fifo" * 30000)
            out, _ = running.communicate(timeout=60)
        self.assertEqual(
            out, f"{sha256(b'through the fifo' * 30000)}  fifo\n".encode() +
            self.both[73:])

    def test_many_fifos_are_read_in_any_order(self):
        fifos = [f"fifo{i}" for i in range(4)]
        for name in fifos:
            os.mkfifo(self.path(name))
        with self.start("-w", "1", *fifos, "tree") as running:
            for name in reversed(fifos):
                with open(self.path(name), "wb") as f:
                    f.write(name.encode())
            out, err = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, err)
        wanted = "".join(f"{sha256(n.encode())}  {n}\n" for n in fifos)
        self.assertEqual(out, wanted.encode() + self.both)

    def test_links_are_followed_where_they_are_named_or_it_is_asked_for(self):
        os.symlink("a", self.path("tree/link"))
        os.symlink("../other", self.path("tree/to directory"))
        self.write("other/f", b"f")
        self.expect(self.sum("tree"), 0, self.both, b"")
        report = json.loads(self.sum("--json", "tree").stdout)
        self.assertEqual(report["summary"]["links_not_followed"], 2)
        self.assertEqual(names(self.sum("tree/link", "tree/to directory")),
                         [b"tree/link", b"tree/to directory/f"])
        done = self.sum("-L", "tree")
        self.expect(done, 0, err=b"")
        self.assertEqual(names(done), [b"tree/a", b"tree/link",
                                       b"tree/to directory/f", b"tree/z"])

    def test_loops_and_dangling_links_are_named(self):
        os.symlink("loop", self.path("tree/loop"))
        os.symlink("nowhere", self.path("tree/dangling"))
        os.symlink("..", self.path("tree/up"))
        os.symlink(".", self.path("tree/here"))
        self.expect(self.sum("tree"), 0, self.both, b"")
        done = self.sum("-L", "tree")
        self.expect(done, 1, self.both)
        for name, why in ((b"dangling", b"No such file or directory"),
                          (b"loop", b"Too many levels of symbolic links"),
                          (b"here", b"Too many levels of symbolic links")):
            self.assertIn(b"millrace sum: tree/" + name + b": " + why + b"\n",
                          done.stderr)
        # Through "up" the tree is met again, and known.
        self.assertIn(b"tree/up/tree: Too many levels", done.stderr)

    def test_a_directory_in_a_list_is_none(self):
        done = self.sum("-c", data=f"{sha256(b'')}  tree\n".encode())
        self.expect(done, 1, b"tree: FAILED open or read\n")
        self.assertIn(b"tree: Is a directory\n", done.stderr)

    def test_files_of_proc_are_read_to_their_end(self):
        with open("/proc/version", "rb") as f:
            wanted = sha256(f.read())
        self.expect(self.sum("/proc/version"), 0,
                    f"{wanted}  /proc/version\n".encode(), b"")


class Trouble(Case):
    def test_what_cannot_be_opened_is_named_and_the_rest_done(self):
        self.write("f", b"f")
        self.write("g", b"g")
        done = self.sum("f", "gone", "f/below", "x" * 300, "g")
        self.expect(done, 1, f"{sha256(b'f')}  f\n{sha256(b'g')}  g\n".encode(),
                    b"millrace sum: gone: No such file or directory\n"
                    b"millrace sum: f/below: Not a directory\n"
                    b"millrace sum: " + b"x" * 300 + b": File name too long\n")

    def test_what_may_not_be_read_is_named_and_the_rest_done(self):
        self.write("tree/a", b"a")
        os.chmod(self.write("tree/secret", b"s"), 0)
        self.write("tree/shut/f", b"f")
        os.chmod(self.path("tree/shut"), 0)
        os.chmod(self.dir, 0o755)
        before = ()
        if os.getuid() == 0:
            before = ("setpriv", "--reuid=65534", "--regid=65534",
                      "--clear-groups")
            if self.coreutils(*before, "test", "-x", COMMAND).returncode:
                self.skip("nobody cannot run the command here")
        done = self.sum("tree", before=before)
        self.expect(done, 1, f"{sha256(b'a')}  tree/a\n".encode(),
                    b"millrace sum: tree/secret: Permission denied\n"
                    b"millrace sum: tree/shut: Permission denied\n")

    def test_a_path_may_be_longer_than_the_system_takes(self):
        here = os.open(self.dir, os.O_RDONLY)
        start = here
        name = "d" * 200
        for _ in range(30):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            if here != start:
                os.close(here)
            here = below
        with os.fdopen(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here),
                       "wb") as f:
            f.write(b"deep")
        os.close(here)
        os.close(start)
        done = self.sum(name)
        path = "/".join([name] * 30 + ["f"])
        self.assertGreater(len(path), 4096)
        self.expect(done, 0, f"{sha256(b'deep')}  {path}\n".encode(), b"")

    def test_files_that_vanish_are_named_and_nothing_is_wrong(self):
        for i in range(4000):
            self.write(f"tree/{i % 40}/{i}", str(i))

        def vanish():
            for i in range(3999, -1, -1):
                os.unlink(self.path(f"tree/{i % 40}/{i}"))
                if i % 100 == 0:
                    os.rmdir(self.path(f"tree/{i // 100}")) \
                        if not os.listdir(self.path(f"tree/{i // 100}")) \
                        else None
        thread = threading.Thread(target=vanish)
        with self.start("-w", "4", "tree") as running:
            thread.start()
            out, err = running.communicate(timeout=60)
        thread.join()
        self.assertIn(running.returncode, (0, 1))
        for line in out.splitlines():
            number = line.split(b"/")[-1]
            self.assertEqual(line[:64].decode(), sha256(number), line)
        for line in err.splitlines():
            self.assertRegex(line, rb"^millrace sum: tree/\d+(/\d+)?: No such "
                             rb"file or directory$")
        self.assertEqual(running.returncode, 1 if err else 0)

    def sum_while(self, change):
        """With change(f) made to a file of 64 MiB again and again."""
        path = self.write("log", bytes(64 << 20))
        stop = threading.Event()

        def changes():
            with open(path, "r+b", buffering=0) as f:
                while not stop.is_set():
                    change(f)
                    time.sleep(0.001)
        thread = threading.Thread(target=changes)
        thread.start()
        try:
            return self.sum("--json", "log")
        finally:
            stop.set()
            thread.join()

    def test_a_file_that_grows_is_digested_as_far_as_it_was_read(self):
        def grow(f):
            f.seek(0, os.SEEK_END)
            f.write(bytes(1000))
        for _ in range(10):  # it may be read while nobody writes
            done = self.sum_while(grow)
            file = json.loads(done.stdout)["files"][0]
            self.assertEqual(file["digest"], sha256(bytes(file["size"])))
            if done.stderr:
                break
        self.expect(done, 0, err=b"millrace sum: log: changed while it was "
                    b"read\n")
        self.assertTrue(file["changed"])
        self.assertGreater(file["size"], 64 << 20)

    def test_a_file_that_shrinks_is_digested_as_far_as_it_was_read(self):
        def shrink(f):
            f.truncate(32 << 20)
            f.truncate(64 << 20)
            f.truncate(32 << 20)
            time.sleep(0.001)
            f.truncate(64 << 20)
        for _ in range(10):
            done = self.sum_while(shrink)
            file = json.loads(done.stdout)["files"][0]
            self.assertEqual(file["digest"], sha256(bytes(file["size"])))
            if done.stderr:
                break
        self.expect(done, 0, err=b"millrace sum: log: changed while it was "
                    b"read\n")
        self.assertLessEqual(file["size"], 64 << 20)

    def test_a_sparse_file_over_4_gib_is_digested_whole(self):
        size = (4 << 30) + 5
        with open(self.path("sparse"), "wb") as f:
            f.truncate(size)
            f.seek(size - 1)
            f.write(b"!")
        digest = hashlib.sha1()
        zeros = bytes(1 << 24)
        with self.start("-a", "sha1", "sparse") as running:
            for _ in range(256):
                digest.update(zeros)
            digest.update(b"\0\0\0\0!")
            out, err = running.communicate()
        self.assertEqual((running.returncode, err), (0, b""))
        self.assertEqual(out, f"{digest.hexdigest()}  sparse\n".encode())


class Resources(Case):
    def limited(self, number):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                          (number, number))

    def test_few_descriptors_are_enough(self):
        wanted = b""
        for i in range(300):
            self.write(f"tree/{i % 10}/{i:03}", str(i))
        wanted = self.sum("-w", "16", "tree")
        self.expect(wanted, 0, err=b"")
        # Found by trial: the first number with which anything works.
        for number in range(4, 64):
            done = self.sum("-w", "16", "tree", preexec_fn=self.limited(number))
            self.assertIn(done.returncode, (0, 1), done.stderr)
            if done.returncode == 0:
                break
            self.assertIn(b"open files", done.stderr.lower())
        self.expect(done, 0, wanted.stdout, b"")
        self.assertLess(number, 40)

    def test_a_full_disk_is_told_and_ends_it(self):
        if not os.access("/dev/full", os.W_OK):
            self.skip("no /dev/full here")
        for i in range(100):
            self.write(f"tree/{i}")
        with open("/dev/full", "wb") as full:
            for arguments in (["tree"], ["--json", "tree"], ["-z", "tree"]):
                done = self.sum(*arguments, stdout=full)
                self.expect(done, 1, err=b"millrace sum: cannot write to "
                            b"stdout: No space left on device\n")

    def test_a_closed_stdout_is_told(self):
        self.write("f")
        done = self.sum("f", before=("sh", "-c", "exec >&-; exec \"$@\"", "sh"))
        self.expect(done, 1, err=b"millrace sum: cannot write to stdout: Bad "
                    b"file descriptor\n")

    def test_who_reads_no_more_ends_it(self):
        for i in range(3000):
            self.write(f"tree/{i}")
        with self.start("tree", preexec_fn=lambda: signal.signal(
                signal.SIGPIPE, signal.SIG_DFL)) as running:
            running.stdout.close()
            running.stdout = None
            _, err = running.communicate(timeout=60)
        self.assertEqual((running.returncode, err), (-signal.SIGPIPE, b""))

    def test_an_interrupt_ends_it_at_once_after_whole_lines(self):
        for i in range(2000):
            self.write(f"tree/{i:04}", b"x")
        os.mkfifo(self.path("waits"))
        with self.start("tree", "waits", "tree") as running:
            first = running.stdout.read1()
            start = time.monotonic()
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
        self.assertEqual((running.returncode, err), (-signal.SIGINT, b""))
        self.assertLess(time.monotonic() - start, 5)
        for line in (first + out).split(b"\n")[:-1]:
            self.assertRegex(line, rb"^[0-9a-f]{64}  tree/\d{4}$")
        self.assertTrue((first + out).endswith(b"\n"))


class Terminal(Case):
    def test_a_bar_is_drawn_there_and_taken_away(self):
        with open(self.path("large"), "wb") as f:
            f.truncate(1 << 29)
        ours, theirs = pty.openpty()
        with self.start("large", stderr=theirs) as running:
            os.close(theirs)
            seen = b""
            while True:
                try:
                    more = os.read(ours, 4096)
                except OSError:
                    break
                if not more:
                    break
                seen += more
        os.close(ours)
        self.assertRegex(seen, rb"\[#*\.*\] +\d+% of 537 MB, [0-9.]+ MB/s, "
                         rb"\d:\d\d left")
        self.assertTrue(seen.endswith(b"\r\x1b[K"))

    def test_elsewhere_there_is_none(self):
        with open(self.path("large"), "wb") as f:
            f.truncate(1 << 29)
        self.expect(self.sum("large"), 0, err=b"")


class Usage(Case):
    def test_wrong_usage_is_one_sentence_and_status_1(self):
        for arguments, said in (
                (["-a", "sha257"], "no algorithm is called 'sha257'"),
                (["-w", "0"], "from 1 to 1024, not '0'"),
                (["-w", "two"], "from 1 to 1024, not 'two'"),
                (["-w"], "an argument is missing after '-w'"),
                (["--yaml"], "unknown option '--yaml'"),
                (["-x"], "unknown option '-x'"),
                (["--quiet"], "--quiet is meaningful only"),
                (["--strict", "f"], "--strict is meaningful only"),
                (["--check", "--tag"], "together with '--tag'"),
                (["--json", "-z"], "together with '--zero'")):
            done = self.sum(*arguments)
            self.expect(done, 1, b"")
            self.assertIn(said, done.stderr.decode())
            self.assertEqual(done.stderr.count(b"\n"), 1)
            self.assertTrue(re.match(rb"millrace sum: ", done.stderr))

    def test_help_is_help(self):
        done = self.sum("--help")
        self.expect(done, 0, err=b"")
        self.assertIn(b"usage: millrace sum", done.stdout)
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_options_may_stand_behind_paths(self):
        self.write("f")
        self.write("-w")
        self.assertEqual(self.sum("f", "-a", "md5").stdout[32:], b"  f\n")
        self.assertEqual(names(self.sum("--", "-w")), [b"-w"])


if __name__ == "__main__":
    unittest.main()
