"""Random programs for the differential test, small enough for an oracle that
tries everything. Most are a shape of the literature with random orders and
with fences, words and operations disturbed; the rest is noise."""
import math
import random

# Kind and word; a number of threads as there are lists.
SHAPES = {
    "MP": ["Wx Wy", "Ry Rx"],
    "SB": ["Wx Ry", "Wy Rx"],
    "LB": ["Rx Wy", "Ry Wx"],
    "S": ["Wx Wy", "Ry Wx"],
    "R": ["Wx Wy", "Wy Rx"],
    "2+2W": ["Wx Wy", "Wy Wx"],
    "CoRR": ["Wx Wx", "Rx Rx"],
    "CoRW": ["Rx Wx Rx", "Wx"],
    "WRC": ["Wx", "Rx Wy", "Ry Rx"],
    "ISA2": ["Wx Wy", "Ry Wz", "Rz Rx"],
    "RWC": ["Wx", "Rx Ry", "Wy Rx"],
    "W+RWC": ["Wx Wz", "Rz Ry", "Wy Rx"],
    "Z6": ["Wx Wy", "Wy Wz", "Rz Rx"],
    "3.SB": ["Wx Ry", "Wy Rz", "Wz Rx"],
    "3.2W": ["Wx Wy", "Wy Wz", "Wz Wx"],
    "3.LB": ["Rx Wy", "Ry Wz", "Rz Wx"],
    "IRIW-like": ["Wx Wy", "Rx Ry", "Ry Rx"],
    "IRRWIW-like": ["Wx", "Rx Ry", "Wy Wx"],
    "chain": ["Wx Wy", "Ay", "Ry Rx"],
    "chain of two": ["Wx Ay", "Ay", "Ay Rx"],
    "counter": ["Ax Ax", "Ax Rx", "Ax"],
    "election": ["Wy Cx", "Cx Ry", "Cx"],
    "lock": ["Cx Wy Wx", "Cx Ry Wx"],
    "broken chain": ["Wx Wy Wy", "Ay", "Ry Rx"],
    "Peterson": ["Wx Az Ry", "Wy Az Rx"],
}

ORDERS = {
    "R": ["rlx", "acq"],
    "W": ["rlx", "rel"],
    "A": ["rlx", "acq", "rel", "acq_rel"],
    "C": ["rlx", "acq", "rel", "acq_rel"],
    "F": ["acq", "rel", "acq_rel", "sc"],
}


MOST_CHOICES = 30000


def cost(threads):
    """How many choices of rf and mo the oracle will try, at most."""
    writers = {word: sum(k in "WAC" and w == word for t in threads
                         for k, w in t) for word in "xyz"}
    choices = math.prod(math.factorial(n) for n in writers.values())
    for t in threads:
        for kind, word in t:
            if kind in "RAC":
                choices *= 1 + writers[word] - (kind in "AC")
    return choices


class Generator:
    def __init__(self, seed, most):
        self.random = random.Random(seed)
        self.most = most  # memory operations in a program
        self.flavour = "any"

    def operation(self, kind, word):
        r = self.random
        order = r.choice(ORDERS[kind])
        if kind == "R":
            return f"R.{order} {word}"
        if kind == "C":
            expected = r.choice([0, 0, 1, 2])
            return f"C.{order} {word} {expected} {r.randint(1, 3)}"
        return f"{kind}.{order} {word} {r.randint(1, 3)}"

    def fence(self):
        r = self.random
        if self.flavour == "asymmetric" and r.random() < 0.7:
            return r.choice("LLH")
        order = "sc" if self.flavour == "sc" else r.choice(ORDERS["F"])
        return f"F.{order}"

    def disturbed(self, kind, word):
        r = self.random
        if r.random() < 0.08:
            kind = r.choice("RWAC")
        elif kind in "RW" and r.random() < 0.12:
            kind = r.choice("AC")
        if r.random() < 0.06:
            word = r.choice("xyz")
        return kind, word

    def shape(self):
        r = self.random
        threads = [[(op[0], op[1]) for op in thread.split()]
                   for thread in SHAPES[r.choice(sorted(SHAPES))]]
        threads = [[self.disturbed(*op) for op in t] for t in threads]
        for t in threads:
            if r.random() < 0.2 and len(t) < 4:
                t.insert(r.randint(0, len(t)),
                         (r.choice("RWAC"), r.choice("xyz")))
        return threads

    def noise(self):
        r = self.random
        words = "xyz"[:r.choice([1, 2, 2, 2, 3])]
        kinds = r.choice(["RW", "RWA", "RWAC", "RRWWAC"])
        return [[(r.choice(kinds), r.choice(words))
                 for _ in range(r.randint(1, 4))]
                for _ in range(r.choice([2, 2, 3]))]

    def with_fences(self, ops):
        """Between operations mostly, sometimes at an end."""
        r = self.random
        often = r.choice([0, 0.3, 0.7] if self.flavour == "any" else [0.5, 0.8])
        out = []
        for i, op in enumerate(ops):
            if r.random() < (often if i else often / 6):
                out.append(self.fence())
            out.append(self.operation(*op))
        if r.random() < often / 6:
            out.append(self.fence())
        return out[:6]

    def program(self):
        self.flavour = self.random.choice(["any", "any", "sc", "asymmetric"])
        while True:
            skeleton = (self.shape() if self.random.random() < 0.75
                        else self.noise())
            if (sum(len(t) for t in skeleton) <= self.most and
                    cost(skeleton) <= MOST_CHOICES):
                break
        return " | ".join("; ".join(self.with_fences(t)) for t in skeleton)
