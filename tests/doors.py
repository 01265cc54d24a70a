"""People with a hash key beside their ECDSA key, and what they sign for the door."""

from collections.abc import Callable, Sequence
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from qcrs.rules import hash_signature
from qcrs.rules.hash_keys import Action, Call, Domain, KeyWord
from tests.evm import CHAIN_ID, Chain, Contract, Receipt
from tests.mirror.signatures import tree_of

NOTHING = b""


class Holder:
    """Somebody called *name*, whose account and trees follow from the name.

    Attributes:
        next_leaf: What the holder signs with next; tests change it to misbehave. tree: The present tree's number.
    """

    def __init__(self, door: Contract, name: str, chain_id: int = CHAIN_ID) -> None:
        self.door, self.name = door, name
        self.domain = Domain(chain_id, door.address)
        self.key = keccak(name.encode())
        self.account = Account.from_key(self.key).address.lower()
        self.tree, self.next_leaf = 0, 0

    def secret(self, tree: int | None = None) -> bytes:
        """Return the secret of one of the holder's trees, by default the present one."""
        return keccak(f"{self.name} {self.tree if tree is None else tree}".encode())

    def commitment(self, tree: int | None = None) -> bytes:
        """Return the commitment of one of the holder's trees."""
        return tree_of(self.secret(tree)).commitment

    @property
    def word(self) -> KeyWord:
        """What the chain keeps of the holder's key."""
        return KeyWord.of(self.door.wordOf(self.account))

    # --- signatures ---

    def ecdsa(self, digest: bytes) -> bytes:
        """Return the account's signature of *digest*."""
        return bytes(Account.unsafe_sign_hash(digest, self.key).signature)

    def hash_sign(self, digest_of: Callable[[int], bytes], tree: int | None = None, leaf: int | None = None) -> bytes:
        """Return the signature by *leaf* of *tree*, by default the next of the present one, which is then used."""
        if leaf is None:
            leaf, self.next_leaf = self.next_leaf, self.next_leaf + 1
        secret = self.secret(tree)
        return hash_signature.sign(secret, tree_of(secret), leaf, digest_of(leaf))

    def both(self, digest_of: Callable[[int], bytes], leaf: int | None = None) -> tuple[bytes, bytes]:
        """Return ECDSA's and the hash key's signature."""
        signature = self.hash_sign(digest_of, leaf=leaf)
        return self.ecdsa(digest_of(hash_signature.leaf_in(signature))), signature

    def possession(self, tree: int, leaf: int = 0) -> bytes:
        """Return a tree's proof that the holder has it."""
        commitment = self.commitment(tree)
        return self.hash_sign(lambda leaf: self.domain.possession_digest(self.account, commitment, leaf), tree, leaf)

    def action(self, target: Contract, function: str, *arguments: Any) -> Action:
        """Return the action of calling *function* of *target*."""
        return Action(self.account, target.address, target.interface.encode_call(function, arguments))

    def signed(self, action: Action, leaf: int | None = None) -> tuple[tuple, bytes, bytes]:
        """Return the arguments of ``perform``."""
        return action.to_chain(), *self.both(lambda leaf: self.domain.action_digest(action, leaf), leaf)

    # --- what a holder does ---

    def install(self) -> Receipt:
        """Install the present tree."""
        self.next_leaf = 1
        return self.door.install(self.commitment(), self.possession(self.tree), sender=self.account)

    def rotation(self, tree: int, leaf: int | None = None) -> tuple:
        """Return the arguments of a rotation to *tree*."""
        commitment = self.commitment(tree)
        signatures = self.both(lambda leaf: self.domain.rotation_digest(self.account, commitment, leaf), leaf)
        return self.account, commitment, self.possession(tree), *signatures

    def rotate(self, tree: int, sender: str) -> Receipt:
        """Replace the present tree by *tree*."""
        receipt = self.door.rotate(*self.rotation(tree), sender=sender)
        self.tree, self.next_leaf = tree, 1
        return receipt

    def objection(self, commitment: bytes) -> tuple:
        """Return the arguments of an objection to a recovery to *commitment*."""
        return self.account, *self.both(lambda leaf: self.domain.objection_digest(self.account, commitment, leaf))

    def perform(self, target: Contract, function: str, *arguments: Any, sender: str | None = None) -> Receipt:
        """Call *function* of *target* through the door, sent by the holder or by somebody else."""
        action, ecdsa, signature = self.signed(self.action(target, function, *arguments))
        if sender is None:
            return self.door.perform(action, NOTHING, signature, sender=self.account)
        return self.door.perform(action, ecdsa, signature, sender=sender)

    def batch(self, calls: Sequence[Call], gas_each: int = 100_000, leaf: int | None = None) -> tuple:
        """Return the arguments of ``performMany``."""
        signatures = self.both(lambda leaf: self.domain.batch_digest(self.account, calls, gas_each, leaf), leaf)
        return self.account, [call.to_chain() for call in calls], gas_each, *signatures

    def attest(self, asker: str, digest: bytes, leaf: int | None = None) -> bytes:
        """Return the hash key's signature of *digest* for the contract *asker*."""
        return self.hash_sign(lambda leaf: self.domain.attestation_digest(self.account, asker, digest, leaf), leaf=leaf)


def open_door(chain: Chain, certifier: str, founders: Sequence[tuple[str, bytes]] = ()) -> Contract:
    """Return a door of its own, whose recoveries *certifier* may propose; *founders* have their keys from the start."""
    authority = chain.deploy("Authority", certifier, sender=certifier)
    return chain.deploy("HashKeys", authority.address, founders, sender=certifier)


def keyed(world: Any, name: str) -> Holder:
    """Return the holder *name* of a scenario, with a key installed."""
    holder = Holder(world.hash_keys, name)
    holder.install()
    return holder


def key_node(world: Any, number: int) -> tuple[Holder, Holder]:
    """Give operator and daemon of the scenario's node *number*, from 1, hash keys that the registry heeds."""
    operator, daemon = keyed(world, f"operator {number}"), keyed(world, f"daemon {number}")
    world.registry.adoptKeys(world.nodes[number - 1].id, sender=world.stranger)
    return operator, daemon


def consent(world: Any, daemon: Holder, operator: str, digest: bytes, hardware: bytes) -> bytes:
    """Return both signatures of a keyed daemon that consents to serve *operator*."""
    typed = world.registration_digest(operator, daemon.account, digest, hardware)
    return daemon.ecdsa(typed) + daemon.attest(world.registry.address, typed)
