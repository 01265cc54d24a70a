import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.model.records import Request
from tests.evm import refused
from tests.job import MINIMUM_SHOTS


def submit(world, value=None, **changes):
    request = world.request(**changes)
    if value is None:
        value = world.quote(request)
    return world.allocator.submit(request.to_chain(), sender=world.requester, value=value)


def test_submit_queues_and_locks_the_quote(world):
    request = world.request(
        noise_class=3,
        qubits=5,
        outcome_bits=4,
        shots=5_000,
        replicas=7,
        replica_cap=9,
        depth_class=2,
        profile=4,
        quantum_volume_log2=6,
        two_qubit_error_ppm=9_000,
    )
    fee = world.quote(request)
    receipt = world.allocator.submit(request.to_chain(), sender=world.requester, value=fee)
    record = world.records.computationOf(receipt.result)
    assert receipt.result == world.allocator.computationCount() == 1
    assert (world.available(world.requester), world.locked(world.requester)) == (0, fee - world.bounty)
    assert record == {
        "status": ComputationStatus.Queued,
        "replicas": 7,
        "replicaCap": 9,
        "noiseClass": 3,
        "qubits": 5,
        "depthClass": 2,
        "profile": 4,
        "quantumVolumeLog2": 6,
        "twoQubitErrorPpm": 9_000,
        "shots": 5_000,
        "place": 0,
        "passed": 0,
        "flags": 0,
        "organisation": world.requesters,
        "deadlineAt": request.deadline_at,
        "escrow": fee - world.bounty,
        "secret": request.secret_commitment,
        "requester": 1,
        "outcomeBits": 4,
        "trust": 0,
        "gold": False,
        "priority": Priority.Routine,
        "attempt": 0,
        "active": 0,
        "commits": 0,
        "revealed": 0,
        "refused": 0,
        "tried": 0,
        "carried": 0,
        "secretWithheld": False,
        "phaseEndsAt": 0,
        "commitsDigest": bytes(4),
        "drawn": 0,
    }
    assert world.allocator.requesterOf(1) == world.consortium.accountOf(1) == world.requester


def test_submit_tells_all_that_processors_need(world):
    request = world.request()
    fee = world.quote(request)
    receipt = world.allocator.submit(request.to_chain(), sender=world.requester, value=fee + 5)
    assert receipt.names == ["ComputationSubmitted", "Deposited"]
    assert receipt.event("Deposited") == {"holder": world.requester, "amount": fee + 5}
    event = receipt.event("ComputationSubmitted")
    assert Request.from_chain(event.pop("request")) == request
    assert event == {
        "computation": 1,
        "requester": world.requester,
        "organisation": world.requesters,
        "escrow": fee - world.bounty,
        "bucket": 0,
    }


def test_submit_takes_from_the_available_balance(world):
    fee = world.quote(world.request())
    world.allocator.deposit(sender=world.requester, value=fee)
    assert submit(world, value=0).names == ["ComputationSubmitted"]
    assert (world.available(world.requester), world.locked(world.requester)) == (0, fee - world.bounty)


def test_submit_leaves_the_surplus_available(world):
    submit(world, value=10**18)
    assert world.available(world.requester) == 10**18 - world.locked(world.requester) - world.bounty


def test_submit_reverts_one_wei_short(world):
    fee = world.quote(world.request())
    with refused("InsufficientFunds", holder=world.requester, available=fee - 1, required=fee):
        submit(world, value=fee - 1)


def test_submit_takes_a_maximum_fee_that_is_just_enough(world):
    submit(world, max_fee=world.quote(world.request()))


def test_submit_reverts_when_the_maximum_fee_is_one_wei_less(world):
    fee = world.quote(world.request())
    with refused("FeeTooLow", maxFee=fee - 1, quoted=fee):
        submit(world, max_fee=fee - 1)


