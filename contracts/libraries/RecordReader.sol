// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {Assignment, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Commitment} from "./Commitment.sol";
import {Priority} from "./FairQueue.sol";

/// @title Reads the allocator's packed records
/// @notice The allocator hands out storage words as they are: that takes a tenth of the code of ABI-encoding the
/// structs, which it has no room for, and less gas. Here they are taken apart again, first member lowest, as
/// Solidity packs them. A test compares this with the compiler's own layout.
library RecordReader {
    /// @notice The record of a computation.
    function computationOf(IComputationAllocator allocator, ComputationId id)
        internal
        view
        returns (Computation memory c)
    {
        return _computation(allocator.recordOf(id));
    }

    /// @notice A computation with its assignment `index`.
    function dutyOf(IComputationAllocator allocator, ComputationId id, uint256 index)
        internal
        view
        returns (Computation memory c, Assignment memory a)
    {
        return (_computation(allocator.recordOf(id)), _assignment(allocator.seatOf(id, index)));
    }

    /// @notice The record of a computation and all its assignments, in order.
    function historyOf(IComputationAllocator allocator, ComputationId id)
        internal
        view
        returns (Computation memory, Assignment[] memory)
    {
        (bytes32[3] memory record, bytes32[] memory seats) = allocator.sessionOf(id);
        return (_computation(record), _assignments(seats));
    }

    /// @notice All assignments of a computation, in order.
    function assignmentsOf(IComputationAllocator allocator, ComputationId id)
        internal
        view
        returns (Assignment[] memory)
    {
        return _assignments(allocator.seatsOf(id));
    }

    function _assignments(bytes32[] memory words) private pure returns (Assignment[] memory assignments) {
        assignments = new Assignment[](words.length);
        for (uint256 i; i < words.length; ++i) {
            assignments[i] = _assignment(words[i]);
        }
    }

    /// @notice A computation's round and the processor of its assignment `index`, without the rest.
    function roundOf(IComputationAllocator allocator, ComputationId id, uint256 index)
        internal
        view
        returns (uint8 attempt, ProcessorId processor)
    {
        attempt = uint8(uint256(allocator.recordOf(id)[2]) >> 8);
        processor = ProcessorId.wrap(uint32(uint256(allocator.seatOf(id, index)) >> 192));
    }

    /// @notice The sketch seed of the running or last round.
    function seedOf(IComputationAllocator allocator, ComputationId id) internal view returns (bytes32) {
        Computation memory c = _computation(allocator.recordOf(id));
        return Commitment.seedOf(id, c.attempt, c.secret, c.commitsDigest);
    }

    function _computation(bytes32[3] memory words) private pure returns (Computation memory c) {
        uint256 word = uint256(words[0]);
        c.replicas = uint8(word);
        c.replicaCap = uint8(word >> 8);
        c.noiseClass = uint8(word >> 16);
        c.qubits = uint8(word >> 24);
        c.depthClass = uint8(word >> 32);
        c.profile = uint8(word >> 40);
        c.quantumVolumeLog2 = uint8(word >> 48);
        c.twoQubitErrorPpm = uint16(word >> 56);
        c.shots = uint16(word >> 72);
        c.place = uint16(word >> 88);
        c.outcomeBits = uint8(word >> 104);
        c.flags = uint8(word >> 112);
        c.organisation = uint24(word >> 120);
        c.deadlineAt = uint32(word >> 144);
        c.escrow = uint80(word >> 176);
        word = uint256(words[1]);
        c.secret = bytes24(uint192(word));
        c.requester = uint32(word >> 192);
        c.passed = uint8(word >> 224);
        c.trust = uint8(word >> 232);
        c.gold = uint8(word >> 240) != 0;
        c.priority = Priority(uint8(word >> 248));
        word = uint256(words[2]);
        c.status = ComputationStatus(uint8(word));
        // A record without a round is Queued: see ComputationLifecycle.current.
        if (word == 0 && c.replicas != 0) c.status = ComputationStatus.Queued;
        c.attempt = uint8(word >> 8);
        c.active = uint8(word >> 16);
        c.revealed = uint8(word >> 24);
        c.refused = uint8(word >> 32);
        c.tried = uint8(word >> 40);
        c.carried = uint8(word >> 48);
        c.secretWithheld = uint8(word >> 56) != 0;
        c.phaseEndsAt = uint32(word >> 64);
        c.commits = uint32(word >> 96);
        c.commitsDigest = bytes4(uint32(word >> 128));
        c.drawn = uint96(word >> 160);
    }

    function _assignment(bytes32 seat) private pure returns (Assignment memory a) {
        uint256 word = uint256(seat);
        a.digest = bytes24(uint192(word));
        a.processor = ProcessorId.wrap(uint32(word >> 192));
        a.status = AssignmentStatus(uint8(word >> 224));
    }
}
