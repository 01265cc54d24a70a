"""Requests and answers of reserved processors: only who should have signed them is believed."""

import json

import pytest
from eth_account import Account

from qcrs.chain.interactive import MessageInvalid, Run, Seal
from qcrs.model.refusal import RefusalCode

REQUESTER, DAEMON = (Account.from_key(bytes(31) + bytes([number])) for number in (1, 2))
SEAL = Seal(1337, "0x" + "11" * 20)
RUN = Run(reservation=3, processor=7, nonce=5, shots=100, qubits=2, outcome_bits=2, text="OPENQASM 3.0;")
COUNTS = {0: 60, 3: 40}


def changed(content, **fields):
    value = json.loads(content)
    value["body"] |= fields
    return json.dumps(value).encode()


def test_run_comes_back_as_it_was_signed():
    assert SEAL.open_run(SEAL.sign_run(REQUESTER, RUN), REQUESTER.address) == RUN


@pytest.mark.parametrize(
    "fields", [{"shots": 101}, {"text": "OPENQASM 2.0;"}, {"processor": 8}, {"reservation": 4}, {"nonce": 6}]
)
def test_changed_run_is_refused(fields):
    with pytest.raises(MessageInvalid, match="signed by"):
        SEAL.open_run(changed(SEAL.sign_run(REQUESTER, RUN), **fields), REQUESTER.address)


def test_run_of_another_signer_or_deployment_is_refused():
    with pytest.raises(MessageInvalid, match="signed by"):
        SEAL.open_run(SEAL.sign_run(DAEMON, RUN), REQUESTER.address)
    with pytest.raises(MessageInvalid, match="signed by"):
        Seal(1, SEAL.contract).open_run(SEAL.sign_run(REQUESTER, RUN), REQUESTER.address)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"body": [], "signature": "0x00"}', b'{"body": {}, "signature": "0x' + b"00" * 65 + b'"}'],
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(MessageInvalid):
        SEAL.open_run(content, REQUESTER.address)
    with pytest.raises(MessageInvalid):
        SEAL.open_answer(content, RUN, DAEMON.address)


def test_answers_are_counts_or_a_refusal():
    content = SEAL.sign_answer(DAEMON, RUN, COUNTS, RefusalCode.Unset)
    assert SEAL.open_answer(content, RUN, DAEMON.address) == (COUNTS, 0)
    refused = SEAL.sign_answer(DAEMON, RUN, None, RefusalCode.TooManyQubits)
    assert SEAL.open_answer(refused, RUN, DAEMON.address) == (None, RefusalCode.TooManyQubits)


def test_answer_is_bound_to_its_run_its_counts_and_its_daemon():
    content = SEAL.sign_answer(DAEMON, RUN, COUNTS, RefusalCode.Unset)
    other = RUN.model_copy(update={"nonce": 6})
    for case in (
        (changed(content, counts={"0": 59, "3": 41}), RUN, DAEMON.address),
        (content, other, DAEMON.address),
        (content, RUN, REQUESTER.address),
    ):
        with pytest.raises(MessageInvalid, match="signed by"):
            SEAL.open_answer(*case)


@pytest.mark.parametrize(
    ("counts", "refusal"),
    [({0: 60, 3: 41}, 0), ({0: 60, 4: 40}, 0), (None, 0), (COUNTS, 15), (None, 999)],
    ids=["too many", "too wide", "nothing", "both", "unknown refusal"],
)
def test_signed_nonsense_is_refused_all_the_same(counts, refusal):
    with pytest.raises(MessageInvalid):
        SEAL.open_answer(SEAL.sign_answer(DAEMON, RUN, counts, refusal), RUN, DAEMON.address)


def test_name_follows_from_what_is_signed():
    assert SEAL.name_of(RUN) == SEAL.name_of(RUN.model_copy())
    assert SEAL.name_of(RUN) != SEAL.name_of(RUN.model_copy(update={"nonce": 6}))
