#!/usr/bin/env python3
"""All outcomes that RC11 allows a small program, from the axioms.

Lahav, Vafeiadis, Kang, Hur, Dreyer: Repairing Sequential Consistency in C/C++11
(PLDI 2017), sections 3 and 4, without seq_cst accesses:

    rs   release sequence, C++20's:  [W rlx]; (rf; rmw)*
    sw   [rel]; ([F]; sb)?; rs; rf; [R]; (sb; [F])?; [acq]
    hb   (sb U sw)+
    fb   rf^-1; mo
    eco  (rf U mo U fb)+
    psc  [F sc]; (hb U hb; eco; hb); [F sc]
         and with the asymmetric fences of Concurrency TS 2 (P1202), of which
         a heavy one is a seq_cst fence besides: the same between light and
         heavy ones, not between light ones and others

    coherence     hb; eco? is irreflexive
    atomicity     rmw and fb; mo have no pair in common
    sc            psc is acyclic
    no thin air   sb U rf is acyclic

Every way to choose rf and mo is tried, and the axioms decide. Nothing here is
clever, and nothing is shared with the checker: no order of execution, no
views, no time stamps. A read-modify-write is two events, a read and a write.

Programs are written as program.h says.

Usage: oracle.py 'W.rlx x 1; R.rlx y | W.rlx y 1; R.rlx x'
"""
import collections
import itertools
import sys

WORDS = "xyz"
AXIOMS = frozenset(["coherence", "atomicity", "sc", "fence-sync"])

Op = collections.namedtuple("Op", "kind order word first second")
Event = collections.namedtuple("Event", "kind order word thread op")


# ---- Programs ---------------------------------------------------------------

def parse(text):
    """A list of threads, each a list of Ops."""
    threads = []
    for thread in text.split("|"):
        ops = []
        for piece in thread.split(";"):
            name, *args = piece.split()
            kind, _, order = name.partition(".")
            order = {"L": "rlx", "H": "sc"}.get(kind, order)
            numbers = [int(a) for a in args[1:]] + [0, 0]
            ops.append(Op(kind, order, args[0] if args else "", numbers[0],
                          numbers[1]))
        threads.append(ops)
    return threads


def reads(op):
    return op.kind in "RAC"


def may_write(op):
    return op.kind in "WAC"


def acquires(order):
    return order in ("acq", "acq_rel", "sc")


def releases(order):
    return order in ("rel", "acq_rel", "sc")


# ---- Relations: for each event, the set of those it is related to, as bits --

def bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def relation(n, pairs):
    rows = [0] * n
    for a, b in pairs:
        rows[a] |= 1 << b
    return rows


def union(*relations):
    rows = list(relations[0])
    for r in relations[1:]:
        rows = [a | b for a, b in zip(rows, r)]
    return rows


def then(r, s):
    """r; s"""
    rows = []
    for row in r:
        out = 0
        for b in bits(row):
            out |= s[b]
        rows.append(out)
    return rows


def inverse(r):
    return relation(len(r), [(b, a) for a, row in enumerate(r)
                             for b in bits(row)])


def identity(n, members):
    return relation(n, [(a, a) for a in members])


def maybe(r):
    """r?"""
    return [row | 1 << a for a, row in enumerate(r)]


def closure(r):
    """r+"""
    rows = list(r)
    for via in range(len(rows)):
        reached = rows[via]
        for a, row in enumerate(rows):
            if row >> via & 1:
                rows[a] = row | reached
    return rows


def irreflexive(r):
    return not any(row >> a & 1 for a, row in enumerate(r))


def acyclic(r):
    return irreflexive(closure(r))


def common(r, s):
    return any(a & b for a, b in zip(r, s))


# ---- rf and the values it brings about --------------------------------------

class Impossible(Exception):
    pass


def values_of(ops, source):
    """What each op reads and writes, if op i reads from op source[i] (-1: the
    initial value). None where it reads or writes nothing. Impossible if a value
    depends on itself, or something reads from a CAS that fails."""
    read, written = {}, {}
    pending = set()

    def write_value(i):
        if i == -1:
            return 0
        settle(i)
        if written[i] is None:
            raise Impossible
        return written[i]

    def settle(i):
        if i in written:
            return
        if i in pending:
            raise Impossible
        pending.add(i)
        op = ops[i]
        value = write_value(source[i]) if reads(op) else None
        read[i] = value
        written[i] = (op.first if op.kind == "W"
                      else value + op.first if op.kind == "A"
                      else op.second if op.kind == "C" and value == op.first
                      else None)

    for i in range(len(ops)):
        settle(i)
    return read, written


def sources(ops):
    """Every choice of an op to read from for each op that reads."""
    readers = [i for i, op in enumerate(ops) if reads(op)]
    options = [[-1] + [j for j, w in enumerate(ops)
                       if j != i and may_write(w) and w.word == ops[i].word]
               for i in readers]
    for choice in itertools.product(*options):
        yield dict(zip(readers, choice))


# ---- Executions -------------------------------------------------------------

