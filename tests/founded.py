"""A consortium under committees whose members act through the suite's own door, by keys they had from the start."""

from typing import Any

from qcrs.chain.codec import decode_revert
from qcrs.chain.governance import Body, Governance
from qcrs.model.motion import COMMITTEES
from tests.doors import Holder
from tests.evm import Contract, Receipt, interfaces
from tests.governed import TEMPO, GovernedWorld

FOUNDERS, QUORUM = ("founder 1", "founder 2", "founder 3"), 2


class FoundedWorld(GovernedWorld):
    """The suite under its bodies: the same three people in each, with hash keys.

    Attributes:
        founders: By address.
    """

    def _rulers(self) -> dict[str, Any]:
        # Neither accounts nor trees depend on where the door will be.
        people = [Holder(self.door, name) for name in FOUNDERS]
        body = Body(tuple(founder.account for founder in people), QUORUM)
        keys = {founder.account: founder.commitment() for founder in people}
        return {"governance": Governance(dict.fromkeys(COMMITTEES, body), TEMPO, keys=keys)}

    def _deploy(self) -> None:
        super()._deploy()
        people = [Holder(self.hash_keys, name) for name in FOUNDERS]
        self.founders = {founder.account: founder for founder in people}

    def through(self, member: str, target: Contract, function: str, *arguments: Any) -> Receipt:
        receipt = self.founders[member].perform(target, function, *arguments)
        succeeded, result = receipt.result
        if not succeeded:
            raise decode_revert(result, interfaces())
        return Receipt(target.interface.decode_result(function, result), receipt.events)
