"""Flags that several commands share, and what they stand for."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from qcrs.chain.keys import AddressInvalid, KeystoreInvalid, LocalAccount, account_of, address_of, load_keystore
from qcrs.chain.network import Network
from qcrs.config import home, network_path
from qcrs.sdk.client import Client
from qcrs.sdk.keyed import KeyedGateway
from qcrs.sdk.keyring import HASH_KEYS, Keyring
from qcrs.sdk.secrets import Secrets
from qcrs.store import Store

MILLION = 1_000_000
MOST_DIGITS = 60  # of coin: beyond what 256 bits of wei hold
MOST_EXPONENT = 30
Number = TypeVar("Number", float, int, Fraction)


def command(
    verbs: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    help_: str,
    **more: Any,
) -> argparse.ArgumentParser:
    """Add the verb *name*, which *run* carries out, with the flags that every verb has."""
    parser = verbs.add_parser(name, help=help_, description=more.pop("description", help_), **more)
    carry_out(parser, run)
    return parser


def carry_out(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int | None]) -> None:
    """Let *run* carry out what *parser* reads, with the flags that every command has."""
    parser.add_argument("--json", action="store_true", help="print one JSON value on standard output")
    parser.set_defaults(run=run)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what makes an integer from *least* to *most* of a text, for argparse."""
    expected = f"an integer of at least {least}" if most is None else f"an integer from {least} to {most}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return read


def number(
    expected: str, fits: Callable[[Decimal], bool], made: Callable[[Decimal], Number] = float
) -> Callable[[str], Number]:
    """Return what makes a number of a text that says one which *fits*, exactly, for argparse.

    Args:
        expected: Which fit, in words. made: What is made of it.
    """

    def read(text: str) -> Number:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("nan")
        # Exponents without bounds would make numbers without bounds.
        if not (value.is_finite() and abs(value.adjusted()) <= MOST_EXPONENT and fits(value)):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return made(value)

    return read


seconds = number("a number of seconds from 0", lambda value: value >= 0)
ppm = number("a share from 0 to 1", lambda value: 0 <= value <= 1, lambda value: round(value * MILLION))
positive = whole(1)
computation_id = whole(1, 2**64 - 1)
processor_id = whole(1, 2**32 - 1)
organisation_id = whole(1, 2**24 - 1)


def coins(text: str) -> int:
    """Return *text*, an amount in coin, in wei; exact, positive, for argparse."""
    wei = coins_or_none(text)
    if wei == 0:
        raise argparse.ArgumentTypeError(f"expected a positive amount of coin, got {text!r}")
    return wei


def coins_or_none(text: str) -> int:
    """Return *text*, an amount in coin or 0, in wei; exact, for argparse."""
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"expected an amount of coin such as 0.5, got {text!r}") from error
    # More coin than a contract can count is refused before it is written out in digits: 1e999999 is a Decimal too.
    if not amount.is_finite() or amount < 0 or amount.adjusted() >= MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"expected a positive amount of coin, got {text!r}")
    _, digits, exponent = amount.as_tuple()
    # In integers: Decimal's arithmetic rounds to 28 digits.
    value, shift = int("".join(map(str, digits))), exponent + 18
    if value == 0:
        return 0
    if shift < -len(digits) or (shift < 0 and value % 10**-shift):
        raise argparse.ArgumentTypeError(f"expected an amount of coin with at most 18 decimals, got {text!r}")
    return value * 10**shift if shift >= 0 else value // 10**-shift


def address(text: str) -> str:
    """Return the address *text* with its checksum, for argparse."""
    try:
        return address_of(text)
    except AddressInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the network file."""
    parser.add_argument(
        "--network", metavar="FILE",
        help="network file; otherwise $QCRS_NETWORK, otherwise the devnet's",
    )  # fmt: skip


def add_signer(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the flags that say who acts."""
    parser.add_argument(
        "--as", dest="account", metavar="NAME", default=default,
        help=f"account of the network file to act with (devnet only; default {default})",
    )  # fmt: skip
    parser.add_argument("--keystore", type=Path, metavar="FILE", help="act with this keystore instead")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="the keystore's password")


def network_of(options: argparse.Namespace) -> Network:
    """Return the network that the flags name."""
    return Network.read(network_path(options.network))


def signer_of(options: argparse.Namespace, network: Network) -> LocalAccount:
    """Return the account that the flags name.

    Raises:
        NetworkFileInvalid, KeystoreInvalid: There is no such account or key.
    """
    if options.keystore is not None:
        return load_keystore(options.keystore, options.password_file or options.keystore.with_name("password"))
    account = network.account(options.account)
    if not account.private_key:
        raise KeystoreInvalid(
            f"the network file has no key for account {options.account!r}; act with a keystore: --keystore FILE"
        )
    return account_of(account.private_key)


def run_with_client(
    options: argparse.Namespace,
    work: Callable[[Client], Coroutine[Any, Any, int | None]],
    signs: bool = True,
) -> int | None:
    """Connect, give *work* a client, and return what it returns.

    Accounts with a hash key act through the door, by what is in the folder beside the network file.

    Args:
        signs: Whether the client acts for an account; reading needs none.
    """

    async def connected() -> int | None:
        network = network_of(options)
        account = signer_of(options, network) if signs else None
        keyring = Keyring(network_path(options.network).with_name(HASH_KEYS), getattr(options, "keystore", None))
        with closing(keyring):
            async with KeyedGateway(network, keyring) as gateway:
                return await work(Client(gateway, account, Secrets(home() / "secrets.jsonl"), Store(network.store)))

    return asyncio.run(connected())


def emit(options: argparse.Namespace, value: Any, text: str) -> None:
    """Print *value* as JSON or *text* for people, as the flags ask."""
    print(json.dumps(value) if options.json else text)


def when(moment: int) -> str:
    """Return *moment*, unix seconds, as people read it, in universal time."""
    return datetime.fromtimestamp(moment, UTC).isoformat(sep=" ", timespec="seconds")


class Progress:
    """Says on standard error what goes on, with the seconds since the start."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet, self._began, self._last = quiet, time.monotonic(), ""

    def __call__(self, line: str) -> None:
        """Say *line*, unless it was the last one said."""
        if not self._quiet and line != self._last:
            print(f"{time.monotonic() - self._began:6.1f} s  {line}", file=sys.stderr, flush=True)
        self._last = line


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Return *rows* under *headings* in aligned columns; numbers to the right."""
    widths = [max(len(str(row[i])) for row in [headings, *rows]) for i in range(len(headings))]
    right = [bool(rows) and all(_is_number(str(row[i])) for row in rows) for i in range(len(headings))]

    def line(row: list[str]) -> str:
        cells = [
            str(cell).rjust(width) if aligned else str(cell).ljust(width)
            for cell, width, aligned in zip(row, widths, right, strict=True)
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(headings), line(["-" * width for width in widths]), *map(line, rows)])


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").isdigit() or text == "-"
