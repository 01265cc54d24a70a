// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBookings} from "./IBookings.sol";
import {IHashKeys} from "./IHashKeys.sol";
import {IOffers} from "./IOffers.sol";
import {Asked} from "../libraries/Asked.sol";
import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ProcessorId, Standing} from "../lifecycle/Processor.sol";

/// @notice What a processor claims it can do. Errors and fidelities in parts per million, medians over the device.
struct Capability {
    uint16 qubits;
    /// Log2 of the quantum volume; 0 when not measured.
    uint8 quantumVolumeLog2;
    /// Group of processors whose noise is alike enough for their counts to be compared.
    uint8 noiseClass;
    /// Instruction-set profile; 1 is the flat OpenQASM 3 profile without feed-forward.
    uint8 profile;
    uint32 twoQubitErrorPpm;
    uint32 readoutErrorPpm;
    uint32 layerFidelityPpm;
    uint32 clops;
    uint40 measuredAt;
    uint40 expiresAt;
    uint64 t1Nanoseconds;
    uint64 t2Nanoseconds;
    bytes32 couplingMapDigest;
    /// keccak256 of the calibration file.
    bytes32 calibrationDigest;
}

/// @title The registry of quantum processors
/// @notice Identity, approved capability, availability, qubit leases and conduct of each processor. Those that can be
/// drawn are indexed by noise class and free qubits: see ProcessorIndex and Draw. A processor that is not heard of, or whose
/// certificate has expired, leaves the index when a draw meets it, and comes back with its next heartbeat.
/// @dev Trust: what a processor can do is measured by Certifications, or approved unmeasured by the Processor
/// Certification Authority's role; an operator alone can only declare what is nowhere better. Only the allocator leases
/// and releases, only the contract of reservations reserves, only that of bonds marks bonds.
/// An operator or a daemon that is keyed, for it has a hash key, acts through IHashKeys alone: a stolen ECDSA key does
/// not register, declare, offer, drain, retire or report. Heartbeats stay outside: they are many, and a thief gains by them
/// that a silent processor is drawn. So do reveals, which anyone may post: they open what a hash key has signed.
interface IProcessorRegistry is IOffers, IBookings {
    event ProcessorRegistered(
        ProcessorId indexed processor,
        address indexed operator,
        address indexed daemon,
        uint24 organisation,
        bytes32 identityDigest,
        bytes32 hardwareDigest
    );
    event KeysAdopted(ProcessorId indexed processor, bool operatorKeyed, bool keyed);
    event HashKeysRequired();
    /// @notice The processor's identity document is another one; the one before stands for nobody any more.
    event IdentityUpdated(ProcessorId indexed processor, bytes32 identityDigest);
    event CapabilityDeclared(ProcessorId indexed processor, uint16 indexed version, Capability capability, string uri);
    /// @notice `evidence` is the digest of what was measured; 0 where a role, or nothing better than before, was approved.
    event ProcessorCertified(
        ProcessorId indexed processor, uint16 indexed version, uint8 noiseClass, uint40 expiresAt, bytes32 evidence
    );
    /// @notice `processor` has taken over conduct of `former`: see Succession.
    event ConductInherited(ProcessorId indexed processor, ProcessorId indexed former);
    event ProcessorSuspended(ProcessorId indexed processor, bytes32 reason);
    event ProcessorRetired(ProcessorId indexed processor);
    event ProcessorBonded(ProcessorId indexed processor, bool bonded);
    event HeartbeatReceived(ProcessorId indexed processor);
    /// @notice The processor takes nothing new while `draining`.
    event ProcessorDrained(ProcessorId indexed processor, bool draining);

