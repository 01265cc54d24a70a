"""The engine as a process, asked as a daemon asks it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import qcrs
from qcrs.model.refusal import RefusalCode
from qcrs.quantum.calibration import bundled_path
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.client import EngineClient
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.request import RunRequest, RunResult

CIRCUITS = Path(qcrs.__file__).parent / "circuits"
HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BELL = HEAD + "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"


def bell(seed: int = 1, **changes: object) -> RunRequest:
    fields = {"text": BELL, "shots": 4_096, "seed": seed, "qubits": 2, "outcome_bits": 2}
    return RunRequest(**(fields | changes))


def endless() -> RunRequest:
    """Noisy trajectories of a wide circuit: minutes of work in a small text."""
    wide = Program(
        16,
        16,
        (
            *(Operation("h", (), (qubit,)) for qubit in range(16)),
            *(Operation("cx", (), (qubit, qubit + 1)) for _ in range(20) for qubit in range(15)),
            *(Operation("measure", (), (qubit,), (qubit,)) for qubit in range(16)),
        ),
    )
    return RunRequest(wide.text(), 65_535, 1, 16, 16, time_limit_seconds=300.0)


def with_engine(scenario: Callable[[EngineClient], Awaitable[None]], device: str = "kolkata", workers: int = 2) -> None:
    async def run() -> None:
        async with EngineClient(bundled_path(device), workers) as engine:
            await asyncio.wait_for(scenario(engine), 120)

    asyncio.run(run())


def children_of(engine: EngineClient) -> list[int]:
    assert engine.pid is not None
    path = Path(f"/proc/{engine.pid}/task/{engine.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


async def running_child(engine: EngineClient) -> int:
    while not (children := children_of(engine)):
        await asyncio.sleep(0.01)
    return children[0]


def test_honest_runs_are_close_to_the_ideal() -> None:
    async def scenario(engine: EngineClient) -> None:
        for name in ("bell", "ghz5", "qft5", "ansatz5", "grover3"):
            circuit = load(CIRCUITS / f"{name}.qasm")
            result = await engine.run(RunRequest(canonical(circuit), 8_192, 7, circuit.num_qubits, circuit.num_clbits))
            assert result.refusal is RefusalCode.Unset, result.message
            distance = total_variation_distance(result.counts or {}, ideal_distribution(circuit))
            assert 0.0 < distance < 0.2, name
            assert set(result.timings) == {"fork", "scan", "transpile", "simulate", "total"}

    with_engine(scenario)


def test_runs_repeat_with_their_seed_and_neighbouring_seeds_are_unrelated() -> None:
    async def scenario(engine: EngineClient) -> None:
        first, again, next_ = await asyncio.gather(engine.run(bell(5)), engine.run(bell(5)), engine.run(bell(6)))
        assert first.counts == again.counts
        assert first.counts != next_.counts

    with_engine(scenario)


def test_refusals_come_back_as_codes() -> None:
    wide = HEAD + "qubit[28] q; bit c; c = measure q[0];"
    cases = [
        ({"qubits": 3}, RefusalCode.WidthMismatch),
        ({"outcome_bits": 1}, RefusalCode.WidthMismatch),
        ({"shots": 0}, RefusalCode.ShotsInvalid),
        ({"shots": 1_000_000_000}, RefusalCode.ShotsInvalid),
        ({"text": "hello"}, RefusalCode.NotOpenQasm),
        ({"text": HEAD + 'include "/etc/passwd";'}, RefusalCode.IncludeRefused),
        ({"text": wide, "qubits": 28, "outcome_bits": 1}, RefusalCode.TooManyQubits),
    ]

    async def scenario(engine: EngineClient) -> None:
        for changes, code in cases:
            result = await engine.run(bell(**changes))
            assert (result.counts, result.refusal) == (None, code)
            assert result.message.startswith(code.name)

    with_engine(scenario)


def test_long_circuits_run_at_once_and_hold_up_no_other() -> None:
    async def scenario(engine: EngineClient) -> None:
        long = [asyncio.create_task(engine.run(endless())) for _ in range(2)]
        while len(children_of(engine)) < 2:
            await asyncio.sleep(0.01)
        assert engine.running == 2
        assert (await engine.run(bell())).refusal is RefusalCode.Unset
        assert not any(task.done() for task in long)
        for task in long:
            task.cancel()
        await asyncio.gather(*long, return_exceptions=True)

    with_engine(scenario, workers=3)


def test_circuit_deeper_than_declared_is_refused() -> None:
    deep = BELL.replace("h q[0];", "h q[0];" * 63)  # 65 layers with the cx and the measurements

    async def scenario(engine: EngineClient) -> None:
        refused = await engine.run(bell(text=deep, depth_class=1))
        assert (refused.counts, refused.refusal) == (None, RefusalCode.DepthExceeded)
        assert (await engine.run(bell(text=deep, depth_class=2))).refusal is RefusalCode.Unset

    with_engine(scenario)


def test_limits_are_kept_and_the_engine_lives_on() -> None:
    async def scenario(engine: EngineClient) -> None:
        chain = "".join(f"cx q[{low}], q[{low + 1}];" for low in range(26))
        hungry = HEAD + f"qubit[27] q; bit[27] c; h q; {chain} c = measure q;"
        late, starved = await asyncio.gather(
            engine.run(RunRequest(endless().text, 65_535, 1, 16, 16, time_limit_seconds=0.5)),
            engine.run(RunRequest(hungry, 16, 1, 27, 27, memory_limit_bytes=256 << 20)),
        )
        assert late.refusal is RefusalCode.SimulationTimedOut
        assert starved.refusal is RefusalCode.SimulationOutOfMemory
        assert (await engine.run(bell())).refusal is RefusalCode.Unset

    with_engine(scenario)


def test_a_crashing_run_ends_alone() -> None:
    async def scenario(engine: EngineClient) -> None:
        process = engine.pid
        for fatal in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL):
            doomed = asyncio.create_task(engine.run(endless()))
            victim = await running_child(engine)
            assert (await engine.run(bell())).refusal is RefusalCode.Unset
            os.kill(victim, fatal)
            refusal = (await doomed).refusal
            assert refusal in (RefusalCode.SimulationFailed, RefusalCode.SimulationOutOfMemory)
        assert (await engine.run(bell())).refusal is RefusalCode.Unset
        assert engine.pid == process

    with_engine(scenario)


def test_a_killed_engine_takes_its_runs_along_and_is_started_again() -> None:
    async def scenario(engine: EngineClient) -> None:
        before = engine.pid
        assert before is not None
        doomed = asyncio.create_task(engine.run(endless()))
        child = await running_child(engine)
        os.kill(before, signal.SIGKILL)
        while Path(f"/proc/{child}").exists() or engine.pid in (None, before):
            await asyncio.sleep(0.01)
        assert not doomed.done()  # it was given to the next engine
        doomed.cancel()
        assert (await engine.run(bell())).refusal is RefusalCode.Unset

    with_engine(scenario)


def test_a_cancelled_run_is_killed() -> None:
    async def scenario(engine: EngineClient) -> None:
        task = asyncio.create_task(engine.run(endless()))
        await running_child(engine)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while children_of(engine):
            await asyncio.sleep(0.01)

    with_engine(scenario)


def test_runs_finish_out_of_order() -> None:
    async def scenario(engine: EngineClient) -> None:
        slow = asyncio.create_task(engine.run(endless()))
        await running_child(engine)
        results: list[RunResult] = [await engine.run(bell(seed)) for seed in range(3)]
        assert all(result.counts for result in results)
        assert not slow.done()
        slow.cancel()

    with_engine(scenario)


def test_an_engine_without_a_device_says_why(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text("{}")

    async def run() -> None:
        with pytest.raises(EngineFailed, match="calibration"):
            await EngineClient(path).start()

    asyncio.run(run())


def test_the_client_side_imports_no_qiskit() -> None:
    program = (
        "import sys; import qcrs.quantum.client, qcrs.quantum.scan, qcrs.quantum.calibration, "
        "qcrs.quantum.capability, qcrs.quantum.faults; "
        "sys.exit(any(name.split('.')[0] in ('qiskit', 'qiskit_aer') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
