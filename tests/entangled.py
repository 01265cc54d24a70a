"""Distributed programs for tests: fragments of GHZ states and teleportations, and how to read what they give."""

from math import comb

import numpy
import stim

from qcrs.quantum.distribution.member import Member
from qcrs.quantum.distribution.relay import Pairs
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.pairs import Fibre, PairSource
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import Fragment, Instruction, Op


def fibre(fidelity=1.0, **more):
    return Fibre(source=PairSource(fidelity_ppm=round(1e6 * fidelity), rate=1_000_000, **more))


def gate(name, *qubits, angles=(), when=()):
    return Instruction(op=Op.Gate, name=name, qubits=qubits, parameters=angles, condition=when)


def measure(qubit, bit):
    return Instruction(op=Op.Measure, qubits=(qubit,), bits=(bit,))


def pair(qubit, peer, rounds=0):
    return Instruction(op=Op.Pair, qubits=(qubit,), peer=peer, rounds=rounds)


def send(peer, *bits):
    return Instruction(op=Op.Send, peer=peer, bits=bits)


def herald(peer, bit):
    return Instruction(op=Op.Herald, peer=peer, bits=(bit,))


def receive(peer, *bits):
    return Instruction(op=Op.Receive, peer=peer, bits=bits)


def reset(qubit):
    return Instruction(op=Op.Reset, qubits=(qubit,))


BARRIER = Instruction(op=Op.Barrier)


def fragment(member, qubits, bits, steps, outputs=()):
    return Fragment(member=member, qubits=qubits, bits=bits, instructions=tuple(steps), outputs=outputs)


def control_end(peer, rounds=0):
    """A telegate's end of the control: qubit 0 controls, qubit 1 is the half-pair, bits 0 and 1 are spent."""
    return [
        pair(1, peer, rounds), gate("cx", 0, 1), measure(1, 0), send(peer, 0), receive(peer, 1),
        gate("z", 0, when=(1,)),
    ]  # fmt: skip


def target_end(peer, rounds=0, name="cx"):
    """A telegate's end of the target: qubit 0 is the half-pair, qubit 1 the target."""
    return [
        pair(0, peer, rounds), receive(peer, 0), gate("x", 0, when=(0,)), gate(name, 0, 1), gate("h", 0),
        measure(0, 1), send(peer, 1),
    ]  # fmt: skip


BASES = {"Z": (), "X": ("h",), "Y": ("sdg", "h")}


def ghz(members, bases=None, rounds=0, extra=()):
    """GHZ over *members* by telegates from member 0, each measured in its letter of *bases*; bit 2 is the outcome.

    *extra* gates on its own qubit are done by member 0 in the end.
    """
    bases = bases or "Z" * members

    def last(member, qubit):
        return [*(gate(name, qubit) for name in BASES[bases[member]]), measure(qubit, 2)]

    ends = [step for peer in range(1, members) for step in control_end(peer, rounds)]
    fragments = [fragment(0, 2, 3, [gate("h", 0), *ends, *extra, *last(0, 0)], ((2, 0),))]
    for member in range(1, members):
        fragments.append(fragment(member, 2, 3, [*target_end(0, rounds), *last(member, 1)], ((2, member),)))
    return fragments


def outcomes(fragments, packed):
    """Return the outcome bits of each shot, as an array of rows."""
    table = numpy.zeros((len(packed[0]), sum(len(each.outputs) for each in fragments)), dtype=bool)
    for each, own in zip(fragments, packed, strict=True):
        bits = numpy.unpackbits(own, axis=1, bitorder="little")
        for bit, outcome in each.outputs:
            table[:, outcome] = bits[:, bit]
    return table


def read_out(qubits, bases, first_bit):
    """Measure *qubits* in the letters of *bases*, one bit each."""
    return [
        step
        for bit, (qubit, letter) in enumerate(zip(qubits, bases, strict=True), first_bit)
        for step in (*(gate(name, qubit) for name in BASES[letter]), measure(qubit, bit))
    ]


