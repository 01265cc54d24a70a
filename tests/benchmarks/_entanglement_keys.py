"""Keys and CHSH between two daemons' ends over a link: what comes of them, how fast, and that nothing comes of taps.

Whole conversations as daemons hold them, letters and signatures included, over a link in this process; without a chain.
Everything is emulated: whoever runs the link has seen every outcome.
"""

import asyncio
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _report import SERIES, Goal, picture, table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a measurement is run as a file, not as part of a package

from qcrs.link.answers import MadePairs
from qcrs.quantum.entanglement.held import to_words
from qcrs.quantum.entanglement.pairs import Equipment
from qcrs.rules.invitation import Talk
from tests import talks
from tests.linked import link_file
from tests.talks import known, talk, talking

COMMAND = "make bench-entanglement"
PAIRS = 1 << 17
TOLERANCE = 1.25  # of errors, over what pairs of such a fidelity have
FIDELITIES = (1.0, 0.985, 0.97, 0.955, 0.94)
TAPPED_PAIRS, TAPPED_TALKS, SHARES = 16_384, 5, (0.25, 1.0)
CHSH_PAIRS = 20_000
PATIENCE_SECONDS = 300

Progress = Callable[[str], None]
raw: dict[str, Any] = {}


def measure(progress: Progress) -> list[Goal]:
    """Measure everything, say what goes on, and return the goals; ``raw`` keeps the figures behind them."""
    logging.getLogger("qcrs.daemon.talks").setLevel(logging.ERROR)  # the alarms are counted
    return [*_rates(progress), *_taps(progress), *_chsh(progress)]


def _rates(progress: Progress) -> list[Goal]:
    rows = []
    for fidelity in FIDELITIES:
        progress(f"key of {PAIRS:,} pairs of fidelity {fidelity}")
        tolerated = max(10_000, round(1e6 * TOLERANCE * 2 * (1 - fidelity) / 3))
        began = time.perf_counter()
        report, same = _talked(link_file(fidelity), known(tolerated), pairs=PAIRS)
        rows.append({
            "fidelity": fidelity, "errorRate": report["errors"] / report["tested"], "toleratedPpm": tolerated,
            "bitsPerPair": report["length"] / PAIRS, "leak": report["leak"], "sifted": report["sifted"],
            "seconds": time.perf_counter() - began, "same": same,
        })  # fmt: skip
    raw["rates"] = rows
    columns = ("fidelity", "errorRate", "toleratedPpm", "bitsPerPair", "leak", "seconds")
    table(("F", "QBER", "tolerated, ppm", "key bits a pair", "leak", "s"), [[r[c] for c in columns] for r in rows])
    middle = next(row for row in rows if row["fidelity"] == 0.97)
    return [
        Goal("Keys over a link that both ends have, F = 1 to 0.94", sum(r["same"] for r in rows), len(rows), "",
             COMMAND, at_least=True),
        Goal(f"Key bits a pair at F = 0.97, {PAIRS:,} pairs", middle["bitsPerPair"], 0.1, "", COMMAND, at_least=True),
        Goal("... from invitation to key", middle["seconds"], 30, "s", COMMAND),
    ]  # fmt: skip


def _taps(progress: Progress) -> list[Goal]:
    alarms = keys = 0
    for share in SHARES:
        progress(f"{TAPPED_TALKS} keys of {TAPPED_PAIRS:,} pairs with {share:.0%} intercepted")
        file = link_file(0.97, Equipment(intercept_ppm=round(1e6 * share)))
        for _ in range(TAPPED_TALKS):
            report, same = _talked(file, known(45_000), pairs=TAPPED_PAIRS)
            alarms += report.get("alarm") == "EavesdropperSuspected"
            keys += same
    raw["taps"] = {"talks": TAPPED_TALKS * len(SHARES), "alarms": alarms, "keys": keys}
    return [
        Goal("Key exchanges with a quarter or all pairs intercepted that end with the alarm",
             100 * alarms / (TAPPED_TALKS * len(SHARES)), 100, "%", COMMAND, at_least=True),
        Goal("... and with a key", keys, 0, "", COMMAND),
    ]  # fmt: skip


