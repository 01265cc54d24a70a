import pytest
from eth_hash.auto import keccak
from faster_eth_abi import encode

from qcrs.model.decision import Decision
from qcrs.model.session import SessionStatus
from qcrs.rules import session_digest
from qcrs.rules.agreement import Verdict
from tests.evm import refused
from tests.team import REQUEST, Team

FAR = {0b01: 2040, 0b10: 2056}
FLAT = dict.fromkeys(range(4), 1024)
DEPOSIT, FEE = REQUEST["deposit"], REQUEST["fee"]


@pytest.fixture
def lab(lab):
    world = lab.world
    world.enrol_until(6)
    for node in world.nodes[5:]:
        lab.channels.fund(node.id, sender=node.operator, value=10**18)
    return lab


def test_a_single_run_is_unverified_and_paid(lab):
    before, coin = lab.purses(), lab.world.available(lab.world.requester)
    team = Team(lab).to_final()
    receipt = team.conclude(sender=lab.world.stranger)
    root, _ = team.result()
    answer = session_digest.of_answer(1, 1, [root])
    assert receipt.event("SessionsConcluded") == {
        "group": 1, "verdict": Verdict.Unverified, "agreeing": 1, "answerDigest": answer,
    }  # fmt: skip
    event = receipt.event("SessionEnded")
    assert (event["status"], event["pay"]) == (SessionStatus.Paid, [DEPOSIT + FEE] * 2)
    assert lab.purses() == {**before, 1: before[1] + FEE, 2: before[2] + FEE}
    assert lab.world.available(lab.world.requester) == coin
    entry = receipt.event("EntryAppended")
    facts = encode(["uint64", "uint8", "uint256", "bytes32"], [1, Verdict.Unverified, 1, answer])
    assert (entry["decision"], entry["subject"], entry["digest"]) == (Decision.SessionsConcluded, 1, keccak(facts))


def test_runs_that_agree_are_paid_and_an_outlier_is_not(lab):
    before, treasury = lab.purses(), lab.world.allocator.treasury()
    coin = lab.world.available(lab.world.requester)
    team = Team(lab, (1, 2), (3, 4), (5, 6))
    team.counts = {1: FAR}
    receipt = team.to_final().conclude()
    event = receipt.event("SessionsConcluded")
    roots = [team.result(run)[0] for run in (0, 2)]
    assert (event["verdict"], event["agreeing"]) == (Verdict.Accepted, 0b101)
    assert event["answerDigest"] == session_digest.of_answer(1, 0b101, roots)
    assert [team.status(run) for run in range(3)] == [SessionStatus.Paid, SessionStatus.Outlier, SessionStatus.Paid]
    gains = dict.fromkeys((1, 2, 5, 6), FEE) | dict.fromkeys((3, 4), -DEPOSIT)
    assert lab.purses() == {id_: coin_ + gains[id_] for id_, coin_ in before.items()}
    assert lab.world.allocator.treasury() == treasury + 2 * DEPOSIT
    assert lab.world.available(lab.world.requester) == coin + 2 * FEE


@pytest.mark.parametrize(
    ("counts", "verdict"), [({1: FAR}, Verdict.Rejected), ({0: FLAT, 1: FLAT}, Verdict.Inconclusive)]
)
def test_without_an_answer_the_requester_is_refunded(lab, counts, verdict):
    before, coin = lab.purses(), lab.world.available(lab.world.requester)
    team = Team(lab, (1, 2), (3, 4))
    team.counts = counts
    event = team.to_final().conclude().event("SessionsConcluded")
    assert event == {"group": 1, "verdict": verdict, "agreeing": 0, "answerDigest": bytes(32)}
    assert [team.status(run) for run in range(2)] == [SessionStatus.Released] * 2
    assert (lab.purses(), lab.world.available(lab.world.requester)) == (before, coin + team.fees)


def test_runs_that_broke_off_do_not_count_but_their_group_keeps_its_quorum(lab):
    team = Team(lab, (1, 2), (3, 4), (5, 6)).to_armed()
    for run in (0, 1):
        team.pass_barriers(0, 1, 2, run=run)
    team.enforce(2)
    for run in (0, 1):
        for index in (0, 1):
            team.report(index, run)
    event = team.conclude().event("SessionsConcluded")
    assert (event["verdict"], event["agreeing"]) == (Verdict.Accepted, 0b011)


def test_one_run_left_of_three_is_no_quorum(lab):
    team = Team(lab, (1, 2), (3, 4), (5, 6)).to_armed()
    team.pass_barriers(0, 1, 2, run=1)
    team.enforce(0)
    team.enforce(2)
    for index in (0, 1):
        team.report(index, 1)
    event = team.conclude().event("SessionsConcluded")
    assert (event["verdict"], event["agreeing"]) == (Verdict.Rejected, 0)
    assert team.status(1) is SessionStatus.Released


def test_a_group_all_of_whose_runs_broke_off_is_rejected(lab):
    team = Team(lab, (1, 2), (3, 4)).to_forming()
    team.enforce(0)
    team.enforce(1)
    assert team.conclude().event("SessionsConcluded")["verdict"] == Verdict.Rejected


def test_conclude_reverts_while_a_run_can_go_on(lab):
    team = Team(lab, (1, 2), (3, 4)).to_reporting()
    team.report(0)
    team.report(1)
    with refused("GroupNotConcludable", group=1, live=1):
        team.conclude()


@pytest.mark.parametrize("group", [1, 99])
def test_conclude_reverts_twice_and_of_nothing(lab, group):
    team = Team(lab).to_concluded()
    team.group = group
    with refused("GroupNotConcludable", group=group, live=0):
        lab.coordinator.conclude(group, [], [], sender=lab.world.keeper)


def test_conclude_reverts_with_other_results(lab):
    team = Team(lab, (1, 2), (3, 4)).to_final()
    root, sketch = team.result()
    with refused("ConclusionLengthMismatch", group=1, expected=2, words=2):
        team.conclude(runs=[0])
    with refused("ConclusionLengthMismatch", group=1, expected=2, words=2):
        lab.coordinator.conclude(1, [root, root], [*sketch, *sketch, 0], sender=lab.world.keeper)
    wrong = [sketch[0] ^ 1]
    expected, actual = session_digest.of_report(root, sketch), session_digest.of_report(root, wrong)
    with refused("ReportMismatch", session=2, expected=expected, actual=actual):
        lab.coordinator.conclude(1, [root, root], [*sketch, *wrong], sender=lab.world.keeper)