def teledata(bases="ZZ", rounds=0):
    """Half of a local pair of member 0, qubits 0 and 1, goes to member 1: outcomes are qubit 1's and where it went."""
    sender = [
        gate("h", 0), gate("cx", 0, 1), pair(2, 1, rounds), gate("cx", 0, 2), gate("h", 0), measure(0, 0),
        measure(2, 1), send(1, 0, 1), *read_out([1], bases[:1], 2),
    ]  # fmt: skip
    taker = [
        pair(0, 0, rounds), receive(0, 0, 1), gate("x", 0, when=(1,)), gate("z", 0, when=(0,)),
        *read_out([0], bases[1:], 2),
    ]  # fmt: skip
    return [fragment(0, 3, 3, sender, ((2, 0),)), fragment(1, 1, 3, taker, ((2, 1),))]


def telegate(bases="ZZZZ", rounds=0):
    """A CNOT from member 0 to 1 on halves of local pairs: outcomes are control, its partner, target, its partner."""
    control = [gate("h", 0), gate("cx", 0, 2), *control_end(1, rounds), *read_out([0, 2], bases[:2], 2)]
    target = [gate("h", 1), gate("cx", 1, 2), *target_end(0, rounds), *read_out([1, 2], bases[2:], 2)]
    return [fragment(0, 3, 4, control, ((2, 0), (3, 1))), fragment(1, 3, 4, target, ((2, 2), (3, 3)))]


def relayed(bases="ZZ", rounds=0, before=0, between=1):
    """A pair of the first and the last of a chain, swapped at those *between* and purified in *rounds* end to end."""
    members = [Member(number, 16) for number in range(between + 2)]
    path = tuple(range(between + 2))
    ends = (path[0], path[-1])
    pairs = Pairs({ends: path}, {ends: rounds}, members, lambda _: None)
    halves = pairs.pair(members[0], members[-1])
    for outcome, (member, half, letter) in enumerate(zip((members[0], members[-1]), halves, bases, strict=True)):
        for name in BASES[letter]:
            member.gate(name, half)
        member.outputs.append((member.measure(half), outcome))
    return [_asking(member.fragment(), before) for member in members]


def _asking(own, rounds):
    """Return a fragment whose pairs all ask their link for *rounds* of purification."""
    steps = (
        step.model_copy(update={"rounds": rounds}) if step.op is Op.Pair else step for step in own.instructions
    )  # fmt: skip
    return own.model_copy(update={"instructions": tuple(steps)})


IDEAL = {
    relayed: "H 0\nCX 0 1",
    teledata: "H 0\nCX 0 1",
    telegate: "H 0 2\nCX 0 1 2 3\nCX 0 2",
    ghz: "H 0\nCX 0 1 0 2 0 3",
}


def fidelity(build, ideal, where, shots, seed, noises=()):
    """Return the fidelity, with its standard error, of what ``build(bases)`` leaves to what *ideal* makes.

    It is the mean of all stabilisers of that state, each measured with *shots* shots.
    """
    tableau = stim.Circuit(ideal).to_tableau()
    count = len(tableau)
    total, variance = 0.0, 0.0
    for chosen in range(1 << count):
        stabiliser = stim.PauliString(count)
        for qubit in range(count):
            if chosen >> qubit & 1:
                stabiliser *= tableau.z_output(qubit)
        letters = str(stabiliser)[1:]
        fragments = build(letters.replace("_", "Z"))
        bits = outcomes(fragments, run(Program(fragments, where, noises), shots, seed + chosen).bits)
        held = numpy.array([letter != "_" for letter in letters])
        mean = 1 - 2 * (bits[:, held].sum(axis=1) % 2).mean()
        total += mean * (1 if stabiliser.sign == 1 else -1)
        variance += (1 - mean**2) / shots
    return total / 2**count, variance**0.5 / 2**count


def ghz_fidelity(members, pair_fidelity):
    """Closed form for GHZ by telegates from one member: no flip, and an even number of phase errors."""
    fault, links = (1 - pair_fidelity) / 3, members - 1
    return sum(comb(links, even) * pair_fidelity ** (links - even) * fault**even for even in range(0, links + 1, 2))
