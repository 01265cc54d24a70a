// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditEntry, AuditProof, Inclusion} from "../libraries/AuditProof.sol";

/// @title AuditProof, callable from tests: a contract that knows no trail
contract AuditProofHarness {
    function leafOf(AuditEntry calldata entry) external pure returns (bytes32) {
        return AuditProof.leafOf(entry);
    }

    function includes(bytes32 root, AuditEntry calldata entry, Inclusion calldata inclusion)
        external
        pure
        returns (bool)
    {
        return AuditProof.includes(root, entry, inclusion);
    }
}
