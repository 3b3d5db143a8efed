#!/usr/bin/env python3
"""Every C example in README.md is, byte by byte, a file of tests/examples,
which is compiled and run as a test. There is at least one."""

import re

import common

BLOCK = re.compile(r"^```c\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def check(root):
    text = common.read(root, "README.md")
    examples = {common.read(root, name): name for name in
                common.files(root, (".c",), ("tests/examples/",))}
    blocks = list(BLOCK.finditer(text))
    if not blocks:
        return ["README.md:1: no example in C"]
    return [f"README.md:{text.count(chr(10), 0, block.start()) + 1}: this "
            "example is no file of tests/examples"
            for block in blocks if block.group(1) not in examples]


def self_test():
    program = "int main(void)\n{\n}\n"
    good = {"README.md": f"# A\n```c\n{program}```\n```sh\nx\n```\n",
            "tests/examples/a.c": program}
    with common.Tree(good) as root:
        common.expect(check(root))
    with common.Tree({**good, "tests/examples/a.c": program + "\n"}) as root:
        common.expect(check(root), "README.md:2: this example")
    with common.Tree({**good, "README.md": "# A\n"}) as root:
        common.expect(check(root), "no example")


if __name__ == "__main__":
    common.main(check, self_test)
