"""Golds on the requester's side, on plain data: no chain, no simulator."""

import json
import stat
from dataclasses import replace

import pytest

from qcrs.rules.commitment import of_secret, secret_chain
from qcrs.rules.gold import Answer, RoundKind, leaf_of, root_from_proof, unpack_answer
from qcrs.rules.histogram import Binding, counts_root
from qcrs.sdk.gold import (
    MAX_LEAVES,
    Document,
    Documents,
    GoldDocumentDamaged,
    Round,
    failures,
    fidelity,
    opening_arguments,
    proof_arguments,
    scores,
)
from qcrs.sdk.secrets import Secrets

WIDTH, SHOTS = 3, 100
# Outcome 5 is all there is; of noise, one shot in eight.
PEAK = Answer(((5, 8),), 8 << 16, 1 << 16)
KINDS = "TGTGGTXXTG"  # target, gold, trap


def document_of(kinds: str = KINDS, gold_tolerance: int = 1, trap_tolerance: int = 0) -> Document:
    rounds, targets = [], 0
    for letter in kinds:
        kind = {"T": RoundKind.Target, "G": RoundKind.Gold, "X": RoundKind.Trap}[letter]
        rounds.append(Round(kind, None, targets) if kind is RoundKind.Target else Round(kind, PEAK))
        targets += kind is RoundKind.Target
    names = tuple(f"circuit {number}" for number in range(targets))
    return Document(tuple(rounds), WIDTH, SHOTS, gold_tolerance, trap_tolerance, bytes(range(32)), names)


def answered(**instead: dict[int, int]) -> dict[int, int]:
    """Return a histogram in which every round answers 5 nine times in ten, except those named ``r0``, ``r1``, ..."""
    counts = {}
    for number in range(len(KINDS)):
        for outcome, count in instead.get(f"r{number}", {5: 90, 2: 10}).items():
            counts[number << WIDTH | outcome] = count
    return counts


WRONG = {2: 100}


def test_the_opening_binds_every_round_and_the_secret_binds_the_opening() -> None:
    document = document_of()
    changed = [
        replace(document, gold_tolerance=2),
        replace(document, trap_tolerance=1),
        replace(document, blind=bytes(32)),
        replace(document, rounds=document.rounds[::-1]),
        replace(document, rounds=(Round(RoundKind.Gold, PEAK), *document.rounds[1:])),
        replace(document, rounds=(*document.rounds[:1], Round(RoundKind.Trap, PEAK), *document.rounds[2:])),
    ]
    assert len({other.secret for other in [document, *changed]}) == 7
    root, rounds, gold_tolerance, trap_tolerance, blind = opening_arguments(document)
    assert (rounds, gold_tolerance, trap_tolerance, blind) == (10, 1, 0, bytes(range(32)))
    assert root == document.opening.gold_root


def test_a_document_is_found_by_what_was_submitted(tmp_path) -> None:
    documents, document = Documents(tmp_path / "gold"), document_of()
    documents.keep(document)
    commitment = Secrets(tmp_path / "secrets.jsonl").create(document.secret)
    assert commitment == document.commitment == of_secret(secret_chain(document.secret, 3)[0])
    assert Documents(tmp_path / "gold").of(commitment) == document
    assert documents.of(bytes(24)) is None
    (file,) = (tmp_path / "gold").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "gold").stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"rounds": [{"kind": "Silver"}]}'])
def test_a_damaged_document_is_named(tmp_path, content: str) -> None:
    documents, document = Documents(tmp_path), document_of()
    documents.keep(document)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    with pytest.raises(GoldDocumentDamaged, match=file.name):
        documents.of(document.commitment)


def test_what_is_published_tells_kinds_and_answers_and_nothing_of_targets() -> None:
    public = document_of().public()
    assert b"circuit" not in public
    assert b"target" not in public
    published = Document.from_json(json.loads(public))
    assert published.opening == document_of().opening
    assert published.leaves == document_of().leaves


