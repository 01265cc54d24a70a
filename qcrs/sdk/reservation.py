"""Processors for a time: what reserving them takes, and circuits run on them while they are reserved."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.chain.action import act
from qcrs.chain.contracts import Registry, Reserved
from qcrs.chain.gateway import Gateway
from qcrs.chain.interactive import Run, Seal, answer_name
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.booking import Booking
from qcrs.model.refusal import RefusalCode
from qcrs.model.reservation import ReservationStatus
from qcrs.sdk.terms import Circuit
from qcrs.store import ContentUnavailable, Store

CONTRACT = "Reservations"
POLL_SECONDS = 0.3


class ReservationUnknown(QcrsError):
    """There is no reservation with this id."""


class ReservationInactive(QcrsError):
    """The reservation's time has not come, or is over."""


class ProcessorNotReserved(QcrsError):
    """The processor is not one of the reservation's, or has too few qubits of it."""


class NoAnswer(QcrsError):
    """The processor's daemon did not answer in time."""


@dataclass(frozen=True)
class RunResult:
    """What one processor answered, by the word of its daemon alone.

    Attributes:
        counts: By outcome; None when it refused. daemon: Whose signature vouches for them.
    """

    processor: int
    counts: dict[int, int] | None
    refusal: RefusalCode
    daemon: str


async def booking_of(gateway: Gateway, reservation: int) -> Booking:
    """Return *reservation* as the contract keeps it.

    Raises:
        ReservationUnknown: There is none with this id.
    """
    record, processors = await Reserved(gateway).reservation(reservation)
    if record.status is ReservationStatus.Unset:
        raise ReservationUnknown(f"there is no reservation {reservation}; see 'qcrs reservation list'")
    return Booking.of(reservation, record, processors)


async def reserve(
    gateway: Gateway,
    account: LocalAccount,
    processors: Sequence[int],
    qubits: int,
    window: tuple[int, int],
    max_rate: int,
) -> tuple[int, int]:
    """Reserve *qubits* of each of *processors* and return the reservation and what it took, wei.

    Args:
        window: From when until when, unix seconds. max_rate: Most wei a qubit-second that any of them may ask.

    Raises:
        ContractRefused: It cannot be had; nothing is taken.
    """
    chosen = sorted(set(processors))
    price = await Reserved(gateway).price(chosen, qubits, window[1] - window[0])
    arguments = (chosen, qubits, *window, max_rate)
    receipt = await act(gateway, account, CONTRACT, "reserve", *arguments, value=price)
    return receipt.event("ReservationGranted")["reservation"], price


async def run(
    gateway: Gateway,
    account: LocalAccount,
    store: Store,
    reservation: int,
    circuit: Circuit,
    shots: int,
    processors: Sequence[int] = (),
    patience_seconds: float = 120.0,
) -> list[RunResult]:
    """Run *circuit* on processors of an active reservation, all at once, and return what each answered.

    Args:
        shots: Of each. processors: All of the reservation by default.

    Raises:
        ReservationUnknown, ReservationInactive, ProcessorNotReserved: It is not the account's to use so.
        NoAnswer: A daemon is silent. MessageInvalid: What came is not signed by the processor's daemon.
    """
    booking = await booking_of(gateway, reservation)
    if booking.status is not ReservationStatus.Active or gateway.now >= booking.ends_at:
        raise ReservationInactive(
            f"reservation {reservation} is {booking.status.name}; circuits run while it is Active, from "
            f"{booking.starts_at} to {booking.ends_at} (unix seconds; now {int(gateway.now)})"
        )
    if booking.requester.lower() != account.address.lower():
        raise ReservationInactive(f"reservation {reservation} is of {booking.requester}, not of {account.address}")
    chosen = tuple(processors) or booking.processors
    strange = sorted(set(chosen) - set(booking.processors))
    if strange or circuit.qubits > booking.qubits:
        raise ProcessorNotReserved(
            f"reservation {reservation} has {booking.qubits} qubits of each of processors "
            f"{', '.join(map(str, booking.processors))}; asked for {circuit.qubits} of {', '.join(map(str, chosen))}"
        )
    seal = Seal.of(gateway.network.chain_id, gateway.addresses)
    runs = [
        Run(
            reservation=reservation,
            processor=processor,
            nonce=int.from_bytes(os.urandom(8), "big"),
            shots=shots,
            qubits=circuit.qubits,
            outcome_bits=circuit.outcome_bits,
            text=circuit.text,
        )
        for processor in chosen
    ]
    for one in runs:
        content = await asyncio.to_thread(seal.sign_run, account, one)
        await asyncio.to_thread(store.post, one.box, seal.name_of(one), content)
    return list(await asyncio.gather(*(_answer(gateway, store, seal, one, patience_seconds) for one in runs)))


async def _answer(gateway: Gateway, store: Store, seal: Seal, asked: Run, patience_seconds: float) -> RunResult:
    daemon = await Registry(gateway).daemon(asked.processor)
    deadline, name = time.monotonic() + patience_seconds, answer_name(seal.name_of(asked))
    while True:
        try:
            content = await asyncio.to_thread(store.fetch, asked.box, name)
            break
        except ContentUnavailable as error:
            if time.monotonic() > deadline:
                raise NoAnswer(
                    f"processor {asked.processor} did not answer in {patience_seconds:.0f} s; is its daemon running, "
                    "and does it use the same store?"
                ) from error
        await asyncio.sleep(POLL_SECONDS)
    counts, refusal = await asyncio.to_thread(seal.open_answer, content, asked, daemon)
    return RunResult(asked.processor, counts, RefusalCode(refusal), daemon)
