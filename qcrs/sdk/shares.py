"""What each organisation has been served, against what its weight entitles it to: told by events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from qcrs.model.story import Stories
from qcrs.rules.keeping import cost_of
from qcrs.rules.replay import LoggedEvent


@dataclass
class Account:
    """One organisation's dealings, in cost units.

    Attributes:
        asked: Of what it has submitted and not withdrawn. served: Of that, what has been given processors.
        entitled: What its weight entitled it to, of all that was served.
    """

    asked: int = 0
    served: int = 0
    waiting: int = 0
    entitled: Fraction = field(default_factory=Fraction)


def shares_of(
    events: Iterable[LoggedEvent], weights: Mapping[int, int], noise_class: int | None = None
) -> dict[int, Account]:
    """Return the account of each organisation that asked for anything.

    Args:
        weights: By organisation, as of now. noise_class: Only of this class; of all by default.
    """
    stories, accounts = Stories(), {}
    for event in events:
        story = stories.apply(event.name, event.arguments, event.block)
        if story is None or noise_class not in (None, story.request.noise_class):
            continue
        account, cost = accounts.setdefault(story.organisation, Account()), cost_of(story.request)
        if event.name == "ComputationSubmitted":
            account.asked += cost
        elif event.name == "ComputationAllocated" and event.arguments["bounty"]:
            account.served += cost
        elif event.name in ("ComputationCancelled", "ComputationFailed") and not story.duties:
            account.asked -= cost
    for account in accounts.values():
        account.waiting = account.asked - account.served
    demands = {organisation: account.asked for organisation, account in accounts.items()}
    total = sum(account.served for account in accounts.values())
    for organisation, entitled in entitlements(demands, weights, total).items():
        accounts[organisation].entitled = entitled
    return accounts


def entitlements(demands: Mapping[int, int], weights: Mapping[int, int], served: int) -> dict[int, Fraction]:
    """Return how *served* units are to be divided: by weight, and what one does not ask for among the others.

    This is weighted max-min fairness, over the whole time at once.
    """
    given = {organisation: Fraction(0) for organisation in demands}
    left, wanting = Fraction(served), {organisation for organisation in demands if demands[organisation]}
    while wanting:
        total = sum(weights[organisation] for organisation in wanting)
        met = {o for o in wanting if demands[o] * total <= left * weights[o]}
        for organisation in met:
            given[organisation] = Fraction(demands[organisation])
        if not met:
            return given | {o: left * weights[o] / total for o in wanting}
        left -= sum(given[organisation] for organisation in met)
        wanting -= met
    return given