def test_submit_reverts_when_more_is_to_be_locked_than_a_record_can_say(world):
    price = 2**64 - 1
    escrow = price * 20 * MINIMUM_SHOTS * 3 + 2 * world.bounty
    with refused("FeeTooHigh", escrow=escrow, maximum=2**80 - 1):
        submit(world, value=0, price=price, qubits=20)


def test_submit_locks_as_much_as_a_record_can_say(world):
    price = (2**80 - 1 - 2 * world.bounty) // (20 * MINIMUM_SHOTS * 3)
    fee = world.quote(world.request(price=price, qubits=20))
    world.chain.fund(world.requester, fee)
    receipt = submit(world, price=price, qubits=20)
    assert receipt.event("ComputationSubmitted")["escrow"] == fee - world.bounty
    assert world.records.computationOf(1)["escrow"] == fee - world.bounty
    with refused("FeeTooHigh"):
        submit(world, value=0, price=price + 1, qubits=20)


@pytest.mark.parametrize(("depth_class", "profile"), [(0, 1), (1, 0), (0, 0)])
def test_submit_reverts_when_depth_class_or_profile_is_zero(world, depth_class, profile):
    with refused("CircuitKindInvalid", depthClass=depth_class, profile=profile):
        submit(world, depth_class=depth_class, profile=profile)


@pytest.mark.parametrize("replicas", [1, 3, 16])
def test_submit_takes_the_bounds_of_replicas(world, replicas):
    submit(world, replicas=replicas)


@pytest.mark.parametrize("replicas", [0, 2, 17, 255])
def test_submit_reverts_when_replicas_are_out_of_range(world, replicas):
    with refused("ReplicasOutOfRange", replicas=replicas, minimum=3, maximum=16):
        submit(world, replicas=replicas)


@pytest.mark.parametrize("shots", [MINIMUM_SHOTS, 65_535])
def test_submit_takes_the_bounds_of_shots(world, shots):
    submit(world, shots=shots)


@pytest.mark.parametrize("shots", [0, 1, MINIMUM_SHOTS - 1])
def test_submit_reverts_when_shots_are_too_few(world, shots):
    with refused("ShotsTooFew", shots=shots, minimum=MINIMUM_SHOTS):
        submit(world, shots=shots)


@pytest.mark.parametrize("replicas", [5, 16])
def test_submit_takes_five_replicas_or_more_that_must_be_credible(world, replicas):
    submit(world, replicas=replicas, trust=1)


@pytest.mark.parametrize("replicas", [0, 1, 3, 4, 17])
def test_submit_reverts_when_credible_replicas_are_fewer_than_five(world, replicas):
    with refused("ReplicasOutOfRange", replicas=replicas, minimum=5, maximum=16):
        submit(world, replicas=replicas, trust=1)


@pytest.mark.parametrize(("replicas", "cap"), [(1, 1), (3, 3), (3, 5), (3, 7), (12, 16), (14, 16), (15, 15)])
def test_submit_takes_the_bounds_of_the_replica_cap(world, replicas, cap):
    submit(world, replicas=replicas, replica_cap=cap)


@pytest.mark.parametrize(
    ("replicas", "cap"),
    [(3, 0), (3, 1), (3, 4), (3, 6), (3, 9), (15, 17), (16, 18), (1, 0), (1, 2), (1, 3), (1, 5)],
)
def test_submit_reverts_when_the_replica_cap_is_out_of_range(world, replicas, cap):
    with refused("ReplicaCapInvalid", replicaCap=cap, replicas=replicas, maximum=16):
        submit(world, value=0, replicas=replicas, replica_cap=cap)


@pytest.mark.parametrize(("qubits", "outcome_bits"), [(0, 1), (1, 0), (0, 0), (2, 241), (2, 255)])
def test_submit_reverts_when_the_width_is_out_of_range(world, qubits, outcome_bits):
    with refused("CircuitWidthInvalid", qubits=qubits, outcomeBits=outcome_bits, maximum=240):
        submit(world, qubits=qubits, outcome_bits=outcome_bits)


