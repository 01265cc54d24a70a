// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bundle} from "../libraries/Bundle.sol";
import {ComputationId} from "../lifecycle/Computation.sol";

/// @title Bundle, callable from tests
contract BundleHarness {
    function leafOf(ComputationId id, uint256 index, uint256 attempt, bytes24 commitment)
        external
        pure
        returns (bytes32)
    {
        return Bundle.leafOf(id, index, attempt, commitment);
    }

    function rootOf(bytes32[] memory leaves) external pure returns (bytes32) {
        return Bundle.rootOf(leaves, leaves.length);
    }

    function rootFrom(bytes32 leaf, bytes32[] calldata proof) external pure returns (bytes32) {
        return Bundle.rootFrom(leaf, proof);
    }
}
