// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Computation} from "../lifecycle/Computation.sol";

/// @notice What a requester asks for.
struct Request {
    /// keccak256 of the canonical OpenQASM 3 text.
    bytes32 circuitDigest;
    /// Commitment to the requester's secret: see Commitment.ofSecret.
    bytes24 secretCommitment;
    /// No allocation after this moment, unix seconds.
    uint40 deadlineAt;
    /// Shots that each replica runs.
    uint16 shots;
    uint8 replicas;
    uint8 noiseClass;
    uint8 qubits;
    /// Width of an outcome: classical bits measured.
    uint8 outcomeBits;
    /// Most wei that may be locked for this computation.
    uint96 maxFee;
    /// The circuit's text, or empty when it is in the consortium's store under its digest.
    bytes payload;
    string payloadUri;
}

/// @title What the allocator takes in
/// @notice Limits that hold whatever the policy says.
library Admission {
    uint256 internal constant MIN_REPLICAS = 3;
    uint256 internal constant MAX_REPLICAS = 16;
    /// Shots a replica; below this, wrong answers pass too often: see Agreement.
    uint256 internal constant MIN_SHOTS = 4096;
    uint256 internal constant MAX_DEADLINE_SECONDS = 30 days;

    /// @notice `replicas` must lie in minimum..maximum.
    error ReplicasOutOfRange(uint256 replicas, uint256 minimum, uint256 maximum);
    /// @notice `shots` a replica must be at least `minimum`.
    error ShotsTooFew(uint256 shots, uint256 minimum);
    /// @notice A circuit has at least one qubit and one measured bit.
    error CircuitEmpty(uint256 qubits, uint256 outcomeBits);
    /// @notice `deadlineAt` must lie in earliest..latest.
    error DeadlineOutOfRange(uint40 deadlineAt, uint256 earliest, uint256 latest);
    /// @notice The inline payload hashes to `actual`, not to `circuitDigest`.
    error PayloadDigestMismatch(bytes32 circuitDigest, bytes32 actual);

    /// @notice Writes what is asked for into a new record.
    function enter(Computation storage c, Request calldata request) internal {
        c.replicas = request.replicas;
        c.attempt = 1;
        c.noiseClass = request.noiseClass;
        c.qubits = request.qubits;
        c.outcomeBits = request.outcomeBits;
        c.shots = request.shots;
        c.secret = request.secretCommitment;
        c.deadlineAt = request.deadlineAt;
    }

    /// @notice Reverts unless `request` is within the limits and its inline payload is what it says.
    function requireSound(Request calldata request) internal view {
        if (request.replicas < MIN_REPLICAS || request.replicas > MAX_REPLICAS) {
            revert ReplicasOutOfRange(request.replicas, MIN_REPLICAS, MAX_REPLICAS);
        }
        if (request.shots < MIN_SHOTS) revert ShotsTooFew(request.shots, MIN_SHOTS);
        if (request.qubits == 0 || request.outcomeBits == 0) {
            revert CircuitEmpty(request.qubits, request.outcomeBits);
        }
        uint256 latest = block.timestamp + MAX_DEADLINE_SECONDS;
        if (request.deadlineAt <= block.timestamp || request.deadlineAt > latest) {
            revert DeadlineOutOfRange(request.deadlineAt, block.timestamp + 1, latest);
        }
        if (request.payload.length != 0) {
            bytes32 actual = keccak256(request.payload);
            if (actual != request.circuitDigest) revert PayloadDigestMismatch(request.circuitDigest, actual);
        }
    }
}
