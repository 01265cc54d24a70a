"""Disputes as the events tell them, and the digests of their evidence."""

import pytest

from qcrs.model.dispute import DisputeKind, DisputeStatus
from qcrs.rules.digest import keccak
from qcrs.sdk import dispute
from qcrs.sdk.dispute import EvidenceTooLong, Exhibit, cases_in

EVIDENCE, REPLY, REASON = keccak(b"evidence"), keccak(b"reply"), keccak(b"reason")


def opened(world, job, index):
    return world.disputes.open(
        job.id, index, DisputeKind.WrongAnswer, EVIDENCE, sender=world.stranger, value=world.policy["slash"]
    ).result


def test_cases_are_told_from_events(world):
    job = world.submit(replicas=4)
    job.to_settled({})
    upheld, dismissed, lapsed, open_ = (opened(world, job, index) for index in range(4))
    operator = job.node(0).operator
    world.disputes.answer(upheld, REPLY, sender=operator)
    for case, verdict in ((upheld, True), (dismissed, False)):
        world.disputes.rule(case, verdict, REASON, sender=world.council)
    world.chain.advance(8 * 24 * 3600)
    world.disputes.lapse(lapsed, sender=world.stranger)

    cases = cases_in(world.chain.log)
    assert [cases[id_].status for id_ in (upheld, dismissed, lapsed, open_)] == [
        DisputeStatus.Upheld, DisputeStatus.Dismissed, DisputeStatus.Lapsed, DisputeStatus.Open
    ]  # fmt: skip
    assert [digest for _, digest in cases[upheld].exhibits] == [EVIDENCE, REPLY, REASON]
    assert cases[upheld].exhibits[1][0].lower() == operator.lower()
    slash = world.policy["slash"]
    assert sum(cases[upheld].division.values()) == slash
    assert cases[dismissed].division["compensation"] == slash - slash // 2
    assert (cases[lapsed].division, cases[lapsed].reason) == ({}, b"")
    told = cases[dismissed].to_json()
    assert (told["status"], told["kind"], told["seat"]) == ("Dismissed", "WrongAnswer", 1)
    assert told["evidence"] == "0x" + EVIDENCE.hex()


def test_evidence_that_the_store_would_not_give_back_is_refused(monkeypatch):
    monkeypatch.setattr(dispute, "MAX_BYTES", 4)
    assert Exhibit.of(b"four") == Exhibit(keccak(b"four"), b"four")
    with pytest.raises(EvidenceTooLong, match="5 bytes, expected at most 4"):
        Exhibit.of(b"fives")
