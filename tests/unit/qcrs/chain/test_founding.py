"""What bodies are founded with: read from a file, and held to what protects running computations."""

import json

import pytest

from qcrs.chain.deployment import DEFAULT_POLICY, HOLDERS, PRIVILEGES
from qcrs.chain.governance import PROMPT, Body, Governance, GovernanceInvalid, Tempo, longest_computation_seconds
from qcrs.chain.keys import AddressInvalid
from qcrs.model.motion import COMMITTEES

MEMBER = "0x" + "02" * 20
COMMITTEES_OF_ONE = {name: {"members": [MEMBER], "quorum": 1} for name in COMMITTEES}


def written(tmp_path, **changes):
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps({"committees": COMMITTEES_OF_ONE, **changes}))
    return path


def test_file_of_bodies_is_read(tmp_path):
    governance = Governance.read(written(tmp_path))
    assert governance == Governance(dict.fromkeys(COMMITTEES, Body((MEMBER,), 1)), Tempo(), 4, False)


def test_file_of_bodies_may_say_the_rest(tmp_path):
    tempo = {"votingSeconds": 1, "delaySeconds": 2, "executionSeconds": 3}
    governance = Governance.read(written(tmp_path, tempo=tempo, quorum=5, development=True))
    assert (governance.tempo, governance.quorum, governance.development) == (Tempo(1, 2, 3), 5, True)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"committees": {}}, "found none"),
        ({"committees": {**COMMITTEES_OF_ONE, "Senate": COMMITTEES_OF_ONE["DisputeResolutionCouncil"]}}, "Senate"),
        ({"committees": {"Senate": {"members": [MEMBER]}}}, "committees.Senate.quorum"),
        ({"senate": 1}, "senate"),
        ({"door": "0x" + "01" * 20}, "door"),
    ],
)
def test_file_of_something_else_is_refused(tmp_path, changes, part):
    with pytest.raises(GovernanceInvalid) as caught:
        Governance.read(written(tmp_path, **changes))
    assert part in str(caught.value)


def test_file_with_a_mistyped_address_is_refused(tmp_path):
    mistyped = {**COMMITTEES_OF_ONE, "DisputeResolutionCouncil": {"members": ["0x01"], "quorum": 1}}
    path = written(tmp_path, committees=mistyped)
    with pytest.raises(AddressInvalid, match="40 hexadecimal digits"):
        Governance.read(path)


def test_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(GovernanceInvalid, match="no file of bodies at"):
        Governance.read(tmp_path / "nowhere.json")


def test_delay_outlasts_the_longest_computation():
    longest = longest_computation_seconds(DEFAULT_POLICY)
    assert longest == 30 * 86_400 + 240 + 3_600
    bodies = dict.fromkeys(COMMITTEES, Body((MEMBER,), 1))
    Governance(bodies).require_delay(DEFAULT_POLICY)
    Governance(bodies, Tempo(delay_seconds=longest + 1)).require_delay(DEFAULT_POLICY)
    Governance(bodies, Tempo(delay_seconds=0), development=True).require_delay(DEFAULT_POLICY)
    with pytest.raises(GovernanceInvalid, match=f"more than {longest} s"):
        Governance(bodies, Tempo(delay_seconds=longest)).require_delay(DEFAULT_POLICY)


def test_only_what_is_a_body_s_own_is_waived_for_it_and_never_a_policy():
    for role, holder in HOLDERS.items():
        for contract, functions in PROMPT[holder].items():
            assert set(functions) <= set(PRIVILEGES[role][contract])
            assert not {"setMarket", "setStandards", "disburse"} & set(functions)
    assert set(PROMPT) == set(COMMITTEES) == set(HOLDERS.values())
