"""Malformed arguments end with a usage error that names what was expected."""

import pytest

from qcrs.cli import main
from qcrs.cli.options import coins


@pytest.mark.parametrize(
    ("text", "wei"), [("1", 10**18), ("1.1", 11 * 10**17), ("0.000000000000000001", 1), ("2.3", 23 * 10**17)]
)
def test_coin_is_exact(text, wei):
    assert coins(text) == wei


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ledger", "deposit", "-1"], "expected a positive amount"),
        (["ledger", "deposit", "nan"], "expected a positive amount"),
        (["ledger", "withdraw", "0"], "expected a positive amount"),
        (["ledger", "deposit", "1.0000000000000000001"], "at most 18 decimals"),
        (["processor", "bond", "1", "--amount", "much"], "expected an amount of coin"),
        (["node", "init", "somewhere", "--calibration", "hanoi", "--workers", "0"], "expected at least 1"),
        (["job", "list", "--last", "-3"], "expected at least 1"),
    ],
)
def test_malformed_values_are_usage_errors(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
