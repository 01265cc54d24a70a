// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IBookings} from "./interfaces/IBookings.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {IOffers, Terms} from "./interfaces/IOffers.sol";
import {Capability, IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {AssignmentStatus} from "./lifecycle/Assignment.sol";
import {ProcessorId, ProcessorStatus, Standing} from "./lifecycle/Processor.sol";
import {Actor} from "./libraries/Actor.sol";
import {Approval} from "./libraries/Approval.sol";
import {Asked} from "./libraries/Asked.sol";
import {Bookings} from "./libraries/Bookings.sol";
import {Draw} from "./libraries/Draw.sol";
import {Keyring} from "./libraries/Keyring.sol";
import {Offers} from "./libraries/Offers.sol";
import {Pause} from "./libraries/Pause.sol";
import {ProcessorIndex} from "./libraries/ProcessorIndex.sol";
import {Reputation} from "./libraries/Reputation.sol";
import {Roster} from "./libraries/Roster.sol";
import {Succession} from "./libraries/Succession.sol";

/// @title ProcessorRegistry
/// @notice See IProcessorRegistry.
contract ProcessorRegistry is IProcessorRegistry, AccessManaged, EIP712 {
    using Approval for Approval.Book;
    using Bookings for Roster.State;
    using Draw for Roster.State;
    using Keyring for Keyring.Identity;
    using Offers for Roster.State;
    using ProcessorIndex for ProcessorIndex.Index;
    using Reputation for Standing;
    using Roster for Roster.State;
    using Succession for Succession.Memory;

    uint256 private constant MISSED_BEATS = 2;
    bytes32 private constant CONDUCT = "conduct";

    IAuditTrail public immutable AUDIT_TRAIL;
    IConsortium public immutable CONSORTIUM;
    address public immutable ALLOCATOR;
    address public immutable BONDS;
    address public immutable RESERVATIONS;
    address public immutable CERTIFICATIONS;
    IHashKeys public immutable HASH_KEYS;
    /// @inheritdoc IProcessorRegistry
    uint40 public immutable HEARTBEAT_SECONDS;

    /// @inheritdoc IProcessorRegistry
    uint32 public processorCount;
    uint16 private _pausedThrough;
    /// @inheritdoc IProcessorRegistry
    bool public hashKeysRequired;
    /// @inheritdoc IProcessorRegistry
    mapping(address daemon => ProcessorId) public processorOf;

    Roster.State private _roster;
    Succession.Memory private _succession;
    mapping(ProcessorId => Keyring.Identity) private _identities;
    Approval.Book private _approvals;

    modifier onlyAllocator() {
        if (msg.sender != ALLOCATOR) revert CallerNotAllocator(msg.sender);
        _;
    }

    modifier onlyReservations() {
        if (msg.sender != RESERVATIONS) revert CallerNotReservations(msg.sender);
        _;
    }

    modifier onlyOperator(ProcessorId processor) {
        _identities[processor].requireOperator(HASH_KEYS, processor);
        _;
    }

    constructor(
        address authority,
        IAuditTrail auditTrail,
        IConsortium consortium,
        address allocator,
        address bonds,
        address reservations,
        address certifications,
        IHashKeys hashKeys,
        uint40 heartbeatSeconds
    ) AccessManaged(authority) EIP712("QCRS ProcessorRegistry", "1") {
        AUDIT_TRAIL = auditTrail;
        CONSORTIUM = consortium;
        // slither-disable-start missing-zero-check (without them nothing is leased or measured)
        ALLOCATOR = allocator;
        BONDS = bonds;
        RESERVATIONS = reservations;
        CERTIFICATIONS = certifications;
        // slither-disable-end missing-zero-check
        HASH_KEYS = hashKeys;
        HEARTBEAT_SECONDS = heartbeatSeconds;
    }

    /// @inheritdoc IProcessorRegistry
    function register(address daemon, bytes32 identityDigest, bytes32 hardwareDigest, bytes calldata daemonSignature)
        external
        returns (ProcessorId processor)
    {
        Pause.requireOver(_pausedThrough);
        (address operator, bool proven) = Actor.behind(address(HASH_KEYS));
        uint24 organisation = CONSORTIUM.organisationOf(operator);
        if (organisation == 0) revert OperatorNotInConsortium(operator);
        _succession.bind(operator, organisation);
        ProcessorId present = processorOf[daemon];
        if (ProcessorId.unwrap(present) != 0) revert DaemonTaken(daemon, present);

        processor = ProcessorId.wrap(++processorCount);
        processorOf[daemon] = processor;
        _roster.enter(processor, organisation);
        emit ProcessorRegistered(processor, operator, daemon, organisation, identityDigest, hardwareDigest);
        _succession.enter(_roster, processor, hardwareDigest);
        bytes32 digest = _hashTypedDataV4(Keyring.consentOf(operator, daemon, identityDigest, hardwareDigest));
        _identities[processor].enter(
            HASH_KEYS, operator, proven, hashKeysRequired, daemon, digest, daemonSignature
        );
    }

    /// @inheritdoc IProcessorRegistry
    function adoptKeys(ProcessorId processor) external {
        (bool operatorKeyed, bool keyed) = _identities[processor].adopt(HASH_KEYS);
        emit KeysAdopted(processor, operatorKeyed, keyed);
    }

    /// @inheritdoc IProcessorRegistry
    function requireHashKeys() external restricted {
        hashKeysRequired = true;
        emit HashKeysRequired();
    }

    // slither-disable-start reentrancy-events (the door and the trail call nobody back)
    /// @inheritdoc IProcessorRegistry
    function updateIdentity(ProcessorId processor, bytes32 identityDigest, bytes calldata daemonSignature)
        external
        onlyOperator(processor)
    {
        Keyring.Identity storage identity = _identities[processor];
        // No hardware digest: the hardware stays what it is.
        bytes32 digest = _hashTypedDataV4(Keyring.consentOf(identity.operator, identity.daemon, identityDigest, 0));
        identity.requireConsent(HASH_KEYS, digest, daemonSignature);
        emit IdentityUpdated(processor, identityDigest);
        if (_roster.standings[processor].status == ProcessorStatus.Certified) _suspend(processor, identityDigest);
    }
    // slither-disable-end reentrancy-events

    /// @inheritdoc IProcessorRegistry
    function declareCapability(ProcessorId processor, Capability calldata capability, string calldata uri)
        external
        onlyOperator(processor)
        returns (uint16 version)
    {
        version = _approvals.declare(processor, capability, uri);
        bool certified = _roster.standings[processor].status == ProcessorStatus.Certified;
        if (certified && _approvals.isNoBetter(processor, capability)) _approve(processor, version, 0);
    }

    /// @inheritdoc IProcessorRegistry
    function certify(ProcessorId processor, uint16 version) external restricted {
        _approve(processor, version, 0);
    }

    /// @inheritdoc IProcessorRegistry
    function award(ProcessorId processor, Capability calldata capability, bytes32 evidence)
        external
        returns (uint16 version)
    {
        if (msg.sender != CERTIFICATIONS) revert CallerNotCertifications(msg.sender);
        version = _approvals.declare(processor, capability, "");
        _approve(processor, version, evidence);
    }

    /// @inheritdoc IProcessorRegistry
    function suspend(ProcessorId processor, bytes32 reason) external {
        if (msg.sender != CERTIFICATIONS) _checkCanCall(msg.sender, msg.data);
        _suspend(processor, reason);
    }

    /// @inheritdoc IProcessorRegistry
    function suspendByRule(ProcessorId processor) external {
        Standing memory standing = _roster.standings[processor];
        if (!Reputation.isUnfit(standing)) {
            revert ConductBearable(processor, standing.accepted, Reputation.faultsOf(standing));
        }
        _suspend(processor, CONDUCT);
    }

    /// @inheritdoc IProcessorRegistry
    function retire(ProcessorId processor) external onlyOperator(processor) {
        _roster.dismiss(processor, ProcessorStatus.Retired);
        _succession.part(_roster, processor);
        emit ProcessorRetired(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function heartbeat(ProcessorId processor) external {
        address daemon = _identities[processor].daemon;
        if (msg.sender != daemon) revert CallerNotDaemon(processor, msg.sender, daemon);
        _roster.hear(processor);
        emit HeartbeatReceived(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function drain(ProcessorId processor, bool draining) external {
        _identities[processor].requireEither(HASH_KEYS, processor);
        _roster.drain(processor, draining);
        emit ProcessorDrained(processor, draining);
    }

    /// @inheritdoc IOffers
    function offer(ProcessorId processor, uint64 price, uint80 minimum, uint40 expiresAt)
        external
        onlyOperator(processor)
    {
        _roster.offer(processor, price, minimum, expiresAt);
    }

    /// @inheritdoc IOffers
    function withdrawOffer(ProcessorId processor) external onlyOperator(processor) {
        _roster.withdrawOffer(processor);
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
            _roster.release(processor, qubits, fates[i]);
        }
    }

    /// @inheritdoc IBookings
    function hold(ProcessorId processor, uint8 qubits)
        external
        onlyReservations
        returns (address operator, uint24 organisation)
    {
        organisation = _roster.hold(processor, qubits, _beatenSince());
        operator = _identities[processor].operator;
    }

    /// @inheritdoc IBookings
    function occupy(ProcessorId processor, uint8 qubits) external onlyReservations {
        _roster.occupy(processor, qubits);
    }

    /// @inheritdoc IBookings
    function vacate(ProcessorId processor, uint8 held, uint8 leased) external onlyReservations {
        _roster.vacate(processor, held, leased);
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
        if (_roster.standings[processor].bonded == bonded) return;
        _roster.bond(processor, bonded);
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
    function reporterOf(ProcessorId processor) external view returns (address daemon, bool keyed) {
        return (_identities[processor].daemon, _identities[processor].keyed);
    }

    /// @inheritdoc IProcessorRegistry
    function versionsOf(ProcessorId processor) external view returns (uint16 certified, uint16 newest) {
        Approval.Versions memory versions = _approvals.versions[processor];
        return (versions.certified, versions.newest);
    }

    /// @inheritdoc IProcessorRegistry
    function capabilityOf(ProcessorId processor, uint16 version) external view returns (Capability memory) {
        return _approvals.capabilities[processor][version];
    }

    /// @inheritdoc IOffers
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
        returns (ProcessorId[] memory)
    {
        return _roster.indices[noiseClass].page(level, first, limit);
    }

    function _approve(ProcessorId processor, uint16 version, bytes32 evidence) private {
        bytes32 digest = _approvals.approve(_roster, _succession, processor, version, evidence);
        AUDIT_TRAIL.append(Decision.ProcessorCertified, ProcessorId.unwrap(processor), digest);
    }

    function _suspend(ProcessorId processor, bytes32 reason) private {
        _roster.dismiss(processor, ProcessorStatus.Suspended);
        _succession.part(_roster, processor);
        emit ProcessorSuspended(processor, reason);
        bytes32 digest = keccak256(abi.encode(processor, reason));
        AUDIT_TRAIL.append(Decision.ProcessorSuspended, ProcessorId.unwrap(processor), digest);
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
}
