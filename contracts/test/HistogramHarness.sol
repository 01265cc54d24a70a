// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Binding, Histogram} from "../libraries/Histogram.sol";

/// @title Histogram, callable from tests
contract HistogramHarness {
    function requireRun(
        bytes32 root,
        Binding calldata binding,
        uint256 first,
        uint256[] calldata leaves,
        bytes32[] calldata siblings
    ) external pure {
        Histogram.requireRun(root, binding, first, leaves, siblings);
    }
}
