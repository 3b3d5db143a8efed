#!/usr/bin/env python3
"""The responders that are part of every build answer as they should, the load
generator sees what servers do wrong, and run.py compares: once, at a tiny
size. What they measure here means nothing.

    test_http.py DIR        where http_load and the responders were built
"""

import glob
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "run.py")
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
          b"Content-Length: 13\r\n\r\nHello, world\n")
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def built():
    """The responders: all of them, also those that `all` does not need."""
    return sorted(path for path in glob.glob(os.path.join(DIR, "http_*"))
                  if os.access(path, os.X_OK) and os.path.isfile(path)
                  and not path.endswith("http_load"))


def load(port, *arguments):
    """The exit status of http_load, and what it said."""
    done = subprocess.run(
        [os.path.join(DIR, "http_load"), "--port", str(port), "--connections",
         "4", "--seconds", "0.1", "--warmup", "0", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, json.loads(done.stdout or "{}")


def receive(s, size):
    """So many bytes, or less if the other hangs up."""
    got = b""
    try:
        while len(got) < size:
            part = s.recv(size - len(got))
            if not part:
                break
            got += part
    except ConnectionResetError:
        pass
    return got


class Responders(unittest.TestCase):
    def each(self, check, *arguments):
        """check(port) of each, one after the other."""
        for path in built():
            with self.subTest(os.path.basename(path)):
                process = subprocess.Popen(
                    [path, *arguments], stdout=subprocess.PIPE, text=True)
                try:
                    line = process.stdout.readline()
                    self.assertRegex(line, r"^port \d+\n$")
                    check(int(line.split()[1]))
                    self.assertIsNone(process.poll())
                finally:
                    process.kill()
                    process.wait()
                    process.stdout.close()

    def talk(self, port, *pieces):
        s = socket.create_connection(("127.0.0.1", port), 10)
        s.settimeout(10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            s.sendall(piece)
            time.sleep(0.001)
        return s

    def test_requests_may_come_in_pieces_and_together(self):
        three = REQUEST * 3

        def check(port):
            for pieces in ([three], [three[:50], three[50:]],
                           [three[i:i + 1] for i in range(len(three))]):
                with self.talk(port, *pieces) as s:
                    self.assertEqual(receive(s, 3 * len(ANSWER)), ANSWER * 3)

        self.each(check)

    def test_all_paths_are_answered_in_order(self):
        paths = (b"/", b"/heavy", b"/work", b"/heavy", b"/heavy", b"/")
        asked = b"".join(b"GET %s HTTP/1.1\r\n\r\n" % p for p in paths)

        def check(port):
            with self.talk(port, asked) as s:
                self.assertEqual(receive(s, 6 * len(ANSWER)), ANSWER * 6)

        self.each(check)
        self.each(check, "--told")

    def test_who_talks_nonsense_is_hung_up_on(self):
        def check(port):
            for nonsense in (b"POST / HTTP/1.1\r\n\r\n",
                             b"GET /nowhere HTTP/1.1\r\n\r\n",
                             b"GET / HTTP/1.1\r\nX: " + b"x" * 2048,
                             b"GET /\r\n\r\n" * 3):
                with self.talk(port, nonsense) as s:
                    self.assertEqual(receive(s, 1), b"")

        self.each(check)

    def test_who_reads_late_gets_everything(self):
        many = 50000

        def check(port):
            with self.talk(port) as s:
                sender = threading.Thread(
                    target=s.sendall, args=(b"GET / HTTP/1.1\r\n\r\n" * many,))
                sender.start()
                time.sleep(0.2)
                got = receive(s, many * len(ANSWER))
                sender.join()
                self.assertTrue(got == ANSWER * many, len(got))

        self.each(check)

    def test_the_load_generator_finds_them_right(self):
        def check(port):
            for arguments in (["--pipeline", 16], ["--path", "/work"],
                              ["--idle", 50],
                              ["--rate", 500, "--heavy", 0.02]):
                status, said = load(port, *arguments)
                self.assertEqual(status, 0, said)
                self.assertGreater(said["requests"], 0)

        self.each(check, "--workers", "2")


class Wrong:
    """A server whose answers are what `answers` makes of their number."""

    def __init__(self, answers):
        self.answers, self.count = answers, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s:
            try:
                while s.recv(4096):
                    with self.lock:
                        self.count += 1
                        answer = self.answers(self.count)
                    if answer is None:
                        return
                    s.sendall(answer)
            except OSError:
                pass

    def __enter__(self):
        return self.port

    def __exit__(self, *_):
        self.listener.close()


def at(number, answer):
    """The right answers but for one."""
    return lambda count: answer if count == number else ANSWER


class Load(unittest.TestCase):
    def seen(self, answers, *arguments):
        with Wrong(answers) as port:
            status, said = load(port, *arguments)
        return status, {k: said[k] for k in ("wrong", "dropped", "unanswered",
                                             "idle_lost") if said[k]}

    def test_each_wrong_byte_is_seen(self):
        for i in range(len(ANSWER)):
            bad = ANSWER[:i] + b"#" + ANSWER[i + 1:]
            self.assertEqual(self.seen(lambda _, bad=bad: bad, "--seconds", 5),
                             (1, {"wrong": 4}))
        self.assertEqual(self.seen(at(7, bad), "--seconds", 1),
                         (1, {"wrong": 1}))

    def test_an_answer_too_many_is_seen(self):
        self.assertEqual(self.seen(at(7, ANSWER * 2), "--seconds", 1),
                         (1, {"wrong": 1}))

    def test_a_dropped_connection_is_seen(self):
        self.assertEqual(self.seen(at(7, None), "--seconds", 1),
                         (1, {"dropped": 1}))
        self.assertEqual(self.seen(at(7, None), "--rate", 500),
                         (1, {"dropped": 1}))

    def test_when_all_are_dropped_it_ends(self):
        status, said = self.seen(lambda count: None, "--rate", 500)
        self.assertEqual((status, said["dropped"]), (1, 4))

    def test_idle_connections_are_counted_when_lost(self):
        self.assertEqual(self.seen(at(3, None), "--idle", 5)[1]["idle_lost"],
                         2)  # then, and when it is asked again

    def test_no_stall_is_hidden_from_the_open_loop(self):
        def answers(count):
            if count == 10:
                time.sleep(0.5)
            return ANSWER

        with Wrong(answers) as port:
            status, said = load(port, "--rate", 200, "--seconds", 1)
        self.assertEqual(status, 0, said)
        # The stall is half of the time: so are those who were due in it,
        # although four connections cannot have sent more than four.
        self.assertGreater(said["light"]["p90_us"], 250e3)
        self.assertGreater(said["late"]["p90_us"], 250e3)

    def test_heavy_and_light_requests_are_told_apart(self):
        with Wrong(lambda count: ANSWER) as port:
            _, said = load(port, "--rate", 2000, "--heavy", 0.5)
        heavy, light = said["heavy"]["count"], said["light"]["count"]
        self.assertEqual(heavy + light, said["requests"])
        self.assertGreater(min(heavy, light), 30)

    def test_an_answer_can_be_learned_with_its_date(self):
        def answers(count):
            return (b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 22:%02d:%02d "
                    b"GMT\r\n\r\nHello, world\n"
                    % (count // 60 % 60, count % 60))

        self.assertEqual(self.seen(answers, "--learn"), (0, {}))
        self.assertEqual(self.seen(lambda count: answers(count) if count != 9
                                   else answers(count).replace(b"200", b"201"),
                                   "--learn"), (1, {"wrong": 1}))


class Compare(unittest.TestCase):
    def run_it(self, *arguments, programs=None):
        with tempfile.TemporaryDirectory() as where:
            out = os.path.join(where, "out.json")
            done = subprocess.run(
                [sys.executable, RUN, "--programs", programs or DIR, "--quick",
                 "--seconds", "0.1", "--json", out, *arguments],
                capture_output=True, text=True, check=False, timeout=280)
            report = None
            if os.path.exists(out):
                with open(out, encoding="utf-8") as f:
                    report = json.load(f)
        return done, report

    def test_it_measures_every_kind_of_workload(self):
        names = ["hello64", "cpu", "heavy1000", "idle", "active"]
        done, report = self.run_it(
            "--workers", "1,2", "--peer", "epoll", "--peer", "millrace",
            *[a for name in names for a in ("--workload", name)])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(list(report["workloads"]), names)
        for name in names:
            for row in report["workloads"][name]:
                self.assertGreater(row["rate"], 0)
                self.assertGreater(row["cpu_us"], 0)
        self.assertRegex(done.stdout, r"raw epoll .* 1\.00 ")

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as programs:
            for name in ("http_load", "http_epoll"):
                os.symlink(os.path.join(DIR, name),
                           os.path.join(programs, name))
            done, report = self.run_it("--peer", "epoll", "--peer", "go",
                                       "--workload", "hello64",
                                       programs=programs)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(report["missing"], ["go"])
        self.assertIn("missing: Go, built from golang-go", done.stdout)

    def test_who_fails_is_named_and_the_others_go_on(self):
        with tempfile.TemporaryDirectory() as programs:
            for name in ("http_load", "http_epoll"):
                os.symlink(os.path.join(DIR, name),
                           os.path.join(programs, name))
            with open(os.path.join(programs, "http_go"), "w",
                      encoding="utf-8") as f:
                f.write("#!/bin/sh\necho nonsense\n")
            os.chmod(f.name, 0o755)
            done, report = self.run_it("--workload", "hello64",
                                       "--peer", "epoll", "--peer", "go",
                                       programs=programs)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: hello64, 1 workers: Go said 'nonsense",
                      done.stdout)
        self.assertGreater(report["workloads"]["hello64"][0]["rate"], 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    DIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
