// The quantum Fourier transform finds the period of a comb: teeth four apart in 32 turn into
// peaks eight apart, 0, 8, 16 and 24, a quarter each.
OPENQASM 3.0;
include "stdgates.inc";
qubit[5] q;
bit[5] c;

// The comb 1, 5, 9, ... 29: every fourth number of 32.
x q[0];
h q[2];
h q[3];
h q[4];

// The transform, most significant qubit first.
h q[4];
cp(pi / 2) q[3], q[4];
cp(pi / 4) q[2], q[4];
cp(pi / 8) q[1], q[4];
cp(pi / 16) q[0], q[4];
h q[3];
cp(pi / 2) q[2], q[3];
cp(pi / 4) q[1], q[3];
cp(pi / 8) q[0], q[3];
h q[2];
cp(pi / 2) q[1], q[2];
cp(pi / 4) q[0], q[2];
h q[1];
cp(pi / 2) q[0], q[1];
h q[0];

// It leaves the bits in reverse.
c[0] = measure q[4];
c[1] = measure q[3];
c[2] = measure q[2];
c[3] = measure q[1];
c[4] = measure q[0];
