"""Envelopes and keys of the off-chain layer: sizes, times, and what sizes and times still give away.

Times are one thread's processor time, the median of several, and never asserted by a test. Timing residue is Welch's t
between the times of two kinds of input, taken in turns and without the slowest twentieth: beyond 4.5 in repeated runs,
one kind can be told from the other.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, median, variance
from typing import Any

from _report import Goal, table
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from qcrs.crypto.envelope import header_of, open_body, open_sheet, seal_body, seal_sheet
from qcrs.crypto.keys import OpeningKey, SigningKey, is_signed
from qcrs.rules.digest import keccak

COMMAND = "make bench-registration"
RECIPIENTS, PAYLOADS = (1, 3, 5, 16), (800, 12_000, 250_000)
SMALL = (20, 200, 900)
RUNS, PAIRS = 15, 4_000
MOST_SEAL_MS, MOST_OPEN_MS, MOST_BYTES = 40.0, 10.0, 8_500
MOST_T = 4.5
CONTEXT = bytes(32)


def measure_envelopes() -> tuple[list[Goal], dict[str, Any]]:
    """Print what was measured; return the goals and the raw figures."""
    rows = [_row(recipients, payload) for recipients in RECIPIENTS for payload in PAYLOADS]
    table(("recipients", "payload B", "body B", "sheet B", "seal ms", "open ms"), rows)
    sizes = {size: len(seal_body(bytes(size), os.urandom(32), bytes(1952))) for size in SMALL}
    residues = {"ML-KEM-768: true or changed ciphertext": _decapsulation(), "slot: first or last of 16": _slots()}
    table(("told apart by its time", "|t|"), [(name, abs(t)) for name, t in residues.items()])
    signatures = _signatures()
    table(("ML-DSA-65", "ms"), list(signatures.items()))
    of_three = next(row for row in rows if row[:2] == (3, 800))
    goals = [
        Goal("encrypted circuit of 800 B for 3 processors", of_three[2] + of_three[3], 14_000, "B", COMMAND),
        Goal("the same for 1 processor", rows[0][2] + rows[0][3], MOST_BYTES, "B", COMMAND),
        Goal("sealing it for 3 processors", of_three[4], MOST_SEAL_MS, "ms", COMMAND),
        Goal("opening it", of_three[5], MOST_OPEN_MS, "ms", COMMAND),
        Goal(
            "sizes by which circuits of 20 to 900 B differ once encrypted", len(set(sizes.values())) - 1, 0, "", COMMAND
        ),
        Goal(
            "true and changed key ciphertexts by time (Welch's t)", abs(next(iter(residues.values()))), MOST_T, "",
            COMMAND,
        ),
    ]  # fmt: skip
    raw = {
        "envelopes": [
            dict(zip(("recipients", "payload", "body", "sheet", "sealMs", "openMs"), r, strict=True)) for r in rows
        ],
        "smallBodies": sizes,
        "timingResidue": residues,
        "signatureMs": signatures,
    }
    return goals, raw


def _row(recipients: int, payload: int) -> tuple[int, int, int, int, float, float]:
    signer, keys = SigningKey.create(), [OpeningKey.create() for _ in range(recipients)]
    circuit, made = os.urandom(payload), []

    def seal() -> None:
        content_key = os.urandom(32)
        body = seal_body(circuit, content_key, signer.public)
        made[:] = [body, seal_sheet(content_key, keccak(body), CONTEXT, [key.public for key in keys], signer)]

    sealing = _milliseconds(seal)
    body, sheet = made
    digest, sender = keccak(body), header_of(body).sender
    opening = _milliseconds(lambda: open_body(body, open_sheet(sheet, digest, CONTEXT, sender, keys[0])))
    return recipients, payload, len(body), len(sheet), sealing, opening


def _signatures() -> dict[str, float]:
    signer, message = SigningKey.create(), os.urandom(1_000)
    signature = signer.sign(message, b"benchmark")
    return {
        "make a key": _milliseconds(SigningKey.create),
        "sign 1,000 B": _milliseconds(lambda: signer.sign(message, b"benchmark")),
        "check it": _milliseconds(lambda: is_signed(signer.public, signature, message, b"benchmark")),
        "make an X-Wing key": _milliseconds(OpeningKey.create),
    }


def _decapsulation() -> float:
    """Return Welch's t between decapsulating true and changed ciphertexts, none of them seen twice."""
    key = MLKEM768PrivateKey.generate()
    public = key.public_key()

    def make(true: bool) -> Callable[[], Any]:
        _, ciphertext = public.encapsulate()
        if not true:
            changed = bytearray(ciphertext)
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            ciphertext = bytes(changed)
        return lambda: key.decapsulate(ciphertext)

    return _welch(lambda: make(True), lambda: make(False), PAIRS)


def _slots() -> float:
    """Return Welch's t between opening sheets whose slot for us is the first and those where it is the last."""
    signer, key = SigningKey.create(), OpeningKey.create()
    body = seal_body(b"circuit", bytes(32), signer.public)
    digest, sender = keccak(body), header_of(body).sender
    others = [OpeningKey.create().public for _ in range(15)]
    shuffle = random.SystemRandom.shuffle
    sheets = []
    try:
        random.SystemRandom.shuffle = lambda *_: None
        for keys in ([key.public, *others], [*others, key.public]):
            sheets.append(seal_sheet(bytes(32), digest, CONTEXT, keys, signer))
    finally:
        random.SystemRandom.shuffle = shuffle
    first, last = (lambda sheet=sheet: open_sheet(sheet, digest, CONTEXT, sender, key) for sheet in sheets)
    return _welch(lambda: first, lambda: last, PAIRS // 10)


def _welch(one: Callable[[], Callable], other: Callable[[], Callable], pairs: int) -> float:
    times: tuple[list[int], list[int]] = ([], [])
    for _ in range(pairs):
        order = [(0, one()), (1, other())]
        random.shuffle(order)
        for which, run in order:
            began = time.perf_counter_ns()
            run()
            times[which].append(time.perf_counter_ns() - began)
    limit = sorted([*times[0], *times[1]])[int(1.9 * pairs)]
    first, second = ([value for value in taken if value <= limit] for taken in times)
    return _t(first, second)


def _t(first: Sequence[int], second: Sequence[int]) -> float:
    return (fmean(first) - fmean(second)) / sqrt(variance(first) / len(first) + variance(second) / len(second))


def _milliseconds(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.thread_time()
        run()
        times.append((time.thread_time() - began) * 1e3)
    return median(times)


if __name__ == "__main__":
    measure_envelopes()
