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
import {ProcessorIndex} from "./libraries/ProcessorIndex.sol";

/// @title ProcessorRegistry
/// @notice See IProcessorRegistry.
contract ProcessorRegistry is IProcessorRegistry, AccessManaged, EIP712 {
    using Draw for Draw.Field;
    using ProcessorIndex for ProcessorIndex.Index;

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
    /// @inheritdoc IProcessorRegistry
    mapping(address daemon => ProcessorId) public processorOf;

    mapping(address operator => uint24) private _organisationOf;
    Draw.Field private _field;
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
        Standing storage standing = _field.standings[processor];
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
        Standing storage standing = _field.standings[processor];
        if (uint256(standing.leasedQubits) + standing.heldQubits > capability.qubits) {
            revert CapabilityBelowLeases(processor, capability.qubits, standing.leasedQubits);
        }
        _unlist(processor, standing);
        // A certified processor moves to its new version without leaving the status.
        if (standing.status != ProcessorStatus.Certified) standing.advance(processor, ProcessorStatus.Certified);
        standing.noiseClass = capability.noiseClass;
        standing.qubits = uint8(capability.qubits);
        standing.expiresAt = uint32(capability.expiresAt);
        Terms storage terms = _field.terms[processor];
        terms.quantumVolumeLog2 = capability.quantumVolumeLog2;
        terms.profile = capability.profile;
        terms.twoQubitErrorPpm = capability.twoQubitErrorPpm;
        _identities[processor].certifiedVersion = version;
        _list(processor, standing);
        emit ProcessorCertified(processor, version, capability.noiseClass, capability.expiresAt);
        AUDIT_TRAIL.append(
            Decision.ProcessorCertified, _subject(processor), keccak256(abi.encode(processor, version, capability))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function suspend(ProcessorId processor, bytes32 reason) external restricted {
        Standing storage standing = _field.standings[processor];
        standing.advance(processor, ProcessorStatus.Suspended);
        _unlist(processor, standing);
        emit ProcessorSuspended(processor, reason);
        AUDIT_TRAIL.append(
            Decision.ProcessorSuspended, _subject(processor), keccak256(abi.encode(processor, reason))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function retire(ProcessorId processor) external onlyOperator(processor) {
        Standing storage standing = _field.standings[processor];
        standing.advance(processor, ProcessorStatus.Retired);
        _unlist(processor, standing);
        emit ProcessorRetired(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function heartbeat(ProcessorId processor) external {
        address daemon = _identities[processor].daemon;
        if (msg.sender != daemon) revert CallerNotDaemon(processor, msg.sender, daemon);
        Standing storage standing = _field.standings[processor];
        standing.lastBeatAt = uint32(block.timestamp);
        _list(processor, standing);
        emit HeartbeatReceived(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function drain(ProcessorId processor, bool draining) external {
        Identity storage identity = _identities[processor];
        if (msg.sender != identity.operator && msg.sender != identity.daemon) {
            revert CallerNotOperator(processor, msg.sender, identity.operator);
        }
        Standing storage standing = _field.standings[processor];
        standing.draining = draining;
        _relist(processor, standing);
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
        _field.standings[processor].offered = true;
        Terms storage terms = _field.terms[processor];
        terms.price = price;
        terms.minimum = minimum;
        terms.offerExpiresAt = expiresAt;
        emit OfferMade(processor, price, minimum, expiresAt);
    }

    /// @inheritdoc IProcessorRegistry
    function withdrawOffer(ProcessorId processor) external onlyOperator(processor) {
        _field.standings[processor].offered = false;
        emit OfferWithdrawn(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function lease(
        bytes32 seed,
        Asked asked,
        uint256 shape,
        uint256 pay,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) external onlyAllocator returns (ProcessorId[] memory processors) {
        return _field.draw(seed, _wishOf(asked, shape, pay), tried, onDuty);
    }

    /// @inheritdoc IProcessorRegistry
    function isPlaceable(bytes32 seed, Asked asked, uint256 count, uint256 pay) external view returns (bool) {
        ProcessorId[] calldata none;
        assembly ("memory-safe") {
            none.length := 0
            none.offset := 0
        }
        // slither-disable-next-line incorrect-equality (processors are counted, not coin)
        return _field.find(seed, _wishOf(asked, count, pay), none, none).found == count;
    }

    /// @inheritdoc IProcessorRegistry
    function release(
        ProcessorId[] calldata processors,
        AssignmentStatus[] calldata fates,
        uint8 qubits
    ) external onlyAllocator returns (address[] memory operators) {
        operators = new address[](processors.length);
        for (uint256 i; i < processors.length; ++i) {
            ProcessorId processor = processors[i];
            if (ProcessorId.unwrap(processor) == 0) continue;
            operators[i] = _identities[processor].operator;
            Standing storage standing = _field.standings[processor];
            standing.leasedQubits -= qubits;
            _recordConduct(standing, fates[i]);
            _relist(processor, standing);
        }
    }

    /// @inheritdoc IProcessorRegistry
    function hold(ProcessorId processor, uint8 qubits)
        external
        onlyReservations
        returns (address operator, uint24 organisation)
    {
        Standing storage standing = _field.standings[processor];
        if (!Draw.isOpen(standing, _beatenSince())) revert ProcessorUnavailable(processor);
        uint256 left = standing.qubits - standing.heldQubits;
        // Qubits that computations have now will be free by then; those promised to others will not.
        if (qubits > left) revert QubitsUnavailable(processor, qubits, left);
        standing.heldQubits += qubits;
        _relist(processor, standing);
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
        return (_identities[processor].operator, standing.organisation);
    }

    /// @inheritdoc IProcessorRegistry
    function occupy(ProcessorId processor, uint8 qubits) external onlyReservations {
        Standing storage standing = _field.standings[processor];
        uint256 left = standing.qubits - standing.leasedQubits;
        if (qubits > left) revert QubitsUnavailable(processor, qubits, left);
        standing.heldQubits -= qubits;
        standing.leasedQubits += qubits;
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
    }

    /// @inheritdoc IProcessorRegistry
    function vacate(ProcessorId processor, uint8 held, uint8 leased) external onlyReservations {
        Standing storage standing = _field.standings[processor];
        standing.heldQubits -= held;
        standing.leasedQubits -= leased;
        _relist(processor, standing);
        emit QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
    }

    /// @inheritdoc IProcessorRegistry
    function reconsider(ProcessorId processor, AssignmentStatus was, AssignmentStatus fate)
        external
        onlyAllocator
        returns (address operator)
    {
        operator = _identities[processor].operator;
        Standing storage standing = _field.standings[processor];
        if (was == AssignmentStatus.Accepted && standing.accepted != 0) --standing.accepted;
        if (was == AssignmentStatus.Outlier && standing.outliers != 0) --standing.outliers;
        bool failed = was == AssignmentStatus.GoldFailed || was == AssignmentStatus.TrapFailed;
        if (failed && standing.failed != 0) --standing.failed;
        _recordConduct(standing, fate);
    }

    /// @inheritdoc IProcessorRegistry
    function setBonded(ProcessorId processor, bool bonded) external {
        if (msg.sender != BONDS) revert CallerNotBonds(msg.sender);
        Standing storage standing = _field.standings[processor];
        if (standing.bonded == bonded) return;
        standing.bonded = bonded;
        _relist(processor, standing);
        emit ProcessorBonded(processor, bonded);
    }

    /// @inheritdoc IProcessorRegistry
    function standingOf(ProcessorId processor) external view returns (Standing memory) {
        return _field.standings[processor];
    }

    /// @inheritdoc IProcessorRegistry
    function leasedQubitsOf(ProcessorId processor) external view returns (uint16) {
        return _field.standings[processor].leasedQubits;
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
        return _field.terms[processor];
    }

    /// @inheritdoc IProcessorRegistry
    function isAvailable(ProcessorId processor) external view returns (bool) {
        return Draw.isOpen(_field.standings[processor], _beatenSince());
    }

    /// @inheritdoc IProcessorRegistry
    function listOf(uint8 noiseClass, uint256 level, uint256 first, uint256 limit)
        external
        view
        returns (ProcessorId[] memory processors)
    {
        ProcessorIndex.Index storage index = _field.indices[noiseClass];
        uint256 length = ProcessorIndex.lengthOf(index.lengths, level);
        uint256 count = first >= length ? 0 : length - first;
        if (count > limit) count = limit;
        processors = new ProcessorId[](count);
        for (uint256 i; i < count; ++i) {
            processors[i] = ProcessorId.wrap(index.processorAt(level, first + i));
        }
    }

    /// @dev Counters stop at their maximum rather than block a settlement.
    function _recordConduct(Standing storage standing, AssignmentStatus fate) private {
        unchecked {
            if (fate == AssignmentStatus.Accepted || fate == AssignmentStatus.Vindicated) {
                if (standing.accepted + 1 != 0) ++standing.accepted;
            } else if (fate == AssignmentStatus.Outlier || fate == AssignmentStatus.Disproven) {
                if (standing.outliers + 1 != 0) ++standing.outliers;
            } else if (fate == AssignmentStatus.Silent) {
                if (standing.silent + 1 != 0) ++standing.silent;
            } else if (fate == AssignmentStatus.Refused) {
                if (standing.refused + 1 != 0) ++standing.refused;
            } else if (fate == AssignmentStatus.GoldFailed || fate == AssignmentStatus.TrapFailed) {
                if (standing.failed + 1 != 0) ++standing.failed;
            }
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

    /// @dev Indexes a processor that is in no list and has qubits free, if it can work; it must be heard of to be drawn.
    function _list(ProcessorId processor, Standing storage standing) private {
        if (standing.entry != 0 || !Draw.isOpen(standing, 0)) return;
        uint256 free = Draw.freeOf(standing);
        if (free == 0) return;
        ProcessorIndex.Index storage index = _field.indices[standing.noiseClass];
        index.lengths = index.push(_field.standings, index.lengths, ProcessorIndex.levelOf(free), processor);
    }

    function _unlist(ProcessorId processor, Standing storage standing) private {
        if (standing.entry == 0) return;
        ProcessorIndex.Index storage index = _field.indices[standing.noiseClass];
        index.lengths = index.remove(_field.standings, index.lengths, processor);
    }

    /// @dev Indexes a processor anew when it is not, or no longer, where it belongs.
    function _relist(ProcessorId processor, Standing storage standing) private {
        if (standing.entry != 0) {
            if (Draw.isInPlace(standing)) return;
            _unlist(processor, standing);
        }
        _list(processor, standing);
    }

    function _subject(ProcessorId processor) private pure returns (uint64) {
        return ProcessorId.unwrap(processor);
    }
}
