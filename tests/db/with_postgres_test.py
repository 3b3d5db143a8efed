#!/usr/bin/env python3
"""with_postgres.py leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
import unittest

WITH_POSTGRES = sys.argv[1:]


def processes_of(directory):
    """Those that were told of it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if directory.encode() in f.read():
                    found.append(pid)
        except OSError:
            continue  # it has ended
    return found


class Ends(unittest.TestCase):
    def begin(self, command):
        """A server, whose directory the command tells first."""
        process = subprocess.Popen(
            [*WITH_POSTGRES, "sh", "-c", "echo $PGHOST; " + command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        directory = process.stdout.readline().strip()
        self.assertTrue(os.path.isdir(directory), directory)
        return process, directory

    def assert_gone(self, directory):
        until = time.monotonic() + 60
        while time.monotonic() < until and (
                os.path.exists(directory) or processes_of(directory)):
            time.sleep(0.05)
        self.assertFalse(os.path.exists(directory))
        self.assertEqual(processes_of(directory), [])

    def test_the_status_is_that_of_the_command(self):
        process, directory = self.begin("exit 3")
        self.assertEqual(process.wait(), 3)
        self.assertFalse(os.path.exists(directory))
        self.assertEqual(processes_of(directory), [])

    def test_killed_it_takes_the_command_and_the_server_along(self):
        process, directory = self.begin("read nothing")
        self.assertNotEqual(processes_of(directory), [])
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(process.stdout.read(), "")  # nobody holds it open
        self.assert_gone(directory)

    def test_asked_to_end_it_does(self):
        process, directory = self.begin("read nothing")
        process.terminate()
        self.assertNotEqual(process.wait(), 0)
        self.assert_gone(directory)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
