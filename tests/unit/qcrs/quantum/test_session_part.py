"""What members are sealed."""

import pytest

from qcrs.quantum import fragment as module
from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.entanglement.order import weave
from qcrs.quantum.fragment import Fragment, FragmentInvalid, Instruction, Op
from qcrs.quantum.session_part import MemoryPart, part_of
from tests.entangled import ghz

JOB = Job.of(Memory(3, 2, Basis.X), Noise(0.001, Pair.werner(0.03)), 100, 1)


def parts(halves, members):
    return [MemoryPart(member=member, halves=halves, job=JOB) for member in range(members)]


def test_a_fragment_stands_for_itself_as_before():
    for fragment in ghz(2):
        assert part_of(fragment.to_json().encode()) == fragment
        assert Fragment.from_json(fragment.to_json()) == fragment


def test_a_memory_says_its_kind():
    for part in parts((0, 1), 3):
        assert part_of(part.to_json().encode()) == part
        with pytest.raises(FragmentInvalid):
            Fragment.from_json(part.to_json())


@pytest.mark.parametrize(("halves", "members"), [((0, 1), 2), ((1, 3), 4), ((2, 0), 3)])
def test_halves_and_those_that_only_decode_are_a_program_that_ends(halves, members):
    fragments = [part.fragment() for part in parts(halves, members)]
    steps = weave(fragments)
    pairs = [step for step in steps if step.partner is not None]
    assert len(pairs) == JOB.memory.pairs
    assert {step.member for step in pairs} | {step.instruction.peer for step in pairs} == set(halves)
    for member in set(range(members)) - set(halves):
        assert not fragments[member].bits
        assert {step.op for step in fragments[member].instructions} == {Op.Barrier}


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"kind":"circuit"}', b'{"kind":"memory"}',
        parts((0, 1), 1)[0].to_json().replace('"halves":[0,1]', '"halves":[1,1]').encode(),
        parts((0, 1), 1)[0].to_json().replace('"distance":3', '"distance":9').encode(),
    ],
)  # fmt: skip
def test_what_is_no_part_is_refused(text):
    with pytest.raises(FragmentInvalid):
        part_of(text)


LISTS = b",".join([b"[]"] * 3_000)
KEYS = b",".join(b'"%d":0' % number for number in range(3_000))


@pytest.mark.parametrize(
    "text",
    [
        b'{"kind":"memory","more":[' + b"[]," * 30_000 + b"[]]}",
        b'{"kind":"memory",' + KEYS + b"}",
        b'{"member":0,"qubits":1,"bits":0,"instructions":[' + LISTS + b"]}",
        b'{"member":0,"qubits":1,"bits":0,"instructions":[{"op":"b",' + KEYS + b"}]}",
        b'{"member":0,"qubits":1,"bits":1,"instructions":[{"op":"s","peer":1,"bits":[' + LISTS + b"]}]}",
        b'{"member":0,"qubits":1,"bits":1,"instructions":[],"outputs":[' + LISTS + b"]}",
    ],
    ids=["long memory", "memory's keys", "instructions", "an instruction's keys", "bits", "outputs"],
)
def test_of_many_faults_few_are_told(text):
    """Requesters send parts, and each member reads its own: what is wrong with one is not to fill memories and logs."""
    with pytest.raises(FragmentInvalid) as caught:
        part_of(text)
    assert len(str(caught.value)) < 600


def test_a_fragment_of_more_values_than_any_has_use_for_is_not_spelt_out(monkeypatch):
    monkeypatch.setattr(module, "MAX_VALUES", 1_000)
    with pytest.raises(FragmentInvalid, match=r"a text of .* values, expected at most 1000"):
        part_of(b'{"member":0,"qubits":1,"bits":0,"instructions":[' + LISTS + b"]}")


def test_the_longest_fragment_is_one_that_is_read():
    steps = (Instruction(op=Op.Gate, name="u", parameters=(0.1, 0.2, 0.3), qubits=(1,), condition=(1, 2, 3)),)
    text = Fragment(member=0, qubits=2, bits=4, instructions=steps).to_json()
    values = sum(text.count(mark) for mark in "[{,")
    assert values * module.MAX_INSTRUCTIONS < module.MAX_VALUES
