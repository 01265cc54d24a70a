// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IRecords} from "./interfaces/IRecords.sol";
import {Assignment} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId} from "./lifecycle/Computation.sol";
import {RecordReader} from "./libraries/RecordReader.sol";

/// @title Records
/// @notice See IRecords.
contract Records is IRecords {
    using RecordReader for IComputationAllocator;

    IComputationAllocator public immutable ALLOCATOR;

    constructor(IComputationAllocator allocator) {
        ALLOCATOR = allocator;
    }

    /// @inheritdoc IRecords
    function computationOf(ComputationId id) external view returns (Computation memory) {
        return ALLOCATOR.computationOf(id);
    }

    /// @inheritdoc IRecords
    function dutyOf(ComputationId id, uint256 index) external view returns (Computation memory, Assignment memory) {
        return ALLOCATOR.dutyOf(id, index);
    }

    /// @inheritdoc IRecords
    function assignmentsOf(ComputationId id) external view returns (Assignment[] memory) {
        return ALLOCATOR.assignmentsOf(id);
    }

    /// @inheritdoc IRecords
    function seedOf(ComputationId id) external view returns (bytes32) {
        return ALLOCATOR.seedOf(id);
    }
}
