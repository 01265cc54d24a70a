"""Steps of random histories, which contracts may refuse."""

from qcrs.chain.codec import ContractRefused


def attempt(call):
    """Make *call*, which may be refused, but by name."""
    try:
        return call()
    except ContractRefused as refusal:
        if refusal.name in ("Panic", "Revert", "Unknown"):
            raise
        return None