class Graph:
    """Events, sb, rmw and rf of one choice; mo is still open."""

    def __init__(self, ops, thread_of, source, read, written):
        self.events = []
        self.initial = {}
        self.read_event, self.write_event = {}, {}
        for word in WORDS:
            self.initial[word] = self.add(Event("W", "rlx", word, None, None))
        for i, op in enumerate(ops):
            t = thread_of[i]
            if op.kind in "FLH":
                self.add(Event(op.kind, op.order, None, t, i))
            if read[i] is not None:
                order = "acq" if acquires(op.order) else "rlx"
                self.read_event[i] = self.add(Event("R", order, op.word, t, i))
            if written[i] is not None:
                order = "rel" if releases(op.order) else "rlx"
                self.write_event[i] = self.add(
                    Event("W", order, op.word, t, i))
        self.relate(source)

    def add(self, event):
        self.events.append(event)
        return len(self.events) - 1

    def relate(self, source):
        n = self.n = len(self.events)
        self.sb = relation(n, [
            (a, b) for a, e in enumerate(self.events)
            for b, f in enumerate(self.events)
            if f.thread is not None and
            (e.thread is None or e.thread == f.thread and a < b)])
        self.rmw = relation(n, [(self.read_event[i], self.write_event[i])
                                for i in self.read_event
                                if i in self.write_event])
        self.rf = relation(n, [
            (self.write_event[j] if j >= 0
             else self.initial[self.events[r].word], r)
            for i, r in self.read_event.items() for j in [source[i]]])

    def some(self, condition):
        return [a for a, e in enumerate(self.events) if condition(e)]

    def happens_before(self, axioms):
        n = self.n
        fence = identity(n, self.some(lambda e: e.kind in "FH"))
        write = identity(n, self.some(lambda e: e.kind == "W"))
        read = identity(n, self.some(lambda e: e.kind == "R"))
        rel = identity(n, self.some(lambda e: releases(e.order)))
        acq = identity(n, self.some(lambda e: acquires(e.order)))
        rs = then(write, maybe(closure(then(self.rf, self.rmw))))
        before, after = then(fence, self.sb), then(self.sb, fence)
        if "fence-sync" not in axioms:
            before = after = relation(n, [])
        sw = maybe(before)
        for part in rs, self.rf, read, maybe(after), acq:
            sw = then(sw, part)
        sw = then(rel, sw)
        return closure(union(self.sb, sw))


def restricted(r, members):
    """r among some events, which are numbered anew."""
    return [sum(1 << j for j, b in enumerate(members) if r[a] >> b & 1)
            for a in members]


def spread(r, members, n):
    """The other way."""
    return relation(n, [(members[a], members[b])
                        for a, row in enumerate(r) for b in bits(row)])


def modification_orders(graph, word, hb, axioms):
    """All mo of one word that are coherent and atomic, as (eco, last). rf, rmw,
    mo, fb and so eco relate only accesses of the same word, and so coherence
    and atomicity can be decided word by word."""
    first = graph.initial[word]
    here = graph.some(lambda e: e.word == word)
    hb, rf, rmw = (restricted(r, here) for r in (hb, graph.rf, graph.rmw))
    writes = [i for i, a in enumerate(here)
              if graph.events[a].kind == "W" and a != first]
    for order in itertools.permutations(writes):
        line = [here.index(first), *order]
        mo = relation(len(here), [(a, b) for i, a in enumerate(line)
                                  for b in line[i + 1:]])
        fb = then(inverse(rf), mo)
        if "atomicity" in axioms and common(rmw, then(fb, mo)):
            continue
        eco = closure(union(rf, mo, fb))
        if "coherence" in axioms and not irreflexive(then(hb, eco)):
            continue
        yield spread(eco, here, graph.n), here[line[-1]]


def sc_holds(graph, hb, eco):
    strong, light, heavy = (identity(graph.n, graph.some(condition))
                            for condition in (
        lambda e: e.kind in "FH" and e.order == "sc",
        lambda e: e.kind == "L",
        lambda e: e.kind == "H"))
    order = union(hb, then(then(hb, eco), hb))
    psc = union(*(then(then(a, order), b) for a, b in (
        (strong, strong), (light, heavy), (heavy, light))))
    return acyclic(psc)


def outcomes(text, axioms=AXIOMS):
    """The set of outcomes, as the interpreter writes them."""
    threads = parse(text)
    ops = [op for thread in threads for op in thread]
    thread_of = [t for t, thread in enumerate(threads) for _ in thread]
    found = set()
    for source in sources(ops):
        try:
            read, written = values_of(ops, source)
        except Impossible:
            continue
        graph = Graph(ops, thread_of, source, read, written)
        if not acyclic(union(graph.sb, graph.rf)):
            continue
        hb = graph.happens_before(axioms)
        if not irreflexive(hb):
            continue
        values = ",".join(str(read[i]) for i in sorted(source))
        add_outcomes(found, graph, hb, written, values, axioms)
    return found


def add_outcomes(found, graph, hb, written, values, axioms):
    per_word = []
    for word in WORDS:
        per_word.append(list(modification_orders(graph, word, hb, axioms)))
        if not per_word[-1]:
            return
    for choice in itertools.product(*per_word):
        last = [graph.events[w].op for _, w in choice]
        final = ",".join("0" if i is None else str(written[i]) for i in last)
        text = f"{values}/{final}"
        if text in found:
            continue
        eco = union(*(e for e, _ in choice))
        if "sc" not in axioms or sc_holds(graph, hb, eco):
            found.add(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for outcome in sorted(outcomes(sys.argv[1])):
        print(outcome)
