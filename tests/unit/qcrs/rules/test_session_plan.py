"""What both sides of a session reckon alike."""

import pytest

from qcrs.rules.session_plan import context_of, shots_of


@pytest.mark.parametrize(("shots", "phases"), [(1, 2), (7, 2), (7, 4), (1024, 9), (65_535, 64)])
def test_phases_share_all_shots_evenly(shots, phases):
    shares = [shots_of(shots, phases, phase) for phase in range(1, phases)]
    assert [shot for share in shares for shot in share] == list(range(shots))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_fragments_of_another_program_or_deployment_are_sealed_for_another_context():
    contexts = {context_of(deployment, digest) for deployment in ("a", "b") for digest in (bytes(32), b"\1" * 32)}
    assert len(contexts) == 4
