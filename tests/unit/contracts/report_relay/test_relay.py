import pytest

from qcrs.chain.report import COMMIT_REPORT, CommitReport, RevealReport
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules.digest import abi_digest, keccak
from tests.doors import key_node
from tests.evm import CHAIN_ID, refused
from tests.reports import reason_of, skipped

Assigned, Committed = AssignmentStatus.Assigned, AssignmentStatus.Committed


# --- what is signed ---


def test_config_digest_is_the_rules_twin(world, office):
    assert world.relay.configDigest() == office.config


def test_digest_is_the_eip_712_digest_of_the_report(world, office):
    job = world.submit().allocate()
    report = office.report(job, 1)
    domain = abi_digest(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [
            keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak(b"QCRS ReportRelay"),
            keccak(b"1"),
            CHAIN_ID,
            world.relay.address,
        ],
    )
    members = ",".join(f"{member['type']} {member['name']}" for member in COMMIT_REPORT)
    assert members == (
        "uint64 computation,uint256 index,uint256 attempt,bytes24 commitment,address payee,bytes32 configDigest"
    )
    struct = abi_digest(
        ["bytes32", *(member["type"] for member in COMMIT_REPORT)],
        [keccak(f"CommitReport({members})".encode()), *report.to_chain()],
    )
    assert world.relay.digestOf(report.to_chain()) == keccak(b"\x19\x01" + domain + struct)


def test_report_has_the_members_of_its_struct(world):
    inputs = world.relay.interface.functions["relay"]["inputs"]
    commit, _, reveal = inputs
    assert [{"name": m["name"], "type": m["type"]} for m in commit["components"]] == COMMIT_REPORT
    for struct, record in ((commit, CommitReport), (reveal, RevealReport)):
        names = [field.alias for field in record.model_fields.values()]
        assert [member["name"] for member in struct["components"]] == names


# --- what is taken ---


def test_relay_commits_for_all_processors(world, office):
    job = world.submit().allocate()
    receipt = office.post(*(office.signed(job, index) for index in range(3)))
    assert receipt.result == 3
    assert receipt.names == ["ResultCommitted"] * 2 + ["ComputationCommitted", "ResultCommitted"]
    assert job.status is ComputationStatus.Committed
    assert [a.digest for a in job.assignments] == [job.commitment(index) for index in range(3)]
    assert receipt.named("ResultCommitted")[1].arguments == {
        "computation": job.id,
        "index": 1,
        "processor": job.node(1).id,
        "commitment": job.commitment(1),
    }


def test_relay_reveals_for_all_processors(world, office):
    job = world.submit().allocate()
    office.post(*(office.signed(job, index) for index in range(3)))
    job.disclose()
    receipt = office.post(*(office.reveal(job, index) for index in range(3)))
    assert receipt.result == 3
    assert receipt.names == ["ResultRevealed"] * 3
    job.settle()
    assert (job.status, job.record.tried) == (ComputationStatus.Accepted, 3)


def test_relay_takes_commits_and_reveals_of_many_computations_together(world, office):
    ready, fresh = world.submit(), world.submit()
    ready.to_revealing()
    fresh.allocate()
    receipt = office.post(
        *(office.reveal(ready, index) for index in (2, 0, 1)),
        *(office.signed(fresh, index) for index in (1, 2)),
    )
    assert receipt.result == 5
    ready.settle()
    assert fresh.fates == [Assigned, Committed, Committed]


def test_relay_pays_the_operators_as_if_they_had_committed_themselves(world, office):
    job, purse = world.submit(), world.purse()
    job.allocate()
    office.post(*(office.signed(job, index) for index in range(3)))
    job.disclose()
    office.post(*(office.reveal(job, index) for index in range(3)))
    job.settle()
    assert purse.gains() == {
        world.keeper: 2 * world.bounty,
        world.requester: -3 * job.pay - world.bounty,
    } | {job.operator(index): job.pay for index in range(3)}


def test_relay_of_nothing_does_nothing(office):
    assert office.post().result == 0


def test_relay_takes_a_report_for_a_replacement_in_a_later_round(world, office):
    world.enrol_until(9)
    job = world.submit().to_revealing().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.allocate()
    indices = job.indices(Assigned)
    assert job.record.attempt == 2
    assert office.post(*(office.signed(job, index) for index in indices)).result == 3


# --- what is skipped, alone ---


def test_relay_skips_what_is_spoilt_and_takes_the_rest(world, office):
    job, other = world.submit().allocate(), world.submit().allocate()
    items = [office.signed(job, index) for index in range(3)] + [office.signed(other, index) for index in range(3)]
    items[1] = office.signed(job, 1, payee=world.stranger)
    receipt = office.post(*items)
    assert receipt.result == 5
    (event,) = receipt.named("CommitSkipped")
    assert (event["computation"], event["index"]) == (job.id, 1)
    assert reason_of(event).name == "ReportPayeeMismatch"
    assert job.fates == [Committed, Assigned, Committed]
    assert other.status is ComputationStatus.Committed


