"""What bodies are founded with: read from a file, and held to what protects running computations."""

import json

import pytest

from qcrs.chain.codec import load_interfaces
from qcrs.chain.deployment import DEFAULT_POLICY, HOLDERS, PRIVILEGES, Deploy, SuiteSettings, plan
from qcrs.chain.governance import PROMPT, Body, Governance, GovernanceInvalid, Tempo, longest_computation_seconds
from qcrs.chain.keys import AddressInvalid
from qcrs.model.motion import COMMITTEES

MEMBER, OTHER = "0x" + "02" * 20, "0x" + "03" * 20
COMMITTEES_OF_ONE = {name: {"members": [MEMBER], "quorum": 1} for name in COMMITTEES}
COMMITTEES_OF_TWO = {name: {"members": [MEMBER, OTHER], "quorum": 2} for name in COMMITTEES}
MIXED = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"
COUNCIL, KEY = "DisputeResolutionCouncil", "0x" + "5a" * 24


def written(tmp_path, **changes):
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps({"committees": COMMITTEES_OF_ONE, "keys": {MEMBER: KEY}, **changes}))
    return path


def test_file_of_bodies_is_read(tmp_path):
    governance = Governance.read(written(tmp_path))
    keys = {MEMBER: bytes.fromhex(KEY[2:])}
    assert governance == Governance(dict.fromkeys(COMMITTEES, Body((MEMBER,), 1)), Tempo(), 4, False, keys=keys)


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


def test_file_that_leaves_a_member_without_a_key_is_refused(tmp_path):
    path = written(tmp_path, committees={**COMMITTEES_OF_ONE, COUNCIL: COMMITTEES_OF_TWO[COUNCIL]})
    with pytest.raises(GovernanceInvalid) as caught:
        Governance.read(path)
    for part in (f"{OTHER} of {COUNCIL} has none", "0x and 48 hexadecimal", f"'qcrs key new --account {OTHER}'"):
        assert part in str(caught.value)


def test_bodies_in_development_need_no_keys(tmp_path):
    assert Governance.read(written(tmp_path, development=True, keys={})).founders() == []
    half = Governance.read(written(tmp_path, committees=COMMITTEES_OF_TWO, development=True))
    assert half.founders() == [(MEMBER, bytes.fromhex(KEY[2:]))]


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        (
            {MEMBER: KEY[:-2]},
            f"expected the commitment of its hash key, 0x and 48 hexadecimal digits, got '{KEY[:-2]}'",
        ),
        ({MEMBER: KEY[2:]}, "48 hexadecimal digits"),
        ({MEMBER: KEY + "\n"}, "48 hexadecimal digits"),
        ({MEMBER: "0x" + "00" * 24}, "48 hexadecimal digits"),
        ({MEMBER: 7}, f"keys.{MEMBER}"),
        ({MEMBER: KEY, OTHER: KEY[:-1] + "b"}, f"found {OTHER}, which has no seat"),
        ({"0x" + "aB" * 20: KEY, "0x" + "ab" * 20: KEY}, "checksum"),
        ({MIXED: KEY, MIXED.lower(): KEY}, f"{MIXED} has two"),
    ],
)
def test_keys_that_are_none_or_nobody_s_are_refused(tmp_path, keys, part):
    with pytest.raises((GovernanceInvalid, AddressInvalid)) as caught:
        Governance.read(written(tmp_path, keys=keys))
    assert part in str(caught.value)


def test_key_of_two_members_is_refused(tmp_path):
    with pytest.raises(GovernanceInvalid, match=f"{MEMBER} and {OTHER} have both {KEY}"):
        Governance.read(written(tmp_path, committees=COMMITTEES_OF_TWO, keys={MEMBER: KEY, OTHER: KEY}))


def test_plan_hands_the_founders_keys_to_the_contract(tmp_path):
    def founded_with(settings):
        steps = plan(OTHER, 0, settings, load_interfaces())
        return next(step for step in steps if isinstance(step, Deploy) and step.contract == "HashKeys").arguments[1]

    assert founded_with(SuiteSettings(governance=Governance.read(written(tmp_path)))) == [
        (MEMBER, bytes.fromhex(KEY[2:]))
    ]
    assert founded_with(SuiteSettings(dict.fromkeys(HOLDERS, MEMBER))) == []
    keyless = Governance(dict.fromkeys(COMMITTEES, Body((MEMBER,), 1)))
    with pytest.raises(GovernanceInvalid, match="has none"):
        founded_with(SuiteSettings(governance=keyless))


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
