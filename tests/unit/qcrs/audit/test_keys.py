"""The replay of hash keys: which key each account has, which leaves have signed; and the lies that it finds."""

from dataclasses import replace

import pytest

from qcrs.model.motion import COMMITTEES
from qcrs.rules.hash_keys import Call, KeyWord
from qcrs.rules.replay import Rule
from tests.doors import Holder, consent, key_node
from tests.founded import FOUNDERS, FoundedWorld
from tests.scenario import World, hardware_of
from tests.unit.qcrs.audit.history import History, RecordedChain

WEEK = 7 * 86_400


@pytest.fixture(scope="module")
def tale():
    """Keys installed, used, rotated, objected for and recovered, while their owners work."""
    world = World(RecordedChain(), processors=3)
    operator, daemon = key_node(world, 1)
    node = world.nodes[0]
    job = world.submit().allocate()
    (seat,) = (i for i, a in enumerate(job.assignments) if a.processor == node.id)
    daemon.perform(world.verifier, "commit", job.id, seat, b"\1" * 24)
    daemon.perform(world.verifier, "commit", job.id, seat, b"\1" * 24)  # fails: it has
    drains = [world.registry.interface.encode_call("drain", (node.id, on)) for on in (True, False)]
    calls = [Call(world.registry.address, data) for data in drains]
    world.hash_keys.performMany(*daemon.batch(calls), sender=world.stranger)
    operator.perform(world.registry, "drain", node.id, True, sender=world.stranger)
    operator.rotate(1, world.stranger)
    _register_anew(world, operator, node)
    _recoveries(world, daemon)
    world.beat(*world.nodes[1:])
    return History.of(world)


def _register_anew(world, operator, node):
    """A keyed daemon consents to serve another processor of its operator, by both its keys."""
    daemon = Holder(world.hash_keys, "another daemon")
    daemon.install()
    digest, hardware = bytes(32), hardware_of("another daemon")
    signature = consent(world, daemon, node.operator, digest, hardware)
    operator.perform(world.registry, "register", daemon.account, digest, hardware, signature)


def _recoveries(world, daemon):
    """One that the present key objects to, one that any signature ends, and one that it keeps silent about."""
    door = world.hash_keys

    def propose():
        door.proposeRecovery(daemon.account, daemon.commitment(1), daemon.possession(1), sender=world.certifier)

    propose()
    door.object(*daemon.objection(daemon.commitment(1)), sender=world.stranger)
    propose()
    daemon.perform(world.registry, "drain", world.nodes[0].id, False)
    propose()
    world.chain.warp(world.chain.now + WEEK + 10)
    door.recover(daemon.account, sender=world.stranger)


def test_the_untouched_tale_holds(tale):
    report = tale.examine()
    assert report.fault is None, str(report.fault)
    assert report.checks["key"] > 30
    kinds = {"KeyInstalled", "KeyRotated", "KeyRecovered", "ActionPerformed", "ActionFailed", "Attested"}
    assert kinds | {"RecoveryProposed", "RecoveryObjected"} <= {event.name for event in tale.events}


def word(tale, position, **changes):
    """Return the word of the event at *position* with another next leaf, or commitment."""
    told = KeyWord.of(tale.events[position]["word"])
    leaf, commitment = changes.get("leaf", told.next_leaf), changes.get("commitment", told.commitment)
    return commitment + bytes(4) + leaf.to_bytes(4, "big")


def test_another_key_than_was_installed_is_noticed(tale):
    for name in ("KeyInstalled", "KeyRotated", "KeyRecovered"):
        position = tale.position(name)
        for changed in (word(tale, position, leaf=2), word(tale, position, commitment=b"\7" * 24)):
            fault = tale.examine(tale.changed(position, word=changed)).fault
            assert fault is not None, name
            assert fault.rule is Rule.Key


def test_a_leaf_that_signs_again_in_a_later_block_is_noticed(tale):
    action = tale.event("ActionFailed")
    last = tale.positions("ActionPerformed", account=action["account"])[-1]
    assert tale.events[last]["leaf"] > action["leaf"]
    fault = tale.examine(tale.changed(last, leaf=action["leaf"])).fault
    assert (fault.rule, "leaf of" in fault.what) == (Rule.Key, True)


def test_an_action_by_a_leaf_that_is_kept_for_rotations_is_noticed(tale):
    fault = tale.examine(tale.changed(tale.position("ActionFailed"), leaf=1_016)).fault
    assert (fault.rule, fault.expected.endswith(" to 1015")) == (Rule.Key, True)


