from tests.evm import refused


def test_coin_comes_from_the_bonds_alone(world, challenges):
    with refused("PaymentUnexpected", account=world.stranger):
        world.chain.send_raw(challenges.address, b"", world.stranger, 1)
