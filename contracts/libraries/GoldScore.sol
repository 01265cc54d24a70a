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
    /// Top of the tree over all rounds' leaves: see GoldScore.leafOf.
    bytes32 goldRoot;
    uint16 rounds;
    /// Failed gold rounds that a replica may have.
    uint16 goldTolerance;
    /// Failed traps that a replica may have.
    uint16 trapTolerance;
    /// Random; whoever knew it could guess gold lists.
    bytes32 blind;
}

/// @notice What a gold round or a trap is scored against: a weight for each outcome, 0 unless it has an entry.
struct Answer {
    /// By ascending outcome, 8 bytes each: outcome within the round, weight; big-endian.
    bytes entries;
    /// 2^16 times the expected weight of one shot of the exact distribution.
    uint64 ideal;
    /// 2^16 times the expected weight of one shot of uniform noise.
    uint64 uniform;
}

/// @title Scores of rounds whose answers are known
/// @notice With counts c of a round of s shots and weights w, its fidelity in 1e-4 is
/// 1e4 (2^16 sum c_x w_x - s uniform) / (s (ideal - uniform)); it passes with 3000 or more. For weights proportional
/// to exact probabilities this is the linear cross-entropy benchmark; for weights of 1 on the possible outcomes of a
/// Clifford trap it is the share of possible outcomes above what noise gives.
/// @dev Weights are of 32 bits, counts of 16 and add up to shots, so every quantity stays below 2^79: arithmetic is
/// unchecked, which halves the cost.
library GoldScore {
    bytes32 internal constant GOLD_DOMAIN = keccak256("QCRS gold rounds");

    uint256 internal constant MAX_ENTRIES = 1024;
    uint256 internal constant EXPECTATION_UNIT = 65_536;
    /// Weights have 32 bits, so nothing beyond can be expected.
    uint256 internal constant MAX_IDEAL = 0xffffffffffff;
    /// Of ideal - uniform: what a trap has of which half of all outcomes are possible.
    uint256 internal constant MIN_CONTRAST = 32_768;
    /// In 1e-4.
    uint256 internal constant PASS_FIDELITY = 3000;
    uint256 internal constant FIDELITY_UNIT = 10_000;

    /// @notice An answer has at most `maximum` bytes of entries, 8 each; not `actual`.
    error EntriesLengthInvalid(uint256 actual, uint256 maximum);
    /// @notice Entry `index` has no larger outcome than the entry before it.
    error EntriesNotAscending(uint256 index);
    /// @notice `ideal` must exceed `uniform` by MIN_CONTRAST or more, and be at most MAX_IDEAL.
    error AnswerUnsound(uint256 ideal, uint256 uniform);
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

    /// @notice What a leaf binds of an answer.
    function digestOf(Answer calldata answer) internal pure returns (bytes32) {
        return keccak256(abi.encode(answer.ideal, answer.uniform, keccak256(answer.entries)));
    }

    /// @notice Reverts unless `leaf` is that of `round` under `goldRoot`. Inner nodes are
    /// keccak256(0x01 ++ left ++ right); a node without a sibling rises as it is.
    /// @param proof Siblings from the leaves up; levels on which the node rises have none.
    function requireMember(bytes32 goldRoot, uint256 rounds, uint256 round, bytes32 leaf, bytes32[] calldata proof)
        internal
        pure
    {
        bytes32 node = leaf;
        uint256 place = round;
        uint256 used;
        for (uint256 width = rounds; width > 1; width = (width + 1) / 2) {
            if ((place ^ 1) < width && used < proof.length) {
                bytes32 sibling = proof[used++];
                node = place & 1 == 1 ? _parent(sibling, node) : _parent(node, sibling);
            } else if ((place ^ 1) < width) {
                revert GoldProofLengthMismatch(round, rounds, proof.length);
            }
            place /= 2;
        }
        if (used != proof.length || round >= rounds) revert GoldProofLengthMismatch(round, rounds, proof.length);
        if (node != goldRoot) revert GoldRootMismatch(round, goldRoot, node);
    }

    /// @notice Scores one round.
    /// @param leaves Its outcomes and counts, outcome << 16 | count, by strictly ascending outcome.
    /// @param width Low bits of an outcome that count within the round.
    /// @param shots What a round has.
    /// @return passes Whether the fidelity suffices and the counts add up to `shots`.
    /// @return fidelity In 1e-4, towards zero; 0 when the counts do not add up. Below 0 when it does worse than noise.
    function score(uint256[] calldata leaves, uint256 width, uint256 shots, Answer calldata answer)
        internal
        pure
        returns (bool passes, int256 fidelity)
    {
        uint256 ideal = answer.ideal;
        uint256 uniform = answer.uniform;
        if (ideal > MAX_IDEAL || ideal < uniform + MIN_CONTRAST) revert AnswerUnsound(ideal, uniform);
        (uint256 total, uint256 weighed) = _weigh(leaves, (1 << width) - 1, answer.entries);
        if (total != shots) return (false, 0);
        unchecked {
            int256 excess =
                int256(FIDELITY_UNIT) * (int256(EXPECTATION_UNIT * weighed) - int256(shots * uniform));
            int256 whole = int256(shots * (ideal - uniform));
            return (excess >= int256(PASS_FIDELITY) * whole, excess / whole);
        }
    }

    /// @notice The counts of `leaves`.
    function totalOf(uint256[] calldata leaves) internal pure returns (uint256 total) {
        for (uint256 i; i < leaves.length; ++i) {
            total += leaves[i] & 0xffff;
        }
    }

    /// @notice `leaves` in the form of an answer's entries: 8 bytes each, outcome within the round and count.
    /// @param width Low bits of an outcome that count within the round; at most 32.
    function pack(uint256[] calldata leaves, uint256 width) internal pure returns (bytes memory packed) {
        uint256 mask = (1 << width) - 1;
        uint256 length = 8 * leaves.length;
        // Whole words are written, so the last one needs room behind its entry.
        packed = new bytes(length + 24);
        for (uint256 i; i < leaves.length; ++i) {
            uint256 leaf = leaves[i];
            uint256 entry = ((leaf >> 16) & mask) << 32 | (leaf & 0xffff);
            assembly ("memory-safe") {
                mstore(add(packed, add(32, mul(i, 8))), shl(192, entry))
            }
        }
        assembly ("memory-safe") {
            mstore(packed, length)
        }
    }

    /// @dev Walks entries and leaves side by side, both being sorted.
    /// @return total Of the counts. @return weighed Sum of count times weight.
    function _weigh(uint256[] calldata leaves, uint256 mask, bytes calldata entries)
        private
        pure
        returns (uint256 total, uint256 weighed)
    {
        if (entries.length % 8 != 0 || entries.length > 8 * MAX_ENTRIES) {
            revert EntriesLengthInvalid(entries.length, 8 * MAX_ENTRIES);
        }
        uint256 next;
        uint256 least;
        unchecked {
            for (uint256 offset; offset < entries.length; offset += 8) {
                uint256 entry;
                assembly ("memory-safe") {
                    entry := shr(192, calldataload(add(entries.offset, offset)))
                }
                uint256 outcome = entry >> 32;
                if (outcome < least) revert EntriesNotAscending(offset / 8);
                least = outcome + 1;
                for (; next < leaves.length; ++next) {
                    uint256 leaf = leaves[next];
                    uint256 found = (leaf >> 16) & mask;
                    if (found > outcome) break;
                    uint256 count = leaf & 0xffff;
                    total += count;
                    if (found == outcome) weighed += count * (entry & 0xffffffff);
                }
            }
            for (; next < leaves.length; ++next) {
                total += leaves[next] & 0xffff;
            }
        }
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
