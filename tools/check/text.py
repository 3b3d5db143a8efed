#!/usr/bin/env python3
"""Plain hygiene of every text file: no trailing space, no tabs, no carriage
returns, a newline at the end, and nothing left "to do" in the tree (the
tracker is the place for that)."""

import re

import common

# Spelled so that this file passes its own check.
LEFT_OVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

# Recorded from machines, kept byte for byte: what the kernel wrote may well
# end in a space.
RECORDED = re.compile(r"(^|/)(recorded|roots|fixtures)/")


def check_line(line):
    if line != line.rstrip():
        yield "carriage return" if line.endswith("\r") else "trailing space"
    if "\t" in line:
        yield "tab"
    if LEFT_OVER.search(line):
        yield "something left to do"


def check(root):
    found = []
    for name in common.files(root):
        if RECORDED.search(name):
            continue
        try:
            text = common.read(root, name)
        except UnicodeDecodeError:
            found.append(f"{name}:1: not UTF-8 text")
            continue
        if text and not text.endswith("\n"):
            found.append(f"{name}:{text.count(chr(10)) + 1}: "
                         "no newline at the end")
        for number, line in enumerate(text.split("\n"), 1):
            found += [f"{name}:{number}: {what}" for what in check_line(line)]
    return found


def self_test():
    with common.Tree({"a.c": "int x;\n", "empty": "",
                      "tests/roots/r": "a\t \n",
                      "b.md": "Xto" "do\n"}) as root:
        common.expect(check(root))
    with common.Tree({"a": "x \n", "b": "\tx\n", "c": "x\r\n", "d": "x",
                      "e": "\n// TO" "DO: x\n", "f": "/* FIX" "ME */\n"
                      }) as root:
        common.expect(check(root), "a:1: trailing", "b:1: tab",
                      "c:1: carriage", "d:1: no newline", "e:2: something",
                      "f:1: something")


if __name__ == "__main__":
    common.main(check, self_test)
