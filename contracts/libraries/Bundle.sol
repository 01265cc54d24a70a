// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ComputationId} from "../lifecycle/Computation.sol";

/// @notice One commit of a bundle.
struct BundledCommit {
    ComputationId computation;
    /// Of the assignment.
    uint8 index;
    bytes24 commitment;
}

/// @title Many commitments in one storage word: the root of a Merkle tree
/// @notice A leaf names assignment and round, so its place in the tree does not matter: pairs are hashed in ascending order,
/// and what has no partner goes up as it is. A leaf's preimage is longer than a node's, so neither passes for the other.
library Bundle {
    bytes32 internal constant DOMAIN = keccak256("QCRS bundled commitment");

    /// @notice What stands for one commit: in `attempt`, the assignment is bound to `commitment`.
    function leafOf(ComputationId id, uint256 index, uint256 attempt, bytes24 commitment)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(DOMAIN, id, index, attempt, commitment));
    }

    /// @notice The root over the first `count` of `leaves`, at least one, which are used up.
    function rootOf(bytes32[] memory leaves, uint256 count) internal pure returns (bytes32) {
        while (count > 1) {
            for (uint256 i; i < count / 2; ++i) {
                leaves[i] = Hashes.commutativeKeccak256(leaves[2 * i], leaves[2 * i + 1]);
            }
            if (count % 2 == 1) leaves[count / 2] = leaves[count - 1];
            count = (count + 1) / 2;
        }
        return leaves[0];
    }

    /// @notice The root that `proof`, the siblings from below, leads to from `leaf`.
    function rootFrom(bytes32 leaf, bytes32[] calldata proof) internal pure returns (bytes32) {
        return MerkleProof.processProofCalldata(proof, leaf);
    }
}
