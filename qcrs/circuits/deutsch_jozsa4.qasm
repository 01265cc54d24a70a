// OpenQASM 2, converted on submission. Deutsch-Jozsa on three inputs and a balanced function:
// the constant answer 000 never appears, and this function always answers 111.
OPENQASM 2.0;
include "qelib1.inc";
qreg in[3];
qreg out[1];
creg c[3];
x out[0];
h in;
h out;
barrier in, out;
cx in, out[0];
barrier in, out;
h in;
measure in -> c;
