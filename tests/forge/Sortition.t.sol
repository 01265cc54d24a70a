// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sortition} from "../../contracts/libraries/Sortition.sol";
import {SortitionHarness} from "../../contracts/test/SortitionHarness.sol";

/// @notice Draws are without replacement, uniform, and what a dense shuffle would draw.
contract SortitionTest {
    SortitionHarness private _sortition = new SortitionHarness();

    function testFuzz_draws_are_distinct_positions(bytes32 seed, uint16 size) external view {
        uint256[] memory positions = _sortition.draws(seed, size);
        require(positions.length == (size < Sortition.MAX_DRAWS ? size : Sortition.MAX_DRAWS), "wrong number of draws");
        for (uint256 i; i < positions.length; ++i) {
            require(positions[i] < size, "drew a position that does not exist");
            for (uint256 j; j < i; ++j) {
                require(positions[i] != positions[j], "drew a position twice");
            }
        }
    }

    function testFuzz_draws_are_those_of_a_dense_shuffle(bytes32 seed, uint16 size) external view {
        size = size % 300;
        uint256[] memory dense = new uint256[](size);
        for (uint256 i; i < size; ++i) {
            dense[i] = i;
        }
        uint256[] memory positions = _sortition.draws(seed, size);
        for (uint256 i; i < positions.length; ++i) {
            uint256 remaining = size - i;
            uint256 slot = uint256(keccak256(abi.encode(seed, i))) % remaining;
            require(positions[i] == dense[slot], "differs from the dense shuffle");
            dense[slot] = dense[remaining - 1];
        }
    }

    /// @dev A fixed sample, so a fixed result: each position comes first in about its share of 4,000 draws.
    function test_every_position_comes_first_equally_often() external view {
        uint256[8] memory first;
        for (uint256 i; i < 4000; ++i) {
            ++first[_sortition.draws(keccak256(abi.encode(i)), 8)[0]];
        }
        for (uint256 i; i < 8; ++i) {
            // 500 expected, standard deviation 21.
            require(first[i] > 415 && first[i] < 585, "a position is favoured");
        }
    }
}