    /// @notice `account` belongs to no admitted organisation.
    error OperatorNotInConsortium(address account);
    /// @notice `account` operates processors of organisation `first`, so none of `organisation`.
    error OperatorMoved(address account, uint24 organisation, uint24 first);
    /// @notice `daemon` already serves `processor`.
    error DaemonTaken(address daemon, ProcessorId processor);
    /// @notice The registration was signed by `signer`, not by `daemon`.
    error DaemonSignatureInvalid(address daemon, address signer);
    /// @notice `account` is not the operator `operator` of `processor`.
    error CallerNotOperator(ProcessorId processor, address account, address operator);
    /// @notice `account` is not the daemon `daemon` of `processor`.
    error CallerNotDaemon(ProcessorId processor, address account, address daemon);
    /// @notice `account` is not the allocator.
    error CallerNotAllocator(address account);
    /// @notice `account` is not the contract of bonds.
    error CallerNotBonds(address account);
    /// @notice `processor` has no capability version `version`.
    error CapabilityUnknown(ProcessorId processor, uint16 version);
    /// @notice A capability needs 1..255 qubits and a noise class from 1.
    error CapabilityInvalid(uint16 qubits, uint8 noiseClass);
    /// @notice The capability's validity ended at `expiresAt`; it is now `timestamp`.
    error CapabilityExpired(ProcessorId processor, uint40 expiresAt, uint256 timestamp);
    /// @notice `leased` qubits of `processor` are in use, more than the new capability's `qubits`.
    error CapabilityBelowLeases(ProcessorId processor, uint16 qubits, uint16 leased);
    /// @notice `account` is not the contract of certifications.
    error CallerNotCertifications(address account);
    /// @notice `accepted` answers outweigh `faults` of `processor`, or these are too few for a suspension by rule.
    error ConductBearable(ProcessorId processor, uint256 accepted, uint256 faults);

    /// @notice Registers a processor for the caller, who becomes its operator.
    /// @param daemon Account with which the processor's daemon acts.
    /// @param identityDigest keccak256 of the identity document.
    /// @param hardwareDigest keccak256 of the document's part that describes the hardware.
    /// @param daemonSignature The daemon's EIP-712 signature of
    /// ProcessorRegistration(address operator,address daemon,bytes32 identityDigest,bytes32 hardwareDigest).
    function register(address daemon, bytes32 identityDigest, bytes32 hardwareDigest, bytes calldata daemonSignature)
        external
        returns (ProcessorId processor);

    /// @notice Notes which of a processor's operator and daemon have a hash key: these act by it from now on. Anyone.
    function adoptKeys(ProcessorId processor) external;

    /// @notice Nobody registers without hash keys any more, for good. Role: Quantum Security Working Group.
    function requireHashKeys() external;

    /// @notice Replaces a processor's identity document, after a rotation of keys; its hardware stays the same. A certified
    /// processor is suspended, with the digest as the reason, until it is certified again. Operator only.
    /// @param daemonSignature The daemon's signature of the new digest, as for `register`, with no hardware digest.
    function updateIdentity(ProcessorId processor, bytes32 identityDigest, bytes calldata daemonSignature) external;

    /// @notice Opens a new capability version. One that is nowhere better than what is approved takes effect at once, any
    /// other when it has been certified. Operator only.
    /// @param uri Where the calibration file can be read; its digest is in the capability.
    function declareCapability(ProcessorId processor, Capability calldata capability, string calldata uri)
        external
        returns (uint16 version);

    /// @notice Takes no registration to the end of a day: see Pause. Allocator only.
    function stop(uint16 throughDay) external;

    /// @notice Approves a capability version; the processor can be drawn while it lasts.
    /// Nothing is measured. Role: Processor Certification Authority.
    function certify(ProcessorId processor, uint16 version) external;

    /// @notice Opens a version with what was measured, and approves it. Certifications only.
    /// @param evidence Digest of what the values rest on.
    function award(ProcessorId processor, Capability calldata capability, bytes32 evidence)
        external
        returns (uint16 version);

    /// @notice Takes a processor out of the draw. Role: Quantum Security Working Group; or Certifications.
    function suspend(ProcessorId processor, bytes32 reason) external;

