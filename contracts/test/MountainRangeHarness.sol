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

    function root() external view returns (bytes32) {
        return _range.root(size);
    }

    function contains(uint256 index, bytes32 leaf, bytes32[] calldata proof) external view returns (bool) {
        return _range.contains(size, index, leaf, proof);
    }

    function verify(
        bytes32 expected,
        uint256 size_,
        uint256 index,
        bytes32 leaf,
        bytes32[] calldata siblings,
        bytes32[] calldata peaks
    ) external pure returns (bool) {
        return MountainRange.verify(expected, size_, index, leaf, siblings, peaks);
    }
}
