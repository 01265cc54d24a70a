"""The whole way through Brownie, on Ganache: what it deploys, encodes and decodes of our contracts.

What each function does is tested elsewhere, on a faster machine; here it is that Brownie users get
it too: user-defined value types, structs, custom errors, events of libraries.
"""

import secrets

import brownie
from eth_account import Account

from qcrs.chain.deployment import DEFAULT_POLICY, ORDER, PRIVILEGES
from qcrs.chain.keys import sign_registration
from qcrs.model.computation import ComputationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Computation, Request, Standing
from qcrs.rules.commitment import of_secret
from qcrs.rules.digest import keccak
from tests.brownie.conftest import ROLE_HOLDERS
from tests.scenario import CIRCUIT, MINIMUM_SHOTS, NOISE_CLASS, capability

MOST = 2**96 - 1


def record(cls, struct):
    """Return Brownie's decoded *struct* as the record that it is."""
    values = [bytes(value) if isinstance(value, brownie.convert.datatypes.HexString) else value
              for value in struct]
    return cls(**dict(zip(cls.model_fields, values, strict=True)))
