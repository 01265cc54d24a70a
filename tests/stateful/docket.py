"""Disputes as they should be: which may be opened, ruled on or lapse, and what a ruling changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model import dispute
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.model.dispute import DisputeKind, DisputeStatus
from tests.stateful.money import Books

if TYPE_CHECKING:
    from tests.stateful.model import Twin

RULING_SECONDS = 7 * 86_400


@dataclass
class Case:
    """One dispute as it should be; *seat* is an assignment's number."""

    id: int
    twin: "Twin"
    seat: int
    processor: int
    kind: DisputeKind
    opener: str
    wei: int
    ends_at: int
    status: DisputeStatus = DisputeStatus.Open

    def advance(self, to: DisputeStatus) -> None:
        """Move the dispute."""
        self.status = dispute.advance(self.status, to)


class Docket:
    """All disputes. Each ``may_*`` says whether the chain will take a step now; each other method takes it."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.cases: list[Case] = []

    @property
    def now(self) -> int:
        """The chain's clock."""
        return self.books.world.chain.now

    @property
    def held(self) -> int:
        """Wei that openers have put up for disputes that are open."""
        return sum(case.wei for case in self.cases if case.status is DisputeStatus.Open)

    def kind_of(self, twin: "Twin", index: int) -> DisputeKind:
        """Return what can be complained about in a seat, if anything can."""
        outlier = twin.seats[index][1] is AssignmentStatus.Outlier
        return DisputeKind.WrongFault if outlier else DisputeKind.WrongAnswer

    def may_open(self, twin: "Twin", index: int) -> bool:
        if twin.status not in VERDICTS or self.now > twin.phase_ends_at:
            return False
        disputable = {AssignmentStatus.Accepted, AssignmentStatus.Released, AssignmentStatus.Outlier}
        known = {(case.twin.job.id, case.seat) for case in self.cases}
        return twin.seats[index][1] in disputable and (twin.job.id, index) not in known

    def open(self, twin: "Twin", index: int, opener: str) -> None:
        kind, processor = self.kind_of(twin, index), twin.seats[index][0]
        wei, ends_at = self.books.policy["slash"], self.now + RULING_SECONDS
        self.cases.append(Case(len(self.cases) + 1, twin, index, processor, kind, opener, wei, ends_at))
        if kind is DisputeKind.WrongAnswer:
            self.books.bonds[processor].cases += 1

    def may_rule(self, case: Case) -> bool:
        return case.status is DisputeStatus.Open and self.now <= case.ends_at

    def rule(self, case: Case, upheld: bool) -> None:
        case.advance(DisputeStatus.Upheld if upheld else DisputeStatus.Dismissed)
        self._let_go(case)
        twin = case.twin
        if not upheld:
            self.books.dismiss(case)
        elif case.kind is DisputeKind.WrongFault:
            twin.seat(case.seat, AssignmentStatus.Vindicated)
            self.books.vindicate(case)
        else:
            twin.seat(case.seat, AssignmentStatus.Disproven)
            self.books.condemn(case, twin.escrow.wei)
            outvoted = len(twin.indices(AssignmentStatus.Accepted)) < twin.quorum
            accepted = twin.status is ComputationStatus.Accepted
            if twin.status is ComputationStatus.Unverified or (accepted and outvoted):
                twin.advance(ComputationStatus.Overturned)

    def may_lapse(self, case: Case) -> bool:
        return case.status is DisputeStatus.Open and self.now > case.ends_at

    def lapse(self, case: Case) -> None:
        case.advance(DisputeStatus.Lapsed)
        self._let_go(case)
        self.books.available[case.opener] += case.wei

    def _let_go(self, case: Case) -> None:
        if case.kind is DisputeKind.WrongAnswer:
            self.books.bonds[case.processor].cases -= 1
