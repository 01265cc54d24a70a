"""The process that runs one distributed program: ``python -m qcrs.quantum.entanglement.child``.

It reads a ``ProgramRequest`` from standard input and writes one line of JSON, followed by the members' bits as they
are. It limits itself before it looks at the program: sandbox.Child, which does as much for circuits, answers in JSON of
at most some megabytes, and shots are more.
"""

import json
import os
import sys
from math import ceil

from pydantic import ValidationError

from qcrs.errors import QcrsError
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.errors import ProgramFailed
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.entanglement.request import ProgramRequest
from qcrs.quantum.fragment import FragmentInvalid
from qcrs.quantum.sandbox import limit_self


def main() -> int:
    """Run what standard input asks for."""
    sink = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints goes to standard error
    text = sys.stdin.buffer.read()
    try:
        try:
            request = ProgramRequest.model_validate_json(text)
        except ValidationError as error:
            raise FragmentInvalid(f"not a program: {error}") from error
        limit_self(ceil(request.limits.seconds), request.limits.memory_mebibytes)
        facts, bodies = _answer(request)
    except QcrsError as error:
        facts, bodies = {"error": type(error).__name__, "message": str(error)}, []
    except MemoryError:
        facts, bodies = {"error": "ProgramFailed", "message": "the run exceeded its memory limit"}, []
    with os.fdopen(sink, "wb") as out:
        out.write(json.dumps(facts).encode() + b"\n")
        for body in bodies:
            out.write(body)
    return 0


def _answer(request: ProgramRequest) -> tuple[dict, list[bytes]]:
    limits, shots = request.limits, request.shots
    if shots > limits.shots:
        raise ProgramFailed(f"{shots} shots, expected at most {limits.shots}")
    size = shots * sum((fragment.bits + 7) // 8 for fragment in request.fragments)
    if size > limits.answer_mebibytes << 20:
        raise ProgramFailed(
            f"{size} bytes of bits, expected at most {limits.answer_mebibytes} MiB: ask for fewer shots"
        )
    program = Program(request.fragments, request.fibre, request.noises)
    outcome = run(program, shots, request.seed, limits.qubits, request.most_begun)
    bodies = [bits.tobytes() for bits in outcome.bits]
    facts = {
        "engine": outcome.engine,
        "begun": outcome.begun,
        "pairs": outcome.begun * program.pairs,
        "raw_pairs": round(outcome.begun * program.raw_pairs),
        "lengths": [len(body) for body in bodies],
    }
    return facts, bodies


if __name__ == "__main__":
    sys.exit(main())
