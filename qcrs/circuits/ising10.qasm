// A quench of a chain of ten spins in a transverse field: one symmetric Trotter step of the Ising
// model from the state with all spins up.
OPENQASM 3.0;
include "stdgates.inc";
qubit[10] q;
bit[10] c;

// Transverse field, then couplings, even bonds before odd ones.
rx(0.6) q;
cx q[0], q[1];
rz(0.9) q[1];
cx q[0], q[1];
cx q[2], q[3];
rz(0.9) q[3];
cx q[2], q[3];
cx q[4], q[5];
rz(0.9) q[5];
cx q[4], q[5];
cx q[6], q[7];
rz(0.9) q[7];
cx q[6], q[7];
cx q[8], q[9];
rz(0.9) q[9];
cx q[8], q[9];
cx q[1], q[2];
rz(0.9) q[2];
cx q[1], q[2];
cx q[3], q[4];
rz(0.9) q[4];
cx q[3], q[4];
cx q[5], q[6];
rz(0.9) q[6];
cx q[5], q[6];
cx q[7], q[8];
rz(0.9) q[8];
cx q[7], q[8];

rx(0.6) q;

c = measure q;
