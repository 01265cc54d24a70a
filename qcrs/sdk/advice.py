"""What to do when a contract refuses: the next step for refusals that a person can do something about."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def next_step(name: str, arguments: Mapping[str, Any]) -> str | None:
    """Return what to do about the refusal *name*, in words; None when the refusal says it all."""
    if name == "QuotaExhausted":
        renews = datetime.fromtimestamp(arguments["renewsAt"], UTC).isoformat(sep=" ", timespec="minutes")
        return (
            f"this costs {arguments['cost']} units and {arguments['left']} are left until {renews}; submit it with "
            "'--priority routine', wait until then, or have the Quantum Resource Allocation Committee grant more "
            f"('qcrs organisation quota {arguments['organisation']} --elevated UNITS --critical UNITS')"
        )
    if name == "BacklogFull":
        return (
            "the organisation has as much waiting in this noise class as the queue holds; wait until some of it has "
            "been served ('qcrs job list'), cancel what is no longer wanted, or submit to another '--noise-class'"
        )
    if name == "TooFewEligibleProcessors":
        return (
            f"{arguments['found']} of {arguments['required']} processors that it needs can be had now; it is tried "
            "again when a lease ends. 'qcrs job why ID' tells what it waits for; cancel it and submit it with a higher "
            "--price, fewer --replicas or lower requirements to find more"
        )
    if name == "ComputationNotDue":
        return "others are in turn before it; 'qcrs job why ID' tells who"
    if name == "FeeTooLow":
        return "the price or the policy has changed since it was quoted; quote it again with --dry-run"
    if name == "InsufficientFunds":
        return "'qcrs ledger show' tells what is available; 'qcrs ledger deposit COIN' adds to it"
    if name in ("AccessManagedUnauthorized", "AuthorityUnauthorized"):
        return (
            "this takes a role that the account has not got; on a devnet, '--as operator' has them all; elsewhere a "
            "body decides it: 'qcrs committee propose'"
        )
    if name in ("NotMember", "CallerNotProposer"):
        return (
            "'qcrs committee list --json' tells who has a seat; act with such an account: --as NAME or --keystore FILE"
        )
    if name == "HashSignatureRequired":
        return (
            f"account {arguments['account']} acts by a hash key beside its ECDSA key: 'qcrs key install' makes its "
            "first one, after which commands use it by themselves; 'qcrs key show' tells what the chain has"
        )
    if name == "MemberKeyMissing":
        return f"{arguments['member']} installs a hash key first: 'qcrs key install'"
    if name == "RecoveryOpen":
        opens = datetime.fromtimestamp(arguments["opensAt"], UTC).isoformat(sep=" ", timespec="minutes")
        return f"the present key can object until {opens}; finish it then"
    if name in ("MotionOutdated", "VotingOver"):
        return "nobody can vote on it any more; end it with 'qcrs committee expire', and propose it anew"
    if name == "ExecutionOutsideWindow":
        return "'qcrs committee show' tells when it can be executed; once that is over, propose it anew"
    if name == "WorkStopped":
        ends = datetime.fromtimestamp(arguments["endsAt"], UTC).isoformat(sep=" ", timespec="minutes")
        return f"the Quantum Security Working Group has paused new work until {ends}; what is under way goes on"
    if name == "AccountNotAdmin":
        return "the organisation's admin chooses this"
    if name == "WindowTaken":
        return "'qcrs reservation list' shows what is taken; choose other processors, fewer qubits or another time"
    if name == "RateTooHigh":
        return "'qcrs processor list' shows rates; raise --max-rate, or ask the operator for a rate when it is 0"
    return None
