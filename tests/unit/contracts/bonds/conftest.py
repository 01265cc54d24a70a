"""An operator that takes no coin, hand-assembled: too small to be worth a compiler."""

import pytest
from eth_hash.auto import keccak

from tests.scenario import Node, account, hardware_of


@pytest.fixture
def ungrateful(world):
    """A processor with a bond of 5 wei, whose operator takes no coin, and how to call from that operator."""
    operator = "0x" + keccak(b"ungrateful operator")[12:].hex()

    def call(contract, function, *arguments, value=0):
        """Let the operator call *function*: its code passes calls on to *contract*, and refuses those from there."""
        target = contract.address[2:]
        world.chain.put_code(
            operator,
            bytes.fromhex(
                f"73{target}3314604c57"  # if the caller is the target, jump to 0x4c
                f"366000600037600060003660003473{target}5af1"  # pass call data and value on to it
                "605257"  # done at 0x52 when it took them,
                "3d600060003e3d6000fd"  # else revert with what it reverted with
                "5b60006000fd"  # 0x4c: refuse
                "5b00"  # 0x52: stop
            ),
        )
        data = contract.interface.encode_call(function, arguments)
        world.chain.send_raw(operator, data, world.stranger, value)

    world.consortium.invite(operator, sender=world.requester)
    call(world.consortium, "join", world.requesters)
    digest = keccak(b"identity")
    signature = world.sign_registration("ungrateful daemon", operator, digest)
    call(world.registry, "register", account("ungrateful daemon"), digest, hardware_of("ungrateful daemon"), signature)
    processor = world.registry.processorOf(account("ungrateful daemon"))
    world.nodes.append(Node(processor, world.requesters, operator, account("ungrateful daemon")))
    call(world.bonds, "bond", processor, value=5)
    return processor, call