def test_relay_skips_a_reveal_that_is_refused_and_takes_the_rest(world, office):
    job = world.submit().to_revealing()
    reveals = [office.reveal(job, index) for index in range(3)]
    reveals[1] = reveals[1].model_copy(update={"salt": bytes(32)})
    receipt = office.post(*reveals)
    assert receipt.result == 2
    (event,) = receipt.named("RevealSkipped")
    assert (event["computation"], event["index"]) == (job.id, 1)
    assert reason_of(event).name == "CommitmentMismatch"


def test_relay_skips_a_report_made_under_other_rules(world, office):
    job = world.submit().allocate()
    before = office.config
    early = office.signed(job, 0)
    policy = dict(world.policy)
    policy["revealSeconds"] += 1
    world.set_policy(policy)
    skipped(
        "ReportConfigMismatch",
        office.post(early),
        computation=job.id,
        index=0,
        expected=office.config,
        actual=before,
    )
    assert office.post(office.signed(job, 0)).result == 1


@pytest.mark.parametrize("attempt", [0, 2, 2**256 - 1])
def test_relay_skips_a_report_for_another_round(world, office, attempt):
    job = world.submit().allocate()
    receipt = office.post(office.signed(job, 0, attempt=attempt))
    skipped("ReportAttemptMismatch", receipt, computation=job.id, index=0, expected=1, actual=attempt)


def test_relay_skips_a_report_that_wants_somebody_else_paid(world, office):
    job = world.submit().allocate()
    for payee in (world.stranger, job.node(0).daemon, job.operator(1), "0x" + "00" * 20):
        receipt = office.post(office.signed(job, 0, payee=payee))
        skipped("ReportPayeeMismatch", receipt, computation=job.id, index=0, expected=job.operator(0), actual=payee)


@pytest.mark.parametrize("index", [3, 31, 2**256 - 1])
def test_relay_skips_a_report_for_a_seat_that_is_not_there(world, office, index):
    job = world.submit().allocate()
    skipped("ReportPayeeMismatch", office.post(office.signed(job, 0, index=index)))


@pytest.mark.parametrize("computation", [99, 2**64 - 1])
def test_relay_skips_a_report_for_an_unknown_computation(world, office, computation):
    job = world.submit().allocate()
    skipped("ReportAttemptMismatch", office.post(office.signed(job, 0, computation=computation)))


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 65, bytes(66)])
def test_relay_skips_what_is_no_signature(world, office, signature):
    job = world.submit().allocate()
    item = office.signed(job, 0)
    receipt = office.post(type(item)(item.report, signature))
    skipped("ReportSignatureInvalid", receipt, computation=job.id, index=0)


def test_relay_skips_what_another_has_signed(world, office):
    job = world.submit().allocate()
    item = office.signed(job, 0)
    others = office.signed(job, 1)
    receipt = office.post(type(item)(item.report, others.signature))
    skipped("CallerNotAssigned", receipt)


# --- what the relayer gets wrong itself ---


def test_relay_reverts_when_signatures_are_missing_or_too_many(world, office):
    job = world.submit().allocate()
    item = office.signed(job, 0)
    for signatures in ([], [item.signature] * 2):
        with refused("SignatureCountMismatch", reports=1, signatures=len(signatures)):
            world.relay.relay([item.report.to_chain()], signatures, [], sender=world.stranger)


def test_relay_reverts_when_reports_are_out_of_order(world, office):
    jobs = [world.submit().allocate(), world.submit().allocate()]
    a, b, c = office.signed(jobs[0], 0), office.signed(jobs[0], 2), office.signed(jobs[1], 1)
    for items, position in (([b, a], 1), ([a, a], 1), ([c, a], 1), ([a, c, b], 2)):
        with refused("ReportsUnordered", position=position):
            office.post_as_given(items)
    assert office.post_as_given([a, b, c]).result == 3


def test_commit_for_is_the_relay_s_alone(world):
    job = world.submit().allocate()
    for caller in (world.stranger, job.node(0).daemon, job.operator(0)):
        with refused("CallerNotRelay", account=caller):
            world.verifier.commitFor(job.id, 0, bytes(24), job.node(0).daemon, sender=caller)


def test_report_of_a_keyed_daemon_is_skipped(world, office):
    """It needs its hash key's signature, which a bundle through the door has: see test_commit_bundle."""
    job = world.submit().allocate()
    keyed = world.nodes.index(job.node(0)) + 1
    key_node(world, keyed)
    receipt = office.post(*(office.signed(job, index) for index in range(3)))
    (skipped,) = receipt.named("CommitSkipped")
    assert (receipt.result, reason_of(skipped).name) == (2, "HashSignatureRequired")
    assert job.fates[0] is AssignmentStatus.Assigned
