// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";

interface IGoldRounds {
    function findingOf(ComputationId computation)
        external
        view
        returns (bool closed, uint256 goldFailed, uint256 trapFailed, uint40 waitUntil);
    function forfeit(ComputationId computation, uint256 index, address to) external;
    function hold(ComputationId computation) external;
    function letGo(ComputationId computation) external;
}
