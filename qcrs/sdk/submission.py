"""What is sent to the chain for a quote: the circuit encrypted, unless it may be everybody's, and its terms.

The secrets are on disk before anything that depends on them is anywhere else: a client killed at any line loses nothing
but a body in the store that nobody will ask for.
"""

from qcrs.model.records import Request
from qcrs.rules.digest import keccak
from qcrs.sdk.market import Market
from qcrs.sdk.quote import Quote, need_of
from qcrs.sdk.sealing import Sealer
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import Conditions, ProcessorsUnkeyed
from qcrs.store import Store

INLINE_BYTES = 1024  # longer circuits in clear go to the store: call data is dearer than a file


def request_of(
    quote: Quote, conditions: Conditions, gold_secret: bytes | None, secrets: Secrets, sealer: Sealer, store: Store
) -> Request:
    """Return the request for *quote*, without its deadline, once its secrets and its circuit are kept.

    Args:
        gold_secret: The last secret of the computation, when it binds gold rounds.

    Raises:
        PayloadTooLarge: The circuit fits into no envelope. ContentUnavailable: The store does not take it.
    """
    circuit = quote.circuit
    payload, digest = circuit.text.encode(), b""
    commitment = secrets.create(gold_secret, sealed=not conditions.plain)
    if not conditions.plain:
        digest, payload = sealer.seal(payload, commitment), b""
    elif len(payload) > INLINE_BYTES:
        digest, payload = store.put(payload), b""
    return Request(
        circuit_digest=digest or keccak(payload),
        secret_commitment=commitment,
        deadline_at=0,
        shots=quote.shots,
        replicas=quote.replicas,
        noise_class=quote.noise_class,
        qubits=circuit.qubits,
        outcome_bits=circuit.outcome_bits,
        replica_cap=quote.replica_cap,
        gold=gold_secret is not None,
        trust=conditions.trust,
        priority=conditions.priority,
        depth_class=circuit.depth_class,
        profile=conditions.profile,
        quantum_volume_log2=conditions.quantum_volume_log2,
        two_qubit_error_ppm=conditions.two_qubit_error_ppm,
        price=quote.price,
        max_fee=quote.total if conditions.max_fee is None else conditions.max_fee,
        payload=payload,
    )


async def require_keys(sealer: Sealer, market: Market, quote: Quote, conditions: Conditions) -> None:
    """Check that enough of the processors that could be drawn for *quote* can be let in.

    Raises:
        ProcessorsUnkeyed: Too few; says who cannot, and what to do.
    """
    need = need_of(conditions, quote.circuit.qubits, quote.shots)
    willing = market.willing(need, quote.price, quote.noise_class)
    unkeyed = await sealer.unkeyed([candidate.processor for candidate in willing])
    owners = {c.standing.organisation for c in willing if c.processor not in unkeyed}
    if unkeyed and len(owners) < quote.replicas:
        raise ProcessorsUnkeyed(
            f"the circuit would be encrypted, and of {quote.replicas} independent processors that are wanted "
            f"{len(owners)} could be let in; processors {', '.join(map(str, unkeyed))} could not: "
            f"{next(iter(unkeyed.values()))}. Ask their operators for keys, choose another noise class, or submit with "
            "--plain, which lets everybody who reads the store read the circuit"
        )
