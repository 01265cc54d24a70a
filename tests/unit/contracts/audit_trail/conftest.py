"""The trail's leaves, from events alone."""

import pytest

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import leaf_of


@pytest.fixture
def leaves(world):
    """Returns the leaves of all audit entries so far, whenever called."""

    def so_far():
        return [
            leaf_of(e["index"], Decision(e["decision"]), e["subject"], e["recorder"], e["digest"])
            for e in world.chain.log
            if e.name == "EntryAppended"
        ]

    return so_far
