"""Any sequence of operations does what it does to a dictionary of buckets."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from qcrs.chain.codec import ContractRefused

from .conftest import BUCKETS, BacklogFull, Model

# Near, in the next words, anywhere, at the far end, and beyond it.
OFFSETS = st.one_of(
    st.integers(0, 3),
    st.integers(0, 100),
    st.integers(0, BUCKETS - 1),
    st.integers(BUCKETS - 40, BUCKETS + 40),
)
STEPS = st.lists(
    st.tuples(st.sampled_from("enter enter enter serve serve leave move".split()), OFFSETS, st.integers(0, 10**6)),
    min_size=1,
    max_size=60,
)


def step(queue, kind, offset, pick):
    """Take one step in both, which must refuse alike."""
    model = queue.model
    waiting = sorted(model.counts)
    if kind == "enter":
        # Nobody is sent ahead of an empty queue: the consortium starts at the virtual time then.
        bucket = model.first + (offset if model.waiting else offset % 3)
        try:
            expected = Model(model.counts.copy(), model.first).enter(bucket)
        except BacklogFull:
            with pytest.raises(ContractRefused, match="BacklogFull"):
                queue.enter(bucket)
        else:
            assert queue.enter(bucket, pick) == expected
    elif waiting and kind == "serve":
        queue.depart(model.first, served=True)
    elif waiting and kind == "leave":
        queue.depart(waiting[pick % len(waiting)])
    elif waiting:
        queue.move(model.first, model.first + offset * 3)


@pytest.mark.parametrize("origin", [0, 65_530, 2**32 + 17])
@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_queue_does_what_a_dictionary_does(built_queue, origin, steps):
    queue = built_queue
    with queue.chain.undone():
        queue.begin_at(origin)
        first = origin
        for kind, offset, pick in steps:
            step(queue, kind, offset, pick)
            assert queue.first >= first, "the virtual time went back"
            first = queue.first
            queue.require_alike()
