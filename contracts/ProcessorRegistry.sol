// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Capability, IProcessorRegistry, Terms} from "./interfaces/IProcessorRegistry.sol";
import {AssignmentStatus} from "./lifecycle/Assignment.sol";
import {ProcessorId, ProcessorStatus, Standing} from "./lifecycle/Processor.sol";
import {Asked} from "./libraries/Asked.sol";
import {Draw} from "./libraries/Draw.sol";
import {Pause} from "./libraries/Pause.sol";
import {ProcessorIndex} from "./libraries/ProcessorIndex.sol";
import {Reputation} from "./libraries/Reputation.sol";
import {Roster} from "./libraries/Roster.sol";

/// @title ProcessorRegistry
/// @notice See IProcessorRegistry.
contract ProcessorRegistry is IProcessorRegistry, AccessManaged, EIP712 {
    using Draw for Roster.State;
    using ProcessorIndex for ProcessorIndex.Index;
    using Reputation for Standing;
    using Roster for Roster.State;

    bytes32 private constant REGISTRATION_TYPEHASH =
        keccak256("ProcessorRegistration(address operator,address daemon,bytes32 identityDigest)");
    uint256 private constant MISSED_BEATS = 2;

    IAuditTrail public immutable AUDIT_TRAIL;
    IConsortium public immutable CONSORTIUM;
    address public immutable ALLOCATOR;
    address public immutable BONDS;
    address public immutable RESERVATIONS;
    /// @inheritdoc IProcessorRegistry
    uint40 public immutable HEARTBEAT_SECONDS;

    struct Identity {
        address operator;
        uint16 certifiedVersion;
        uint16 newestVersion;
        address daemon;
    }

    /// @inheritdoc IProcessorRegistry
    uint32 public processorCount;
    uint16 private _pausedThrough;
    /// @inheritdoc IProcessorRegistry
    mapping(address daemon => ProcessorId) public processorOf;

    mapping(address operator => uint24) private _organisationOf;
    Roster.State private _roster;
    mapping(ProcessorId => Identity) private _identities;
    mapping(ProcessorId => mapping(uint16 version => Capability)) private _capabilities;

    modifier onlyAllocator() {
        if (msg.sender != ALLOCATOR) revert CallerNotAllocator(msg.sender);
        _;
    }

    modifier onlyReservations() {
        if (msg.sender != RESERVATIONS) revert CallerNotReservations(msg.sender);
        _;
    }

    modifier onlyOperator(ProcessorId processor) {
        address operator = _identities[processor].operator;
        if (msg.sender != operator) revert CallerNotOperator(processor, msg.sender, operator);
        _;
    }

    constructor(
        address authority,
        IAuditTrail auditTrail,
        IConsortium consortium,
        address allocator,
        address bonds,
        address reservations,
        uint40 heartbeatSeconds
    ) AccessManaged(authority) EIP712("QCRS ProcessorRegistry", "1") {
        AUDIT_TRAIL = auditTrail;
        CONSORTIUM = consortium;
        // slither-disable-start missing-zero-check (with no allocator or bonds, nothing is leased)
        ALLOCATOR = allocator;
        BONDS = bonds;
        RESERVATIONS = reservations;
        // slither-disable-end missing-zero-check
        HEARTBEAT_SECONDS = heartbeatSeconds;
    }

    /// @inheritdoc IProcessorRegistry
    function register(address daemon, bytes32 identityDigest, bytes calldata daemonSignature)
        external
        returns (ProcessorId processor)
    {
        Pause.requireOver(_pausedThrough);
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert OperatorNotInConsortium(msg.sender);
        // One organisation for life, so that processors of different organisations have different operators.
        uint24 first = _organisationOf[msg.sender];
        if (first == 0) _organisationOf[msg.sender] = organisation;
        else if (first != organisation) revert OperatorMoved(msg.sender, organisation, first);
        ProcessorId present = processorOf[daemon];
        if (ProcessorId.unwrap(present) != 0) revert DaemonTaken(daemon, present);
        bytes32 structHash = keccak256(abi.encode(REGISTRATION_TYPEHASH, msg.sender, daemon, identityDigest));
        address signer = ECDSA.recover(_hashTypedDataV4(structHash), daemonSignature);
        if (signer != daemon) revert DaemonSignatureInvalid(daemon, signer);

        processor = ProcessorId.wrap(++processorCount);
        processorOf[daemon] = processor;
        _identities[processor].operator = msg.sender;
        _identities[processor].daemon = daemon;
        Standing storage standing = _roster.standings[processor];
        standing.organisation = organisation;
        standing.advance(processor, ProcessorStatus.Applied);
        emit ProcessorRegistered(processor, msg.sender, daemon, organisation, identityDigest);
    }

    /// @inheritdoc IProcessorRegistry
    function declareCapability(ProcessorId processor, Capability calldata capability, string calldata uri)
        external
        onlyOperator(processor)
        returns (uint16 version)
    {
        if (capability.qubits == 0 || capability.qubits > type(uint8).max || capability.noiseClass == 0) {
            revert CapabilityInvalid(capability.qubits, capability.noiseClass);
        }
        version = ++_identities[processor].newestVersion;
        _capabilities[processor][version] = capability;
        emit CapabilityDeclared(processor, version, capability, uri);
    }

    /// @inheritdoc IProcessorRegistry
    function certify(ProcessorId processor, uint16 version) external restricted {
        Capability memory capability = _capabilities[processor][version];
        if (capability.qubits == 0) revert CapabilityUnknown(processor, version);
        if (capability.expiresAt <= block.timestamp) {
            revert CapabilityExpired(processor, capability.expiresAt, block.timestamp);
        }
        Standing storage standing = _roster.standings[processor];
        if (uint256(standing.leasedQubits) + standing.heldQubits > capability.qubits) {
            revert CapabilityBelowLeases(processor, capability.qubits, standing.leasedQubits);
        }
        _roster.unlist(processor);
        // A certified processor moves to its new version without leaving the status.
        if (standing.status != ProcessorStatus.Certified) standing.advance(processor, ProcessorStatus.Certified);
        standing.noiseClass = capability.noiseClass;
        standing.qubits = uint8(capability.qubits);
        standing.expiresAt = uint32(capability.expiresAt);
        Terms storage terms = _roster.terms[processor];
        terms.quantumVolumeLog2 = capability.quantumVolumeLog2;
        terms.profile = capability.profile;
        terms.twoQubitErrorPpm = capability.twoQubitErrorPpm;
        _identities[processor].certifiedVersion = version;
        _roster.list(processor);
        emit ProcessorCertified(processor, version, capability.noiseClass, capability.expiresAt);
        AUDIT_TRAIL.append(
            Decision.ProcessorCertified, _subject(processor), keccak256(abi.encode(processor, version, capability))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function suspend(ProcessorId processor, bytes32 reason) external restricted {
        Standing storage standing = _roster.standings[processor];
        standing.advance(processor, ProcessorStatus.Suspended);
        _roster.unlist(processor);
        emit ProcessorSuspended(processor, reason);
        AUDIT_TRAIL.append(
            Decision.ProcessorSuspended, _subject(processor), keccak256(abi.encode(processor, reason))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function retire(ProcessorId processor) external onlyOperator(processor) {
        Standing storage standing = _roster.standings[processor];
        standing.advance(processor, ProcessorStatus.Retired);
        _roster.unlist(processor);
        emit ProcessorRetired(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function heartbeat(ProcessorId processor) external {
        address daemon = _identities[processor].daemon;
        if (msg.sender != daemon) revert CallerNotDaemon(processor, msg.sender, daemon);
        Standing storage standing = _roster.standings[processor];
        standing.lastBeatAt = uint32(block.timestamp);
        _roster.list(processor);
        emit HeartbeatReceived(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function drain(ProcessorId processor, bool draining) external {
        Identity storage identity = _identities[processor];
        if (msg.sender != identity.operator && msg.sender != identity.daemon) {
            revert CallerNotOperator(processor, msg.sender, identity.operator);
        }
        Standing storage standing = _roster.standings[processor];
        standing.draining = draining;
        _roster.relist(processor);
        emit ProcessorDrained(processor, draining);
    }

    /// @inheritdoc IProcessorRegistry
    function offer(ProcessorId processor, uint64 price, uint80 minimum, uint40 expiresAt)
        external
        onlyOperator(processor)
    {
        if (price == 0 || expiresAt <= block.timestamp) {
            revert OfferInvalid(processor, price, expiresAt, block.timestamp);
        }
        _roster.standings[processor].offered = true;
        Terms storage terms = _roster.terms[processor];
        terms.price = price;
        terms.minimum = minimum;
        terms.offerExpiresAt = expiresAt;
        emit OfferMade(processor, price, minimum, expiresAt);
    }

    /// @inheritdoc IProcessorRegistry
    function withdrawOffer(ProcessorId processor) external onlyOperator(processor) {
        _roster.standings[processor].offered = false;
        emit OfferWithdrawn(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function appoint(
        bytes32 seed,
        Asked asked,
        uint256 shape,
        uint256 pay,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) external onlyAllocator returns (ProcessorId[] memory processors) {
        return _roster.draw(seed, _wishOf(asked, shape, pay), tried, onDuty);
    }

    /// @inheritdoc IProcessorRegistry
    function isPlaceable(bytes32 seed, Asked asked, uint256 count, uint256 pay) external view returns (bool) {
        ProcessorId[] calldata none;
        assembly ("memory-safe") {
            none.length := 0
            none.offset := 0
        }
        // slither-disable-next-line incorrect-equality (processors are counted, not coin)
        return _roster.find(seed, _wishOf(asked, count, pay), none, none).found == count;
    }

    /// @inheritdoc IProcessorRegistry
    function stop(uint16 throughDay) external onlyAllocator {
        // slither-disable-next-line events-maths (the allocator, which calls, emits WorkPaused)
        _pausedThrough = throughDay;
    }

    /// @inheritdoc IProcessorRegistry
    function release(ProcessorId[] calldata processors, AssignmentStatus[] calldata fates, uint8 qubits)
        external
        onlyAllocator
        returns (address[] memory operators)
    {
        operators = new address[](processors.length);
        for (uint256 i; i < processors.length; ++i) {
            ProcessorId processor = processors[i];
            if (ProcessorId.unwrap(processor) == 0) continue;
            operators[i] = _identities[processor].operator;
            Standing storage standing = _roster.standings[processor];
            standing.leasedQubits -= qubits;
            standing.note(fates[i]);
            _roster.relist(processor);
        }
    }

    /// @inheritdoc IProcessorRegistry
    function hold(ProcessorId processor, uint8 qubits)
        external
        onlyReservations
        returns (address operator, uint24 organisation)
    {
        Standing storage standing = _roster.standings[processor];
        if (!Roster.isOpen(standing, _beatenSince())) revert ProcessorUnavailable(processor);
        uint256 left = standing.qubits - standing.heldQubits;
        // Qubits that computations have now will be free by then; those promised to others will not.
        if (qubits > left) revert QubitsUnavailable(processor, qubits, left);
        standing.heldQubits += qubits;
        _roster.relist(processor);
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
        return (_identities[processor].operator, standing.organisation);
    }

    /// @inheritdoc IProcessorRegistry
    function occupy(ProcessorId processor, uint8 qubits) external onlyReservations {
        Standing storage standing = _roster.standings[processor];
        uint256 left = standing.qubits - standing.leasedQubits;
        if (qubits > left) revert QubitsUnavailable(processor, qubits, left);
        standing.heldQubits -= qubits;
        standing.leasedQubits += qubits;
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
    }

    /// @inheritdoc IProcessorRegistry
    function vacate(ProcessorId processor, uint8 held, uint8 leased) external onlyReservations {
        Standing storage standing = _roster.standings[processor];
        standing.heldQubits -= held;
        standing.leasedQubits -= leased;
        _roster.relist(processor);
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
    }

    /// @inheritdoc IProcessorRegistry
    function reconsider(ProcessorId processor, AssignmentStatus was, AssignmentStatus fate)
        external
        onlyAllocator
        returns (address operator)
    {
        operator = _identities[processor].operator;
        Standing storage standing = _roster.standings[processor];
        standing.forget(was);
        standing.note(fate);
    }

    /// @inheritdoc IProcessorRegistry
    function setBonded(ProcessorId processor, bool bonded) external {
        if (msg.sender != BONDS) revert CallerNotBonds(msg.sender);
        Standing storage standing = _roster.standings[processor];
        if (standing.bonded == bonded) return;
        standing.bonded = bonded;
        _roster.relist(processor);
        emit ProcessorBonded(processor, bonded);
    }

    /// @inheritdoc IProcessorRegistry
    function standingOf(ProcessorId processor) external view returns (Standing memory) {
        return _roster.standings[processor];
    }

    /// @inheritdoc IProcessorRegistry
    function leasedQubitsOf(ProcessorId processor) external view returns (uint16) {
        return _roster.standings[processor].leasedQubits;
    }

    /// @inheritdoc IProcessorRegistry
    function operatorOf(ProcessorId processor) external view returns (address) {
        return _identities[processor].operator;
    }

    /// @inheritdoc IProcessorRegistry
    function daemonOf(ProcessorId processor) external view returns (address) {
        return _identities[processor].daemon;
    }

    /// @inheritdoc IProcessorRegistry
    function versionsOf(ProcessorId processor) external view returns (uint16 certified, uint16 newest) {
        return (_identities[processor].certifiedVersion, _identities[processor].newestVersion);
    }

    /// @inheritdoc IProcessorRegistry
    function capabilityOf(ProcessorId processor, uint16 version) external view returns (Capability memory) {
        return _capabilities[processor][version];
    }

    /// @inheritdoc IProcessorRegistry
    function termsOf(ProcessorId processor) external view returns (Terms memory) {
        return _roster.terms[processor];
    }

    /// @inheritdoc IProcessorRegistry
    function isAvailable(ProcessorId processor) external view returns (bool) {
        return Roster.isOpen(_roster.standings[processor], _beatenSince());
    }

    /// @inheritdoc IProcessorRegistry
    function listOf(uint8 noiseClass, uint256 level, uint256 first, uint256 limit)
        external
        view
        returns (ProcessorId[] memory processors)
    {
        ProcessorIndex.Index storage index = _roster.indices[noiseClass];
        uint256 length = ProcessorIndex.lengthOf(index.lengths, level);
        uint256 count = first >= length ? 0 : length - first;
        if (count > limit) count = limit;
        processors = new ProcessorId[](count);
        for (uint256 i; i < count; ++i) {
            processors[i] = ProcessorId.wrap(index.processorAt(level, first + i));
        }
    }

    function _wishOf(Asked asked, uint256 shape, uint256 pay) private view returns (Draw.Wish memory) {
        return Draw.Wish({
            asked: asked,
            count: uint8(shape),
            most: uint8(shape >> 8),
            least: uint8(shape >> 16),
            pay: pay,
            beatenSince: _beatenSince(),
            consortium: CONSORTIUM
        });
    }

    function _beatenSince() private view returns (uint256) {
        return block.timestamp - MISSED_BEATS * HEARTBEAT_SECONDS;
    }

    function _subject(ProcessorId processor) private pure returns (uint64) {
        return ProcessorId.unwrap(processor);
    }
}
