// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditEntry, Inclusion} from "../libraries/AuditProof.sol";

/// @notice What an entry decides.
enum Decision {
    Unset,
    OrganisationAdmitted,
    OrganisationExpelled,
    ProcessorCertified,
    ProcessorSuspended,
    ComputationAllocated,
    ComputationReallocated,
    ComputationSettled,
    ComputationFailed,
    PolicyChanged,
    ComputationEscalated,
    AnswerDisproven,
    FaultVindicated,
    DisputeRuled,
    QuotaGranted,
    ReservationGranted,
    ReservationEnded,
    MotionCarried,
    MotionExecuted,
    /// Rejected, lapsed or withdrawn.
    MotionEnded,
    BodyComposed,
    TempoSet,
    WorkPaused,
    WorkResumed,
    ChannelSettled,
    /// Expired or cancelled.
    ChannelEnded,
    SessionAborted,
    SessionsConcluded
}

/// @title The audit trail: every decision, in order, for good
/// @notice A hash chain gives anyone who replays the events one value to compare; a Merkle mountain range over its pages
/// gives short proofs that a single decision is in it. Nothing is ever changed or removed.
/// @dev Trust: recorders are contracts of the suite, fixed when the trail is deployed. What a digest binds is the
/// ABI encoding named with the recorder's event of the same name.
interface IAuditTrail {
    /// @notice Entry `index` (from 0) records `decision` about `subject`.
    event EntryAppended(
        uint64 indexed index, Decision indexed decision, uint64 indexed subject, address recorder, bytes32 digest
    );

    /// @notice `account` is not a contract of this suite.
    error RecorderUnknown(address account);

    /// @notice Appends an entry. Recorders only.
    /// @param subject Id of what is decided about: organisation, processor, computation, reservation, motion, term,
    /// channel or session.
    /// @param digest keccak256 of the decision's facts.
    function append(Decision decision, uint64 subject, bytes32 digest) external;

    /// @notice Head of the hash chain (zero when empty) and number of entries.
    /// @dev head' = bytes24(keccak256(head ++ leaf)), leaf = keccak256(0x00 ++ index ++ decision ++ subject ++
    /// recorder ++ digest), integers big-endian: uint64, uint8, uint64, address.
    function head() external view returns (bytes24 digest, uint64 size);

    /// @notice Root of the mountain range of pages, with size and head: see AuditProof.
    function root() external view returns (bytes32);

    /// @notice Whether the trail has `entry`, by a proof for its present size.
    function contains(AuditEntry calldata entry, Inclusion calldata inclusion) external view returns (bool);
}
