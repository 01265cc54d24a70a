"""Certification by benchmark: circuits from a seed, figures from counts, a verdict in whole numbers.

``challenge(seed, claim)`` gives the circuits, ``score(suite, counts)`` what a processor's counts say, ``verdict``
whether that bears out the claim, ``digest`` what a certifier commits to. Everything follows from the seed, the claim
and the counts: a processor, certifiers and auditors find the same bytes on any machine.

**What a certificate means.** That whoever holds the processor's key answered, within the time allowed, circuits that
nobody knew before, as a processor of the claimed size and noise would: the service is correct and as well calibrated
as it says. It does not mean that the answers came from a quantum processor. Everything here can be simulated: mirror
circuits, layers and lifetimes by anyone at any width, for they are Clifford circuits and single qubits whose noise
can be added at will; quantum-volume circuits at the sizes that certifiers can score, because certifiers simulate them
too. A test that only a quantum processor passes and anyone can check is not known to work at these sizes. Nor is
placement shown: a processor that has better qubits than it names may use them, and does its users no harm by it. And
it is about the moment: a processor may do better when it knows that it is looked at, which is why certificates
expire, challenges come unannounced, and gold rounds hide among ordinary work.
"""

from qcrs.quantum.benchmark.claim import Claim, ClaimInvalid
from qcrs.quantum.benchmark.estimate import Estimate
from qcrs.quantum.benchmark.score import Heavy, Measured, Shape, score
from qcrs.quantum.benchmark.suite import FULL, QUICK, VERSION, Depth, Kind, Run, Suite, challenge
from qcrs.quantum.benchmark.verdict import Evidence, Verdict, digest, verdict

__all__ = [
    "FULL",
    "QUICK",
    "VERSION",
    "Claim",
    "ClaimInvalid",
    "Depth",
    "Estimate",
    "Evidence",
    "Heavy",
    "Kind",
    "Measured",
    "Run",
    "Shape",
    "Suite",
    "Verdict",
    "challenge",
    "digest",
    "score",
    "verdict",
]
