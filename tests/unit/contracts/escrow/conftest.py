"""A contract as a holder, hand-assembled: too small to be worth a compiler."""

import pytest
from eth_hash.auto import keccak


@pytest.fixture
def refuser(world):
    """A contract that calls the allocator for anyone, and takes no coin from it."""
    address = "0x" + keccak(b"refuser")[12:].hex()
    target = world.allocator.address[2:]
    world.chain.put_code(
        address,
        bytes.fromhex(
            f"73{target}3314604c57"  # if the caller is the allocator, jump to 0x4c
            f"366000600037600060003660003473{target}5af1"  # pass call data and value on to it
            "605257"  # done at 0x52 when it took them,
            "3d600060003e3d6000fd"  # else revert with what it reverted with
            "5b60006000fd"  # 0x4c: refuse
            "5b00"  # 0x52: stop
        ),
    )
    world.holders.add(address)
    return address
