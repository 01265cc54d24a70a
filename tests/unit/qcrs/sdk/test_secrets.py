"""Disclosure secrets outlive the process that made them."""

import stat
from concurrent.futures import ThreadPoolExecutor

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


def test_sealing_secret_outlives_the_process_and_is_of_encrypted_computations_alone(tmp_path):
    path = tmp_path / "secrets.jsonl"
    plain, first, second = (Secrets(path).create(sealed=sealed) for sealed in (False, True, True))
    later = Secrets(path)
    assert later.sealing(plain) is None
    assert len({later.sealing(first), later.sealing(second)}) == 2
    assert later.sealing(first) == Secrets(path).sealing(first)
    assert later.behind(first) is not None


def test_sealing_secret_is_none_of_those_that_are_published(tmp_path):
    secrets = Secrets(tmp_path / "secrets.jsonl")
    commitment = secrets.create(sealed=True)
    sealing, published = secrets.sealing(commitment), commitment
    while (published := secrets.behind(published)) is not None:
        assert published not in sealing
        assert secrets.sealing(published) is None


def test_sealing_secret_that_is_damaged_costs_its_own_computation_alone(tmp_path):
    path = tmp_path / "secrets.jsonl"
    before = Secrets(path).create(sealed=True)
    with path.open("ab") as file:
        file.write(b'{"last": "00", "sealing": 7}\n[1]\n')
    assert Secrets(path).sealing(before) is not None


def test_reading_in_several_threads_passes_no_line_over(tmp_path):
    path = tmp_path / "secrets.jsonl"
    Secrets(path).create()
    path.write_bytes(500 * path.read_bytes())  # long enough to read for the threads to meet
    secrets = Secrets(path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(secrets.behind, [bytes(24)] * 8))
    assert secrets.behind(secrets.create()) is not None
