"""A daemon with hash keys of its own, played by hand."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.rules import hash_signature
from qcrs.rules.hash_keys import Action, Call, Domain
from qcrs.rules.hash_signature import SECRET_BYTES, Tree


@dataclass
class Keyholder:
    """One processor's daemon with trees of its own, in memory alone."""

    gateway: Gateway
    account: LocalAccount
    secret: bytes
    tree: Tree
    next_leaf: int = 0

    @classmethod
    def fresh(cls, gateway: Gateway, account: LocalAccount) -> "Keyholder":
        """Return a holder with a new tree."""
        secret = os.urandom(SECRET_BYTES)
        return cls(gateway, account, secret, hash_signature.grow(secret))

    @property
    def domain(self) -> Domain:
        """What is signed for."""
        return Domain(self.gateway.network.chain_id, self.gateway.addresses["HashKeys"])

    def sign(self, digest_of: Callable[[int], bytes]) -> bytes:
        """Return the next leaf's signature."""
        leaf, self.next_leaf = self.next_leaf, self.next_leaf + 1
        return hash_signature.sign(self.secret, self.tree, leaf, digest_of(leaf))

    def possession(self) -> bytes:
        """Return the proof that somebody has this tree."""
        commitment = self.tree.commitment
        return self.sign(lambda leaf: self.domain.possession_digest(self.account.address, commitment, leaf))

    async def install(self) -> Receipt:
        """Install the tree."""
        return await self._send("install", self.tree.commitment, self.possession())

    async def rotate(self) -> Receipt:
        """Replace the tree by a fresh one."""
        fresh, account = Keyholder.fresh(self.gateway, self.account), self.account.address
        commitment = fresh.tree.commitment
        signature = self.sign(lambda leaf: self.domain.rotation_digest(account, commitment, leaf))
        receipt = await self._send("rotate", account, commitment, fresh.possession(), b"", signature)
        self.secret, self.tree, self.next_leaf = fresh.secret, fresh.tree, fresh.next_leaf
        return receipt

    async def perform(self, call: Call, poster: LocalAccount | None = None) -> Receipt:
        """Make one call: sent by the account itself, or by *poster* with an ECDSA signature beside."""
        action = Action(self.account.address, call.target, call.data)
        leaf = self.next_leaf
        signature = self.sign(lambda leaf: self.domain.action_digest(action, leaf))
        ecdsa = b""
        if poster is not None:
            ecdsa = bytes(self.account.unsafe_sign_hash(self.domain.action_digest(action, leaf)).signature)
        given = (action.to_chain(), ecdsa, signature)
        return await self.gateway.send(poster or self.account, "HashKeys", "perform", *given)

    async def _send(self, function: str, *arguments: Any) -> Receipt:
        return await self.gateway.send(self.account, "HashKeys", function, *arguments)
