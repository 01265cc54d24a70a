"""Who owned what, to ask later who gained."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.scenario import World


class Purse:
    """What holders owned at one moment, to ask later by how much they grew."""

    def __init__(self, world: "World", holders: Sequence[str], with_bonds: bool = False) -> None:
        self._world, self._holders, self._with_bonds = world, holders, with_bonds
        self._before = self._owned()

    def gains(self) -> dict[str, int]:
        """Return by how many wei each holder and ``treasury`` changed; zeros left out."""
        return {key: wei - self._before[key] for key, wei in self._owned().items() if wei != self._before[key]}

    def gain(self, holder: str) -> int:
        """Return by how many wei *holder* changed."""
        return self._owned()[holder] - self._before[holder]

    def _owned(self) -> dict[str, int]:
        world = self._world
        owned = {holder: sum(world.allocator.balanceOf(holder)) for holder in self._holders}
        for node in world.nodes:
            if self._with_bonds and node.operator in owned:
                owned[node.operator] += world.bonds.bondOf(node.id)
        return owned | {"treasury": self._world.allocator.treasury()}
