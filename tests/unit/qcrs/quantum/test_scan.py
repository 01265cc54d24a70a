import math

import pytest

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.profile import Limits
from qcrs.quantum.program import CircuitFacts
from qcrs.quantum.scan import scan

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BODY = HEAD + "qubit[3] q;\nbit[3] c;\n"
END = "c = measure q;\n"


def refusal(text: str | bytes) -> CircuitRefused:
    with pytest.raises(CircuitRefused) as caught:
        scan(text)
    return caught.value


def test_scan_reads_every_form_the_profile_has() -> None:
    program = scan(
        HEAD
        + """
        /* registers, in both spellings */ qubit a; qubit[2] b; qreg old[1]; bit[3] c; creg d[1];
        U(pi, -pi/2, 2**3) a; h b; cx b[0], b[1]; cu(1, .5, 1e-1, 0) a[0], b[1]; phase(tau) old;
        barrier; barrier a, b; reset b; // a comment
        c[0] = measure a; c[2] = measure b[1]; measure old -> d; bit[2] e = measure b;
        """
    )
    assert (program.qubits, program.bits) == (4, 6)
    names = [operation.name for operation in program.operations]
    assert names == ("U h h cx cu p barrier barrier reset reset measure measure measure measure measure".split())
    assert program.operations[0].parameters == (math.pi, -math.pi / 2, 8.0)
    assert [operation.bits for operation in program.operations[-3:]] == [(3,), (4,), (5,)]


def test_scan_reads_flat_openqasm_2() -> None:
    program = scan(
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2];u3(1/2,0,0) q[0]; cu1(2^2) q[0],q[1]; measure q -> c;'
    )
    assert program.operations[0].parameters == (0.5, 0.0, 0.0)
    assert program.operations[1].parameters == (4.0,)


def test_delays_are_nanoseconds_and_take_a_layer_for_each_begun_microsecond() -> None:
    text = "OPENQASM 3.0; qubit[2] q; bit[2] c; delay[1ms] q; delay[1_500ns] q[0]; delay[2us] q[1]; c = measure q;"
    program = scan(text)
    waits = [(operation.parameters, operation.qubits) for operation in program.operations if operation.name == "delay"]
    assert waits == [((1_000_000,), (0,)), ((1_000_000,), (1,)), ((1_500,), (0,)), ((2_000,), (1,))]
    assert program.facts().depth == 1_000 + 2 + 1
    assert "delay[1500ns] q[0];" in program.text()
    assert scan(program.text()) == program


def test_scan_is_the_inverse_of_text() -> None:
    program = scan(BODY + "h q; rz(-0.1) q[1]; barrier q[0], q[2]; reset q[2];" + END)
    assert scan(program.text()) == program


def test_text_does_not_tell_negative_zero_from_zero() -> None:
    assert scan(BODY + "rz(-0.0) q;" + END).text() == scan(BODY + "rz(0) q;" + END).text()


