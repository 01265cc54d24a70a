"""Whether what was measured bears out what was claimed, and the evidence that binds both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qcrs.quantum.benchmark.claim import Claim
from qcrs.quantum.benchmark.estimate import Estimate
from qcrs.quantum.benchmark.score import Measured
from qcrs.quantum.benchmark.suite import VERSION, Suite
from qcrs.rules.benchmark import PPM, error_refuted, heavy_passes, time_refuted
from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.histogram import counts_root

EVIDENCE_DOMAIN = keccak(b"QCRS benchmark evidence")
NO_COUNTS = bytes(32)


@dataclass(frozen=True)
class Verdict:
    """The outcome of a certification.

    Attributes:
        reasons: Why it failed, in words; empty when it passed.
        noise_class: The class that the certificate is for: as measured.
    """

    passed: bool
    reasons: tuple[str, ...]
    noise_class: int


@dataclass(frozen=True)
class Evidence:
    """What a certifier commits to.

    Attributes:
        suite_digest: Of the challenge, ``Suite.digest``.
        roots: The counts root of each run, in order; 32 zero bytes where there was no answer.
    """

    seed: bytes
    version: int
    suite_digest: bytes
    roots: tuple[bytes, ...]
    words: tuple[int, ...]

    @classmethod
    def of(cls, suite: Suite, counts: Sequence[Mapping[int, int] | None], measured: Measured) -> "Evidence":
        """Return the evidence of one certification."""
        roots = (NO_COUNTS if answer is None else counts_root(answer) for answer in counts)
        return cls(suite.seed, VERSION, suite.digest, tuple(roots), tuple(measured.words()))


def digest(evidence: Evidence) -> bytes:
    """Return ``keccak256(abi.encode(domain, seed, version, suite digest, roots, words))``.

    Whoever has the claim, the coupling map and the counts can compute it again.
    """
    return abi_digest(
        ["bytes32", "bytes32", "uint256", "bytes32", "bytes32[]", "uint256[]"],
        [
            EVIDENCE_DOMAIN,
            evidence.seed,
            evidence.version,
            evidence.suite_digest,
            list(evidence.roots),
            list(evidence.words),
        ],
    )


def verdict(measured: Measured, claim: Claim) -> Verdict:
    """Return whether *measured* bears out *claim*.

    A claim falls only to what shot noise does not explain: an interval must lie wholly beyond the tolerance. Being
    better than claimed is no fault.
    """
    facts = claim.facts
    reasons = [f"run {run} has no valid answer" for run in measured.unanswered]
    if facts.quantum_volume_log2 >= 2 and not (measured.heavy and heavy_passes(*measured.heavy)):
        found = f"{measured.heavy[0]} of {measured.heavy[1]} shots heavy" if measured.heavy else "nothing"
        reasons.append(f"quantum volume 2^{facts.quantum_volume_log2}: {found}, expected two deviations above 2/3")
    reasons += (
        f"mirror circuits {shape.width} wide, {shape.halves} deep: {shape.passed} of {shape.blocks} blocks pass"
        for shape in measured.shapes
        if 2 * shape.passed <= shape.blocks
    )
    chain = measured.layer_fidelity_ppm
    errors: tuple[tuple[str, Estimate | None, int], ...] = (
        ("two-qubit error", measured.two_qubit_error_ppm, facts.two_qubit_error_ppm),
        ("readout error", measured.readout_error_ppm, facts.readout_error_ppm),
        ("error of the chain", _inverted(chain), PPM - facts.layer_fidelity_ppm),
    )
    for name, found, claimed in errors:
        if found and error_refuted(found.low, claimed):
            reasons.append(f"{name}: {found.low} to {found.high} ppm, claimed {claimed}")
    for name, found, claimed in (
        ("T1", measured.t1_nanoseconds, facts.t1_nanoseconds),
        ("T2", measured.t2_nanoseconds, facts.t2_nanoseconds),
    ):
        if found and time_refuted(found.high, claimed):
            reasons.append(f"{name}: {found.low} to {found.high} ns, claimed {claimed}")
    return Verdict(not reasons, tuple(reasons), measured.noise_class)


def _inverted(fidelity: Estimate | None) -> Estimate | None:
    if fidelity is None:
        return None
    return Estimate(PPM - fidelity.value, PPM - fidelity.high, PPM - fidelity.low)
