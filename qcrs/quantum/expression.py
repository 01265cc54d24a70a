"""Evaluates the constant expressions that gate parameters may be.

Everything is a double: there are no big integers to grow and no names but the mathematical
constants.
"""

import math
import operator
from typing import NamedTuple

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.profile import Limits
from qcrs.quantum.tokens import Cursor

_CONSTANTS = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}
_SUM = {"+": operator.add, "-": operator.sub}
_PRODUCT = {"*": operator.mul, "/": operator.truediv}
_POWER = {2: "^", 3: "**"}


class _Value(NamedTuple):
    number: float
    integral: bool  # written without point, exponent or constant: OpenQASM 3 types it as an int


def parameter(cursor: Cursor, limits: Limits, *, version: int) -> float:
    """Read one expression and return its value in radians.

    Raises:
        CircuitRefused: not a constant expression (``ParameterInvalid``), or not a finite number
            within the limit (``NonFiniteParameter``).
    """
    line = cursor.line
    try:
        value = _sum(cursor, version).number
    except (OverflowError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value) or abs(value) > limits.angle:
        raise CircuitRefused(
            RefusalCode.NonFiniteParameter,
            "gate parameter",
            f"a finite angle of at most {limits.angle:g} radians",
            value,
            line,
        )
    return value


def _sum(cursor: Cursor, version: int) -> _Value:
    value = _product(cursor, version)
    while cursor.text in _SUM:
        combine = _SUM[cursor.take().text]
        right = _product(cursor, version)
        value = _Value(combine(value.number, right.number), value.integral and right.integral)
    return value


def _product(cursor: Cursor, version: int) -> _Value:
    value = _signed(cursor, version)
    while cursor.text in _PRODUCT:
        symbol = cursor.take()
        right = _signed(cursor, version)
        integral = value.integral and right.integral
        result = _PRODUCT[symbol.text](value.number, right.number)
        if symbol.text == "/" and integral and version == 3 and not result.is_integer():
            # OpenQASM 3 truncates here and OpenQASM 2 does not; neither is what every author means.
            raise CircuitRefused(
                RefusalCode.ParameterInvalid,
                "division of integers",
                "an exact quotient, or a decimal point",
                f"{value.number:g}/{right.number:g}",
                symbol.line,
            )
        value = _Value(result, integral)
    return value


def _signed(cursor: Cursor, version: int) -> _Value:
    sign = 1.0
    while cursor.text in _SUM:
        sign = -sign if cursor.take().text == "-" else sign
    value = _power(cursor, version)
    return _Value(sign * value.number, value.integral)


def _power(cursor: Cursor, version: int) -> _Value:
    # Right associative, so the chain is gathered first rather than followed by recursion.
    chain = [_atom(cursor, version)]
    while cursor.accept(_POWER[version]):
        chain.append(_atom(cursor, version))
    result = chain.pop()
    while chain:
        base = chain.pop()
        power = base.number**result.number
        # A negative base under a fraction is complex, which no angle can be.
        number = math.nan if isinstance(power, complex) else power
        result = _Value(number, base.integral and result.integral)
    return result


def _atom(cursor: Cursor, version: int) -> _Value:
    token = cursor.take()
    if token.kind == "number":
        return _Value(float(token.text.replace("_", "")), token.text.replace("_", "").isdigit())
    if token.text in _CONSTANTS:
        return _Value(_CONSTANTS[token.text], False)
    if token.text == "(":
        value = _sum(cursor, version)
        cursor.expect(")")
        return value
    raise CircuitRefused(RefusalCode.ParameterInvalid, "gate parameter", "a constant", token.text, token.line)
