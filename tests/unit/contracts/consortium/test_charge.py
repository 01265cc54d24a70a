"""Start tags, as a second writing of the rule gives them, from a consortium whose allocator is an account."""

from dataclasses import dataclass, field

import pytest

from qcrs.chain.deployment import created_address
from qcrs.model.organisation import Priority, Screen
from tests.evm import Chain, Contract, refused
from tests.scenario import account

ALLOCATOR, RULER = account("allocator"), account("ruler")
BUCKET = 1 << 23
DAY = 86_400
CREDIT = {Priority.Routine: 0, Priority.Elevated: 16 * BUCKET, Priority.Critical: 64 * BUCKET}


@dataclass
class Tariff:
    """A consortium of its own, and what it should charge."""

    chain: Chain
    consortium: Contract
    finish: dict = field(default_factory=dict)

    def admit(self, name, weight):
        return self.consortium.admit(name, account(name), weight, sender=RULER).result

    def charge(self, name, cost, priority=Priority.Routine, virtual_time=0, idle=False, noise_class=1):
        charged = self.consortium.bill(
            account(name), noise_class, cost, priority, virtual_time, idle, sender=ALLOCATOR
        ).result
        return dict(zip(("account", "organisation", "screened", "tag"), charged, strict=True))


@pytest.fixture
def tariff():
    chain = Chain()
    authority = chain.deploy("Authority", RULER, sender=RULER)
    door = chain.deploy("HashKeys", authority.address, [], sender=RULER)
    recorder = created_address(RULER, chain.nonce(RULER) + 1)
    trail = chain.deploy("AuditTrail", *[recorder] * 7, [recorder] * 6, sender=RULER)
    parts = (authority.address, trail.address, ALLOCATOR, door.address)
    return Tariff(chain, chain.deploy("Consortium", *parts, sender=RULER))


def test_charge_adds_up_costs_by_weight(tariff):
    heavy, light = tariff.admit("heavy", 4), tariff.admit("light", 1)
    tags = [tariff.charge("heavy", 4_000)["tag"] for _ in range(3)]
    assert tags == [0, 256_000, 512_000]
    tags = [tariff.charge("light", 1_000)["tag"] for _ in range(3)]
    assert tags == [0, 256_000, 512_000]
    assert tariff.consortium.finishOf(heavy, 1) == 768_000
    assert tariff.consortium.finishOf(light, 1) == 768_000


def test_charge_rounds_up(tariff):
    """Whoever submits little at a time gains nothing by it."""
    organisation = tariff.admit("odd", 3)
    for charged in (170_667, 341_334):
        tariff.charge("odd", 2_000)
        assert tariff.consortium.finishOf(organisation, 1) == charged


def test_charge_has_a_least_step(tariff):
    """A 64th of a bucket: whatever its weight, an organisation alone does not fill one, which holds 255."""
    organisation = tariff.admit("heaviest", 65_536)
    tariff.charge("heaviest", 4_096)
    assert tariff.consortium.finishOf(organisation, 1) == BUCKET // 64


def test_charge_starts_at_the_virtual_time_when_that_is_later(tariff):
    tariff.admit("late", 1)
    tariff.charge("late", 10)
    assert tariff.charge("late", 10, virtual_time=BUCKET)["tag"] == BUCKET


def test_charge_forgets_what_was_before_when_nobody_waits(tariff):
    organisation = tariff.admit("alone", 1)
    tariff.charge("alone", 10**9)
    assert tariff.charge("alone", 1_000, virtual_time=5, idle=True)["tag"] == 5
    assert tariff.consortium.finishOf(organisation, 1) == 5 + 256_000


def test_charge_keeps_noise_classes_apart(tariff):
    tariff.admit("both", 1)
    tariff.charge("both", 1_000, noise_class=1)
    assert tariff.charge("both", 1_000, noise_class=2)["tag"] == 0


def test_charge_is_the_organisations_whoever_submits(tariff):
    organisation = tariff.admit("large", 1)
    tariff.consortium.invite(account("colleague"), sender=account("large"))
    tariff.consortium.join(organisation, sender=account("colleague"))
    first = tariff.charge("large", 1_000)
    second = tariff.charge("colleague", 1_000)
    assert (first["organisation"], second["organisation"]) == (organisation, organisation)
    assert second["tag"] == 256_000
    accounts = [tariff.consortium.accountOf(charged["account"]) for charged in (first, second)]
    assert accounts == [account("large"), account("colleague")]


def test_charge_holds_to_the_weight_of_the_moment(tariff):
    organisation = tariff.admit("growing", 1)
    tariff.charge("growing", 1_000)
    tariff.consortium.setWeight(organisation, 10, sender=RULER)
    assert tariff.charge("growing", 10_000)["tag"] == 256_000
    assert tariff.consortium.finishOf(organisation, 1) == 256_000 + 256_000


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("buckets", [0, 15, 16, 17, 63, 64, 65, 1_000])
def test_charge_places_ahead_by_the_credit_but_not_before_the_virtual_time(tariff, priority, buckets):
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 100, 100, sender=RULER)
    virtual_time = 5 * BUCKET
    cost = buckets * (BUCKET >> 8)
    tariff.charge("urgent", cost, virtual_time=virtual_time)
    tag = tariff.charge("urgent", 1, priority, virtual_time)["tag"]
    charged = max(buckets * BUCKET, BUCKET // 64)
    assert tag == max(virtual_time, virtual_time + charged - CREDIT[priority])


@pytest.mark.parametrize("priority", [Priority.Elevated, Priority.Critical])
def test_charge_of_the_urgent_is_not_less(tariff, priority):
    """It is placed ahead, and those after it pay for that."""
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 1_000, 1_000, sender=RULER)
    tariff.charge("urgent", 1_000, priority)
    assert tariff.consortium.finishOf(organisation, 1) == 256_000


