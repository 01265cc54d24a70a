// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Opening} from "../interfaces/IChannels.sol";
import {ChannelId} from "../lifecycle/Channel.sol";

/// @title Which pairs of a channel are tested, how, and with what result
/// @notice The seeds of both ends, committed to before the pairs were made and told after, fix it all:
///   S = keccak256(domain, chain, contract, channel, attempt, seed of end 0, seed of end 1)
///   word w of the tested pairs = keccak256(S, 0, w), word w of the bases = keccak256(S, 1, w)
/// Bit i of word w is for pair 256 w + i: it is tested when its bit in the first is set, about every second pair is;
/// the others are for use. Both ends measure it in the Z basis when its bit in the second is 0, in the X basis when it
/// is 1. The pairs are to be Phi+, on which both bases agree: an error is a tested pair on which the ends do not.
/// @dev Everything hashed is ABI-encoded. A transcript holds what was committed to, in the order of time: it starts as
/// the first 24 bytes of the asker's seed commitment; what follows, the other's and then the two commitments to outcomes, is hashed onto it.
library LinkTest {
    bytes32 internal constant SEED_DOMAIN = keccak256("QCRS channel seed");
    bytes32 internal constant OUTCOMES_DOMAIN = keccak256("QCRS channel outcomes");
    bytes32 internal constant TEST_DOMAIN = keccak256("QCRS channel test");

    uint256 private constant PER_MILLION = 1_000_000;

    /// @notice The commitment to a seed. Seeds are random and used once, so nothing else is bound.
    function ofSeed(bytes32 seed) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEED_DOMAIN, seed));
    }

    /// @notice What `end` commits to after it has measured, at `channels`, for test number `attempt`.
    function ofOutcomes(address channels, ChannelId id, uint256 attempt, uint256 end, Opening calldata opening)
        internal
        view
        returns (bytes32)
    {
        bytes32 words = keccak256(abi.encodePacked(opening.outcomes));
        return keccak256(
            abi.encode(OUTCOMES_DOMAIN, block.chainid, channels, id, attempt, end, opening.seed, opening.salt, words)
        );
    }

    /// @notice The transcript after `commitment`.
    function extend(bytes24 transcript, bytes32 commitment) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(transcript, commitment)));
    }

    /// @notice S.
    function seedOf(address channels, ChannelId id, uint256 attempt, bytes32 first, bytes32 second)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(TEST_DOMAIN, block.chainid, channels, id, attempt, first, second));
    }

    /// @notice Counts tested pairs, and errors among them by basis. Both ends have as many words.
    function count(bytes32 seed, uint256[] calldata first, uint256[] calldata second)
        internal
        pure
        returns (uint256 tested, uint256 errorsZ, uint256 errorsX)
    {
        unchecked {
            for (uint256 w; w < first.length; ++w) {
                uint256 mask = uint256(_wordOf(seed, 0, w));
                tested += populationOf(mask);
                uint256 errors = (first[w] ^ second[w]) & mask;
                if (errors == 0) continue;
                uint256 inX = populationOf(errors & uint256(_wordOf(seed, 1, w)));
                errorsX += inX;
                errorsZ += populationOf(errors) - inX;
            }
        }
    }

    /// @notice Whether so many errors are borne: at most `errorPpm` of a million tested, rounded down.
    function isPassed(uint256 errors, uint256 tested, uint256 errorPpm) internal pure returns (bool) {
        return errors * PER_MILLION <= errorPpm * tested;
    }

    /// @notice Bits set in `word`.
    /// @dev Sums neighbouring fields, twice as wide each time; the last product adds up 16 fields of 16 bits.
    function populationOf(uint256 word) internal pure returns (uint256) {
        unchecked {
            word -= (word >> 1) & 0x5555555555555555555555555555555555555555555555555555555555555555;
            word = (word & 0x3333333333333333333333333333333333333333333333333333333333333333)
                + ((word >> 2) & 0x3333333333333333333333333333333333333333333333333333333333333333);
            word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            word = (word + (word >> 8)) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
            return (word * 0x0001000100010001000100010001000100010001000100010001000100010001) >> 240;
        }
    }

    function _wordOf(bytes32 seed, uint256 what, uint256 w) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, seed)
            mstore(add(buffer, 0x20), what)
            mstore(add(buffer, 0x40), w)
            word := keccak256(buffer, 0x60)
        }
    }
}
