"""What a requester keeps of its gold rounds, and what it does with them once all have revealed.

The document is written, and forced to disk, before the submission that binds it. Without it nobody can say which
rounds were gold: the computation is then judged by comparison alone. It stays private until ``open``; its public part
is what anyone needs to recompute every answer from the payload.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qcrs.errors import QcrsError
from qcrs.rules.commitment import of_secret, secret_chain
from qcrs.rules.gold import (
    NO_ANSWER,
    Answer,
    Opening,
    RoundKind,
    covering_run,
    gold_proof,
    gold_root,
    leaf_of,
    score,
    unpack_answer,
)
from qcrs.rules.histogram import Binding, binding_of, run_proofs
from qcrs.sdk.secrets import CHAIN_LENGTH

MAX_LEAVES = 1_024  # of a run that GoldRounds scores: a round's outcomes and a neighbour on either side


class GoldDocumentDamaged(QcrsError):
    """A gold document cannot be read back."""


@dataclass(frozen=True)
class Round:
    """One round of a sweep as its requester knows it.

    Attributes:
        answer: None for a target. target: Which of the requester's circuits it is; -1 for a gold or a trap.
    """

    kind: RoundKind
    answer: Answer | None = None
    target: int = -1


@dataclass(frozen=True)
class Score:
    """How one round of a replica did: *fidelity* in 1e-4, 0 for a target or for counts that do not add up."""

    round: int
    kind: RoundKind
    passed: bool
    fidelity: int


@dataclass(frozen=True)
class Document:
    """Golds, answers, order and blind of one computation.

    Attributes:
        width: Outcome bits within a round. shots: Of each round. names: Of the targets, as they were submitted.
    """

    rounds: tuple[Round, ...]
    width: int
    shots: int
    gold_tolerance: int
    trap_tolerance: int
    blind: bytes
    names: tuple[str, ...] = ()

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaves of the gold list."""
        return [
            leaf_of(number, entry.kind, NO_ANSWER if entry.answer is None else entry.answer.digest)
            for number, entry in enumerate(self.rounds)
        ]

    @cached_property
    def opening(self) -> Opening:
        """What is bound before allocation, and shown by ``GoldRounds.open``."""
        return Opening(gold_root(self.leaves), len(self.rounds), self.gold_tolerance, self.trap_tolerance, self.blind)

    @property
    def secret(self) -> bytes:
        """The last secret of the computation's chain: what ``Client.submit`` takes as ``gold_secret``."""
        return self.opening.last_secret

    @property
    def commitment(self) -> bytes:
        """The commitment to the chain's first secret, by which the computation is known before it has a number."""
        return of_secret(secret_chain(self.secret, CHAIN_LENGTH)[0])

    @property
    def targets(self) -> dict[int, int]:
        """The round of each target, by the target's number."""
        return {entry.target: number for number, entry in enumerate(self.rounds) if entry.kind is RoundKind.Target}

    def public(self) -> bytes:
        """Return what goes into the store when the list is opened: kinds and answers, nothing of whose targets."""
        listed = replace(self, names=(), rounds=tuple(replace(entry, target=-1) for entry in self.rounds))
        return json.dumps(listed.to_json(), separators=(",", ":"), sort_keys=True).encode()

    def to_json(self) -> dict[str, Any]:
        """Return the document as it is kept."""
        return {
            "version": 1,
            "width": self.width,
            "shots": self.shots,
            "goldTolerance": self.gold_tolerance,
            "trapTolerance": self.trap_tolerance,
            "blind": self.blind.hex(),
            "names": list(self.names),
            "rounds": [_round_to_json(entry) for entry in self.rounds],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Document":
        """Return the document that ``to_json`` wrote.

        Raises:
            GoldDocumentDamaged: It is not one.
        """
        try:
            return cls(
                rounds=tuple(map(_round_from_json, value["rounds"])),
                width=int(value["width"]),
                shots=int(value["shots"]),
                gold_tolerance=int(value["goldTolerance"]),
                trap_tolerance=int(value["trapTolerance"]),
                blind=bytes.fromhex(value["blind"]),
                names=tuple(map(str, value["names"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError, QcrsError) as error:
            raise GoldDocumentDamaged(f"not a gold document: {error}") from error


class Documents:
    """The gold documents of this user, one file each, named by the computation's first commitment.

    Args:
        folder: Beside the secrets; created with mode 0700, files with 0600.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, document: Document) -> None:
        """Write *document*, whole or not at all, and return once it would outlast a power cut."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(document.commitment)
        scratch = path.with_suffix(".part")
        handle = os.open(scratch, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document.to_json(), file)
            file.flush()
            os.fsync(handle)
        scratch.replace(path)
        directory = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def of(self, commitment: bytes) -> Document | None:
        """Return the document of the computation submitted with *commitment*, if it is one of ours.

        Raises:
            GoldDocumentDamaged: It is, and cannot be read.
        """
        try:
            content = self._path(commitment).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return Document.from_json(json.loads(content))
        except (ValueError, GoldDocumentDamaged) as error:
            raise GoldDocumentDamaged(f"{self._path(commitment)}: {error}") from error

    def _path(self, commitment: bytes) -> Path:
        return self.folder / f"{commitment.hex()}.json"


def scores(document: Document, counts: Mapping[int, int]) -> list[Score]:
    """Return how every round of a replica did; a target fails only by a wrong number of shots."""
    rounds: list[dict[int, int]] = [{} for _ in document.rounds]
    for outcome, count in counts.items():
        number, inner = divmod(outcome, 1 << document.width)
        if number < len(rounds):  # whoever answers beyond the last round has too few shots in another
            rounds[number][inner] = count
    found = []
    for number, (entry, own) in enumerate(zip(document.rounds, rounds, strict=True)):
        if entry.answer is None:
            found.append(Score(number, entry.kind, sum(own.values()) == document.shots, 0))
        else:
            found.append(Score(number, entry.kind, *score(own, document.shots, entry.answer)))
    return found


def failures(document: Document, counts: Mapping[int, int]) -> list[int]:
    """Return the rounds to prove against a replica: golds that failed, and else traps, when beyond tolerance.

    Targets without the right number of shots count as golds do. Nothing is worth proving within tolerance, and a round
    of too many outcomes cannot be: whoever spreads one so far has too few shots in others.
    """
    sizes = Counter(outcome >> document.width for outcome in counts)
    failed = [entry for entry in scores(document, counts) if not entry.passed and sizes[entry.round] <= MAX_LEAVES - 2]
    golds = [entry.round for entry in failed if entry.kind is not RoundKind.Trap]
    traps = [entry.round for entry in failed if entry.kind is RoundKind.Trap]
    if len(golds) > document.gold_tolerance:
        return golds[: document.gold_tolerance + 1]
    return traps[: document.trap_tolerance + 1] if len(traps) > document.trap_tolerance else []


def fidelity(document: Document, counts: Mapping[int, int]) -> int | None:
    """Return a replica's mean fidelity over the golds, in 1e-4; None without golds."""
    golds = [entry.fidelity for entry in scores(document, counts) if entry.kind is RoundKind.Gold]
    return sum(golds) // len(golds) if golds else None


def opening_arguments(document: Document) -> tuple[Any, ...]:
    """Return the opening as the contract takes it."""
    opening = document.opening
    return (opening.gold_root, opening.rounds, opening.gold_tolerance, opening.trap_tolerance, opening.blind)


def reveal_arguments(counts_root: bytes, salt: bytes, sketch_digest: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what a replica revealed as the contract takes it."""
    return (counts_root, salt, sketch_digest)


def proof_arguments(document: Document, counts: Mapping[int, int], rounds: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return for each of *rounds* the proof of its counts and answer, as ``GoldRounds.score`` takes it."""
    runs = [covering_run(counts, number, document.width) for number in rounds]
    binding: Binding = binding_of(counts)
    return [
        (
            number,
            int(document.rounds[number].kind),
            _answer_arguments(document.rounds[number].answer),
            gold_proof(document.leaves, number),
            tuple(binding),
            run.first,
            run.leaves,
            run.siblings,
        )
        for number, run in zip(rounds, run_proofs(counts, runs), strict=True)
    ]


def _answer_arguments(answer: Answer | None) -> tuple[bytes, int, int]:
    return (b"", 0, 0) if answer is None else (answer.packed, answer.ideal, answer.uniform)


def _round_to_json(entry: Round) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": entry.kind.name}
    if entry.target >= 0:
        value["target"] = entry.target
    if entry.answer is not None:
        value |= {
            "entries": entry.answer.packed.hex(),
            "ideal": entry.answer.ideal,
            "uniform": entry.answer.uniform,
        }
    return value


def _round_from_json(value: Mapping[str, Any]) -> Round:
    answer = None
    if "entries" in value:
        answer = Answer(unpack_answer(bytes.fromhex(value["entries"])), int(value["ideal"]), int(value["uniform"]))
    return Round(RoundKind[value["kind"]], answer, int(value.get("target", -1)))