def _chsh(progress: Progress) -> list[Goal]:
    progress(f"CHSH of two daemons, {CHSH_PAIRS:,} pairs")
    rows = []
    for fidelity in (1.0, 0.97):
        report, _ = _talked(link_file(fidelity), known(), Talk.Chsh, pairs=CHSH_PAIRS)
        rows.append((f"link of F = {fidelity}", report["s"], report["standardError"]))
    report = _without_pairs()
    rows.append(("no pairs, a shared seed", report["s"], report["standardError"]))
    table(("CHSH of two daemons", "S", "error"), rows)
    raw["chsh"] = rows
    return [
        Goal("CHSH of two daemons over a link of F = 1", rows[0][1], 2.7, "", COMMAND, at_least=True),
        Goal("CHSH of two daemons that share a seed and no pairs", rows[-1][1], 2.1, "", COMMAND),
    ]


def _talked(file: Any, everything: Any, kind: Talk = Talk.Key, **terms: Any) -> tuple[dict[str, Any], bool]:
    """Return the report of a conversation, and whether both ends kept one key."""

    async def work(pair: talks.Pair) -> tuple[dict[str, Any], bool]:
        report = await pair.ask(kind, **terms)
        await pair.settled(2)
        keys = [[one.read_text().partition('"key": ')[2] for one in pair.kept(end)] for end in (1, 2)]
        return report, keys[0] == keys[1] != [""] and len(keys[0]) == 1

    with tempfile.TemporaryDirectory() as directory:
        return talk(work, Path(directory), PATIENCE_SECONDS, file, everything=everything)


class _Seeded:
    """Takes the place of a link's client: both ends answer out of one seed, by the best rule there is without pairs."""

    def __init__(self, own: int, seed: int, letters: dict[tuple[int, int, str], asyncio.Future]) -> None:
        self._own, self._letters = own, letters
        self._shared = np.random.default_rng(seed).random(CHSH_PAIRS) < 0.5

    async def prepare(self, *_: Any, **__: Any) -> MadePairs:
        return MadePairs(self._own - 1, bytes(32), CHSH_PAIRS, 0.0, 0, 0, "no link: a shared seed")

    async def describe(self) -> dict[str, Any]:
        return {"descriptor": link_file().descriptor()}

    async def measure(self, *_: Any) -> Sequence[int]:
        return to_words(self._shared)

    async def post(self, peer: int, topic: str, data: bytes) -> None:
        self._letter(self._own, peer, topic).set_result(data)

    async def fetch(self, peer: int, topic: str, wait: float) -> bytes:
        return await asyncio.wait_for(self._letter(peer, self._own, topic), wait)

    def _letter(self, *key: Any) -> asyncio.Future:
        return self._letters.setdefault(key, asyncio.get_running_loop().create_future())


def _without_pairs() -> dict[str, Any]:
    """Return the report of two ends that have no link, but have agreed on a seed."""

    async def work(path: Path) -> dict[str, Any]:
        seed, letters = secrets.randbits(64), {}
        clients = [_Seeded(own, seed, letters) for own in (1, 2)]
        async with asyncio.timeout(PATIENCE_SECONDS), talking(path, clients) as pair:
            return await pair.ask(Talk.Chsh, pairs=CHSH_PAIRS)

    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(work(Path(directory)))


def draw(raw: dict[str, Any]) -> None:
    """Draw the rate of keys against errors."""
    subtitle = f"{PAIRS:,} pairs, 1e-10 secret; a quarter more errors tolerated than expected; link=emulated"
    with picture("entanglement_talks", "Key bits a pair between two daemons", subtitle) as axes:
        x = [100 * row["errorRate"] for row in raw["rates"]]
        axes.plot(x, [row["bitsPerPair"] for row in raw["rates"]], marker="o", markersize=3, color=SERIES[1])
        axes.set_xlabel("measured error rate, %", fontsize=8)


if __name__ == "__main__":
    for each in measure(lambda line: print(line, flush=True)):
        print(f"{'ok ' if each.holds else 'NO '} {each.goal}: {each.to_json()['figure']} ({each.to_json()['target']})")
