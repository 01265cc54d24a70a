"""The hash key of an account, looked after: installed, rotated, recovered when it is lost, defended when it is not."""

from dataclasses import dataclass

from qcrs.chain.action import act
from qcrs.chain.contracts import HashKeys, Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.crypto.leaf_signer import LeafSigner
from qcrs.errors import QcrsError
from qcrs.model.processor import ProcessorStatus
from qcrs.rules.hash_keys import RESERVED_LEAVES, Domain, KeyWord
from qcrs.rules.hash_signature import LEAVES
from qcrs.sdk.keyring import Keyring

CONTRACT = "HashKeys"
UNSEEN = KeyWord(bytes(24), 0, False)  # of a key that the chain has not heard of


class HashKeyPresent(QcrsError):
    """The account has a key already."""


class HashKeyAbsent(QcrsError):
    """The account has no key."""


class RecoveryForeign(QcrsError):
    """The key that a recovery would install is not in the keyring."""


class RecoveryAbsent(QcrsError):
    """No recovery of the account's key is under way."""


@dataclass(frozen=True)
class Recovery:
    """A recovery that is under way.

    Attributes:
        commitment: Of the key that is to be the account's. opens_at: When it can be, unix seconds.
    """

    commitment: bytes
    opens_at: int


@dataclass(frozen=True)
class KeyState:
    """What the chain has of an account's key.

    Attributes:
        left: Leaves for actions. heeding: Processors that accept the account, as operator or daemon, by this key alone;
            *deaf* those that know of no key yet. recovery: None when nobody wants to replace the key.
    """

    account: str
    word: KeyWord
    left: int
    heeding: tuple[int, ...]
    deaf: tuple[int, ...]
    recovery: Recovery | None


async def state_of(gateway: Gateway, account: str) -> KeyState:
    """Return how things stand with the key of *account*."""
    word = await HashKeys(gateway).word(account)
    heeding, deaf = await _processors_of(gateway, account)
    recovery = await _recovery_of(gateway, account) if word.is_recovering else None
    left = 0 if word.is_empty else max(0, LEAVES - RESERVED_LEAVES - word.next_leaf)
    return KeyState(account, word, left, heeding, deaf, recovery)


async def install(gateway: Gateway, keyring: Keyring, account: LocalAccount) -> KeyState:
    """Make and install the first key of *account*, and have the registry heed it for all that the account operates.

    Run again after it was interrupted, it goes on where it stopped.

    Raises:
        HashKeyPresent: It has one, and every processor heeds it.
    """
    before = await state_of(gateway, account.address)
    if not before.word.is_empty and not before.deaf:
        raise HashKeyPresent(
            f"account {account.address} has key 0x{before.word.commitment.hex()}; 'qcrs key rotate' replaces it"
        )
    await keyring.door(gateway, account)
    for processor in before.deaf:
        await gateway.send(account, "ProcessorRegistry", "adoptKeys", processor)
    return await state_of(gateway, account.address)


async def rotate(gateway: Gateway, keyring: Keyring, account: LocalAccount) -> KeyState:
    """Replace the key of *account* by a new one, signed for by the present one.

    Raises:
        HashKeyAbsent: It has none. LeafKeyInvalid: The present one is not in the keyring.
    """
    await _require_key(gateway, account.address)
    await (await keyring.door(gateway, account)).rotate()
    return await state_of(gateway, account.address)


async def object_to(gateway: Gateway, keyring: Keyring, account: LocalAccount) -> None:
    """End the recovery of the key of *account*: it is not lost.

    Raises:
        RecoveryAbsent: None is under way. LeafKeyInvalid: The present key is not in the keyring.
    """
    recovery = (await _require_key(gateway, account.address)).recovery
    if recovery is None:
        raise RecoveryAbsent(f"no recovery of the key of {account.address} is under way")
    await (await keyring.door(gateway, account)).object(recovery.commitment)


async def request_recovery(gateway: Gateway, keyring: Keyring, account: str) -> tuple[bytes, bytes]:
    """Make a new key for an account whose key is lost; return its commitment and its proof of possession.

    The Processor Certification Authority proposes both: ``proposeRecovery``.

    Raises:
        HashKeyAbsent: There is nothing to recover.
    """
    await _require_key(gateway, account)
    domain = Domain(gateway.network.chain_id, gateway.addresses[CONTRACT])
    with LeafSigner(keyring.ring(gateway, account).another()) as signer:
        signer.require_current(UNSEEN)
        commitment = signer.key.commitment
        return commitment, signer.sign_reserved(lambda leaf: domain.possession_digest(account, commitment, leaf))


async def finish_recovery(gateway: Gateway, keyring: Keyring, account: LocalAccount) -> KeyState:
    """Put the new key of *account* in force, once the time to object is over.

    Raises:
        RecoveryAbsent: None is under way. RecoveryForeign: The new key is not in the keyring.
        ContractRefused: The present key can still object.
    """
    recovery = (await _require_key(gateway, account.address)).recovery
    if recovery is None:
        raise RecoveryAbsent(f"no recovery of the key of {account.address} is under way: objected to, or not begun")
    if not keyring.ring(gateway, account.address).has(recovery.commitment):
        raise RecoveryForeign(
            f"the recovery of {account.address} would install key 0x{recovery.commitment.hex()}, which is not in the "
            "keyring; whoever has it asked for this. Object by the present key: 'qcrs key object'"
        )
    await act(gateway, account, CONTRACT, "recover", account.address)
    return await state_of(gateway, account.address)


async def _require_key(gateway: Gateway, account: str) -> KeyState:
    state = await state_of(gateway, account)
    if state.word.is_empty:
        raise HashKeyAbsent(f"account {account} has no hash key; 'qcrs key install' gives it one")
    return state


async def _recovery_of(gateway: Gateway, account: str) -> Recovery:
    told = await gateway.logs(gateway.network.deployed_at, names=["RecoveryProposed"])
    last = [event for event in told if event["account"].lower() == account.lower()][-1]
    return Recovery(last["commitment"], last["opensAt"])


async def _processors_of(gateway: Gateway, account: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the processors that *account* operates: those that know of its key, and the others."""
    names = ("ProcessorRegistered", "KeysAdopted", "ActionPerformed")
    told = await gateway.logs(gateway.network.deployed_at, names=names)
    own = {
        event["processor"]: event.transaction
        for event in told
        if event.name == "ProcessorRegistered" and event["operator"].lower() == account.lower()
    }
    known = {event["processor"] for event in told if event.name == "KeysAdopted" and event["operatorKeyed"]}
    # Who registered through the door needs no adopting.
    through = {event.transaction for event in told if event.name == "ActionPerformed"}
    heeding = {id_ for id_, transaction in own.items() if id_ in known or transaction in through}
    registry = Registry(gateway)
    retired = {id_ for id_ in own if (await registry.standing(id_)).status is ProcessorStatus.Retired}
    return tuple(sorted(heeding - retired)), tuple(sorted(own.keys() - heeding - retired))
