"""Nonces, when a node and the sender do not agree on which is next."""

import asyncio

import pytest
from eth_account import Account

from qcrs.chain import sender
from qcrs.chain.rpc import ChainUnreachable, TransactionRefused
from qcrs.chain.sender import Sender, Transaction

ME = Account.from_key(b"\x01" * 32)
TAKEN = "eth_sendRawTransaction: transaction can't be replaced, mining has already started."
REPLACED = "eth_sendRawTransaction: replacement transaction underpriced"
UNDERPRICED = "eth_sendRawTransaction: transaction underpriced"
STALE = "eth_sendRawTransaction: the tx doesn't have the correct nonce."
TRANSACTION = Transaction("0x" + "11" * 20, b"", 0, 21_000)


class Node:
    """A node that answers what it is told to, in turn, and always names the same next nonce."""

    def __init__(self, *answers: Exception | None, pending: int = 7) -> None:
        self.answers, self.pending, self.nonces = list(answers), pending, []

    async def read(self, method: str, *_: object) -> str:
        assert method == "eth_getTransactionCount"
        return hex(self.pending)

    async def request(self, method: str, raw: str) -> str:
        assert method == "eth_sendRawTransaction"
        self.nonces.append(decoded(raw))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return "0x"


def decoded(raw: str) -> int:
    """Return the nonce of a signed transaction of type 2: the second field after the chain id."""
    import rlp

    return int.from_bytes(rlp.decode(bytes.fromhex(raw[4:]))[1], "big")


def posted(node: Node, times: int = 1) -> list[int]:
    async def post() -> None:
        one = Sender(node, 1337)
        for _ in range(times):
            await one.post(ME, TRANSACTION, 0)

    asyncio.run(post())
    return node.nonces


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(sender, "NONCE_PAUSES_SECONDS", (0.0,) * 5)


def test_nonces_follow_each_other_without_asking_again():
    assert posted(Node(), 3) == [7, 8, 9]


@pytest.mark.parametrize("refusal", [TAKEN, REPLACED, UNDERPRICED])
def test_a_nonce_that_another_transaction_has_is_passed_over(refusal):
    """A timeout leaves it open whether it arrived; a node that mines it names the same nonce again."""
    node = Node(ChainUnreachable("late"), TransactionRefused(refusal), TransactionRefused(refusal))
    assert posted(node, 3) == [7, 7, 8, 9, 10]


def test_a_stale_nonce_is_asked_for_again():
    assert posted(Node(TransactionRefused(STALE))) == [7, 7]


def test_what_is_refused_for_another_reason_is_not_sent_again():
    node = Node(TransactionRefused("insufficient funds for gas * price + value"))
    with pytest.raises(TransactionRefused, match="insufficient funds"):
        posted(node)
    assert node.nonces == [7]


def test_nonces_passed_over_in_vain_are_forgotten():
    """A node that finds every fee too low says the same as one that has the nonce."""
    node = Node(*[TransactionRefused(UNDERPRICED)] * 6)
    with pytest.raises(TransactionRefused):
        posted(node)
    assert node.nonces == [7, 8, 9, 10, 11, 12]

    async def again(one: Sender) -> None:
        with pytest.raises(TransactionRefused):
            await one.post(ME, TRANSACTION, 0)
        await one.post(ME, TRANSACTION, 0)

    node = Node(*[TransactionRefused(UNDERPRICED)] * 6)
    asyncio.run(again(Sender(node, 1337)))
    assert node.nonces[-1] == 7


def test_a_nonce_that_is_never_right_is_given_up():
    node = Node(*[TransactionRefused(STALE)] * 99)
    with pytest.raises(TransactionRefused, match="nonce"):
        posted(node)
    assert len(node.nonces) == 6
