"""Who decides on a devnet, and by which keys from the start."""

from qcrs.chain.deployment import HOLDERS
from qcrs.chain.devnet import MNEMONIC
from qcrs.chain.keys import devnet_account
from qcrs.crypto import leaf_key
from qcrs.sdk.devnet_bodies import SIZE, founding, make_keyring
from qcrs.sdk.keyring import HASH_KEYS


def test_members_of_a_devnets_committees_have_their_keys_before_it_is_deployed(tmp_path, monkeypatch):
    monkeypatch.setattr(leaf_key, "SCRYPT_COST", 16)
    members = [devnet_account(MNEMONIC, number) for number in range(2)]
    governance = founding(True, members, make_keyring(tmp_path))["governance"]
    accounts = [account for account, _ in governance.founders()]
    assert accounts == [member.address for member in members]
    assert len({commitment for _, commitment in governance.founders()}) == len(members)
    assert all((tmp_path / HASH_KEYS / account.lower() / "1.key").exists() for account in accounts)


def test_devnet_without_bodies_makes_no_keys(tmp_path):
    members = [devnet_account(MNEMONIC, number) for number in range(SIZE)]
    settings = founding(False, members, make_keyring(tmp_path))
    assert settings == {"roles": dict.fromkeys(HOLDERS, members[0].address)}
    assert not list((tmp_path / HASH_KEYS).glob("*/*.key"))
