// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Inspections} from "./Inspections.sol";
import {CertificationTerms, ICertifications} from "./interfaces/ICertifications.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IGoldRounds} from "./interfaces/IGoldRounds.sol";
import {Capability} from "./interfaces/IProcessorRegistry.sol";
import {Actor} from "./libraries/Actor.sol";
import {Certifier, Certifiers} from "./libraries/Certifiers.sol";
import {Measured, Measurement} from "./libraries/Measurement.sol";
import {Payout} from "./libraries/Payout.sol";
import {Certification, CertificationCause, CertificationId, CertificationStatus} from "./lifecycle/Certification.sol";
import {ProcessorId, ProcessorStatus, Standing} from "./lifecycle/Processor.sol";

/// @title Certifications
/// @notice See ICertifications.
/// @dev Calls go to the registry, the allocator's escrow and gold rounds, none of which calls back.
// slither-disable-start reentrancy-eth,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
contract Certifications is Inspections {
    using Certifiers for Certifiers.Pool;
    using Payout for IComputationAllocator;

    bytes32 private constant SCORE_DOMAIN = keccak256("QCRS certification scores");
    bytes32 private constant SEED_DOMAIN = keccak256("QCRS certification seed");
    bytes32 private constant SILENT = "benchmark not answered";
    bytes32 private constant UNFIT = "benchmark failed";
    uint256 private constant SEATS = Measurement.SEATS;
    uint256 private constant EVERYBODY = (1 << SEATS) - 1;

    struct Seat {
        ProcessorId certifier;
        bytes32 commitment;
        bytes32 report;
        Measured measured;
    }

    Certifiers.Pool private _pool;
    mapping(CertificationId => mapping(uint256 seat => Seat)) private _seats;

    constructor(
        address authority,
        IComputationAllocator allocator,
        IGoldRounds goldRounds,
        CertificationTerms memory initialTerms
    ) Inspections(authority, allocator, goldRounds, initialTerms) {}

    /// @inheritdoc ICertifications
    function enlist(ProcessorId certifier, bytes32 tip) external payable {
        _requireOperator(certifier, msg.sender);
        if (msg.value != _terms.stake) revert CertificationPriceMismatch(_terms.stake, msg.value);
        _pool.enlist(certifier, msg.value, tip);
        emit CertifierEnlisted(certifier, msg.value, tip);
    }

    /// @inheritdoc ICertifications
    function delist(ProcessorId certifier) external {
        address operator = Actor.bound(HASH_KEYS);
        _requireOperator(certifier, operator);
        if (_pool.known[certifier].busy) revert Certifiers.CertifierNotFree(certifier);
        uint256 stake = _pool.strike(certifier);
        emit CertifierDelisted(certifier, stake);
        ALLOCATOR.pay(operator, stake);
    }

    /// @inheritdoc ICertifications
    function convene(CertificationId id) external {
        Certification storage c = _certifications[id];
        c.requireIs(id, CertificationStatus.Requested);
        bytes32 entropy = _entropy();
        if (entropy == c.seed && block.timestamp <= c.deadlineAt) {
            revert CertificationNotDue(id, c.deadlineAt, block.timestamp);
        }
        // A chain at rest gives every certification and round a draw of its own all the same.
        entropy = keccak256(abi.encode(entropy, id, c.round));
        uint24 organisation = _standingOf(c.processor).organisation;
        ProcessorId[] memory drawn = _pool.draw(REGISTRY, entropy, organisation, SEATS);
        for (uint256 i; i < SEATS; ++i) {
            _seats[id][i].certifier = drawn[i];
        }
        c.advance(id, CertificationStatus.Convened, block.timestamp + _terms.windowSeconds);
        c.seed = entropy;
        c.escrow -= uint96(BOUNTY);
        emit CertificationConvened(id, drawn, entropy, c.deadlineAt, msg.sender);
        ALLOCATOR.pay(msg.sender, BOUNTY);
    }

    /// @inheritdoc ICertifications
    function revealSalt(CertificationId id, uint256 seat, bytes32 salt) external {
        Certification storage c = _certifications[id];
        bool isLast = _markDone(id, c, CertificationStatus.Convened, seat);
        Certifier storage certifier = _pool.known[_seats[id][seat].certifier];
        if (keccak256(abi.encode(salt)) != certifier.tip) revert SaltMismatch(id, seat, certifier.tip);
        certifier.tip = salt;
        // Whoever comes last cannot choose by the order in which salts are opened.
        c.seed ^= keccak256(abi.encode(seat, salt));
        emit SaltRevealed(id, seat, salt);
        if (!isLast) return;
        c.seed = keccak256(abi.encode(SEED_DOMAIN, block.chainid, address(this), id, c.round, c.processor, c.seed));
        _folded = keccak256(abi.encode(_folded, c.seed));
        c.advance(id, CertificationStatus.Challenged, block.timestamp + _terms.answerSeconds);
        emit CertificationChallenged(id, c.seed, c.deadlineAt);
    }

    /// @inheritdoc ICertifications
    function answer(CertificationId id, bytes32 digest) external {
        Certification storage c = _certifications[id];
        c.requireIs(id, CertificationStatus.Challenged);
        _requireDaemon(c.processor);
        _requireOpen(id, c);
        c.answer = digest;
        c.advance(id, CertificationStatus.Answered, block.timestamp + _terms.windowSeconds);
        emit CertificationAnswered(id, digest, c.deadlineAt);
    }

    /// @inheritdoc ICertifications
    function commitScores(CertificationId id, uint256 seat, bytes32 commitment) external {
        Certification storage c = _certifications[id];
        bool isLast = _markDone(id, c, CertificationStatus.Answered, seat);
        _seats[id][seat].commitment = commitment;
        emit ScoresCommitted(id, seat, commitment);
        if (!isLast) return;
        c.advance(id, CertificationStatus.Scoring, block.timestamp + _terms.windowSeconds);
        emit CertificationScoring(id, c.deadlineAt);
    }

    /// @inheritdoc ICertifications
    function revealScores(
        CertificationId id,
        uint256 seat,
        Measured calldata measured,
        bytes32 report,
        bytes32 salt
    ) external {
        Certification storage c = _certifications[id];
        bool isLast = _markDone(id, c, CertificationStatus.Scoring, seat);
        Seat storage s = _seats[id][seat];
        if (commitmentOf(id, seat, measured, report, salt) != s.commitment) {
            revert ScoresMismatch(id, seat, s.commitment);
        }
        s.measured = measured;
        s.report = report;
        emit ScoresRevealed(id, seat, measured, report, salt);
        if (isLast) _decide(id, c);
    }

    /// @inheritdoc ICertifications
    function enforce(CertificationId id) external {
        Certification storage c = _certifications[id];
        CertificationStatus status = c.status;
        bool isWaiting = status == CertificationStatus.Requested;
        // As long as certifiers may be drawn without the beacon, it has not come to nothing.
        uint256 dueAt = isWaiting ? c.deadlineAt + _terms.windowSeconds : c.deadlineAt;
        if (block.timestamp <= dueAt) revert CertificationNotDue(id, dueAt, block.timestamp);
        emit CertificationEnforced(id, msg.sender);
        if (isWaiting || status == CertificationStatus.Challenged) {
            c.escrow -= uint96(BOUNTY);
            ALLOCATOR.pay(msg.sender, BOUNTY);
            if (isWaiting) _end(id, c, CertificationStatus.Lapsed, _nothing(), 0);
            else _fail(id, c, _nothing(), 0, SILENT);
        } else {
            _repeat(id, c, EVERYBODY & ~uint256(c.done), msg.sender);
        }
    }

    /// @inheritdoc ICertifications
    function commitmentOf(
        CertificationId id,
        uint256 seat,
        Measured calldata measured,
        bytes32 report,
        bytes32 salt
    ) public view returns (bytes32) {
        ProcessorId certifier = _seats[id][seat].certifier;
        uint8 round = _certifications[id].round;
        return keccak256(
            abi.encode(SCORE_DOMAIN, block.chainid, address(this), id, round, certifier, measured, report, salt)
        );
    }

    /// @inheritdoc ICertifications
    function certificationOf(CertificationId id) external view returns (Certification memory, ProcessorId[] memory) {
        return (_certifications[id], _certifiersOf(id));
    }

    /// @inheritdoc ICertifications
    function certifierOf(ProcessorId certifier) external view returns (Certifier memory) {
        return _pool.known[certifier];
    }

    /// @inheritdoc ICertifications
    function certifiers() external view returns (ProcessorId[] memory) {
        return _pool.list;
    }

    /// @dev Marks that the caller, who serves the certifier of `seat`, has done its part of a phase that is open.
    function _markDone(CertificationId id, Certification storage c, CertificationStatus phase, uint256 seat)
        private
        returns (bool isLast)
    {
        c.requireIs(id, phase);
        if (seat >= SEATS || c.done & (1 << seat) != 0) revert SeatNotDue(id, seat, c.done);
        _requireDaemon(_seats[id][seat].certifier);
        _requireOpen(id, c);
        c.done |= uint8(1 << seat);
        return c.done == EVERYBODY;
    }

    function _decide(CertificationId id, Certification storage c) private {
        Measured[3] memory scores;
        bytes32[3] memory reports;
        for (uint256 i; i < SEATS; ++i) {
            (scores[i], reports[i]) = (_seats[id][i].measured, _seats[id][i].report);
        }
        (Measured memory median, uint256 outliers) = Measurement.medianOf(scores, _terms.tolerancePpm);
        if (outliers != 0) return _repeat(id, c, outliers, address(0));
        bytes32 evidence = keccak256(abi.encode(c.seed, c.answer, reports, median));
        Capability memory claim = REGISTRY.capabilityOf(c.processor, c.version);
        Standing memory s = _standingOf(c.processor);
        // It may have left meanwhile, or have more leased than it claims to have.
        bool fits = s.status != ProcessorStatus.Retired && claim.qubits >= uint256(s.leasedQubits) + s.heldQubits;
        if (!fits || !Measurement.isEnough(median, claim)) return _fail(id, c, median, evidence, UNFIT);
        uint40 now_ = uint40(block.timestamp);
        Capability memory capability = Measurement.capabilityOf(median, claim, now_, now_ + _terms.validSeconds);
        // slither-disable-next-line unused-return (the registry tells of the version)
        REGISTRY.award(c.processor, capability, evidence);
        _dismiss(id, c);
        _end(id, c, CertificationStatus.Certified, median, evidence);
    }

    function _fail(
        CertificationId id,
        Certification storage c,
        Measured memory median,
        bytes32 evidence,
        bytes32 reason
    ) private {
        _dismiss(id, c);
        if (reason == SILENT) {
            uint256 forfeited = c.escrow;
            c.escrow = 0;
            ALLOCATOR.endow{value: forfeited}();
        }
        bool isCertified = _standingOf(c.processor).status == ProcessorStatus.Certified;
        if (isCertified && c.cause != CertificationCause.Request) REGISTRY.suspend(c.processor, reason);
        _end(id, c, CertificationStatus.Failed, median, evidence);
    }

    /// @dev Lets the certifiers of a round that counts go, with their fee.
    function _dismiss(CertificationId id, Certification storage c) private {
        uint256 fee = c.fee;
        c.escrow -= uint96(SEATS * fee);
        for (uint256 i; i < SEATS; ++i) {
            ProcessorId certifier = _seats[id][i].certifier;
            _pool.known[certifier].busy = false;
            ALLOCATOR.pay(_operatorOf(certifier), fee);
        }
    }

    /// @dev Takes the stakes of the `faulty` seats, out of which the others are paid, and begins anew.
    function _repeat(CertificationId id, Certification storage c, uint256 faulty, address keeper) private {
        uint256 pot;
        for (uint256 i; i < SEATS; ++i) {
            ProcessorId certifier = _seats[id][i].certifier;
            if (faulty & (1 << i) == 0) {
                _pool.known[certifier].busy = false;
                continue;
            }
            uint256 stake = _pool.strike(certifier);
            pot += stake;
            emit CertifierSlashed(id, certifier, stake);
        }
        if (keeper != address(0)) pot -= _payOut(keeper, BOUNTY, pot);
        for (uint256 i; i < SEATS; ++i) {
            if (faulty & (1 << i) != 0) continue;
            pot -= _payOut(_operatorOf(_seats[id][i].certifier), c.fee, pot);
        }
        if (pot != 0) ALLOCATOR.endow{value: pot}();
        if (c.round == MAX_ROUNDS) return _end(id, c, CertificationStatus.Lapsed, _nothing(), 0);
        ++c.round;
        c.seed = _entropy();
        c.advance(id, CertificationStatus.Requested, block.timestamp + _terms.windowSeconds);
        emit CertificationRepeated(id, c.round, c.seed, c.deadlineAt);
    }

    function _payOut(address to, uint256 amount, uint256 pot) private returns (uint256 paid) {
        paid = amount < pot ? amount : pot;
        ALLOCATOR.pay(to, paid);
    }

    /// @dev What is left goes back to where it came from: the operator, or the reserve.
    function _end(
        CertificationId id,
        Certification storage c,
        CertificationStatus status,
        Measured memory median,
        bytes32 evidence
    ) private {
        c.advance(id, status, 0);
        uint256 refund = c.escrow;
        c.escrow = 0;
        openOf[c.processor] = CertificationId.wrap(0);
        if (c.cause != CertificationCause.Request) {
            reserveOf[c.processor] += refund;
            refund = 0;
        }
        emit CertificationEnded(id, status, median, evidence, refund, reserveOf[c.processor]);
        ALLOCATOR.pay(_operatorOf(c.processor), refund);
    }

    function _certifiersOf(CertificationId id) private view returns (ProcessorId[] memory seated) {
        seated = new ProcessorId[](SEATS);
        for (uint256 i; i < SEATS; ++i) {
            seated[i] = _seats[id][i].certifier;
        }
    }

    function _requireDaemon(ProcessorId processor) private view {
        address daemon = REGISTRY.daemonOf(processor);
        if (msg.sender != daemon) revert CallerNotCertificationDaemon(processor, msg.sender, daemon);
    }

    function _requireOpen(CertificationId id, Certification storage c) private view {
        if (block.timestamp > c.deadlineAt) revert CertificationOverdue(id, c.deadlineAt, block.timestamp);
    }

    function _nothing() private pure returns (Measured memory) {}
}
// slither-disable-end reentrancy-eth,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
