"""Distributed programs for tests: fragments of GHZ states and teleportations, and how to read what they give."""

import numpy

from qcrs.quantum.entanglement.pairs import Fibre, PairSource
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
