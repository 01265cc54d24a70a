"""The ``qcrs`` command: one noun a module, over the SDK.

Results go to standard output (one JSON value with ``--json``), progress and errors to standard error. Exit codes: 0
done; 1 the command ran and the answer is no (a computation not accepted, an audit that fails); 2 wrong usage or input;
3 the chain cannot be reached or is another; 4 a contract refused; 130 interrupted; 141 the output's reader is gone.
"""

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from qcrs.errors import QcrsError

EXIT_NO, EXIT_INPUT, EXIT_CHAIN, EXIT_REFUSED, EXIT_INTERRUPTED, EXIT_UNREAD = 1, 2, 3, 4, 130, 141
NOUNS = (
    "devnet",
    "demo",
    "deploy",
    "organisation",
    "node",
    "relay",
    "link",
    "processor",
    "reservation",
    "job",
    "channel",
    "session",
    "challenge",
    "dispute",
    "ledger",
    "key",
    "committee",
    "audit",
)
# By class name: importing the classes would load web3 before there is need.
_EXITS = {
    "ChainUnreachable": EXIT_CHAIN,
    "WrongChain": EXIT_CHAIN,
    "TransactionLost": EXIT_CHAIN,
    "ContractRefused": EXIT_REFUSED,
    "TransactionRefused": EXIT_REFUSED,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(arguments)
    options = parser.parse_args(arguments)
    # Ended from outside, a command still stops the processes that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = options.run(options) or 0
        sys.stdout.flush()  # a reader that went away is noticed here, not when Python ends
        return code
    except BrokenPipeError:
        # As under 'head': nothing is wrong, and Python's own last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD
    except QcrsError as error:
        name = type(error).__name__
        return _fail(name, _advised(name, error), _EXITS.get(name, EXIT_INPUT), options.json)
    except OSError as error:
        # A file named on the command line; the network's faults have classes of their own.
        message = f"{error.strerror or error}: {error.filename or 'input'}"
        return _fail(type(error).__name__, message, EXIT_INPUT, options.json)
    except KeyboardInterrupt:
        return _fail("Interrupted", "interrupted", EXIT_INTERRUPTED, options.json)


def _advised(name: str, error: QcrsError) -> str:
    """Return what went wrong, and the next step where one is known."""
    if name != "ContractRefused":
        return str(error)
    from qcrs.sdk.advice import next_step

    step = next_step(error.name, error.arguments)
    return str(error) if step is None else f"{error}. Next: {step}"


def _fail(name: str, message: str, code: int, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": name, "message": message}))
    print(f"qcrs: {name}: {message}", file=sys.stderr)
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    class Parser(argparse.ArgumentParser):
        # argparse makes the parsers of nouns and verbs of the same class.
        def error(self, message: str) -> NoReturn:
            hint = f"{message}; see '{self.prog} --help'"
            sys.exit(_fail("UsageError", hint, EXIT_INPUT, "--json" in arguments))

    parser = Parser(
        prog="qcrs",
        description="Share quantum processors across organisations that do not trust one another: submit a circuit, "
        "have it run by independent processors, and get counts that the chain has verified.",
        epilog="A first run: 'qcrs demo'. A network of your own: 'qcrs devnet up', then in another terminal "
        "'qcrs job submit FILE.qasm --shots 4096 --wait'.",
    )
    nouns = parser.add_subparsers(title="nouns", required=True, metavar="NOUN")
    # Only the noun in use is loaded with its modules: help stays quick.
    wanted = next((argument for argument in arguments if argument in NOUNS), None)
    for noun in NOUNS:
        module = importlib.import_module(f"qcrs.cli.{noun}") if noun == wanted else None
        sub = nouns.add_parser(noun, help=_HELP[noun], description=_HELP[noun])
        if module is not None:
            module.add_arguments(sub)
    return parser


_HELP = {
    "devnet": "start and stop a consortium of simulated processors on this machine",
    "demo": "the main job: five processors, one rogue, verified counts",
    "deploy": "put the contracts on a chain",
    "organisation": "admit organisations and their accounts; order, screen, quotas and shares",
    "node": "make and run a processor's daemon",
    "relay": "post the reports that daemons have signed, many in one transaction",
    "link": "the emulated fibre between processors: pairs, and programs that use them",
    "processor": "list, register, certify and bond processors, and offer them at a price",
    "reservation": "processors for a time: reserve them, and run circuits on them interactively",
    "job": "submit circuits, follow them, fetch verified counts",
    "channel": "entangled pairs between two processors, tested on the chain",
    "session": "distributed programs: circuits over several processors that share pairs",
    "challenge": "prove that an answer is false, or demand to see what is behind it",
    "dispute": "complain of what nothing can prove, and rule on it",
    "ledger": "balances, deposits and withdrawals",
    "key": "an account's hash key, which signs beside its ECDSA key: install, rotate, recover",
    "committee": "the bodies of the consortium: propose, vote, and carry out what they decide",
    "audit": "replay the audit trail and check every decision",
}