def test_a_tree_that_comes_back_is_noticed(tale):
    """What the operator had before its rotation, proposed for the daemon."""
    used = KeyWord.of(tale.event("KeyRotated")["before"]).commitment
    fault = tale.examine(tale.changed(tale.position("RecoveryProposed"), commitment=used)).fault
    assert (fault.rule, fault.actual) == (Rule.Key, "one used before")


def test_a_recovery_before_its_time_is_noticed(tale):
    position = tale.position("KeyRecovered")
    opened = tale.events[tale.positions("RecoveryProposed")[-1]]["opensAt"]
    fault = tale.examine(tale.retimed(position, opened)).fault
    assert (fault.rule, fault.expected) == (Rule.Key, f"after {opened}")
    sooner = tale.changed(tale.position("RecoveryProposed"), opensAt=opened - 1)
    assert tale.examine(sooner).fault.rule is Rule.Key


def test_a_recovery_that_was_objected_to_is_noticed(tale):
    """As if the present key had signed after the last proposal."""
    position = tale.position("KeyRecovered")
    account = tale.events[position]["account"]
    events = tale.inserted(position, "RecoveryObjected", account=account, leaf=900)
    assert tale.examine(events).fault.rule is Rule.Key


def test_key_events_that_are_missing_are_noticed(tale):
    """But the first objection: the second proposal would have replaced the first without one as well."""
    replaced = tale.position("RecoveryObjected")
    for name in ("KeyInstalled", "KeyRotated", "KeyRecovered", "RecoveryProposed", "RecoveryObjected"):
        for position in tale.positions(name):
            assert tale.examine(tale.without(position)).holds == (position == replaced), (name, position)


def test_the_contract_s_own_word_is_held_to_the_events(tale):
    fault = tale.examine(wordOf=bytes(32)).fault
    assert (fault.rule, fault.what.startswith("wordOf(")) == (Rule.Key, True)
    assert tale.examine(isUsed=False).fault.rule is Rule.Key


@pytest.fixture(scope="module")
def founded():
    """Founders who have their keys from the start, and somebody who installs one later."""
    world = FoundedWorld(RecordedChain())
    Holder(world.hash_keys, "somebody").install()
    founder = next(iter(world.founders.values()))
    founder.rotate(1, world.stranger)
    return History.of(world)


def test_keys_of_founders_are_replayed(founded):
    report = founded.examine()
    assert report.fault is None, str(report.fault)
    installed = founded.positions("KeyInstalled")
    leaves = [KeyWord.of(founded.events[position]["word"]).next_leaf for position in installed]
    assert leaves == [0] * len(FOUNDERS) + [1]
    assert len(founded.positions("BodyFounded")) > len(COMMITTEES)


def test_a_key_of_which_nothing_has_signed_is_noticed_after_the_deployment(founded):
    """Told of who installed one later, and of a founder told again once something had happened, or in another block."""
    *founders, later = founded.positions("KeyInstalled")
    fault = founded.examine(founded.changed(later, word=word(founded, later, leaf=0))).fault
    assert (fault.rule, fault.expected) == (Rule.Key, "a key of which 1 or more leaves have signed")
    moved = founded.without(founders[-1])
    at = founded.position("BodyFounded")
    moved.insert(at, replace(founded.events[founders[-1]], block=moved[at].block))
    assert founded.examine(moved).fault.rule is Rule.Key
    events = list(founded.events)
    events[founders[-1]] = replace(events[founders[-1]], block=events[founders[0]].block + 1)
    fault = founded.examine(events).fault
    assert (fault.rule, fault.what.startswith("word of")) == (Rule.Key, True)


def test_a_founders_key_that_is_another_empty_or_missing_is_noticed(founded):
    first, second, *_ = founded.positions("KeyInstalled")
    commitment = KeyWord.of(founded.events[first]["word"]).commitment
    for lie in (
        founded.changed(first, word=word(founded, first, leaf=1)),
        founded.changed(first, word=word(founded, first, commitment=b"\7" * 24)),
        founded.changed(first, word=bytes(32)),
        founded.changed(second, word=word(founded, second, commitment=commitment)),
        founded.changed(second, account=founded.events[first]["account"]),
        founded.without(first),
    ):
        assert founded.examine(lie).fault.rule is Rule.Key
