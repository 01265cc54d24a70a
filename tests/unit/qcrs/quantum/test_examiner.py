"""Bundles and claims as strangers may leave them, and what is made of an answer."""

import json

import pytest

from qcrs.quantum.benchmark import ClaimInvalid, Evidence, challenge, digest, score
from qcrs.quantum.calibration import Calibration, bundled_path
from qcrs.quantum.examination import decode_bundle, encode_bundle, task_of
from qcrs.quantum.examiner import DEPTHS, claim_of, examined, requests_of
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import is_enough
from qcrs.sdk.provider import capability_record

SEED = keccak(b"seed")
PATH = bundled_path("perth")
TEXT = PATH.read_text()
CAPABILITY = capability_record(Calibration.read(PATH), PATH.read_bytes(), 2_000_000_000)


def test_a_bundle_comes_back_as_it_was():
    counts = [{0: 3, 255: 4}, None, {7: 65_535}]
    assert decode_bundle(encode_bundle(counts), 3) == counts


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b"[{},{}]", b'[{"0":1}]', b"[" * 100_000, b'[{"zz":1},{"0":"1"}]',
        b'[{"0":true},{"0":0}]', b'[{"-1":1},{"0":-5}]', b'[{"0":1.5},{"0":65536}]', b'["text",7]',
        b'[{"0":1,"00":1},{}]', "[\u00e9]".encode("latin-1"),
    ],
)  # fmt: skip
def test_what_is_no_bundle_has_no_counts(content):
    assert decode_bundle(content, 2) == [None, None]


def test_a_claim_is_that_of_its_calibration():
    assert claim_of(TEXT, CAPABILITY).facts.qubits == CAPABILITY.qubits


def test_a_claim_may_be_of_a_smaller_volume():
    smaller = CAPABILITY.model_copy(update={"quantum_volume_log2": 3})
    assert claim_of(TEXT, smaller).facts.quantum_volume_log2 == 3
    assert max(request["qubits"] for request in requests_of(SEED, TEXT, smaller, "quick") if not request["pinned"]) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"qubits": 127}, {"quantum_volume_log2": 9}, {"noise_class": 1}, {"coupling_map_digest": bytes(32)},
        {"calibration_digest": bytes(32)},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_claim_beyond_its_calibration_is_none(changes):
    with pytest.raises(ClaimInvalid):
        claim_of(TEXT, CAPABILITY.model_copy(update=changes))


def test_what_is_no_calibration_is_no_claim():
    text = "{}"
    with pytest.raises(ClaimInvalid):
        claim_of(text, CAPABILITY.model_copy(update={"calibration_digest": keccak(text.encode())}))


def test_processor_and_certifiers_derive_the_same_circuits():
    asked = requests_of(SEED, TEXT, CAPABILITY, "quick")
    assert asked == requests_of(SEED, TEXT, CAPABILITY, "quick")
    assert asked != requests_of(keccak(b"another seed"), TEXT, CAPABILITY, "quick")
    json.dumps(asked)  # as it travels


def test_no_answer_is_nothing_measured():
    measured, report = examined(SEED, TEXT, CAPABILITY, "quick", b"nothing")
    assert (measured.qubits, measured.quantum_volume_log2, measured.heavy_outputs) == (0, 0, 0)
    assert measured.two_qubit_error_ppm == measured.readout_error_ppm == 1_000_000
    assert not is_enough(measured, CAPABILITY)
    suite = challenge(SEED, claim_of(TEXT, CAPABILITY), DEPTHS["quick"])
    counts = [None] * len(suite.runs)
    assert report == digest(Evidence.of(suite, counts, score(suite, counts)))


def test_a_task_travels_as_json():
    task = json.loads(json.dumps(task_of(SEED, TEXT, CAPABILITY, b"\0\xff")))
    assert bytes.fromhex(task["bundle"]) == b"\0\xff"
    assert task["capability"]["qubits"] == CAPABILITY.qubits
