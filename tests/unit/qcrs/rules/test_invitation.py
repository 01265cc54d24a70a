"""Invitations to a conversation: one form, one name."""

import pytest

from qcrs.rules.invitation import MAX_BYTES, Invitation, InvitationRefused, Talk

FIELDS = {"talk": Talk.Key, "channel": 5, "attempt": 1, "asker": 1, "peer": 2, "number": 7, "nonce": "0a" * 32,
          "pairs": 4_096, "bits": 128, "until": 1_000}  # fmt: skip
CONTRACT = "0x" + "c0" * 20


def invitation(**changes):
    return Invitation(**{**FIELDS, **changes})


@pytest.mark.parametrize("talk", Talk)
def test_what_is_written_is_read(talk):
    written = invitation(talk=talk, bits=128 if talk is Talk.Key else 0)
    assert Invitation.read(written.content) == written


OTHERS = {"talk": Talk.Chsh, "channel": 6, "attempt": 2, "asker": 3, "peer": 4, "number": 8, "nonce": "0b" * 32,
          "pairs": 4_097, "bits": 129, "until": 1_001}  # fmt: skip


def test_its_name_binds_all_that_is_agreed_on_and_where():
    names = [invitation(**{name: value}).digest(1, CONTRACT) for name, value in OTHERS.items()]
    names += [invitation().digest(2, CONTRACT), invitation().digest(1, "0x" + "c1" * 20)]
    assert len({invitation().digest(1, CONTRACT), *names}) == 1 + len(FIELDS) + 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes, invitation"),
        (b"[]", "2 bytes, invitation"),
        (b"\xff\xfe", "2 bytes, invitation"),
        (b"[" * 100_000, "100000 bytes, invitation"),
        (invitation().content + b" ", "not in its canonical form"),
        (invitation().content + b" " * MAX_BYTES, "not in its canonical form"),
        (invitation().content.replace(b'"number":7', b'"number":0'), "number: Input"),
        (invitation().content.replace(b'"number":7', b'"number":4611686018427387905'), "number: Input"),
        (invitation().content.replace(b'"nonce":"0a', b'"nonce":"0A'), "nonce: String should match"),
        (invitation().content.replace(b"4096", b"255"), "pairs: Input should be greater than or equal to 256"),
        (invitation().content.replace(b"4096", b"131073"), "pairs: Input should be less than or equal to 131072"),
        (invitation().content.replace(b'"talk":"key"', b'"talk":"test"'), "talk: Input"),
        (invitation(bits=127).content, "invitation for key: a key of 127 bits"),
        (invitation(talk=Talk.Chsh).content, "invitation for chsh: a key of 128 bits"),
    ],
)  # fmt: skip
def test_what_is_no_invitation_is_refused(content, words):
    with pytest.raises(InvitationRefused, match=words):
        Invitation.read(content)
