#!/usr/bin/env python3
"""What is shown is compiled and run as a test: every C example in README.md
is, byte by byte, a file of tests/examples, and every one in docs/ is a part of
such a file, whole lines of it. There is at least one in each document."""

import re

import common

BLOCK = re.compile(r"^```c\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def is_part(block, example):
    """Whole lines, and not of blanks alone."""
    return bool(block.strip()) and "\n" + block in "\n" + example


def check_document(root, name, is_shown, what):
    text = common.read(root, name)
    examples = [common.read(root, path) for path in
                common.files(root, (".c", ".h"), ("tests/examples/",))]
    blocks = list(BLOCK.finditer(text))
    if not blocks:
        return [f"{name}:1: no example in C"]
    return [f"{name}:{text.count(chr(10), 0, block.start()) + 1}: this "
            f"example is no {what} of tests/examples"
            for block in blocks
            if not any(is_shown(block.group(1), e) for e in examples)]


def check(root):
    found = check_document(root, "README.md", str.__eq__, "file")
    for name in common.files(root, (".md",), ("docs/",)):
        found += check_document(root, name, is_part, "part of a file")
    return found


def self_test():
    program = "int main(void)\n{\n}\n"
    good = {"README.md": f"# A\n```c\n{program}```\n```sh\nx\n```\n",
            "docs/a.md": "```c\n{\n}\n```\n",
            "tests/examples/a.c": program}
    with common.Tree(good) as root:
        common.expect(check(root))
    with common.Tree({**good, "tests/examples/a.c": program + "\n"}) as root:
        common.expect(check(root), "README.md:2: this example")
    with common.Tree({**good, "README.md": "# A\n"}) as root:
        common.expect(check(root), "no example")
    for part in ("(void)\n{\n", "}\n{\n", "\n"):
        with common.Tree({**good, "docs/a.md": f"```c\n{part}```\n"}) as root:
            common.expect(check(root), "docs/a.md:1: this example")
    with common.Tree({**good, "docs/a.md": "words\n"}) as root:
        common.expect(check(root), "docs/a.md:1: no example")


if __name__ == "__main__":
    common.main(check, self_test)
