"""A suite whose courts are accounts, to call what only courts may."""

from collections.abc import Iterator

import pytest

from tests import scenario
from tests.scenario import World, account

CHALLENGES = account("challenges")
DISPUTES = account("disputes")


class CourtWorld(World):
    """A consortium in which two accounts sit as courts; the contracts of the same names have no say."""

    challenges_court = CHALLENGES
    disputes_court = DISPUTES

    def _deploy(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scenario, "plan", _with_courts(scenario.plan))
            super()._deploy()


def _with_courts(plan):
    """Return *plan* with the accounts in the places of the courts."""

    def changed(*arguments) -> Iterator:
        for step in plan(*arguments):
            if getattr(step, "address", None) and step.contract == "Bonds":
                step = type(step)("Bonds", (*step.arguments[:2], CHALLENGES, DISPUTES), step.address)
            elif getattr(step, "address", None) and step.contract == "ComputationAllocator":
                wiring, *rest = step.arguments
                wiring = (*wiring[:6], CHALLENGES, DISPUTES)
                step = type(step)("ComputationAllocator", (wiring, *rest), step.address)
            yield step

    return changed


@pytest.fixture(scope="session")
def _built_courts():
    return CourtWorld()


@pytest.fixture
def courts(_built_courts):
    """A consortium whose courts are accounts; afterwards the books must balance, and all is undone."""
    with _built_courts.undone():
        yield _built_courts
        _built_courts.require_balanced()
        _built_courts.require_leases()
