"""Reads a circuit's text under limits: the only way OpenQASM enters QCRS.

The profile is flat (see ``profile``), so its scanner is a complete parser. No other parser ever
sees a stranger's text: those that exist follow ``include`` into the file system, double gates
2**16 times, or abort the process. Time is linear in the text and in the operations it spells out.
"""

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.expression import parameter
from qcrs.quantum.profile import GATES_2, GATES_3, LIMITS, NANOSECONDS, GateShape, Limits
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.tokens import Cursor, Token, tokens

_VERSIONS = {"3.0": 3, "3": 3, "2.0": 2}
_INCLUDES = {2: '"qelib1.inc"', 3: '"stdgates.inc"'}
_DECLARATIONS = {"qubit": "qubits", "qreg": "qubits", "bit": "bits", "creg": "bits"}
_FORBIDDEN = """
    for while def defcal cal defcalgrammar extern pragma ctrl negctrl inv pow gphase let const int
    uint float angle complex bool array duration stretch box input output return break
    continue end nop
"""
_REFUSED_STATEMENTS = {
    **dict.fromkeys(_FORBIDDEN.split(), RefusalCode.ForbiddenStatement),
    **dict.fromkeys(("gate", "opaque"), RefusalCode.GateDefinitionRefused),
    **dict.fromkeys(("if", "else", "switch"), RefusalCode.FeedForwardUnsupported),
}
_RESERVED = {
    *_REFUSED_STATEMENTS,
    *_DECLARATIONS,
    *("OPENQASM", "include", "measure", "barrier", "reset", "delay", "pi", "tau", "euler"),
}


def scan(source: str | bytes, limits: Limits = LIMITS) -> Program:
    """Return the circuit that *source* spells out, in the flat profile of OpenQASM 3 or 2.

    Raises:
        CircuitRefused: with one of the codes below 100 (``qcrs.model.refusal``), naming the line.
    """
    return _Scanner(Cursor(tokens(source, limits)), limits).program()


