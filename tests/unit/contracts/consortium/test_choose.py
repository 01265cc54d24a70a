"""What an admin chooses for its organisation: order, screen and list."""

import pytest

from qcrs.model.organisation import Screen
from tests.evm import refused

CHOICES = {
    "chooseOrder": (True,),
    "chooseScreen": (Screen.Only,),
    "list": ([1], True),
}


def test_choose_order(world):
    for shortest_first in (True, False):
        receipt = world.consortium.chooseOrder(shortest_first, sender=world.requester)
        assert receipt.event("OrderChosen") == {"organisation": world.requesters, "shortestFirst": shortest_first}
        assert world.consortium.isShortestFirst(world.requesters) is shortest_first
        assert world.consortium.organisations(world.requesters)["shortestFirst"] is shortest_first


@pytest.mark.parametrize("screen", list(Screen))
def test_choose_screen(world, screen):
    receipt = world.consortium.chooseScreen(screen, sender=world.requester)
    assert receipt.event("ScreenChosen") == {"organisation": world.requesters, "screen": screen}
    assert world.consortium.organisations(world.requesters)["screen"] == screen


def test_choice_is_one_organisations_alone(world):
    world.consortium.chooseScreen(Screen.Only, sender=world.requester)
    world.consortium.chooseOrder(True, sender=world.requester)
    other = world.nodes[0].organisation
    assert not world.consortium.isScreened(other, world.requesters)
    assert not world.consortium.isShortestFirst(other)


@pytest.mark.parametrize("other", [1, 255, 256, 257, 511, 2**24 - 1])
def test_list_reaches_every_organisation(world, other):
    world.consortium.chooseScreen(Screen.Except, sender=world.requester)
    neighbours = [(other + step) % 2**24 for step in (1, 255, 256)]
    receipt = world.consortium.list([other], True, sender=world.requester)
    assert receipt.event("OrganisationListed") == {
        "organisation": world.requesters,
        "other": other,
        "listed": True,
    }
    assert world.consortium.isScreened(world.requesters, other)
    assert not any(world.consortium.isScreened(world.requesters, n) for n in neighbours)
    world.consortium.list(neighbours, True, sender=world.requester)
    world.consortium.list([other, other], False, sender=world.requester)
    assert not world.consortium.isScreened(world.requesters, other)
    assert all(world.consortium.isScreened(world.requesters, n) for n in neighbours)


@pytest.mark.parametrize(
    ("screen", "listed", "others"),
    [(Screen.Everyone, False, False), (Screen.Except, True, False), (Screen.Only, False, True)],
)
def test_screen_and_list_say_who_is_screened(world, screen, listed, others):
    world.consortium.list([4, 9], True, sender=world.requester)
    world.consortium.chooseScreen(screen, sender=world.requester)
    assert [world.consortium.isScreened(world.requesters, other) for other in (4, 9)] == [listed] * 2
    assert [world.consortium.isScreened(world.requesters, other) for other in (3, 5)] == [others] * 2


def test_list_of_nobody_says_nothing(world):
    assert world.consortium.list([], True, sender=world.requester).names == []


@pytest.mark.parametrize("function", CHOICES)
def test_choices_revert_for_an_outsider(world, function):
    with refused("AccountNotInConsortium", account=world.stranger):
        getattr(world.consortium, function)(*CHOICES[function], sender=world.stranger)


@pytest.mark.parametrize("function", CHOICES)
def test_choices_revert_for_a_member(world, function):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    expected = {"account": world.stranger, "organisation": world.requesters, "admin": world.requester}
    with refused("AccountNotAdmin", **expected):
        getattr(world.consortium, function)(*CHOICES[function], sender=world.stranger)


@pytest.mark.parametrize("function", CHOICES)
def test_choices_revert_once_expelled(world, function):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("AccountNotInConsortium", account=world.requester):
        getattr(world.consortium, function)(*CHOICES[function], sender=world.requester)
