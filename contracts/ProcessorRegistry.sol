// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Capability, IProcessorRegistry, Requirement} from "./interfaces/IProcessorRegistry.sol";
import {AssignmentStatus} from "./lifecycle/Assignment.sol";
import {ProcessorId, ProcessorStatus, Standing} from "./lifecycle/Processor.sol";
import {Sortition} from "./libraries/Sortition.sol";

/// @title ProcessorRegistry
/// @notice See IProcessorRegistry.
contract ProcessorRegistry is IProcessorRegistry, AccessManaged, EIP712 {
    using Sortition for Sortition.Lottery;

    bytes32 private constant REGISTRATION_TYPEHASH =
        keccak256("ProcessorRegistration(address operator,address daemon,bytes32 identityDigest)");
    uint256 private constant MISSED_BEATS = 2;

    IAuditTrail public immutable AUDIT_TRAIL;
    IConsortium public immutable CONSORTIUM;
    address public immutable ALLOCATOR;
    address public immutable BONDS;
    /// @inheritdoc IProcessorRegistry
    uint40 public immutable HEARTBEAT_SECONDS;

    struct Identity {
        address operator;
        /// Place in the class index, while certified.
        uint32 position;
        uint16 certifiedVersion;
        uint16 newestVersion;
        address daemon;
    }

    /// @inheritdoc IProcessorRegistry
    uint32 public processorCount;
    /// @inheritdoc IProcessorRegistry
    mapping(address daemon => ProcessorId) public processorOf;

    mapping(address operator => uint24) private _organisationOf;
    mapping(ProcessorId => Standing) private _standings;
    mapping(ProcessorId => Identity) private _identities;
    mapping(ProcessorId => mapping(uint16 version => Capability)) private _capabilities;
    mapping(uint8 noiseClass => ProcessorId[]) private _members;

    modifier onlyAllocator() {
        if (msg.sender != ALLOCATOR) revert CallerNotAllocator(msg.sender);
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
        uint40 heartbeatSeconds
    ) AccessManaged(authority) EIP712("QCRS ProcessorRegistry", "1") {
        AUDIT_TRAIL = auditTrail;
        CONSORTIUM = consortium;
        // slither-disable-start missing-zero-check (with no allocator or bonds, nothing is ever leased)
        ALLOCATOR = allocator;
        BONDS = bonds;
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
        Standing storage standing = _standings[processor];
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
        Standing storage standing = _standings[processor];
        if (standing.leasedQubits > capability.qubits) {
            revert CapabilityBelowLeases(processor, capability.qubits, standing.leasedQubits);
        }
        // A certified processor moves to its new version without leaving the status.
        if (standing.status == ProcessorStatus.Certified) _unlist(processor, standing.noiseClass);
        else standing.advance(processor, ProcessorStatus.Certified);
        standing.noiseClass = capability.noiseClass;
        standing.qubits = capability.qubits;
        standing.expiresAt = capability.expiresAt;
        Identity storage identity = _identities[processor];
        identity.certifiedVersion = version;
        identity.position = uint32(_members[capability.noiseClass].length);
        _members[capability.noiseClass].push(processor);
        emit ProcessorCertified(processor, version, capability.noiseClass, capability.expiresAt);
        AUDIT_TRAIL.append(
            Decision.ProcessorCertified, _subject(processor), keccak256(abi.encode(processor, version, capability))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function suspend(ProcessorId processor, bytes32 reason) external restricted {
        Standing storage standing = _standings[processor];
        standing.advance(processor, ProcessorStatus.Suspended);
        _unlist(processor, standing.noiseClass);
        emit ProcessorSuspended(processor, reason);
        AUDIT_TRAIL.append(
            Decision.ProcessorSuspended, _subject(processor), keccak256(abi.encode(processor, reason))
        );
    }

    /// @inheritdoc IProcessorRegistry
    function retire(ProcessorId processor) external onlyOperator(processor) {
        Standing storage standing = _standings[processor];
        bool listed = standing.status == ProcessorStatus.Certified;
        standing.advance(processor, ProcessorStatus.Retired);
        if (listed) _unlist(processor, standing.noiseClass);
        emit ProcessorRetired(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function heartbeat(ProcessorId processor) external {
        address daemon = _identities[processor].daemon;
        if (msg.sender != daemon) revert CallerNotDaemon(processor, msg.sender, daemon);
        _standings[processor].lastBeatAt = uint40(block.timestamp);
        emit HeartbeatReceived(processor);
    }

    /// @inheritdoc IProcessorRegistry
    function lease(
        bytes32 seed,
        Requirement calldata requirement,
        ProcessorId[] calldata excluded,
        uint24[] calldata organisations
    ) external onlyAllocator returns (ProcessorId[] memory processors, uint24[] memory operatorsOf) {
        ProcessorId[] storage members = _members[requirement.noiseClass];
        Sortition.Lottery memory lottery = Sortition.open(seed, members.length);
        uint256 count = requirement.count;
        processors = new ProcessorId[](count);
        operatorsOf = new uint24[](count);
        uint256 found;
        while (found < count && lottery.isOpen()) {
            ProcessorId candidate = members[lottery.draw()];
            Standing storage standing = _standings[candidate];
            uint24 organisation = standing.organisation;
            if (organisation == requirement.requester || !_isAvailable(standing, requirement.qubits)) continue;
            if (_has(operatorsOf, organisation) || _hasOrganisation(organisations, organisation)) continue;
            if (_hasProcessor(excluded, candidate)) continue;
            standing.leasedQubits += requirement.qubits;
            processors[found] = candidate;
            operatorsOf[found++] = organisation;
        }
        if (found < requirement.count) {
            revert TooFewEligibleProcessors(
                requirement.noiseClass, requirement.qubits, requirement.count, found, lottery.draws
            );
        }
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
            Standing storage standing = _standings[processor];
            standing.leasedQubits -= qubits;
            _recordConduct(standing, fates[i]);
        }
    }

    /// @inheritdoc IProcessorRegistry
    function reconsider(ProcessorId processor, AssignmentStatus was, AssignmentStatus fate)
        external
        onlyAllocator
        returns (address operator)
    {
        operator = _identities[processor].operator;
        Standing storage standing = _standings[processor];
        if (was == AssignmentStatus.Accepted && standing.accepted != 0) --standing.accepted;
        if (was == AssignmentStatus.Outlier && standing.outliers != 0) --standing.outliers;
        bool failed = was == AssignmentStatus.GoldFailed || was == AssignmentStatus.TrapFailed;
        if (failed && standing.failed != 0) --standing.failed;
        _recordConduct(standing, fate);
    }

    /// @inheritdoc IProcessorRegistry
    function setBonded(ProcessorId processor, bool bonded) external {
        if (msg.sender != BONDS) revert CallerNotBonds(msg.sender);
        if (_standings[processor].bonded == bonded) return;
        _standings[processor].bonded = bonded;
        emit ProcessorBonded(processor, bonded);
    }

    /// @inheritdoc IProcessorRegistry
    function standingOf(ProcessorId processor) external view returns (Standing memory) {
        return _standings[processor];
    }

    /// @inheritdoc IProcessorRegistry
    function leasedQubitsOf(ProcessorId processor) external view returns (uint16) {
        return _standings[processor].leasedQubits;
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
    function membersOf(uint8 noiseClass) external view returns (ProcessorId[] memory) {
        return _members[noiseClass];
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

    /// @dev Members are certified by construction; the rest can lapse between settlements.
    function _isAvailable(Standing storage standing, uint8 qubits) private view returns (bool) {
        return standing.bonded && standing.expiresAt > block.timestamp
            && standing.lastBeatAt + MISSED_BEATS * HEARTBEAT_SECONDS >= block.timestamp
            && standing.leasedQubits + qubits <= standing.qubits;
    }

    /// @dev The last member takes the place of the one that leaves.
    function _unlist(ProcessorId processor, uint8 noiseClass) private {
        ProcessorId[] storage members = _members[noiseClass];
        uint32 position = _identities[processor].position;
        ProcessorId last = members[members.length - 1];
        members[position] = last;
        _identities[last].position = position;
        members.pop();
    }

    function _has(uint24[] memory organisations, uint24 organisation) private pure returns (bool) {
        for (uint256 i; i < organisations.length; ++i) {
            if (organisations[i] == organisation) return true;
        }
        return false;
    }

    function _hasOrganisation(uint24[] calldata organisations, uint24 organisation) private pure returns (bool) {
        for (uint256 i; i < organisations.length; ++i) {
            if (organisations[i] == organisation) return true;
        }
        return false;
    }

    function _hasProcessor(ProcessorId[] calldata processors, ProcessorId processor) private pure returns (bool) {
        for (uint256 i; i < processors.length; ++i) {
            if (ProcessorId.unwrap(processors[i]) == ProcessorId.unwrap(processor)) return true;
        }
        return false;
    }

    function _subject(ProcessorId processor) private pure returns (uint64) {
        return ProcessorId.unwrap(processor);
    }
}
