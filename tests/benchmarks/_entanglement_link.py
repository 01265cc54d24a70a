"""Links measured: is what they give entangled, as good as the closed forms say, quick, and are eavesdroppers caught?

Everything is emulated and says so. The members are processes of their own, the link another, without a chain.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _report import Goal, percentile, table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a measurement is run as a file, not as part of a package

from qcrs.link.client import LinkClient
from qcrs.link.errors import ForeignQubit
from qcrs.link.wire import Purpose
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.held import X_ANGLE, Z_ANGLE, Held, chsh, to_bits, to_words
from qcrs.quantum.entanglement.pairs import Equipment, Fibre
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import GATES
from tests.entangled import IDEAL, fibre, fidelity, gate, ghz, ghz_fidelity, teledata, telegate
from tests.integration.linked_processes import bits_of, crew
from tests.linked import link_file, on_link

COMMAND = "make bench-entanglement"
SHOTS = 100_000
FIDELITIES = (1.0, 0.97, 0.9)
CHSH_PAIRS = 20_000
BATCH_SHOTS = 1_000_000
PROCESS_SHOTS = 10_000
LIVE_SHOTS = 500
PATIENCE_SECONDS = 2.0
TESTED, HONEST_RUNS, ATTACKED_RUNS = 350, 10_000, 2_000
# Tested pairs with which a share of intercepted pairs is to be found in 99 % of tests, by research.
SIZES = {1.0: 47, 0.5: 120, 0.25: 345, 0.1: 1_534, 0.05: 5_129}
FALSE_ALARM = 0.001
SEED = 11

Progress = Callable[[str], None]
raw: dict[str, Any] = {}


def measure(progress: Progress) -> list[Goal]:
    """Measure everything, say what goes on, and return the goals; ``raw`` keeps the figures behind them."""
    return [
        *_processes(progress), *_chsh(progress), *_foreign(progress), *_closed_forms(progress), *_speed(progress),
        *_alarms(progress),
    ]  # fmt: skip


def _processes(progress: Progress) -> list[Goal]:
    """Goal 1, and the live half of goal 4."""
    progress("four processes and a link: GHZ-4")
    with tempfile.TemporaryDirectory() as directory, crew(Path(directory)) as members:
        rows = bits_of(members.order("batch", session=1, shots=PROCESS_SHOTS))
        wrong = int(np.isin(rows.sum(axis=1), (0, 4), invert=True).sum())
        live: dict[str, list[float]] = {}
        for name, whole, session in (("a shot an act", True, 2), ("an operation an act", False, 3)):
            answers = members.order("live", session=session, shots=LIVE_SHOTS, whole=whole, wait=20)
            sums = bits_of(answers).sum(axis=1)
            wrong += int(np.isin(sums, (0, 4), invert=True).sum())
            live[name] = [1e3 * second for answer in answers for second in answer["seconds"]]
        members.processes[3].kill()
        members.processes[3].wait()
        began = time.perf_counter()
        told = members.order("barrier", members=(1, 2, 4), session=4, number=1, wait=PATIENCE_SECONDS)
        late = time.perf_counter() - began - PATIENCE_SECONDS
    named = sum("waits for processor 3 (member 2)" in answer.get("message", "") for answer in told)
    raw["live"] = {name: {str(p): percentile(times, p) for p in (50, 90, 99)} for name, times in live.items()}
    table(
        ("live GHZ-4, four processes, ms a shot", "p50", "p90", "p99"),
        [(name, *figures.values()) for name, figures in raw["live"].items()],
    )
    median = raw["live"]["a shot an act"]["50"]
    return [
        Goal(
            f"Wrong among {PROCESS_SHOTS + 2 * LIVE_SHOTS:,} GHZ-4 shots of four processes, F = 1",
            wrong,
            0,
            "",
            COMMAND,
        ),
        Goal("Barrier names a killed process, after its deadline", late, 2, "s", COMMAND),
        Goal("... to the processes that are left", named, 3, "", COMMAND, at_least=True),
        Goal("Live GHZ-4 of four processes, median, a shot an act", median, 10, "ms", COMMAND),
    ]


def _chsh(progress: Progress) -> list[Goal]:
    """Goal 2: over a service; without one both use what randomness they share, as well as that can be done."""
    progress(f"CHSH with {CHSH_PAIRS:,} pairs")
    random = np.random.default_rng(SEED)
    settings = [random.random(CHSH_PAIRS) < 0.5 for _ in (0, 1)]
    rows = []
    for pair, share in ((1.0, 0.0), (0.97, 0.0), (0.97, 1.0)):
        file = link_file(pair, equipment=Equipment(intercept_ppm=round(1e6 * share)))
        found = on_link(lambda url, *ends: _measure_chsh(ends, settings), 1, 2, file=file)
        name = f"link of F = {pair}" + (", all intercepted" if share else "")
        rows.append((name, *chsh(settings, found), 2 * 2**0.5 * (4 * pair - 1) / 3 * (1 - share / 2)))
    shared = random.random(CHSH_PAIRS) < 0.5
    rows.append(("no link: shared randomness", *chsh(settings, [shared, shared]), 2.0))
    table(("CHSH", "S", "error", "closed form"), rows)
    raw["chsh"] = rows
    return [
        Goal("CHSH over a link of F = 1", rows[0][1], 2.7, "", COMMAND, at_least=True),
        Goal("CHSH without", rows[-1][1], 2.1, "", COMMAND),
    ]


async def _measure_chsh(ends: Sequence[LinkClient], settings: Sequence[np.ndarray]) -> list[np.ndarray]:
    words = [to_words(one) for one in settings]
    every = [2**256 - 1] * len(words[0])
    peers = list(zip(ends, (2, 1), words, strict=True))
    await asyncio.gather(*(end.prepare(1, 1, peer, CHSH_PAIRS, Purpose.Chsh) for end, peer, _ in peers))
    found = [await end.measure(1, 1, peer, every, bases, Purpose.Chsh) for end, peer, bases in peers]
    return [to_bits(one, CHSH_PAIRS) for one in found]


def _foreign(progress: Progress) -> list[Goal]:
    """The other half of goal 2."""
    progress("gates on foreign qubits")

    async def work(url, thief, other):
        member, _ = await asyncio.gather(*(client.open_live(1, (1, 2), 2, 2) for client in (thief, other)))
        refused = tries = 0
        for name, (width, angles) in GATES.items():
            for beyond in range(2, 64):
                tries += 1
                try:
                    await member.act(gate(name, *([0] * (width - 1)), beyond, angles=(0.5,) * angles))
                except ForeignQubit:
                    refused += 1
        return refused, tries

    refused, tries = on_link(work, 1, 2)
    raw["foreign"] = {"refused": refused, "tries": tries}
    return [
        Goal(f"Of {tries:,} gates on foreign qubits refused", 100 * refused / tries, 100, "%", COMMAND, at_least=True)
    ]


def _closed_forms(progress: Progress) -> list[Goal]:
    """Goal 3."""
    progress(f"closed forms, {SHOTS:,} shots for each of all stabilisers")
    began, rows, worst = time.process_time(), [], 0.0
    for pair in FIDELITIES:
        cases = [
            ("teledata", teledata, IDEAL[teledata], pair, 2),
            ("telegate CNOT", telegate, IDEAL[telegate], pair, 4),
            *(_ghz_case(members, pair) for members in (2, 3, 4)),
        ]
        for name, build, ideal, expected, dimension in cases:
            found, error = fidelity(build, ideal, fibre(pair), SHOTS, SEED)
            if dimension:  # of the teleported state; from the fidelity of the channel to the average over all states
                found, error, expected = (
                    (dimension * found + 1) / (dimension + 1), error * dimension / (dimension + 1),
                    (dimension * expected + 1) / (dimension + 1),
                )  # fmt: skip
            sigmas = abs(found - expected) / error if error else 0.0 if abs(found - expected) < 1e-12 else float("inf")
            worst = max(worst, sigmas)
            rows.append((name, pair, found, expected, sigmas))
    spent = time.process_time() - began
    table(
        ("state", "F", "measured", "closed form", "sigmas"), [(r[0], r[1], *map("{:.4f}".format, r[2:])) for r in rows]
    )
    raw["closedForms"] = rows
    return [
        Goal("Teledata, telegate, GHZ-2 to 4 at F = 1, .97, .9: furthest from closed form", worst, 3, "sigma", COMMAND),
        Goal("... processor time", spent, 30, "s", COMMAND),
    ]


def _ghz_case(members: int, pair: float):
    ideal = "H 0\n" + "".join(f"CX 0 {k}\n" for k in range(1, members))
    return f"GHZ-{members}", lambda bases: ghz(members, bases), ideal, ghz_fidelity(members, pair), 0


def _speed(progress: Progress) -> list[Goal]:
    """Goal 4: from the fragments to each member's own bits."""
    progress(f"batch of {BATCH_SHOTS:,} GHZ-4 shots")
    rates = []
    for attempt in range(3):
        began = time.perf_counter()
        outcome = run(Program(ghz(4), fibre(0.97)), BATCH_SHOTS, SEED + attempt)
        rates.append(BATCH_SHOTS / (time.perf_counter() - began))
    began = time.perf_counter()
    extra = (gate("t", 0), gate("tdg", 0))
    run(Program(ghz(4, extra=extra), fibre(0.97)), 5_000, SEED)
    raw["batch"] = {"engine": outcome.engine, "rates": rates, "aer": 5_000 / (time.perf_counter() - began)}
    table(("batch engine, GHZ-4", "shots a second"), [("stim", max(rates)), ("aer, not Clifford", raw["batch"]["aer"])])
    return [Goal("Batch GHZ-4 over four members, shots a second", min(rates), 1e6, "", COMMAND, at_least=True)]


