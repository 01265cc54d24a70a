// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a round of a sweep is for.
enum RoundKind {
    /// Its answer is what the requester wants to know.
    Target,
    /// Looks like a target; its answer is known to the requester, by simulation.
    Gold,
    /// A Clifford circuit; tells faults of the device, not malice, since it can be told apart.
    Trap
}

/// @notice What a requester bound before allocation, inside the last secret of its chain.
struct Opening {
    /// Top of the tree over all rounds' leaves: see GoldList.leafOf.
    bytes32 goldRoot;
    uint16 rounds;
    /// Failed gold rounds that a replica may have.
    uint16 goldTolerance;
    /// Failed traps that a replica may have.
    uint16 trapTolerance;
    /// Random; whoever knew it could guess gold lists.
    bytes32 blind;
}

/// @title Gold lists: what each round of a sweep is
/// @notice A list is bound before anyone is drawn, by the last secret of the requester's secret chain, and opened after
/// all have revealed: see IGoldRounds.
library GoldList {
    bytes32 internal constant GOLD_DOMAIN = keccak256("QCRS gold rounds");

    /// @notice The gold list has `rounds` rounds; a proof for round `round` of them does not have `siblings` siblings.
    error GoldProofLengthMismatch(uint256 round, uint256 rounds, uint256 siblings);
    /// @notice Round and proof lead to `actual`, not to the bound root.
    error GoldRootMismatch(uint256 round, bytes32 expected, bytes32 actual);

    /// @notice The secret, last of the requester's chain, that binds `opening`.
    function lastSecret(Opening calldata opening) internal pure returns (bytes24) {
        return bytes24(
            keccak256(
                abi.encode(
                    GOLD_DOMAIN,
                    opening.goldRoot,
                    opening.rounds,
                    opening.goldTolerance,
                    opening.trapTolerance,
                    opening.blind
                )
            )
        );
    }

    /// @notice The leaf of a round; a target's `answerDigest` is 0.
    function leafOf(uint256 round, RoundKind kind, bytes32 answerDigest) internal pure returns (bytes32) {
        return keccak256(abi.encode(round, kind, answerDigest));
    }

    /// @notice Reverts unless `leaf` is that of `round` under `goldRoot`. Inner nodes are
    /// keccak256(0x01 ++ left ++ right); a node without a sibling rises as it is.
    /// @param proof Siblings from the leaves up; levels on which the node rises have none.
    function requireMember(bytes32 goldRoot, uint256 rounds, uint256 round, bytes32 leaf, bytes32[] calldata proof)
        internal
        pure
    {
        if (round >= rounds) revert GoldProofLengthMismatch(round, rounds, proof.length);
        bytes32 node = leaf;
        uint256 place = round;
        uint256 used;
        for (uint256 width = rounds; width > 1; width = (width + 1) / 2) {
            bool isRight = place % 2 == 1;
            if (isRight || place + 1 < width) {
                if (used == proof.length) revert GoldProofLengthMismatch(round, rounds, proof.length);
                bytes32 sibling = proof[used++];
                node = isRight ? _parent(sibling, node) : _parent(node, sibling);
            }
            place /= 2;
        }
        if (used != proof.length) revert GoldProofLengthMismatch(round, rounds, proof.length);
        if (node != goldRoot) revert GoldRootMismatch(round, goldRoot, node);
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