def test_facts_count_layers_and_leave_barriers_out() -> None:
    program = scan(BODY + "h q[0]; cx q[0], q[1]; barrier q; x q[2];" + END)
    assert program.facts() == CircuitFacts(3, 3, 6, 4, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "NotOpenQasm"),
        ("hello", "NotOpenQasm"),
        ("OPENQASM 3.1;", "NotOpenQasm"),
        ("OPENQASM 4.0;", "NotOpenQasm"),
        (b"QISKIT\x0d\x00\x01\xff", "NotOpenQasm"),
        (BODY + "\x00" + END, "NotOpenQasm"),
        (HEAD + "qubit[3 q;", "SyntaxInvalid"),
        (BODY + "h q[0] q[1];" + END, "SyntaxInvalid"),
        (BODY + "/* never closed", "SyntaxInvalid"),
        (BODY + "h q[0];)" + END, "SyntaxInvalid"),
        (HEAD + "qubit[0] q;", "SyntaxInvalid"),
        (HEAD + "qubit[1.5] q;", "SyntaxInvalid"),
        (BODY + "qubit q;" + END, "SyntaxInvalid"),
        (BODY + "bit pi;" + END, "SyntaxInvalid"),
        (BODY + "gate a b {}" + END, "GateDefinitionRefused"),
        (BODY + "opaque a b;" + END, "GateDefinitionRefused"),
        (BODY + "if (c[0]) x q[0];" + END, "FeedForwardUnsupported"),
        (BODY + "switch (c) {}" + END, "FeedForwardUnsupported"),
        (BODY + "while (true) {}" + END, "ForbiddenStatement"),
        (BODY + "for uint i in [0:1000000000] { x q; }" + END, "ForbiddenStatement"),
        (BODY + "def f() {}" + END, "ForbiddenStatement"),
        (BODY + "cal {}" + END, "ForbiddenStatement"),
        (BODY + "extern f();" + END, "ForbiddenStatement"),
        (BODY + "pragma x" + END, "ForbiddenStatement"),
        (BODY + "#pragma x" + END, "ForbiddenStatement"),
        (BODY + "@bind x" + END, "ForbiddenStatement"),
        (BODY + "ctrl @ x q[0], q[1];" + END, "ForbiddenStatement"),
        (BODY + "inv @ x q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay[10] q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay[10dt] q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay[1.5us] q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay[-1ns] q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay[pi] q[0];" + END, "ForbiddenStatement"),
        (BODY + "delay q[0];" + END, "SyntaxInvalid"),
        (BODY + "delay[1ms] r;" + END, "UnknownRegister"),
        (BODY + "delay[1000001ns] q[0];" + END, "ParameterInvalid"),
        (BODY + "delay[2ms] q[0];" + END, "ParameterInvalid"),
        ("OPENQASM 2.0; qreg q[1]; creg c[1]; delay[1ns] q; measure q -> c;", "ForbiddenStatement"),
        (BODY + "input float a;" + END, "ForbiddenStatement"),
        (BODY + "c = 1;" + END, "ForbiddenStatement"),
        (BODY + "c[7] = measure q[0];" + END, "ForbiddenStatement"),
        (BODY + "frob q[0];" + END, "UnknownGate"),
        ("OPENQASM 3.0; qubit q; bit c; h q; c = measure q;", "UnknownGate"),
        (BODY + "sxdg q[0];" + END, "UnknownGate"),
        (BODY + "h r[0];" + END, "UnknownRegister"),
        (BODY + "h c[0];" + END, "UnknownRegister"),
        (BODY + "h q[3];" + END, "OperandInvalid"),
        (BODY + "cx q[0], q[0];" + END, "OperandInvalid"),
        (BODY + "cx q, q;" + END, "OperandInvalid"),
        (BODY + "cx q[0];" + END, "OperandInvalid"),
        (BODY + "rz q[0];" + END, "OperandInvalid"),
        (BODY + "c[0] = measure q;" + END, "OperandInvalid"),
        (BODY + "rz(theta) q[0];" + END, "ParameterInvalid"),
        (BODY + "rz(1/2) q[0];" + END, "ParameterInvalid"),
        (BODY + 'rz("x") q[0];' + END, "ParameterInvalid"),
        (BODY + "rz(1e999) q[0];" + END, "NonFiniteParameter"),
        (BODY + "rz(1/0) q[0];" + END, "NonFiniteParameter"),
        (BODY + "rz(10**10**10) q[0];" + END, "NonFiniteParameter"),
        (BODY + "rz((-8.0)**0.5) q[0];" + END, "NonFiniteParameter"),
        (BODY + "rz(1e7) q[0];" + END, "NonFiniteParameter"),
        (HEAD + "qubit[1000000000] q;", "TooManyQubits"),
        (HEAD + "qubit[200] q; qubit[56] r;", "TooManyQubits"),
        (HEAD + "bit[256] c;", "TooManyBits"),
        (HEAD + "qubit[255] q;" + "h q;" * 79, "TooManyOperations"),
        (BODY + "h q;", "NoMeasurement"),
        (BODY + "rz(" + "1" * 41 + ") q;" + END, "TokenTooLong"),
        (BODY + "bit " + "a" * 65 + ";" + END, "TokenTooLong"),
        (BODY + "rz(" + "(" * 17 + "1", "NestingTooDeep"),
        (BODY + "{" * 60_000, "NestingTooDeep"),
        (BODY + "// " + "x" * 65_536, "TooLarge"),
    ],
)
def test_scan_refuses(text: str | bytes, code: str) -> None:
    assert refusal(text).code.name == code


@pytest.mark.parametrize("path", ["/etc/passwd", "qelib1.inc", "stdgates.inc/../x", "file:///etc/passwd", "other.inc"])
def test_scan_never_follows_an_include(path: str) -> None:
    error = refusal(f'OPENQASM 3.0;\ninclude "{path}";\n')
    assert error.code is RefusalCode.IncludeRefused
    assert "root:" not in str(error)


def test_scan_refuses_a_million_nested_gate_definitions_by_size() -> None:
    text = HEAD + "gate g q { " * 1_000_000 + "}" * 1_000_000
    assert refusal(text).code is RefusalCode.TooLarge


def test_scan_refuses_doubling_gate_definitions_at_the_first() -> None:
    levels = "".join(f"gate g{i + 1} q {{ g{i} q; g{i} q; }}\n" for i in range(16))
    error = refusal(HEAD + "gate g0 q { x q; }\n" + levels)
    assert (error.code, error.line) == (RefusalCode.GateDefinitionRefused, 3)


@pytest.mark.parametrize(
    "text",
    [
        BODY + "rz(" + "-" * 65_000 + "1.0) q[0];" + END,
        BODY + "rz(1" + "+1" * 32_000 + ") q[0];" + END,
        BODY + "rz(1" + "**1" * 20_000 + ") q[0];" + END,
        BODY + ("rz(" + "(" * 15 + "1" + ")" * 15 + ") q[0];") * 1_500 + END,
        BODY + "barrier;" * 8_000 + END,
    ],
    ids=["signs", "sums", "powers", "brackets", "barriers"],
)
def test_scan_accepts_long_input_without_recursion(text: str) -> None:
    assert scan(text).qubits == 3


def test_scan_names_the_line_and_what_was_expected() -> None:
    error = refusal(BODY + "h q[9];")
    assert str(error) == "OperandInvalid: index of q (line 5): expected below 3, got 9"
    assert (error.subject, error.expected, error.actual) == ("index of q", "below 3", 9)


def test_scan_obeys_other_limits() -> None:
    with pytest.raises(CircuitRefused):
        scan(BODY + END, Limits(qubits=2))
