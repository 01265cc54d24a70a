"""Which call of the suite an event begins."""

from collections.abc import Callable, Mapping

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules.replay import (
    allocation,
    approvals,
    bodies,
    bonds,
    certifications,
    challenges,
    channels,
    consortium,
    deliveries,
    disputes,
    gold_rounds,
    inspections,
    keys,
    links,
    money,
    pause,
    queues,
    registry,
    reservations,
    rounds,
    session_ends,
    sessions,
    verdicts,
)
from qcrs.rules.replay.suite import Suite
from qcrs.rules.replay.transcript import Contradiction, LoggedEvent, Rule, Transcript

Call = Callable[[Suite, Transcript], None]


def call_of(head: LoggedEvent) -> Call:
    """Return what replays the call that *head* begins.

    Raises:
        Contradiction: No call begins with it, so what goes before it is missing.
    """
    call = _CALLS.get(head.name)
    if call is None:
        raise Contradiction(Rule.Sequence, "event without its cause", "the start of a call", head.name)
    return call


def _ending(suite: Suite, log: Transcript) -> None:
    """Replay a call that begins with an assignment ending or money divided; the status tells which."""
    head = log.peek()
    c = suite.computation(log, head["computation"])
    if head.name == "AssignmentEnded" and head["fate"] in (AssignmentStatus.Refused, AssignmentStatus.Excused):
        allocation.refuse(suite, log, c, head["index"])
    elif c.status is ComputationStatus.Queued:
        allocation.expire(suite, log, c)
    elif head.name == "ComputationPaid":
        rounds.substitute(suite, log, c)
    else:
        allocation.reallocate(suite, log, c)


_CALLS: Mapping[str, Call] = {
    "OrganisationAdmitted": consortium.admit,
    "OrganisationExpelled": consortium.expel,
    "OrganisationWeighted": consortium.set_weight,
    "AccountInvited": consortium.invite,
    "AccountJoined": consortium.join,
    "AccountLeft": consortium.resign,
    "OrderChosen": consortium.choose_order,
    "ScreenChosen": consortium.choose_screen,
    "OrganisationListed": consortium.list_,
    "QuotaGranted": consortium.grant_quota,
    "ProcessorRegistered": registry.register,
    "IdentityUpdated": registry.update_identity,
    "CapabilityDeclared": approvals.declare,
    "ProcessorCertified": approvals.certify,
    "ConductInherited": approvals.certify,
    "ProcessorSuspended": registry.suspend,
    "ProcessorRetired": registry.retire,
    "HeartbeatReceived": registry.beat,
    "ProcessorDrained": registry.drain,
    "OfferMade": registry.offer,
    "OfferWithdrawn": registry.withdraw_offer,
    "RateSet": reservations.set_rate,
    "ReservationGranted": reservations.reserve,
    "QubitsReserved": reservations.change,
    "ReservationClosed": reservations.close,
    "Deposited": money.deposit,
    "Withdrawn": money.withdraw,
    "BondAdded": bonds.bond,
    "UnbondingBegun": bonds.begin_unbonding,
    "BondRemoved": bonds.unbond,
    "TreasurySpent": money.disburse,
    "TreasuryEndowed": money.endow,
    "PolicyChanged": money.change_policy,
    "ComputationSubmitted": allocation.submit,
    "ComputationAllocated": allocation.allocate,
    "ComputationCancelled": allocation.cancel,
    "ComputationDeferred": queues.defer,
    "ComputationsExchanged": queues.exchange,
    "ComputationCommitted": rounds.commit,
    "ResultCommitted": rounds.commit,
    "CommitsBundled": rounds.bundle,
    "ComputationRevealing": rounds.disclose,
    "ResultRevealed": rounds.reveal,
    "ComputationSettled": verdicts.settle,
    "GoldListOpened": gold_rounds.open_,
    "RoundScored": gold_rounds.score_,
    "GoldListClosed": gold_rounds.close,
    "StakeReclaimed": gold_rounds.reclaim,
    "HistogramDemanded": challenges.demand,
    "HistogramOpened": challenges.answer,
    "ChallengeEnded": challenges.end,
    "HistogramRefuted": challenges.refute_histogram,
    "SketchRefuted": challenges.refute_sketch,
    "AnswerRepeated": challenges.repeat,
    "ResultSubscribed": deliveries.subscribe,
    "OutcomesSubscribed": deliveries.subscribe,
    "ResultDelivered": deliveries.deliver,
    "ResultDeliveryFailed": deliveries.deliver,
    "OutcomesDelivered": deliveries.deliver,
    "OutcomesDeliveryFailed": deliveries.deliver,
    "DisputeOpened": disputes.open_,
    "DisputeAnswered": disputes.answer,
    "DisputeRuled": disputes.rule,
    "DisputeLapsed": disputes.lapse,
    "MotionProposed": bodies.propose,
    "MotionVoted": bodies.vote,
    "MotionExecuted": bodies.execute,
    "MotionRejected": bodies.reject,
    "MotionLapsed": bodies.lapse,
    "MotionWithdrawn": bodies.withdraw,
    "BodyFounded": bodies.found,
    "BodyComposed": bodies.compose,
    "TempoSet": bodies.set_tempo,
    "DelayWaived": bodies.waive,
    "WorkPaused": pause.pause,
    "WorkResumed": pause.resume,
    "CertificationTermsChanged": inspections.change_terms,
    "CertifierEnlisted": inspections.enlist,
    "CertifierDelisted": inspections.delist,
    "EpochOpened": inspections.open_epoch,
    "CertificationRequested": inspections.request,
    "ReserveWithdrawn": inspections.withdraw_reserve,
    "CertificationConvened": certifications.convene,
    "SaltRevealed": certifications.reveal_salt,
    "CertificationAnswered": certifications.answer,
    "ScoresCommitted": certifications.commit_scores,
    "ScoresRevealed": certifications.reveal_scores,
    "CertificationEnforced": certifications.enforce,
    "LinkOpened": links.open_link,
    "LinkStaked": links.stake,
    "LinkClosed": links.close_link,
    "PurseFunded": links.fund,
    "PurseEmptied": links.withdraw,
    "ChannelRequested": channels.request,
    "ChannelRetested": channels.retest,
    "ChannelAccepted": channels.accept,
    "PairsHeralded": channels.herald,
    "OutcomesCommitted": channels.commit,
    "OutcomesRevealed": channels.reveal,
    "ChannelSettled": channels.settle,
    "ChannelReleased": channels.release,
    "ChannelEnded": channels.end,
    "SessionsCreated": sessions.create,
    "SessionJoined": sessions.join,
    "MemberArrived": sessions.arrive,
    "SketchSeedFixed": sessions.disclose,
    "SessionReported": sessions.report,
    "ReportingOpened": session_ends.end,
    "SessionEnded": session_ends.end,
    "SessionsConcluded": session_ends.end,
    "KeyInstalled": keys.install,
    "KeyRotated": keys.rotate,
    "ActionPerformed": keys.act,
    "ActionFailed": keys.act,
    "Attested": keys.act,
    "RecoveryProposed": keys.propose,
    "RecoveryObjected": keys.object_,
    "KeyRecovered": keys.recover,
    "AssignmentEnded": _ending,
    "ComputationPaid": _ending,
}