def test_charge_says_whether_there_is_a_screen(tariff):
    tariff.admit("choosy", 1)
    for screen in Screen:
        tariff.consortium.chooseScreen(screen, sender=account("choosy"))
        assert tariff.charge("choosy", 1)["screened"] is (screen is not Screen.Everyone)


def test_charge_of_an_outsider_changes_nothing(tariff):
    charged = tariff.charge("outsider", 1_000)
    assert charged == {"account": 0, "organisation": 0, "screened": False, "tag": 0}
    assert tariff.consortium.finishOf(0, 1) == 0


def test_charge_of_the_expelled_changes_nothing(tariff):
    organisation = tariff.admit("former", 1)
    tariff.consortium.expel(organisation, sender=RULER)
    assert tariff.charge("former", 1_000)["organisation"] == 0
    assert tariff.consortium.finishOf(organisation, 1) == 0


@pytest.mark.parametrize("caller", ["ruler", "stranger", "member"])
def test_charge_reverts_for_all_but_the_allocator(tariff, caller):
    tariff.admit("member", 1)
    arguments = (account("member"), 1, 1, Priority.Routine, 0, False)
    with refused("CallerNotQueueKeeper", account=account(caller)):
        tariff.consortium.bill(*arguments, sender=account(caller))


# --- quotas ---


def spend(tariff, cost, priority):
    tariff.charge("urgent", cost, priority)


@pytest.mark.parametrize(("priority", "left"), [(Priority.Elevated, (70, 50)), (Priority.Critical, (100, 20))])
def test_charge_takes_from_its_own_quota(tariff, priority, left):
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 100, 50, sender=RULER)
    spend(tariff, 30, priority)
    assert tariff.consortium.quotaOf(organisation)[:2] == left


def test_charge_of_the_routine_takes_from_no_quota(tariff):
    organisation = tariff.admit("urgent", 1)
    spend(tariff, 10**9, Priority.Routine)
    assert tariff.consortium.quotaOf(organisation)[:2] == (0, 0)


@pytest.mark.parametrize("priority", [Priority.Elevated, Priority.Critical])
def test_charge_reverts_beyond_the_quota(tariff, priority):
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 100, 100, sender=RULER)
    spend(tariff, 40, priority)
    renews_at = (tariff.chain.now // DAY + 1) * DAY
    with refused("QuotaExhausted", organisation=organisation, priority=priority, cost=61, left=60, renewsAt=renews_at):
        spend(tariff, 61, priority)
    spend(tariff, 60, priority)


@pytest.mark.parametrize("priority", [Priority.Elevated, Priority.Critical])
def test_charge_of_the_urgent_reverts_without_a_quota(tariff, priority):
    tariff.admit("urgent", 1)
    with refused("QuotaExhausted"):
        spend(tariff, 1, priority)


def test_quota_is_full_again_in_the_next_period_and_never_more(tariff):
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 100, 10, sender=RULER)
    renews_at = tariff.consortium.quotaOf(organisation)[2]
    assert renews_at == (tariff.chain.now // DAY + 1) * DAY
    tariff.chain.warp(renews_at - 1)
    spend(tariff, 90, Priority.Elevated)
    assert tariff.chain.now == renews_at
    assert tariff.consortium.quotaOf(organisation) == (100, 10, renews_at + DAY)
    tariff.chain.advance(5 * DAY)
    with refused("QuotaExhausted"):
        spend(tariff, 101, Priority.Elevated)
    spend(tariff, 100, Priority.Elevated)


def test_quota_that_is_lowered_below_what_was_used_is_empty(tariff):
    organisation = tariff.admit("urgent", 1)
    tariff.consortium.grantQuota(organisation, 100, 0, sender=RULER)
    spend(tariff, 60, Priority.Elevated)
    tariff.consortium.grantQuota(organisation, 50, 0, sender=RULER)
    assert tariff.consortium.quotaOf(organisation)[0] == 0
    tariff.consortium.grantQuota(organisation, 70, 0, sender=RULER)
    assert tariff.consortium.quotaOf(organisation)[0] == 10


def test_quota_holds_the_largest_grant(tariff):
    organisation = tariff.admit("urgent", 1)
    most = 2**56 - 1
    tariff.consortium.grantQuota(organisation, most, most, sender=RULER)
    spend(tariff, most, Priority.Critical)
    assert tariff.consortium.quotaOf(organisation)[:2] == (most, 0)
    with refused("QuotaExhausted"):
        spend(tariff, 1, Priority.Critical)
