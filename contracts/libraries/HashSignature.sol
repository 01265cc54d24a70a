// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Signatures that rest on keccak256 alone: one-time keys under a Merkle tree
/// @notice A stateful scheme: Winternitz chains with a target sum instead of a checksum, 1,024 one-time keys below one root.
/// 192 bits against classical and 96 against quantum search, as long as no leaf signs two messages: what burns leaves is
/// HashKeys. Security rests on the reasoning for XMSS (RFC 8391) and on target sums as in SPHINCS+C; keccak256 makes it
/// no NIST standard, and no third party has audited it.
/// @dev Every hash is keccak256(seed 24 ++ address 8 ++ input), cut to its first 24 bytes. An address is kind 1, index 4,
/// position 1, step 2: no two hashes of a tree share one, so that an attacker cannot search for many at once.
///
/// | kind | index | position | step | input |
/// |---|---|---|---|---|
/// | chain 0 | leaf | chain | step | value |
/// | leaf 1 | leaf | 0 | 0 | 48 ends of chains |
/// | node 2 | of the node in its level | level, 1 to 10 | 0 | left, right |
/// | message 3 | leaf | 0 | 0 | randomizer, commitment, digest |
/// | key 4 | 0 | 0 | 0 | root |
///
/// A signature is leaf 4, randomizer 24, seed 24, chains 48 x 24, path 10 x 24. The message hash is read as 48 digits of
/// four bits; digit d shows d steps of its chain and leaves 15 - d to the verifier. Their sum is to be TARGET_SUM, so
/// the verifier takes always the same 264 steps, and no message's digits are all at least as large as another's.
library HashSignature {
    uint256 internal constant LENGTH = 1444;
    uint256 internal constant LEAVES = 1024;
    uint256 internal constant TARGET_SUM = 456;

    /// @notice The leaf that `signature` names, whether or not it is valid; 0 of what is too short to name one.
    function leafOf(bytes calldata signature) internal pure returns (uint32) {
        return signature.length < 4 ? 0 : uint32(bytes4(signature[:4]));
    }

    /// @notice Whether `signature` is one of `digest` by the key with `commitment`. No signature is the empty key's.
    function verify(bytes calldata signature, bytes24 commitment, bytes32 digest) internal pure returns (bool) {
        if (signature.length != LENGTH || commitment == 0 || leafOf(signature) >= LEAVES) return false;
        uint256 leaf = leafOf(signature);
        (uint256 buffer, bool fits) = _spread(signature, leaf, commitment, digest);
        return fits && _climb(signature, leaf, buffer) == commitment;
    }

    /// @dev Walks the 48 chains to their ends.
    /// @return buffer Where in memory they lie, after one free word. @return fits Whether the digits have their sum.
    function _spread(bytes calldata signature, uint256 leaf, bytes24 commitment, bytes32 digest)
        private
        pure
        returns (uint256 buffer, bool fits)
    {
        assembly ("memory-safe") {
            buffer := mload(0x40)
            let base := or(and(calldataload(add(signature.offset, 28)), not(0xffffffffffffffff)), shl(24, leaf))
            mstore(buffer, or(base, 0x0300000000000000))
            calldatacopy(add(buffer, 32), add(signature.offset, 4), 24)
            mstore(add(buffer, 56), commitment)
            mstore(add(buffer, 80), digest)
            let digits := keccak256(buffer, 112)

            // Adds the digits in pairs, the pairs in fours, and these by one product into its highest lane.
            let sum := shr(64, digits)
            sum := add(
                and(sum, 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f),
                and(shr(4, sum), 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f)
            )
            sum := add(
                and(sum, 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff),
                and(shr(8, sum), 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff)
            )
            sum := and(shr(176, mul(sum, 0x000100010001000100010001000100010001000100010001)), 0xffff)
            fits := eq(sum, TARGET_SUM)

            if fits {
                // The scratch space holds seed, address and value; bytes 29 and 31 are the chain and the step.
                mstore(0, base)
                let from := add(signature.offset, 52)
                let to := add(buffer, 32)
                for { let chain := 0 } lt(chain, 48) { chain := add(chain, 1) } {
                    mstore(32, calldataload(from))
                    mstore8(29, chain)
                    let step := shr(252, digits)
                    // Each bit that the digit lacks is so many steps, without a loop.
                    if iszero(and(step, 1)) {
                        mstore8(31, step)
                        mstore(32, keccak256(0, 56))
                        step := add(step, 1)
                    }
                    if iszero(and(step, 2)) {
                        mstore8(31, step)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, add(step, 1))
                        mstore(32, keccak256(0, 56))
                        step := add(step, 2)
                    }
                    if iszero(and(step, 4)) {
                        mstore8(31, step)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, add(step, 1))
                        mstore(32, keccak256(0, 56))
                        mstore8(31, add(step, 2))
                        mstore(32, keccak256(0, 56))
                        mstore8(31, add(step, 3))
                        mstore(32, keccak256(0, 56))
                    }
                    // The highest bit of the digit, as a sign: the last eight steps are the same of every chain.
                    if sgt(digits, not(0)) {
                        mstore8(31, 7)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 8)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 9)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 10)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 11)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 12)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 13)
                        mstore(32, keccak256(0, 56))
                        mstore8(31, 14)
                        mstore(32, keccak256(0, 56))
                    }
                    mstore(to, mload(32))
                    to := add(to, 24)
                    from := add(from, 24)
                    digits := shl(4, digits)
                }
            }
        }
    }

    /// @dev From the ends of a leaf's chains up to the root.
    /// @return commitment Of the key that has this root.
    function _climb(bytes calldata signature, uint256 leaf, uint256 buffer) private pure returns (bytes24 commitment) {
        assembly ("memory-safe") {
            let seed := and(calldataload(add(signature.offset, 28)), not(0xffffffffffffffff))
            mstore(buffer, or(seed, or(0x0100000000000000, shl(24, leaf))))
            let node := keccak256(buffer, 1184)
            let from := add(signature.offset, 1204)
            seed := or(seed, 0x0200000000000000)
            for { let level := 1 } lt(level, 11) { level := add(level, 1) } {
                let isRight := and(leaf, 1)
                leaf := shr(1, leaf)
                mstore(buffer, or(seed, or(shl(24, leaf), shl(16, level))))
                // The right one is written last: each store spills 8 bytes beyond its 24.
                switch isRight
                case 0 {
                    mstore(add(buffer, 32), node)
                    mstore(add(buffer, 56), calldataload(from))
                }
                default {
                    mstore(add(buffer, 32), calldataload(from))
                    mstore(add(buffer, 56), node)
                }
                node := keccak256(buffer, 80)
                from := add(from, 24)
            }
            mstore(buffer, or(and(seed, not(0xffffffffffffffff)), 0x0400000000000000))
            mstore(add(buffer, 32), node)
            commitment := and(keccak256(buffer, 56), not(0xffffffffffffffff))
        }
    }
}
