// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {IGoldRounds} from "../interfaces/IGoldRounds.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {RecordReader} from "./RecordReader.sol";

/// @title Whether settled work shows that a processor has become worse
/// @notice The mean fidelity of the gold rounds in computations that somebody points out. Who points may choose the worst,
/// and requesters choose their golds: the answer is a benchmark, not a penalty.
library Drift {
    using RecordReader for IComputationAllocator;

    /// Computations that may be pointed out at once.
    uint256 internal constant MAX_COMPUTATIONS = 16;
    /// Gold rounds that it takes.
    uint256 internal constant LEAST_ROUNDS = 8;
    /// Gold fidelity is kept in 1e-4.
    int256 private constant PPM_PER_UNIT = 100;

    /// @notice When a processor was benchmarked last.
    struct Mark {
        /// Unix seconds.
        uint40 benchmarkedAt;
        /// Computations submitted until then.
        uint64 computations;
    }

    /// @notice Computation `id` is not the processor's work, is older than its last benchmark, or is out of order.
    error NotOfThisCertificate(ProcessorId processor, ComputationId id, uint256 index);
    /// @notice `computations` are pointed out with `indices`; up to `limit` are heard.
    error EvidenceMismatch(uint256 computations, uint256 indices, uint256 limit);

    /// @notice Gold rounds in `computations`, and their mean fidelity in parts per million.
    function fidelityOf(
        IComputationAllocator allocator,
        IGoldRounds goldRounds,
        Mark memory mark,
        ProcessorId processor,
        ComputationId[] calldata computations,
        uint256[] calldata indices
    ) internal view returns (uint256 rounds, int256 mean) {
        uint256 count = computations.length;
        if (count != indices.length || count > MAX_COMPUTATIONS) {
            revert EvidenceMismatch(count, indices.length, MAX_COMPUTATIONS);
        }
        uint64 last = mark.computations;
        int256 sum;
        for (uint256 i; i < count; ++i) {
            (ComputationId id, uint256 index) = (computations[i], indices[i]);
            // slither-disable-start calls-loop (views of the suite; at most MAX_COMPUTATIONS)
            // slither-disable-next-line unused-return (whichever round: rounds are scored once)
            (, ProcessorId drawn) = allocator.roundOf(id, index);
            if (ComputationId.unwrap(id) <= last || ProcessorId.unwrap(drawn) != ProcessorId.unwrap(processor)) {
                revert NotOfThisCertificate(processor, id, index);
            }
            last = ComputationId.unwrap(id);
            (int256 fidelity, uint256 scored) = goldRounds.fidelityOf(id, index);
            // slither-disable-end calls-loop
            sum += fidelity * int256(scored);
            rounds += scored;
        }
        if (rounds != 0) mean = sum * PPM_PER_UNIT / int256(rounds);
    }
}
