// A hardware-efficient variational ansatz on five qubits at fixed angles: three layers of
// rotations between two ladders of entangling gates.
OPENQASM 3.0;
include "stdgates.inc";
qubit[5] q;
bit[5] c;

// Layer 1.
ry(0.4) q[0];
ry(1.1) q[1];
ry(-0.7) q[2];
ry(0.55) q[3];
ry(-0.95) q[4];
rz(0.3) q[0];
rz(-0.6) q[1];
rz(0.9) q[2];
rz(0.2) q[3];
rz(-0.4) q[4];
cx q[0], q[1];
cx q[1], q[2];
cx q[2], q[3];
cx q[3], q[4];

// Layer 2.
ry(0.8) q[0];
ry(-0.35) q[1];
ry(0.6) q[2];
ry(-1.2) q[3];
ry(0.45) q[4];
rz(0.7) q[0];
rz(0.1) q[1];
rz(-0.5) q[2];
rz(0.8) q[3];
rz(-0.2) q[4];
cx q[0], q[1];
cx q[1], q[2];
cx q[2], q[3];
cx q[3], q[4];

// Layer 3.
ry(-0.5) q[0];
ry(0.9) q[1];
ry(0.3) q[2];
ry(0.7) q[3];
ry(-0.25) q[4];

c = measure q;
