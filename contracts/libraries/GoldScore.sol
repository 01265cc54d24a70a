// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

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
    /// @notice What a leaf binds of an answer.
    function digestOf(Answer calldata answer) internal pure returns (bytes32) {
        return keccak256(abi.encode(answer.ideal, answer.uniform, keccak256(answer.entries)));
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
        assembly ("memory-safe") {
            let leaf := leaves.offset
            let end := add(add(packed, 0x20), length)
            for { let cursor := add(packed, 0x20) } lt(cursor, end) { cursor := add(cursor, 8) } {
                let word := calldataload(leaf)
                let entry := or(shl(32, and(shr(16, word), mask)), and(word, 0xffff))
                mstore(cursor, shl(192, entry))
                leaf := add(leaf, 0x20)
            }
            mstore(packed, length)
        }
    }

    /// @dev Walks entries and leaves side by side, both being sorted; a quarter of what a plain loop costs.
    /// @return total Of the counts. @return weighed Sum of count times weight.
    function _weigh(uint256[] calldata leaves, uint256 mask, bytes calldata entries)
        private
        pure
        returns (uint256 total, uint256 weighed)
    {
        if (entries.length % 8 != 0 || entries.length > 8 * MAX_ENTRIES) {
            revert EntriesLengthInvalid(entries.length, 8 * MAX_ENTRIES);
        }
        uint256 unordered;
        assembly ("memory-safe") {
            let leaf := leaves.offset
            let leavesEnd := add(leaf, shl(5, leaves.length))
            let entriesEnd := add(entries.offset, entries.length)
            // Outcome of `leaf`; beyond all others when there is none left.
            let found := or(and(shr(16, calldataload(leaf)), mask), sub(0, eq(leaf, leavesEnd)))
            let least := 0
            for { let cursor := entries.offset } lt(cursor, entriesEnd) { cursor := add(cursor, 8) } {
                let entry := shr(192, calldataload(cursor))
                let outcome := shr(32, entry)
                if lt(outcome, least) {
                    unordered := shr(3, sub(cursor, entries.offset))
                    break
                }
                least := add(outcome, 1)
                for {} iszero(gt(found, outcome)) {} {
                    let count := and(calldataload(leaf), 0xffff)
                    total := add(total, count)
                    if eq(found, outcome) { weighed := add(weighed, mul(count, and(entry, 0xffffffff))) }
                    leaf := add(leaf, 0x20)
                    found := or(and(shr(16, calldataload(leaf)), mask), sub(0, eq(leaf, leavesEnd)))
                }
            }
            for {} lt(leaf, leavesEnd) { leaf := add(leaf, 0x20) } {
                total := add(total, and(calldataload(leaf), 0xffff))
            }
        }
        if (unordered != 0) revert EntriesNotAscending(unordered);
    }
}