@pytest.mark.parametrize("outcome_bits", [1, 240])
def test_submit_takes_the_bounds_of_the_width(world, outcome_bits):
    submit(world, outcome_bits=outcome_bits)


@pytest.mark.parametrize("seconds", [1, 30 * 86_400])
def test_submit_takes_the_bounds_of_the_deadline(world, seconds):
    submit(world, deadline_at=world.chain.now + seconds)


@pytest.mark.parametrize("seconds", [-1, 0, 30 * 86_400 + 1])
def test_submit_reverts_when_the_deadline_is_out_of_range(world, seconds):
    now = world.chain.now
    with refused(
        "DeadlineOutOfRange",
        deadlineAt=now + seconds,
        earliest=now + 1,
        latest=now + 30 * 86_400,
    ):
        submit(world, deadline_at=now + seconds)


def test_submit_reverts_when_the_payload_is_another(world):
    digest = keccak(b"the circuit meant")
    with refused("PayloadDigestMismatch", circuitDigest=digest, actual=world.request().circuit_digest):
        submit(world, circuit_digest=digest)


def test_submit_takes_a_circuit_that_lies_elsewhere(world):
    submit(world, payload=b"", circuit_digest=keccak(b"elsewhere"))


def test_submit_reverts_for_an_outsider(world):
    request = world.request().to_chain()
    with refused("SubmitterNotInConsortium", account=world.stranger):
        world.allocator.submit(request, sender=world.stranger, value=10**18)


def test_submit_reverts_once_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("SubmitterNotInConsortium", account=world.requester):
        submit(world)


def test_submit_numbers_computations_from_one(world):
    assert [submit(world).result for _ in range(3)] == [1, 2, 3]


# --- what stands in the event ---


def encoded(world, **changes):
    """Return the call data of a submission, and where in it the request begins."""
    request = world.request(**changes)
    data = world.allocator.interface.encode_call("submit", [request.to_chain()])
    return request, bytearray(data), 4 + 32


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 500])
def test_event_carries_the_request_as_it_was_encoded(world, length):
    payload = bytes(range(1, 251)) * 2
    request = world.request(payload=payload[:length], circuit_digest=keccak(payload[:length]))
    receipt = world.allocator.submit(request.to_chain(), sender=world.requester, value=world.quote(request))
    event = receipt.event("ComputationSubmitted")
    assert Request.from_chain(dict(event["request"])) == request
    assert (event["requester"], event["organisation"]) == (world.requester, world.requesters)
    assert (event["escrow"], event["bucket"]) == (world.quote(request) - world.bounty, 0)


@pytest.mark.parametrize("junk", [b"", b"\xff" * 32])
def test_event_is_whole_when_the_payload_lies_elsewhere(world, junk):
    """The encoding of a call is the caller's; that of the event is the contract's."""
    payload = b"OPENQASM 3.0;"
    request, data, begin = encoded(world, payload=payload, circuit_digest=keccak(payload))
    place = begin + 18 * 32
    moved = len(data) - begin
    data[place : place + 32] = (moved + len(junk)).to_bytes(32, "big")
    data += junk + len(payload).to_bytes(32, "big") + payload + b"\xff" * 19  # with padding that is none
    world.allocator.deposit(sender=world.requester, value=world.quote(request))
    _, events = world.chain.send_raw(world.allocator.address, bytes(data), world.requester)
    event = next(event for event in events if event.name == "ComputationSubmitted")
    assert Request.from_chain(dict(event["request"])) == request


@pytest.mark.parametrize("member", range(1, 18))
def test_member_out_of_its_range_is_refused(world, member):
    """What the event copies unread would be another's to decode."""
    request, data, begin = encoded(world)
    at = begin + 32 * member
    if member == 1:  # bytes24, to the left
        data[at + 31] = 1
    else:
        data[at] = 1
    world.allocator.deposit(sender=world.requester, value=world.quote(request))
    with pytest.raises(ContractRefused):
        world.chain.send_raw(world.allocator.address, bytes(data), world.requester)
    assert world.allocator.computationCount() == 0