    /// @notice Takes a processor whose conduct suspends it out of the draw: see Reputation. Anyone.
    function suspendByRule(ProcessorId processor) external;

    /// @notice Takes a processor out for good. Operator only.
    function retire(ProcessorId processor) external;

    /// @notice Says that the daemon is alive. Daemon only; due every HEARTBEAT_SECONDS, two may be missed at most.
    function heartbeat(ProcessorId processor) external;

    /// @notice Lets a processor finish what it has and take nothing new, or, with `draining` false, takes it back. Its
    /// operator or its daemon.
    function drain(ProcessorId processor, bool draining) external;

    /// @notice Draws independent, available processors and leases qubits of each. Allocator only.
    /// @param seed Seed of the draw. @param asked First word of the computation's record.
    /// @param shape Processors to draw, and, out of turn, the most and the least qubits that those ahead ask for: one byte
    /// each, the count lowest.
    /// @param pay Wei that one replica is paid.
    /// @param tried Processors that have been tried already. @param onDuty Those of them that are still on duty.
    /// @return processors In drawn order.
    function appoint(
        bytes32 seed,
        Asked asked,
        uint256 shape,
        uint256 pay,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) external returns (ProcessorId[] memory processors);

    /// @notice Whether such a draw, for a computation that has had no processors yet, would find enough.
    function isPlaceable(bytes32 seed, Asked asked, uint256 count, uint256 pay) external view returns (bool);

    /// @notice Ends leases and records conduct. Allocator only.
    /// @param processors Entries that are 0 are passed over.
    /// @param fates How each assignment ended.
    /// @return operators Account to pay or charge for each.
    function release(
        ProcessorId[] calldata processors,
        AssignmentStatus[] calldata fates,
        uint8 qubits
    ) external returns (address[] memory operators);

    /// @notice Corrects the conduct on record for one assignment that ended as `was` and now as `fate`. Allocator only.
    /// @return operator Account behind the processor.
    function reconsider(ProcessorId processor, AssignmentStatus was, AssignmentStatus fate)
        external
        returns (address operator);

    /// @notice Records whether a processor's bond covers a fault. Bonds only.
    function setBonded(ProcessorId processor, bool bonded) external;

    /// @notice Longest time between heartbeats, seconds.
    function HEARTBEAT_SECONDS() external view returns (uint40);

    /// @notice Processors ever registered; ids run from 1.
    function processorCount() external view returns (uint32);

    /// @notice The hot record of `processor`.
    function standingOf(ProcessorId processor) external view returns (Standing memory);

    /// @notice Qubits of `processor` held by running computations.
    function leasedQubitsOf(ProcessorId processor) external view returns (uint16);

    /// @notice Account that owns `processor`.
    function operatorOf(ProcessorId processor) external view returns (address);

    /// @notice Account with which `processor` acts.
    function daemonOf(ProcessorId processor) external view returns (address);

    /// @notice The same, and whether it reports through the door of hash keys alone.
    function reporterOf(ProcessorId processor) external view returns (address daemon, bool keyed);

    /// @notice Whether who registers must have hash keys.
    function hashKeysRequired() external view returns (bool);

    /// @notice The door of hash keys.
    function HASH_KEYS() external view returns (IHashKeys);

    /// @notice Processor that `daemon` serves; 0 when none.
    function processorOf(address daemon) external view returns (ProcessorId);

    /// @notice Approved and newest capability versions; 0 when none.
    function versionsOf(ProcessorId processor) external view returns (uint16 certified, uint16 newest);

    /// @notice One capability version.
    function capabilityOf(ProcessorId processor, uint16 version) external view returns (Capability memory);

    /// @notice Whether `processor` can be drawn now, as far as it is itself concerned.
    function isAvailable(ProcessorId processor) external view returns (bool);

    /// @notice A part of one list of a noise class's index, in order: see ProcessorIndex.
    function listOf(uint8 noiseClass, uint256 level, uint256 first, uint256 limit)
        external
        view
        returns (ProcessorId[] memory);
}
