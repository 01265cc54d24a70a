"""What the chain must answer once every event is replayed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.model.challenge import ChallengeStatus
from qcrs.model.organisation import Screen
from qcrs.rules.replay.suite import Suite
from qcrs.rules.replay.transcript import Rule


@dataclass(frozen=True)
class Claim:
    """What a view must return once all events are replayed.

    Attributes:
        expected: Dicts name the fields that matter; ``...`` stands for anything.
    """

    contract: str
    function: str
    arguments: tuple
    rule: Rule
    expected: Any
    computation: int | None = None


def claims_of(suite: Suite) -> Iterator[Claim]:
    """Yield what the views of the suite must return, the most telling first."""
    trail, book = suite.trail, suite.book
    yield Claim("AuditTrail", "head", (), Rule.HashChain, (..., trail.size))
    for contract, view, rule, expected in (
        ("ComputationAllocator", "computationCount", Rule.Record, len(suite.computations)),
        ("ProcessorRegistry", "processorCount", Rule.Record, len(suite.registry.processors)),
        ("Consortium", "organisationCount", Rule.Record, len(suite.consortium.organisations)),
        ("ComputationAllocator", "policy", Rule.Policy, book.policy.model_dump(by_alias=True)),
    ):
        yield Claim(contract, view, (), rule, expected)
    yield from _on_bodies(suite)
    yield from _on_computations(suite)
    yield from _on_processors(suite)
    yield from _on_members(suite)
    yield from _on_courts(suite)
    yield from _on_reservations(suite)
    yield from _on_channels(suite)
    yield from _on_sessions(suite)
    yield from _on_certifications(suite)
    yield from _on_keys(suite)
    for holder, account in book.accounts.items():
        money = (account.available, account.locked)
        yield Claim("ComputationAllocator", "balanceOf", (holder,), Rule.Books, money)
    yield Claim("ComputationAllocator", "treasury", (), Rule.Books, book.treasury)
    yield Claim("ComputationAllocator", "beacon", (), Rule.Beacon, suite.beacon)
    yield Claim("AuditTrail", "head", (), Rule.HashChain, (trail.head, trail.size))
    yield Claim("AuditTrail", "root", (), Rule.HashChain, trail.root())


def difference(expected: Any, actual: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """Return where *actual* first departs from *expected*, with both values there; None when it does not.

    Dicts in *expected* name the fields that matter; ``...`` stands for anything.
    """
    if expected is ...:
        return None
    if isinstance(expected, Mapping):
        pairs = ((f"{where}.{key}", value, actual[key]) for key, value in expected.items())
    elif isinstance(expected, Sequence) and not isinstance(expected, (str, bytes)):
        if len(expected) != len(actual):
            return f"{where} length", len(expected), len(actual)
        pairs = ((f"{where}[{i}]", value, actual[i]) for i, value in enumerate(expected))
    else:
        return None if expected == actual else (where, expected, actual)
    return next((found for pair in pairs if (found := difference(pair[1], pair[2], pair[0]))), None)


def _on_computations(suite: Suite) -> Iterator[Claim]:
    for id_, c in suite.computations.items():
        for view, expected in (("computationOf", c.record()), ("assignmentsOf", c.panel())):
            yield Claim("Records", view, (id_,), Rule.Record, expected, id_)
    for key, root in suite.bundles.items():
        yield Claim("ResultVerifier", "bundleOf", key, Rule.Commitment, root)
    for noise_class, queue in suite.queues.fair.items():
        state = (queue.first, queue.waiting, queue.stalled_since)
        yield Claim("ComputationAllocator", "queueOf", (noise_class,), Rule.Queue, state)


def _on_processors(suite: Suite) -> Iterator[Claim]:
    for id_, processor in suite.registry.processors.items():
        for view, expected in (
            ("standingOf", processor.standing()),
            ("operatorOf", processor.operator),
            ("daemonOf", processor.daemon),
        ):
            yield Claim("ProcessorRegistry", view, (id_,), Rule.Record, expected)
        held = suite.bonds[id_]
        yield Claim("Bonds", "bondOf", (id_,), Rule.Books, held.amount)
        yield Claim("Bonds", "unbondingOf", (id_,), Rule.Record, (held.free_at, held.cases))
        yield Claim("ProcessorRegistry", "termsOf", (id_,), Rule.Record, processor.terms.model_dump(by_alias=True))
    for noise_class, index in suite.registry.indices.items():
        for level, members in enumerate(index.lists):
            asked = (noise_class, level, 0, len(members) + 1)
            yield Claim("ProcessorRegistry", "listOf", asked, Rule.Record, [p.id for p in members])


def _on_courts(suite: Suite) -> Iterator[Claim]:
    yield Claim("Disputes", "disputeCount", (), Rule.Record, len(suite.disputes))
    for id_, d in suite.disputes.items():
        fields = {"status": d.status, "kind": d.kind, "index": d.index, "computation": d.computation}
        fields |= {"endsAt": d.ends_at, "opener": d.opener, "bond": d.bond}
        yield Claim("Disputes", "disputeOf", (id_,), Rule.Record, fields, d.computation)
    for id_, demand in suite.challenges.items():
        fields = {"challenger": demand.challenger, "status": demand.status, "index": demand.index}
        fields |= {"computation": demand.computation, "bond": demand.bond}
        if demand.status is ChallengeStatus.Open:  # the last answer leaves no other deadline behind
            fields["deadlineAt"] = demand.deadline_at
        yield Claim("Challenges", "challengeOf", (id_,), Rule.Record, fields, demand.computation)
    for id_, known in suite.gold_rounds.lists.items():
        for index in range(len(suite.computations[id_].seats)):
            stake = known.stakes.get(index, 0)
            yield Claim("GoldRounds", "stakeOn", (id_, index), Rule.Books, stake, id_)


def _on_members(suite: Suite) -> Iterator[Claim]:
    consortium = suite.consortium
    for id_, o in consortium.organisations.items():
        fields = {"admin": o.admin, "weight": o.weight, "admitted": o.admitted, "name": o.name}
        fields |= {"shortestFirst": o.shortest_first, "screen": o.screen}
        yield Claim("Consortium", "organisations", (id_,), Rule.Record, fields)
        if o.screen is not Screen.Everyone:
            for other in consortium.organisations:
                yield Claim("Consortium", "isScreened", (id_, other), Rule.Record, o.is_screened(other))
    for (organisation, noise_class), share in consortium.shares.items():
        yield Claim("Consortium", "finishOf", (organisation, noise_class), Rule.Record, share.finish)
    for account, number in consortium.numbers.items():
        organisation = consortium.organisation_of(account)
        yield Claim("Consortium", "organisationOf", (account,), Rule.Membership, organisation)
        yield Claim("Consortium", "accountOf", (number,), Rule.Record, account)


def _on_bodies(suite: Suite) -> Iterator[Claim]:
    for name, body in suite.bodies.by_name.items():
        for view, expected in (
            ("members", body.members),
            ("quorum", body.quorum),
            ("term", body.term),
            ("tempo", body.tempo),
            ("motionCount", len(body.motions)),
        ):
            yield Claim(name, view, (), Rule.Motion, expected)
        for id_, motion in body.motions.items():
            yield Claim(name, "motionOf", (id_,), Rule.Motion, motion.record())


def _on_reservations(suite: Suite) -> Iterator[Claim]:
    known = suite.reservations
    yield Claim("Reservations", "reservationCount", (), Rule.Record, len(known.by_id))
    for id_, r in known.by_id.items():
        yield Claim("Reservations", "reservationOf", (id_,), Rule.Record, (r.record(), r.processors))
    for processor, rate in known.rates.items():
        yield Claim("Reservations", "rateOf", (processor,), Rule.Record, rate)
    for processor, calendar in known.calendars.items():
        yield Claim("Reservations", "calendarOf", (processor,), Rule.Record, calendar)


def _on_channels(suite: Suite) -> Iterator[Claim]:
    known = suite.channels
    yield Claim("Channels", "linkCount", (), Rule.Record, len(known.links))
    yield Claim("Channels", "channelCount", (), Rule.Record, len(known.by_id))
    for id_, link in known.links.items():
        yield Claim("Channels", "linkOf", (id_,), Rule.Record, link.record())
    for processor, purse in known.purses.items():
        yield Claim("Channels", "purseOf", (processor,), Rule.Books, purse)
    for id_, c in known.by_id.items():
        yield Claim("Channels", "channelOf", (id_,), Rule.Record, c.record())


def _on_sessions(suite: Suite) -> Iterator[Claim]:
    yield Claim("EntanglementCoordinator", "sessionCount", (), Rule.Record, len(suite.sessions.by_id))
    for id_, s in suite.sessions.by_id.items():
        yield Claim("EntanglementCoordinator", "sessionOf", (id_,), Rule.Record, (s.record(), s.members))
        yield Claim("EntanglementCoordinator", "usesOf", (id_,), Rule.Record, s.uses)
        for index, result in s.results.items():
            yield Claim("EntanglementCoordinator", "commitmentOf", (id_, index), Rule.Record, result)


def _on_certifications(suite: Suite) -> Iterator[Claim]:
    known = suite.certifications
    yield Claim("Certifications", "certificationCount", (), Rule.Record, len(known.by_id))
    yield Claim("Certifications", "certifiers", (), Rule.Record, known.pool)
    yield Claim("Certifications", "terms", (), Rule.Policy, known.terms.model_dump(by_alias=True))
    for id_, c in known.by_id.items():
        yield Claim("Certifications", "certificationOf", (id_,), Rule.Record, (c.record(), c.seats))
    for id_, certifier in known.certifiers.items():
        fields = {"busy": certifier.busy, "stake": certifier.stake, "tip": certifier.tip}
        yield Claim("Certifications", "certifierOf", (id_,), Rule.Record, fields)
    for processor, reserve in known.reserves.items():
        yield Claim("Certifications", "reserveOf", (processor,), Rule.Books, reserve)


def _on_keys(suite: Suite) -> Iterator[Claim]:
    for account, key in suite.keys.by_account.items():
        yield Claim("HashKeys", "wordOf", (account,), Rule.Key, key.word)
    for commitment in sorted(suite.keys.used):
        yield Claim("HashKeys", "isUsed", (commitment,), Rule.Key, True)