def _alarms(progress: Progress) -> list[Goal]:
    """The first half of goal 6."""
    progress(f"{HONEST_RUNS:,} honest tests of {TESTED} pairs, and {ATTACKED_RUNS:,} of each share intercepted")
    most = _allowed(TESTED)
    false = float((_errors(_listened(0.97, 0), TESTED, HONEST_RUNS) > most).mean())
    rows = []
    for share, size in SIZES.items():
        for tested in (TESTED, size):
            runs = min(ATTACKED_RUNS, 4_000_000 // tested)
            counts = _errors(_listened(0.97, round(1e6 * share)), tested, runs)
            expected = _tail(tested, _q0() + share * (0.25 - _q0() / 2), _allowed(tested))
            rows.append((share, tested, 100 * float((counts > _allowed(tested)).mean()), 100 * expected))
    table(("share intercepted", "tested", "caught %", "binomial %"), rows)
    raw["alarms"] = {"allowed": most, "false": false, "caught": rows}
    caught = next(row[2] for row in rows if row[:2] == (0.25, TESTED))
    return [
        Goal(f"False alarms in {HONEST_RUNS:,} honest tests of {TESTED} pairs", 100 * false, 0.2, "%", COMMAND),
        Goal(f"A quarter intercepted, caught with {TESTED} tested pairs", caught, 99, "%", COMMAND, at_least=True),
    ]


def _listened(fidelity_: float, intercept_ppm: int) -> Fibre:
    return fibre(fidelity_).model_copy(update={"equipment": Equipment(intercept_ppm=intercept_ppm)})


def _errors(where: Fibre, tested: int, runs: int) -> np.ndarray:
    """Return on how many of *tested* pairs both ends disagree, in each of *runs* tests."""
    random = np.random.default_rng(SEED + tested)
    count = tested * runs
    pairs = Held(where, np.zeros(count), random)
    angles = random.choice([Z_ANGLE, X_ANGLE], count)
    found = [pairs.measure(end, np.arange(count), angles, 0.0) for end in (0, 1)]
    return (found[0] != found[1]).reshape(runs, tested).sum(axis=1)


def _q0() -> float:
    return 2 * (1 - 0.97) / 3


def _tail(count: int, chance: float, beyond: int) -> float:
    """Return how likely more than *beyond* of *count* are, each with *chance*."""
    total, term = 0.0, (1 - chance) ** count
    for k in range(beyond + 1):
        total += term
        term *= (count - k) / (k + 1) * chance / (1 - chance)
    return 1 - total


def _allowed(count: int) -> int:
    """Return how many errors honest pairs exceed once in a thousand tests."""
    return next(k for k in range(count) if _tail(count, _q0(), k) <= FALSE_ALARM)


if __name__ == "__main__":
    for each in measure(lambda line: print(line, flush=True)):
        print(f"{'ok ' if each.holds else 'NO '} {each.goal}: {each.to_json()['figure']} ({each.to_json()['target']})")
