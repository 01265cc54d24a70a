from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from tests.evm import refused


def test_disclose_fixes_the_seed(world):
    job = world.submit().allocate().commit_all()
    digest, now = job.record.commits_digest, world.chain.now
    receipt = world.verifier.disclose(job.id, job.secrets[0], sender=world.requester)
    record = job.record
    assert (record.status, record.secret) == (ComputationStatus.Revealing, job.secrets[0])
    assert record.phase_ends_at == now + world.policy["revealSeconds"]
    seed = commitment.seed_of(job.id, 1, job.secrets[0], digest)
    assert receipt.event("SeedFixed") == {
        "computation": job.id,
        "attempt": 1,
        "secret": job.secrets[0],
        "seed": seed,
        "withheld": False,
    }
    assert receipt.event("ComputationRevealing") == {
        "computation": job.id,
        "phaseEndsAt": record.phase_ends_at,
    }
    assert world.records.seedOf(job.id) == seed


def test_disclose_is_open_to_anyone_who_knows_the_secret(world):
    job = world.submit().allocate().commit_all()
    world.verifier.disclose(job.id, job.secrets[0], sender=world.stranger)
    assert job.status is ComputationStatus.Revealing


def test_disclose_is_taken_late_until_someone_enforces_the_deadline(world):
    job = world.submit().allocate().commit_all().end_phase()
    world.verifier.disclose(job.id, job.secrets[0], sender=world.requester)
    assert not job.record.secret_withheld


def test_disclose_reverts_with_another_secret(world):
    job = world.submit().allocate().commit_all()
    wrong = bytes(24)
    with refused(
        "SecretMismatch",
        computation=job.id,
        expected=job.request.secret_commitment,
        actual=commitment.of_secret(wrong),
    ):
        world.verifier.disclose(job.id, wrong, sender=world.requester)


def test_disclose_reverts_with_the_secret_of_a_later_round(world):
    job = world.submit().allocate().commit_all()
    with refused("SecretMismatch"):
        world.verifier.disclose(job.id, job.secrets[1], sender=world.requester)


def test_disclose_reverts_while_commits_are_due(world):
    job = world.submit().allocate()
    job.commit(0)
    with refused(
        "UnexpectedComputationStatus",
        id=job.id,
        actual=ComputationStatus.Allocated,
        allowed=1 << ComputationStatus.Committed,
    ):
        world.verifier.disclose(job.id, job.secrets[0], sender=world.requester)


def test_disclose_reverts_the_second_time_with_the_next_secret_too(world):
    job = world.submit().to_revealing()
    for secret in job.secrets[:2]:
        with refused(
            "UnexpectedComputationStatus",
            id=job.id,
            actual=ComputationStatus.Revealing,
            allowed=1 << ComputationStatus.Committed,
        ):
            world.verifier.disclose(job.id, secret, sender=world.requester)


def test_disclose_reverts_when_unknown(world):
    with refused(
        "UnexpectedComputationStatus",
        id=99,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Committed,
    ):
        world.verifier.disclose(99, bytes(24), sender=world.stranger)
