"""Disclosure secrets outlive the process that made them."""

import stat

from qcrs.rules.commitment import of_secret
from qcrs.sdk.secrets import CHAIN_LENGTH, Secrets


def test_each_secret_is_the_commitment_to_the_next(tmp_path):
    path = tmp_path / "secrets.jsonl"
    commitment = Secrets(path).create()
    later = Secrets(path)
    for _ in range(CHAIN_LENGTH):
        secret = later.behind(commitment)
        assert of_secret(secret) == commitment
        commitment = secret
    assert later.behind(commitment) is None


def test_secrets_differ_and_others_are_unknown(tmp_path):
    secrets = Secrets(tmp_path / "secrets.jsonl")
    commitments = {secrets.create() for _ in range(10)}
    assert len(commitments) == 10
    assert secrets.behind(bytes(24)) is None
    assert stat.S_IMODE(secrets.path.stat().st_mode) == 0o600


def test_line_still_being_written_is_left_for_later(tmp_path):
    path = tmp_path / "secrets.jsonl"
    secrets = Secrets(path)
    commitment = secrets.create()
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert Secrets(path).behind(commitment) is None
    path.write_bytes(whole)
    assert secrets.behind(commitment) is not None


def test_damaged_line_costs_its_own_secret_and_no_other(tmp_path, caplog):
    path = tmp_path / "secrets.jsonl"
    before = Secrets(path).create()
    with path.open("ab") as file:
        file.write(b'{"last": "zz"}\n{"last": "unfinis')
    after = Secrets(path).create()
    secrets = Secrets(path)
    assert secrets.behind(before) is not None
    assert secrets.behind(after) is not None
    assert "damaged line" in caplog.text
