#!/usr/bin/env python3
"""The manual pages beside the command: they know the same subcommands and
options, and groff has nothing to say against them."""

import os
import re
import shutil
import subprocess
import sys
import unittest

COMMAND, PAGES = sys.argv.pop(1), sys.argv.pop(1)


def help_of(*subcommand):
    return subprocess.run([COMMAND, "help", *subcommand], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def page(name):
    with open(os.path.join(PAGES, name), encoding="utf-8") as f:
        return f.read()


def options_told(text):
    """-x and --word, where a line of help or a list explains them."""
    return set(re.findall(r"^ +(-\w)\b", text, re.MULTILINE)) | \
        set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, re.MULTILINE))


def options_listed(text):
    found = set()
    for line in re.findall(r"^\.It Fl (.*)", text, re.MULTILINE):
        found |= {"-" + word for word in
                  re.findall(r"(?:^|, )(-?[a-zA-Z][a-z-]*)", line)}
    return found


class Manual(unittest.TestCase):
    def test_subcommands_are_those_of_help(self):
        told = set(re.findall(r"^  (\w+) ", help_of(), re.MULTILINE))
        listed = set(re.findall(r"^\.It Cm (\w+)", page("millrace.1"),
                                re.MULTILINE))
        self.assertGreaterEqual(len(told), 3)
        self.assertEqual(told, listed - {"help"})

    def test_options_of_sum_are_those_of_help(self):
        told = options_told(help_of("sum"))
        self.assertGreaterEqual(len(told), 14)
        self.assertEqual(told, options_listed(page("millrace-sum.1")))

    def test_options_of_doctor_are_those_of_help(self):
        told = options_told(help_of("doctor"))
        self.assertGreaterEqual(len(told), 2)
        self.assertLessEqual(told, options_listed(page("millrace.1")))

    def test_they_can_be_formatted(self):
        if not shutil.which("groff"):
            print("skip manual/they_can_be_formatted: no groff", flush=True)
            self.skipTest("no groff")
        for name in ("millrace.1", "millrace-sum.1"):
            done = subprocess.run(
                ["groff", "-mdoc", "-ww", "-Tutf8", os.path.join(PAGES, name)],
                capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn("EXIT STATUS", re.sub(r"\x1b\[\d*m|.\x08", "",
                                                done.stdout))


if __name__ == "__main__":
    unittest.main()
