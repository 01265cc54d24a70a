"""Lists that are pushed to and removed from in any order stay exact: nobody twice, nobody lost, places known."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.evm import Chain, refused
from tests.scenario import account

LEVELS = 8


@pytest.fixture(scope="module")
def index():
    return Chain().deploy("ProcessorIndexHarness", sender=account("deployer"))


def lists_of(index):
    return [[index.processorAt(level, place) for place in range(index.lengthOf(level))] for level in range(LEVELS)]


@given(steps=st.lists(st.tuples(st.integers(0, LEVELS - 1), st.integers(1, 24)), max_size=60))
@settings(max_examples=40, deadline=None)
def test_index_is_what_a_model_is(index, steps):
    """The model is a list for each level, from which the last fills the place of whoever leaves."""
    model = [[] for _ in range(LEVELS)]
    with index.chain.undone():
        for level, processor in steps:
            present = next((row for row in model if processor in row), None)
            if present is None:
                index.push(level, processor, sender=account("deployer"))
                model[level].append(processor)
            else:
                index.remove(processor, sender=account("deployer"))
                place = present.index(processor)
                present[place] = present[-1]
                present.pop()
            assert lists_of(index) == model
            for row_level, row in enumerate(model):
                for place, member in enumerate(row):
                    assert index.entryOf(member) == row_level + 1 << 20 | place
                    assert index.levelIn(index.entryOf(member)) == row_level
            if present is not None:
                assert index.entryOf(processor) == 0


@pytest.mark.parametrize(("free", "level"), [(1, 0), (2, 1), (3, 1), (4, 2), (127, 6), (128, 7), (255, 7)])
def test_level_is_the_logarithm(index, free, level):
    assert index.levelOf(free) == level


@pytest.mark.parametrize("level", [0, 3, 7])
def test_push_reverts_when_the_list_is_full(index, level):
    """An entry has twenty bits for a place: one more would read as the first of the next level."""
    with index.chain.undone():
        index.chain.put_storage(index.address, 0, 2**20 - 1 << 32 * level)
        index.push(level, 7, sender=account("deployer"))
        assert index.entryOf(7) == level + 1 << 20 | 2**20 - 1
        with refused("ListFull", level=level):
            index.push(level, 8, sender=account("deployer"))
