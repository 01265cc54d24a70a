import os
import random
import shutil
import signal
import time
from collections import defaultdict
from dataclasses import replace

import pytest

from qcrs.crypto.leaf_journal import LeafJournal, LeafJournalBehind, LeafJournalInUse, LeavesExhausted
from qcrs.crypto.leaf_key import LeafKey
from qcrs.crypto.leaf_signer import LeafSigner, SignatureFaulty, SignerNotCurrent
from qcrs.rules import hash_signature
from qcrs.rules.digest import keccak
from qcrs.rules.hash_keys import RESERVED_LEAVES, KeyWord
from qcrs.rules.hash_signature import LEAVES, SIGNATURE_BYTES, leaf_in

NO_KEY = KeyWord(bytes(24), 0, False)
ROUNDS = 300
RECORD = 32 + SIGNATURE_BYTES  # digest and signature, which a pipe takes whole


def of(leaf):
    return keccak(b"message %d" % leaf)


def signer_of(key, word=NO_KEY):
    signer = LeafSigner(key)
    signer.require_current(word)
    return signer


def test_signs_with_one_leaf_after_another(key):
    with signer_of(key) as signer:
        for leaf in range(3):
            signature = signer.sign(of)
            assert leaf_in(signature) == leaf
            assert hash_signature.verify(signature, key.commitment, of(leaf))


def test_signs_nothing_before_it_knows_the_chain(key):
    with LeafSigner(key) as signer, pytest.raises(SignerNotCurrent):
        signer.sign(of)
    with signer_of(key) as signer:
        assert signer.next_leaf == 0


def test_second_signer_is_refused(key):
    with signer_of(key), pytest.raises(LeafJournalInUse):
        LeafSigner(key)


def test_restored_backup_is_refused(key, tmp_path):
    backup = tmp_path / "backup"
    with signer_of(key) as signer:
        signer.sign(of)
        shutil.copy(key.journal_path, backup)
        signer.sign(of)
    shutil.copy(backup, key.journal_path)
    with LeafSigner(key) as signer:
        with pytest.raises(LeafJournalBehind, match="old copy"):
            signer.require_current(KeyWord(key.commitment, 2, False))
        with pytest.raises(SignerNotCurrent):
            signer.sign(of)


def test_rotated_key_is_refused(key):
    with LeafSigner(key) as signer, pytest.raises(LeafJournalBehind, match="rotated or recovered"):
        signer.require_current(KeyWord(b"\x01" * 24, 0, False))


def test_last_leaves_are_kept_for_rotation(key):
    with LeafJournal(key.journal_path, key.commitment) as journal:
        for _ in range(LEAVES - RESERVED_LEAVES - 1):
            journal.reserve(bytes(32), LEAVES)
    with signer_of(key) as signer:
        assert signer.remaining == 1
        signer.sign(of)
        assert signer.remaining == 0
        with pytest.raises(LeavesExhausted):
            signer.sign(of)
        assert [leaf_in(signer.sign_reserved(of)) for _ in range(RESERVED_LEAVES)] == list(range(1016, 1024))
        with pytest.raises(LeavesExhausted):
            signer.sign_reserved(of)


def test_faulty_signature_is_not_let_go_and_its_leaf_is_spent(key):
    wrong = replace(key, secret=bytes(32))  # as a bit of memory that fell over
    with signer_of(wrong) as signer:
        with pytest.raises(SignatureFaulty, match="leaf 0"):
            signer.sign(of)
        assert signer.next_leaf == 1


def test_reservation_is_on_disk_before_the_leaf_signs(key, monkeypatch):
    real, seen = hash_signature.sign, []

    def looking(secret, tree, leaf, digest):
        seen.append(key.journal_path.read_bytes()[-40:-4] == leaf.to_bytes(4, "big") + digest)
        return real(secret, tree, leaf, digest)

    monkeypatch.setattr(hash_signature, "sign", looking)
    with signer_of(key) as signer:
        signer.sign(of)
    assert seen == [True]


def test_no_leaf_signs_twice_over_hundreds_of_kills(key):
    """Each round's process signs messages of its own until it is killed, at any line; a third leave a torn tail."""
    chance = random.Random(3)
    used = defaultdict(set)
    fruitful = 0
    for round_ in range(ROUNDS):
        if key.journal_path.stat().st_size > 36 + 40 * 900:
            key = regrown(key, round_)
        released = released_until_killed(key, round_, chance.randrange(4), chance.uniform(0, 0.015))
        for digest, signature in released:
            assert hash_signature.verify(signature, key.commitment, digest)
            used[key.commitment, leaf_in(signature)].add(digest)
        fruitful += bool(released)
        if round_ % 3 == 0 and key.journal_path.stat().st_size > 36:
            tear(key.journal_path, chance)
    assert fruitful > ROUNDS // 2, "a test that releases nothing tells nothing"
    assert sum(map(len, used.values())) > ROUNDS
    assert [digests for digests in used.values() if len(digests) > 1] == []


def released_until_killed(key, round_, count, seconds):
    """Return the digests and signatures that a signer of its own process lets go before it is killed.

    Args:
        count: What it is to let go at least. seconds: How long it lives on after that.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sign_without_end(key, round_, writing)
        finally:
            os._exit(1)  # reached by a fault alone, which the parent then sees
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read(count * RECORD)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the signer ended by itself"
        content += pipe.read()
    assert len(content) % RECORD == 0
    return [(content[at : at + 32], content[at + 32 : at + RECORD]) for at in range(0, len(content), RECORD)]


def sign_without_end(key, round_, pipe):
    def digest_of(leaf):
        return keccak(b"%d %d" % (round_, leaf))

    with signer_of(key) as signer:
        while True:
            digest = digest_of(signer.next_leaf)
            os.write(pipe, digest + signer.sign(digest_of))


def tear(path, chance):
    """Leave the file as a power cut may: the last record cut short, or bytes of one that never was whole."""
    if chance.random() < 0.5:
        os.truncate(path, path.stat().st_size - chance.randrange(1, 40))
    else:
        with path.open("ab") as file:
            file.write(chance.randbytes(chance.randrange(1, 40)))


def regrown(key, round_):
    """Return another key, as after a rotation."""
    tree = hash_signature.grow(keccak(b"%d" % round_))
    path = key.path.with_name(f"{round_}.key")
    fresh = LeafKey(path, key.purpose, tree, keccak(b"%d" % round_))
    LeafJournal.create(fresh.journal_path, fresh.commitment)
    return fresh
