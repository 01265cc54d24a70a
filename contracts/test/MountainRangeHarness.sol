// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MountainRange} from "../libraries/MountainRange.sol";

/// @title MountainRange, callable from tests
contract MountainRangeHarness {
    using MountainRange for MountainRange.Range;

    MountainRange.Range private _range;
    uint256 public size;

    function append(bytes32 leaf) external {
        _range.append(size++, leaf);
    }

    function root(bytes32 seal) external view returns (bytes32) {
        return _range.root(size, seal);
    }

    function fold(bytes32 seal, uint256 size_, bytes32[] calldata peaks) external pure returns (bytes32) {
        return MountainRange.fold(seal, size_, peaks);
    }

    function verify(
        bytes32 expected,
        bytes32 seal,
        uint256 size_,
        uint256 index,
        bytes32 leaf,
        bytes32[] calldata siblings,
        bytes32[] calldata peaks
    ) external pure returns (bool) {
        return MountainRange.verify(expected, seal, size_, index, leaf, siblings, peaks);
    }
}
