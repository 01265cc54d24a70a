"""Whatever is not an edge reverts by name, in every status, before and after the window."""

import pytest

from qcrs.model.channel import SOURCES, ChannelStatus
from tests.evm import refused

_S = ChannelStatus
WAYS = {
    _S.Unset: lambda test: None,
    _S.Requested: lambda test: test.to_requested(),
    _S.Heralding: lambda test: test.to_heralding(),
    _S.Committing: lambda test: test.to_committing(),
    _S.Revealing: lambda test: test.to_revealing(),
    _S.Open: lambda test: test.to_open(),
    _S.Failed: lambda test: test.to_failed(),
    _S.Expired: lambda test: test.to_requested().enforce(),
    _S.Cancelled: lambda test: test.to_requested().cancel(),
}
# Each step, the statuses in which it can be made, and the bitmap that its refusal names.
STEPS = {
    "accept": (lambda test: test.accept(), {_S.Requested}),
    "cancel": (lambda test: test.cancel(), {_S.Requested}),
    "herald": (lambda test: test.herald(), {_S.Heralding}),
    "commit": (lambda test: test.commit(0), {_S.Committing}),
    "reveal": (lambda test: test.reveal(0), {_S.Revealing}),
    "settle": (lambda test: test.settle(), {_S.Revealing}),
    "retest": (lambda test: test.retest(0), {_S.Open}),
    "enforce": (lambda test: test.enforce(), SOURCES[_S.Expired]),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", ChannelStatus)
def test_steps_are_made_where_they_are_listed_alone(lab, status, step):
    test = lab.test()
    WAYS[status](test)
    make, allowed = STEPS[step]
    if not test.id:
        test.id = 99
    assert test.status is status
    if status in allowed:
        make(test)
        return
    with refused("UnexpectedChannelStatus", id=test.id, actual=status, allowed=sum(1 << s for s in allowed)):
        make(test)
    assert test.status is status
