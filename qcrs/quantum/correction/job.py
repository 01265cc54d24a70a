"""A memory as a job of two nodes: the program of each, and the bits that it hands in.

Crossing CNOTs are teleported gates without their corrections: the two outcomes of each are handed in with the
syndromes, and whoever decodes follows the corrections into the detectors. So a node never waits for the other's bits;
it meets the other at one barrier a round, and may commit the bits of every round as a batch of their own: see
``syndromes``.

Needs no Stim: a daemon may import this. ``verdict`` decodes.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from qcrs.model.records import Record
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.correction.halves import Halves
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, Rates, SeamModel
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.fragment import MAX_BITS, MAX_PURIFICATION_ROUNDS, Fragment
from qcrs.rules.digest import keccak

MAX_DISTANCE = 7  # the right half of distance 9 has more qubits than a fragment may
MAX_SHOTS = 1 << 24
JOB_DOMAIN = keccak(b"QCRS surface code memory")
Ppb = Annotated[int, Field(ge=0, le=10**9)]


class Job(Record):
    """A memory to run on two nodes, and the noise that it is decoded with; rates in parts per billion.

    Attributes:
        bulk_ppb: Circuit noise within the nodes, in the order of ``Rates``.
        pair_ppb: X, Y and Z errors of the pairs after purification, from the tested channel.
        purification_rounds: What the nodes ask of the link for every pair.
    """

    distance: int
    rounds: Annotated[int, Field(ge=1)]
    basis: Basis
    shots: Annotated[int, Field(ge=1, le=MAX_SHOTS)]
    bulk_ppb: tuple[Ppb, Ppb, Ppb, Ppb, Ppb]
    pair_ppb: tuple[Ppb, Ppb, Ppb]
    purification_rounds: Annotated[int, Field(ge=0, le=MAX_PURIFICATION_ROUNDS)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.distance > MAX_DISTANCE:
            raise ValueError(f"distance {self.distance}: two nodes hold at most {MAX_DISTANCE}")
        _ = self.noise  # refuses rates that are none
        # Before any of it is spelt out: strangers ask for memories, and a long one takes its time.
        if self.outcomes > 2 * MAX_BITS:
            raise ValueError(f"{self.outcomes} bits of two nodes: expected at most {MAX_BITS} of each")
        for member in (LEFT, RIGHT):
            if self.halves.bits(member) > MAX_BITS:
                raise ValueError(f"{self.halves.bits(member)} bits of member {member}: expected at most {MAX_BITS}")
        return self

    @classmethod
    def of(cls, memory: Memory, noise: Noise, shots: int, purification_rounds: int = 0) -> Self:
        """Return the job of *memory* under *noise*, rates rounded to parts per billion."""
        if noise.model is not SeamModel.Teleported or not noise.teleports:
            raise ValueError("two nodes teleport their gates: expected the noise of teleported gates")
        pair = tuple(round(1e9 * rate) for rate in (noise.pair.x, noise.pair.y, noise.pair.z))
        return cls(
            distance=memory.distance, rounds=memory.rounds, basis=memory.basis, shots=shots,
            bulk_ppb=tuple(round(1e9 * rate) for rate in vars(noise.rates).values()), pair_ppb=pair,
            purification_rounds=purification_rounds,
        )  # fmt: skip

    @property
    def memory(self) -> Memory:
        """What is run."""
        return Memory(self.distance, self.rounds, self.basis)

    @property
    def outcomes(self) -> int:
        """How many bits both nodes hand in for each shot: of syndromes, of teleported gates, and of the data."""
        code = self.memory.code
        return self.rounds * (len(code.checks) + 2 * code.pairs_per_round) + len(code.data)

    @property
    def noise(self) -> Noise:
        """What it is decoded with."""
        return Noise(Rates(*(rate / 1e9 for rate in self.bulk_ppb)), Pair(*(rate / 1e9 for rate in self.pair_ppb)))

    @cached_property
    def halves(self) -> Halves:
        """Who does what, and whose bit is which."""
        return Halves.of(self.memory, self.purification_rounds)

    @property
    def digest(self) -> bytes:
        """What names the job."""
        return keccak(JOB_DOMAIN + self.model_dump_json(by_alias=True).encode())

    def fragments(self) -> tuple[Fragment, Fragment]:
        """Return the programs of the left and the right node."""
        return self.halves.fragment(LEFT), self.halves.fragment(RIGHT)

    def record_bytes(self, member: int) -> int:
        """Return the size of a whole record: every shot's bits fill up its last byte with zeros."""
        return self.shots * -(-self.halves.bits(member) // 8)

    def require_record(self, member: int, record: bytes) -> None:
        """Check the size of what *member* hands in.

        Raises:
            RecordInvalid: It is another.
        """
        if len(record) != self.record_bytes(member):
            raise RecordInvalid(
                f"member {member} handed in {len(record)} bytes; {self.shots} shots of {self.halves.bits(member)} "
                f"bits, each filled up to whole bytes, are {self.record_bytes(member)}"
            )

    def batch(self, member: int, record: bytes, number: int) -> bytes:
        """Return the bits of a round, or after all rounds those of the data, as whole bytes a shot, lowest bit first.

        Raises:
            RecordInvalid: The record has another size.
        """
        self.require_record(member, record)
        start, stop = self._span(member, number)
        rows = np.frombuffer(record, dtype=np.uint8).reshape(self.shots, -1)[:, start // 8 : -(-stop // 8)]
        bits = np.unpackbits(rows, axis=1, bitorder="little")[:, start % 8 : start % 8 + stop - start]
        return np.packbits(bits, axis=1, bitorder="little").tobytes()

    def batch_bytes(self, member: int, number: int) -> int:
        """Return the size of a batch."""
        start, stop = self._span(member, number)
        return self.shots * -(-(stop - start) // 8)

    def record_of(self, member: int, batches: Sequence[bytes]) -> bytes:
        """Return the record whose batches these are.

        Raises:
            RecordInvalid: They are too few or many, or one has another size or stray bits.
        """
        if len(batches) != len(self.halves.ends[member]):
            raise RecordInvalid(f"member {member}: {len(batches)} batches, expected {len(self.halves.ends[member])}")
        table = np.zeros((self.shots, self.halves.bits(member)), dtype=np.uint8)
        for number, batch in enumerate(batches):
            start, stop = self._span(member, number)
            if len(batch) != self.batch_bytes(member, number):
                raise RecordInvalid(
                    f"member {member}, batch {number}: {len(batch)} bytes, expected {self.batch_bytes(member, number)}"
                )
            rows = np.frombuffer(batch, dtype=np.uint8).reshape(self.shots, -1)
            bits = np.unpackbits(rows, axis=1, bitorder="little")
            if bits[:, stop - start :].any():
                raise RecordInvalid(f"member {member}, batch {number}: bits beyond its {stop - start} are not 0")
            table[:, start:stop] = bits[:, : stop - start]
        return np.packbits(table, axis=1, bitorder="little").tobytes()

    def _span(self, member: int, number: int) -> tuple[int, int]:
        ends = self.halves.ends[member]
        return (ends[number - 1] if number else 0), ends[number]
