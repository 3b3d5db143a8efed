#!/usr/bin/env python3
"""Every public function is called by a program of tests/examples, which is
compiled and run as a test: so for each there is one that shows how, and is
right. What only headers use (mr_detail*) is left out."""

import re

import common
import symbols

CALL = re.compile(r"\b(mr_\w+)\s*\(")


def public(root):
    nodes = symbols.parse_map(common.read(root, "src/millrace.map"))
    return {name for _, _, names, _ in nodes for name in names
            if not name.startswith("mr_detail")}


def called(root):
    """By programs that are tests: a function's own definition is no call, but
    none of them defines what the library has."""
    text = common.read(root, "tests/examples/CMakeLists.txt")
    names = set()
    for path in common.files(root, (".c", ".h"), ("tests/examples/",)):
        program = path.rsplit("/", 1)[1].rsplit(".", 1)[0]
        if re.search(rf"\b{program}\b", text):
            names |= set(CALL.findall(
                common.strip_c(common.read(root, path))))
    return names


def check(root):
    missing = public(root) - called(root)
    return [f"src/millrace.map:1: no program in tests/examples calls {name}"
            for name in sorted(missing)]


def self_test():
    good = {"src/millrace.map": "M_0.1 { global: mr_a; mr_detail1_x; mr_b;\n"
                                "local: *; };\nM_0.2 { global: mr_c; } M_0.1;",
            "tests/examples/CMakeLists.txt": "millrace_example(one)\ntwo.c",
            "tests/examples/one.c": "int main(void) { mr_a(); mr_b (); }\n",
            "tests/examples/two.c": "void f(void) { mr_c(1); }\n"}
    with common.Tree(good) as root:
        common.expect(check(root))
    for text in ("// mr_c(1);\n", "/* mr_c(1) */\n", 'char s[] = "mr_c(1)";\n',
                 "int mr_c;\n", "mr_cc(1); my_mr_c(1);\n"):
        with common.Tree({**good, "tests/examples/two.c": text}) as root:
            common.expect(check(root), "calls mr_c")
    unused = {**good, "tests/examples/CMakeLists.txt": "millrace_example(two)"}
    with common.Tree(unused) as root:
        common.expect(check(root), "calls mr_a", "calls mr_b")
    beside = {**good, "src/one.c": good["tests/examples/one.c"],
              "tests/examples/one.c": "\n"}
    with common.Tree(beside) as root:
        common.expect(check(root), "calls mr_a", "calls mr_b")


if __name__ == "__main__":
    common.main(check, self_test)
