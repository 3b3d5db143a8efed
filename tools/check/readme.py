#!/usr/bin/env python3
"""What is shown is compiled and run as a test: every C example in README.md
is, byte by byte, a file of tests/examples, and every one in docs/ is a part of
such a file, whole lines of it. There is at least one in each document. A block
that says of which file it is, ```c tests/examples/sum.c, in any language, is a
part of that one."""

import os
import re

import common

# The language, the file maybe, the text.
BLOCK = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def is_part(block, example):
    """Whole lines, and not of blanks alone."""
    return bool(block.strip()) and "\n" + block in "\n" + example


def check_block(root, block, is_shown, what):
    """What is wrong with it, or None."""
    language, file, text = block.groups()
    if file:
        if not os.path.isfile(os.path.join(root, file)):
            return f"there is no {file}"
        if not is_part(text, common.read(root, file)):
            return f"this example is no part of {file}"
    if language == "c" and not any(
            is_shown(text, common.read(root, path)) for path in
            common.files(root, (".c", ".h"), ("tests/examples/",))):
        return f"this example is no {what} of tests/examples"
    return None


def check_document(root, name, is_shown, what):
    text = common.read(root, name)
    blocks = list(BLOCK.finditer(text))
    if not any(block.group(1) == "c" for block in blocks):
        return [f"{name}:1: no example in C"]
    found = [(block, check_block(root, block, is_shown, what))
             for block in blocks]
    return [f"{name}:{text.count(chr(10), 0, block.start()) + 1}: {wrong}"
            for block, wrong in found if wrong]


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
    self_test_named(good)


def self_test_named(good):
    tree = {**good, "tests/examples/b.c": "int b;\n", "tools/x": "a\nb\n"}
    for block, *wanted in (
            ("```c tests/examples/b.c\nint b;\n```\n",),
            ("```sh\nnot looked at\n```\n```sh tools/x\nb\n```\n",),
            ("```c tests/examples/a.c\nint b;\n```\n",
             "docs/a.md:5: this example is no part of tests/examples/a.c"),
            ("```sh tools/x\nc\n```\n", "docs/a.md:5: this example"),
            ("```c tools/x\nb\n```\n", "docs/a.md:5: this example is no part"),
            ("```text tools/y\nb\n```\n", "there is no tools/y")):
        shown = good["docs/a.md"] + block
        with common.Tree({**tree, "docs/a.md": shown}) as root:
            common.expect(check(root), *wanted)


if __name__ == "__main__":
    common.main(check, self_test)
