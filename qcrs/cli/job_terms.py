"""Flags on how circuits are to be run, and for what: of every verb that submits some."""

import argparse

from qcrs.cli.options import MILLION, coins, number, whole
from qcrs.model.organisation import Priority
from qcrs.sdk.terms import Conditions

LATEST_SECONDS = 30 * 24 * 3600
_MOST_ERROR_PPM = 2**16 - 1
_ERROR = number(
    f"an error from 0.000001 to {_MOST_ERROR_PPM / MILLION}",
    lambda value: 1 <= value * MILLION < _MOST_ERROR_PPM + 1, lambda value: int(value * MILLION),
)  # fmt: skip


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("--replicas", "-k", type=whole(0), default=3, help="independent processors (3)")
    parser.add_argument(
        "--max-fee", type=whole(0, 2**96 - 1), metavar="WEI", help="most to take; whatever is quoted by default"
    )
    parser.add_argument(
        "--deadline", type=whole(1, LATEST_SECONDS), default=3600, metavar="SECONDS",
        help="latest allocation from now (3600)",
    )  # fmt: skip
    parser.add_argument(
        "--replica-cap", type=whole(1, 16), metavar="K",
        help="replicas that escalation may reach when nobody agrees; two more by default, none with golds",
    )  # fmt: skip
    parser.add_argument(
        "--trust", type=whole(0, 255), default=0, metavar="T",
        help="for critical work, with 5 replicas or more: those who agree must be credible beyond 1 - 1/T (0)",
    )  # fmt: skip
    parser.add_argument("--noise-class", type=whole(1, 255), help="where to run; the best populated class by default")
    parser.add_argument("--plain", action="store_true", help="do not encrypt the circuit: everybody may read it")
    _add_requirements(parser)


def _add_requirements(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--priority", choices=[priority.name.lower() for priority in Priority], default="routine",
        help="beyond routine it takes of the organisation's quota (routine)",
    )  # fmt: skip
    parser.add_argument(
        "--price", type=_price, metavar="COIN",
        help="coin a qubit-shot, paid to each replica alike; processors that ask more are not drawn (the policy's)",
    )  # fmt: skip
    parser.add_argument("--profile", type=whole(1, 255), default=1, help="instruction-set profile of processors (1)")
    parser.add_argument(
        "--min-quantum-volume", type=whole(0, 2**255), default=0, metavar="V", help="least quantum volume, such as 32"
    )
    parser.add_argument(
        "--max-two-qubit-error", type=_ERROR, default=0, metavar="E",
        help="largest median error of two-qubit gates, such as 0.01",
    )  # fmt: skip


def conditions_of(options: argparse.Namespace) -> Conditions:
    """Return how the flags want circuits to be run."""
    volume = options.min_quantum_volume
    return Conditions(
        replicas=options.replicas,
        max_fee=options.max_fee,
        deadline_seconds=options.deadline,
        noise_class=options.noise_class,
        replica_cap=options.replica_cap,
        trust=options.trust,
        priority=Priority[options.priority.capitalize()],
        profile=options.profile,
        quantum_volume_log2=max(0, volume - 1).bit_length(),  # a volume between two powers asks for the upper one
        two_qubit_error_ppm=options.max_two_qubit_error,
        price=options.price,
        plain=options.plain,
    )


def _price(text: str) -> int:
    price = coins(text)
    if price >= 2**64:
        raise argparse.ArgumentTypeError(f"expected a price below 18.45 coin a qubit-shot, got {text!r}")
    return price
