// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId} from "../lifecycle/Computation.sol";

/// @title Records: what the allocator knows, in words people use
/// @notice Views for applications and clients. Contracts can use RecordReader at less gas.
interface IRecords {
    /// @notice The record of a computation.
    function computationOf(ComputationId computation) external view returns (Computation memory);

    /// @notice A computation with its assignment `index`, from 0 to `tried` - 1.
    function dutyOf(ComputationId computation, uint256 index)
        external
        view
        returns (Computation memory, Assignment memory);

    /// @notice All assignments of a computation, in order.
    function assignmentsOf(ComputationId computation) external view returns (Assignment[] memory);

    /// @notice The sketch seed of the running or last round.
    function seedOf(ComputationId computation) external view returns (bytes32);
}