def test_targets_are_found_among_the_rounds() -> None:
    assert document_of().targets == {0: 0, 1: 2, 2: 5, 3: 8}


def test_honest_answers_pass() -> None:
    found = scores(document_of(), answered())
    assert all(entry.passed for entry in found)
    assert [entry.fidelity for entry in found if entry.kind is RoundKind.Gold] == [8857] * 4
    assert failures(document_of(), answered()) == []
    assert fidelity(document_of(), answered()) == 8857
    assert fidelity(document_of("TT"), {5: 100, 13: 100}) is None


def test_only_golds_beyond_tolerance_are_worth_proving() -> None:
    assert failures(document_of(), answered(r1=WRONG)) == []
    assert failures(document_of(), answered(r1=WRONG, r4=WRONG)) == [1, 4]
    assert failures(document_of(), answered(r1=WRONG, r4=WRONG, r9=WRONG)) == [1, 4]
    assert failures(document_of(gold_tolerance=0), answered(r3=WRONG)) == [3]


def test_traps_accuse_by_themselves_and_after_golds() -> None:
    assert failures(document_of(), answered(r6=WRONG)) == [6]
    assert failures(document_of(), answered(r6=WRONG, r1=WRONG)) == [6]
    assert failures(document_of(), answered(r6=WRONG, r1=WRONG, r3=WRONG)) == [1, 3]
    assert failures(document_of(trap_tolerance=1), answered(r6=WRONG)) == []


def test_wrong_targets_are_not_seen_and_short_ones_are() -> None:
    assert failures(document_of(gold_tolerance=0), answered(r0=WRONG)) == []
    assert failures(document_of(gold_tolerance=0), answered(r0={5: 99}, r2={5: 101})) == [0]
    assert failures(document_of(), answered(r0={5: 99}, r2={5: 101})) == [0, 2]


def test_outcomes_beyond_the_last_round_are_missing_in_another() -> None:
    counts = answered(r1={5: 60})
    counts[12 << WIDTH] = 40
    assert [entry.round for entry in scores(document_of(), counts) if not entry.passed] == [1]


def test_a_round_too_long_to_be_shown_is_passed_over() -> None:
    wide = replace(document_of("GGT", gold_tolerance=0), width=12)
    counts = dict.fromkeys(range(MAX_LEAVES - 1), 1) | {1 << 12: 5, 2 << 12 | 5: 100}
    assert failures(wide, counts) == [1]


@pytest.mark.parametrize("instead", [{}, {"r0": WRONG}, {"r1": {}}, {"r9": {}}, {"r4": {0: 1, 7: 99}}, {"r0": {}}])
def test_a_proof_shows_a_whole_round_and_its_neighbours(instead: dict[str, dict[int, int]]) -> None:
    document, counts = document_of(), answered(**instead)
    everything = sorted(counts)
    for number, arguments in enumerate(proof_arguments(document, counts, range(len(KINDS)))):
        round_, kind, answer, gold_proof, binding, first, leaves, _siblings = arguments
        assert (round_, kind) == (number, int(document.rounds[number].kind))
        assert Binding(*binding).root == counts_root(counts)
        shown = [leaf >> 16 for leaf in leaves]
        assert shown == everything[first : first + len(shown)]
        own = [outcome for outcome in everything if outcome >> WIDTH == number]
        inner = [outcome for outcome in shown if outcome >> WIDTH == number]
        assert inner == own
        assert first == 0 or shown[0] >> WIDTH < number
        assert first + len(shown) == len(everything) or shown[-1] >> WIDTH > number
        entries, ideal, uniform = answer
        digest = bytes(32) if kind == 0 else Answer(unpack_answer(entries), ideal, uniform).digest
        leaf = leaf_of(number, RoundKind(kind), digest)
        assert root_from_proof(leaf, number, len(KINDS), gold_proof) == document.opening.gold_root
