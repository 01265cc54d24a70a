// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {CertificationTerms, ICertifications} from "./interfaces/ICertifications.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IGoldRounds} from "./interfaces/IGoldRounds.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {Capability, IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Actor} from "./libraries/Actor.sol";
import {Drift} from "./libraries/Drift.sol";
import {Measurement} from "./libraries/Measurement.sol";
import {Payout} from "./libraries/Payout.sol";
import {Certification, CertificationCause, CertificationId, CertificationStatus} from "./lifecycle/Certification.sol";
import {ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId, ProcessorStatus, Standing} from "./lifecycle/Processor.sol";

/// @title Inspections
/// @notice See ICertifications.
/// @dev Who is benchmarked, when, and out of which coin. How that goes is the business of Certifications.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
abstract contract Inspections is ICertifications, AccessManaged {
    using Payout for IComputationAllocator;

    /// Rounds before a certification lapses.
    uint256 public constant MAX_ROUNDS = 3;

    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    IGoldRounds public immutable GOLD_ROUNDS;
    uint256 internal immutable BOUNTY;
    IHashKeys internal immutable HASH_KEYS;

    /// @inheritdoc ICertifications
    uint64 public certificationCount;
    /// @inheritdoc ICertifications
    mapping(ProcessorId => CertificationId) public openOf;
    /// @inheritdoc ICertifications
    mapping(ProcessorId => uint256) public reserveOf;
    /// @inheritdoc ICertifications
    mapping(uint256 epoch => bytes32) public entropyOf;

    CertificationTerms internal _terms;
    /// Folded from the seeds of all certifications, so that the draw has entropy where nothing else happens.
    bytes32 internal _folded;
    mapping(CertificationId => Certification) internal _certifications;
    mapping(ProcessorId => Drift.Mark) private _marks;

    constructor(
        address authority,
        IComputationAllocator allocator,
        IGoldRounds goldRounds,
        CertificationTerms memory initialTerms
    ) AccessManaged(authority) {
        ALLOCATOR = allocator;
        REGISTRY = allocator.REGISTRY();
        HASH_KEYS = REGISTRY.HASH_KEYS();
        BOUNTY = allocator.KEEPER_BOUNTY();
        GOLD_ROUNDS = goldRounds;
        _setTerms(initialTerms);
    }

    /// @inheritdoc ICertifications
    function request(ProcessorId processor, uint16 version) external payable returns (CertificationId id) {
        _requireOperator(processor, msg.sender);
        uint256 price = requestPriceOf(processor);
        if (msg.value != price) revert CertificationPriceMismatch(price, msg.value);
        Standing memory s = _standingOf(processor);
        Capability memory claim = REGISTRY.capabilityOf(processor, version);
        bool isLeft = s.status == ProcessorStatus.Retired || s.status == ProcessorStatus.Unset;
        if (isLeft || !s.bonded || claim.qubits == 0 || claim.qubits < uint256(s.leasedQubits) + s.heldQubits) {
            revert NotCertifiable(processor, version, s.status, s.bonded);
        }
        uint256 escrow = _terms.deposit + _benchmarkPrice();
        reserveOf[processor] += msg.value - escrow;
        return _open(processor, version, CertificationCause.Request, escrow);
    }

    /// @inheritdoc ICertifications
    function openEpoch() external {
        uint256 epoch = block.timestamp / _terms.cadenceSeconds;
        if (entropyOf[epoch] != 0) revert EpochKnown(epoch, entropyOf[epoch]);
        entropyOf[epoch] = _entropy();
        emit EpochOpened(epoch, entropyOf[epoch]);
    }

    /// @inheritdoc ICertifications
    function surprise(ProcessorId processor) external payable returns (CertificationId) {
        uint256 epoch = block.timestamp / _terms.cadenceSeconds;
        bytes32 entropy = entropyOf[epoch];
        uint256 draw = uint256(keccak256(abi.encode(entropy, processor))) % Measurement.PPM;
        if (entropy == 0 || draw >= _terms.surprisePpm) revert NotDrawn(processor, epoch, entropy);
        return _surprise(processor, CertificationCause.Surprise);
    }

    /// @inheritdoc ICertifications
    function recheck(ProcessorId processor, ComputationId[] calldata computations, uint256[] calldata indices)
        external
        payable
        returns (CertificationId)
    {
        (uint256 rounds, int256 fidelity) =
            Drift.fidelityOf(ALLOCATOR, GOLD_ROUNDS, _marks[processor], processor, computations, indices);
        if (rounds < Drift.LEAST_ROUNDS || fidelity >= int256(uint256(_terms.driftPpm))) {
            revert DriftNotShown(processor, rounds, fidelity);
        }
        return _surprise(processor, CertificationCause.Drift);
    }

    /// @inheritdoc ICertifications
    function withdrawReserve(ProcessorId processor) external {
        address operator = Actor.bound(HASH_KEYS);
        _requireOperator(processor, operator);
        ProcessorStatus status = _standingOf(processor).status;
        if (status != ProcessorStatus.Retired) revert NotCertifiable(processor, 0, status, false);
        uint256 amount = reserveOf[processor];
        reserveOf[processor] = 0;
        emit ReserveWithdrawn(processor, amount);
        ALLOCATOR.pay(operator, amount);
    }

    /// @inheritdoc ICertifications
    function setTerms(CertificationTerms calldata newTerms) external restricted {
        _setTerms(newTerms);
    }

    /// @inheritdoc ICertifications
    function requestPriceOf(ProcessorId processor) public view returns (uint256) {
        uint256 price = 2 * _benchmarkPrice();
        uint256 reserve = reserveOf[processor];
        return _terms.deposit + (price > reserve ? price - reserve : 0);
    }

    /// @inheritdoc ICertifications
    function terms() external view returns (CertificationTerms memory) {
        return _terms;
    }

    function _open(ProcessorId processor, uint16 version, CertificationCause cause, uint256 escrow)
        private
        returns (CertificationId id)
    {
        CertificationId present = openOf[processor];
        if (CertificationId.unwrap(present) != 0) revert CertificationOpen(processor, present);
        id = CertificationId.wrap(++certificationCount);
        openOf[processor] = id;
        _marks[processor] = Drift.Mark(uint40(block.timestamp), ALLOCATOR.computationCount());
        Certification storage c = _certifications[id];
        c.advance(id, CertificationStatus.Requested, block.timestamp + _terms.windowSeconds);
        c.cause = cause;
        c.round = 1;
        c.version = version;
        c.processor = processor;
        c.escrow = uint96(escrow);
        c.fee = _terms.fee;
        c.seed = _entropy();
        emit CertificationRequested(
            id, processor, version, cause, c.seed, c.deadlineAt, escrow, reserveOf[processor], msg.sender
        );
    }

    /// @dev A benchmark that the operator has not asked for, once an epoch, out of what the processor has in reserve.
    function _surprise(ProcessorId processor, CertificationCause cause) private returns (CertificationId id) {
        ProcessorStatus status = _standingOf(processor).status;
        // slither-disable-next-line unused-return (the newest version is not in effect)
        (uint16 version,) = REGISTRY.versionsOf(processor);
        if (status != ProcessorStatus.Certified) revert NotCertifiable(processor, version, status, false);
        uint256 epoch = block.timestamp / _terms.cadenceSeconds;
        if (_marks[processor].benchmarkedAt / _terms.cadenceSeconds >= epoch) revert NotDrawn(processor, epoch, entropyOf[epoch]);
        uint256 price = _benchmarkPrice();
        uint256 reserve = reserveOf[processor];
        uint256 lacking = price > reserve ? price - reserve : 0;
        if (msg.value != lacking) revert CertificationPriceMismatch(lacking, msg.value);
        reserveOf[processor] = reserve + lacking - price;
        id = _open(processor, version, cause, price);
        _certifications[id].escrow -= uint96(BOUNTY);
        ALLOCATOR.pay(msg.sender, BOUNTY);
    }

    function _setTerms(CertificationTerms memory t) private {
        bool isTimely = _isWindow(t.windowSeconds) && _isWindow(t.answerSeconds);
        uint256 ppm = Measurement.PPM;
        bool isShare = t.surprisePpm <= ppm && t.tolerancePpm <= ppm && t.driftPpm <= ppm;
        if (!isTimely || !isShare || t.validSeconds == 0 || t.cadenceSeconds == 0) revert CertificationTermsInvalid(t);
        _terms = t;
        emit CertificationTermsChanged(t);
    }

    /// @dev Of the beacon, and of what certifications have added to it here.
    function _entropy() internal view returns (bytes32) {
        return keccak256(abi.encode(ALLOCATOR.beacon(), _folded));
    }

    function _benchmarkPrice() private view returns (uint256) {
        // Who surprises, who convenes each round, and who enforces that nothing came of it.
        return Measurement.SEATS * _terms.fee + (MAX_ROUNDS + 2) * BOUNTY;
    }

    function _requireOperator(ProcessorId processor, address account) internal view {
        address operator = _operatorOf(processor);
        if (account != operator) revert CallerNotCertificationOperator(processor, account, operator);
    }

    function _standingOf(ProcessorId processor) internal view returns (Standing memory) {
        return REGISTRY.standingOf(processor);
    }

    function _operatorOf(ProcessorId processor) internal view returns (address) {
        // slither-disable-next-line calls-loop (a view of the suite; at most SEATS times)
        return REGISTRY.operatorOf(processor);
    }

    function _isWindow(uint256 duration) private pure returns (bool) {
        return duration != 0 && duration <= 7 days;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