class _Scanner:
    """One pass over the tokens; holds the registers and operations read so far."""

    def __init__(self, cursor: Cursor, limits: Limits):
        self._cursor = cursor
        self._limits = limits
        self._version = 3
        self._gates: dict[str, GateShape] = {"U": GATES_3["U"]}
        self._registers: dict[str, tuple[str, range]] = {}
        self._sizes = {"qubits": 0, "bits": 0}
        self._operations: list[Operation] = []

    def program(self) -> Program:
        self._header()
        while self._cursor.kind != "end":
            self._statement()
        if not any(operation.name == "measure" for operation in self._operations):
            raise CircuitRefused(RefusalCode.NoMeasurement, "circuit", "at least one measurement", "none")
        return Program(self._sizes["qubits"], self._sizes["bits"], tuple(self._operations))

    def _header(self) -> None:
        cursor = self._cursor
        first, version = cursor.take(), cursor.take()
        if first.text != "OPENQASM" or version.text not in _VERSIONS:
            raise CircuitRefused(
                RefusalCode.NotOpenQasm,
                "header",
                "OPENQASM 3.0;",
                f"{first.text[:32]} {version.text[:32]}",
                first.line,
            )
        self._version = _VERSIONS[version.text]
        cursor.expect(";")

    def _statement(self) -> None:
        token = self._cursor.take()
        if token.text in _REFUSED_STATEMENTS:
            raise CircuitRefused(
                _REFUSED_STATEMENTS[token.text],
                "statement",
                "a declaration, gate, measure, barrier or reset",
                token.text,
                token.line,
            )
        if token.kind != "name":
            # Annotations, #pragma, blocks, hardware qubits and empty statements all start so.
            raise CircuitRefused(RefusalCode.ForbiddenStatement, "statement", "a name", token.text, token.line)
        if token.text == "include":
            self._include(token.line)
        elif token.text in _DECLARATIONS:
            self._declaration(token)
        elif token.text == "measure":
            self._arrow_measurement(token.line)
        elif token.text in ("barrier", "reset"):
            self._barrier_or_reset(token)
        elif token.text == "delay":
            self._delay(token)
        elif token.text in self._registers:
            self._assigned_measurement(token)
        else:
            self._gate(token)
        self._cursor.expect(";")

    def _include(self, line: int) -> None:
        name = self._cursor.expect_kind("string").text
        if name != _INCLUDES[self._version]:
            raise CircuitRefused(RefusalCode.IncludeRefused, "include", _INCLUDES[self._version], name[:80], line)
        self._gates = GATES_3 if self._version == 3 else GATES_2

    def _declaration(self, keyword: Token) -> None:
        kind = _DECLARATIONS[keyword.text]
        size = 1
        if keyword.text in ("qubit", "bit"):
            if self._cursor.accept("["):
                size = self._integer()
                self._cursor.expect("]")
            name = self._cursor.expect_kind("name")
        else:
            name = self._cursor.expect_kind("name")
            self._cursor.expect("[")
            size = self._integer()
            self._cursor.expect("]")
        self._declare(name, kind, size)
        if kind == "bits" and self._cursor.text == "=":
            self._assigned_measurement(name)

    def _declare(self, name: Token, kind: str, size: int) -> None:
        start = self._sizes[kind]
        limit = self._limits.qubits if kind == "qubits" else self._limits.bits
        if start + size > limit:
            code = RefusalCode.TooManyQubits if kind == "qubits" else RefusalCode.TooManyBits
            raise CircuitRefused(code, kind, f"at most {limit}", start + size, name.line)
        if not size:
            raise CircuitRefused(RefusalCode.SyntaxInvalid, "register size", "at least 1", 0, name.line)
        if name.text in self._registers or name.text in self._gates or name.text in _RESERVED:
            raise CircuitRefused(RefusalCode.SyntaxInvalid, "register name", "an unused name", name.text, name.line)
        self._registers[name.text] = (kind, range(start, start + size))
        self._sizes[kind] = start + size

    def _integer(self) -> int:
        token = self._cursor.expect_kind("number")
        digits = token.text.replace("_", "")
        if not digits.isdigit():
            raise CircuitRefused(RefusalCode.SyntaxInvalid, "number", "a whole number", token.text, token.line)
        return int(digits)

    def _operand(self, kind: str) -> range:
        """Read ``register`` or ``register[index]`` and return the numbers it stands for."""
        name = self._cursor.expect_kind("name")
        actual, numbers = self._registers.get(name.text, (None, range(0)))
        if actual != kind:
            raise CircuitRefused(RefusalCode.UnknownRegister, name.text, f"declared {kind}", actual, name.line)
        if not self._cursor.accept("["):
            return numbers
        index = self._integer()
        self._cursor.expect("]")
        if index >= len(numbers):
            raise CircuitRefused(
                RefusalCode.OperandInvalid,
                f"index of {name.text}",
                f"below {len(numbers)}",
                index,
                name.line,
            )
        return numbers[index : index + 1]

    def _operands(self) -> list[range]:
        operands = [self._operand("qubits")]
        while self._cursor.accept(","):
            operands.append(self._operand("qubits"))
        return operands

    def _assigned_measurement(self, register: Token) -> None:
        """Read ``= measure qubits`` after a bit operand has begun with *register*."""
        kind, bits = self._registers[register.text]
        if self._cursor.accept("["):
            index = self._integer()
            self._cursor.expect("]")
            bits = bits[index : index + 1]
        self._cursor.expect("=")
        if kind != "bits" or not bits or not self._cursor.accept("measure"):
            raise CircuitRefused(
                RefusalCode.ForbiddenStatement,
                f"assignment to {register.text}",
                "a measurement into declared bits",
                self._cursor.text,
                register.line,
            )
        self._measure(self._operand("qubits"), bits, register.line)

    def _arrow_measurement(self, line: int) -> None:
        qubits = self._operand("qubits")
        self._cursor.expect("->")
        self._measure(qubits, self._operand("bits"), line)

    def _measure(self, qubits: range, bits: range, line: int) -> None:
        if len(qubits) != len(bits):
            raise CircuitRefused(RefusalCode.OperandInvalid, "measured bits", len(qubits), len(bits), line)
        for qubit, bit in zip(qubits, bits, strict=True):
            self._append(Operation("measure", (), (qubit,), (bit,)), line)

    def _barrier_or_reset(self, keyword: Token) -> None:
        if keyword.text == "barrier":
            everything = [range(self._sizes["qubits"])]
            operands = everything if self._cursor.text == ";" else self._operands()
            qubits = dict.fromkeys(qubit for operand in operands for qubit in operand)
            if qubits:
                self._append(Operation("barrier", (), tuple(qubits)), keyword.line)
            return
        for qubit in self._operand("qubits"):
            self._append(Operation("reset", (), (qubit,)), keyword.line)

    def _delay(self, keyword: Token) -> None:
        self._cursor.expect("[")
        amount, unit = self._cursor.take(), self._cursor.take()
        digits = amount.text.replace("_", "")
        if self._version != 3 or not digits.isdigit() or unit.text not in NANOSECONDS:
            raise CircuitRefused(
                RefusalCode.ForbiddenStatement,
                "delay",
                f"OpenQASM 3, a whole number of {', '.join(NANOSECONDS)}",
                f"{amount.text} {unit.text}",
                keyword.line,
            )
        duration = int(digits) * NANOSECONDS[unit.text]
        if duration > self._limits.delay_nanoseconds:
            raise CircuitRefused(
                RefusalCode.ParameterInvalid,
                "delay",
                f"at most {self._limits.delay_nanoseconds} ns",
                duration,
                keyword.line,
            )
        self._cursor.expect("]")
        for qubit in dict.fromkeys(qubit for operand in self._operands() for qubit in operand):
            self._append(Operation("delay", (duration,), (qubit,)), keyword.line)

    def _gate(self, name: Token) -> None:
        shape = self._gates.get(name.text)
        if shape is None:
            raise CircuitRefused(
                RefusalCode.UnknownGate,
                "gate",
                f"one of {_INCLUDES[self._version]}, included first",
                name.text,
                name.line,
            )
        parameters = self._parameters()
        operands = self._operands()
        if (len(parameters), len(operands)) != shape[1:]:
            raise CircuitRefused(
                RefusalCode.OperandInvalid,
                name.text,
                f"{shape.parameters} parameters, {shape.qubits} qubits",
                f"{len(parameters)} and {len(operands)}",
                name.line,
            )
        for qubits in self._broadcast(operands, name):
            self._append(Operation(shape.name, parameters, qubits), name.line)

    def _parameters(self) -> tuple[float, ...]:
        if not self._cursor.accept("("):
            return ()
        values: list[float] = []
        while not self._cursor.accept(")"):
            if values:
                self._cursor.expect(",")
            values.append(parameter(self._cursor, self._limits, version=self._version))
        return tuple(values)

    def _broadcast(self, operands: list[range], name: Token) -> list[tuple[int, ...]]:
        """Pair whole registers element by element, repeating single qubits."""
        lengths = {len(operand) for operand in operands} - {1}
        if len(lengths) > 1:
            raise CircuitRefused(RefusalCode.OperandInvalid, name.text, "equal registers", lengths, name.line)
        length = lengths.pop() if lengths else 1
        columns = [list(operand) * (length // len(operand)) for operand in operands]
        rows = list(zip(*columns, strict=True))
        if any(len(set(row)) != len(row) for row in rows):
            raise CircuitRefused(RefusalCode.OperandInvalid, name.text, "distinct qubits", rows[0], name.line)
        return rows

    def _append(self, operation: Operation, line: int) -> None:
        if len(self._operations) == self._limits.operations:
            raise CircuitRefused(
                RefusalCode.TooManyOperations,
                "circuit",
                f"at most {self._limits.operations} operations",
                "more",
                line,
            )
        self._operations.append(operation)
