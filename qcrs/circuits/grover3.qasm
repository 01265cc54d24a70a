// Grover's search over eight items for two of them, 101 and 110: one iteration finds one or the
// other with certainty.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;

h q;

// The oracle flips the sign of 101 and 110.
cz q[2], q[0];
cz q[2], q[1];

// Reflection about the mean.
h q;
x q;
h q[2];
ccx q[0], q[1], q[2];
h q[2];
x q;
h q;

c = measure q;
