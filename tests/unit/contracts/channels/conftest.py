"""A consortium in which an account, and not the contract of sessions, takes pairs."""

from collections.abc import Iterator

import pytest

from tests import scenario
from tests.entanglement import Lab
from tests.scenario import World, account

COORDINATOR = account("contract of sessions")


class ConsumerWorld(World):
    """A consortium in which an account takes pairs; the contract of sessions has no say."""

    def _deploy(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scenario, "plan", _with_consumer(scenario.plan))
            super()._deploy()


def _with_consumer(plan):
    """Return *plan* with the account in the place of the contract of sessions."""

    def changed(*arguments) -> Iterator:
        for step in plan(*arguments):
            if getattr(step, "address", None) and step.contract == "Channels":
                step = type(step)("Channels", (*step.arguments[:3], COORDINATOR), step.address)
            yield step

    return changed


@pytest.fixture(scope="session")
def _built_consumers():
    return ConsumerWorld()


@pytest.fixture
def shop(_built_consumers):
    """A link, and an account that takes pairs of its channels; afterwards all is undone."""
    with _built_consumers.undone():
        yield Lab(_built_consumers)
