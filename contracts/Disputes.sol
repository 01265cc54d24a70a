// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IGoldRounds} from "./interfaces/IGoldRounds.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Assignment, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationLifecycle} from "./lifecycle/Computation.sol";
import {Dispute, DisputeId, DisputeKind, DisputeStatus} from "./lifecycle/Dispute.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";
import {Evidence} from "./libraries/Evidence.sol";
import {Payout} from "./libraries/Payout.sol";
import {RecordReader} from "./libraries/RecordReader.sol";

/// @title Disputes
/// @notice See IDisputes.
/// @dev Calls go to contracts of the suite, and coin to the zero address; none of them calls back here but Bonds,
/// whose coin `receive` takes.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events,reentrancy-eth
contract Disputes is IDisputes, AccessManaged {
    using Payout for IComputationAllocator;
    using RecordReader for IComputationAllocator;

    /// @inheritdoc IDisputes
    uint40 public constant RULING_SECONDS = 7 days;

    IAuditTrail public immutable AUDIT_TRAIL;
    IComputationAllocator public immutable ALLOCATOR;
    IBonds public immutable BONDS;
    IGoldRounds public immutable GOLD_ROUNDS;
    IProcessorRegistry public immutable REGISTRY;

    /// @inheritdoc IDisputes
    uint64 public disputeCount;
    mapping(DisputeId => Dispute) private _disputes;
    /// @inheritdoc IDisputes
    mapping(ComputationId => mapping(uint256 index => DisputeId)) public disputeAbout;

    /// @dev Where the coin of a ruling goes, in wei.
    struct Division {
        uint256 burned;
        uint256 restitution;
        uint256 award;
        uint256 compensation;
        uint256 endowment;
    }

    constructor(address authority, IAuditTrail auditTrail, IComputationAllocator allocator, IGoldRounds goldRounds)
        AccessManaged(authority)
    {
        AUDIT_TRAIL = auditTrail;
        ALLOCATOR = allocator;
        BONDS = allocator.BONDS();
        GOLD_ROUNDS = goldRounds;
        REGISTRY = allocator.REGISTRY();
    }

    receive() external payable {
        if (msg.sender != address(BONDS)) revert PaymentUnexpected(msg.sender);
    }

    /// @inheritdoc IDisputes
    function open(ComputationId id, uint256 index, DisputeKind kind, bytes32 evidence)
        external
        payable
        returns (DisputeId dispute)
    {
        (Computation memory c, Assignment memory a) = ALLOCATOR.dutyOf(id, index);
        if (!ComputationLifecycle.isVerdict(c.status) || block.timestamp > c.phaseEndsAt) {
            revert DisputeWindowClosed(id, c.phaseEndsAt, block.timestamp);
        }
        uint256 bond = ALLOCATOR.policy().slash;
        if (msg.value != bond) revert DisputeBondMismatch(bond, msg.value);
        if (!_isDisputable(kind, a)) revert NotDisputable(id, index, kind, a.status);
        // Who was let go in an earlier round has answered nothing that a verdict rests on.
        if (!Evidence.isOfLastRound(ALLOCATOR.assignmentsOf(id), index, c.revealed)) {
            revert NotDisputable(id, index, kind, a.status);
        }
        DisputeId present = disputeAbout[id][index];
        if (DisputeId.unwrap(present) != 0) revert AlreadyDisputed(id, index, present);

        dispute = DisputeId.wrap(++disputeCount);
        if (kind == DisputeKind.WrongFault) _requireParty(dispute, REGISTRY.operatorOf(a.processor));
        disputeAbout[id][index] = dispute;
        Dispute storage d = _disputes[dispute];
        d.advance(dispute, DisputeStatus.Open);
        d.kind = kind;
        d.index = uint8(index);
        d.computation = id;
        d.endsAt = uint40(block.timestamp) + RULING_SECONDS;
        d.opener = msg.sender;
        d.bond = uint96(bond);
        emit DisputeOpened(dispute, id, index, kind, msg.sender, bond, evidence, d.endsAt);
        if (kind == DisputeKind.WrongAnswer) BONDS.hold(a.processor);
        else if (_isAccused(a)) GOLD_ROUNDS.hold(id);
    }

    /// @inheritdoc IDisputes
    function answer(DisputeId dispute, bytes32 evidence) external {
        Dispute storage d = _disputes[dispute];
        d.requireOpen(dispute);
        // slither-disable-next-line unused-return (only the assignment matters here)
        (, Assignment memory a) = ALLOCATOR.dutyOf(d.computation, d.index);
        bool accused = d.kind == DisputeKind.WrongAnswer;
        address party = accused ? REGISTRY.operatorOf(a.processor) : ALLOCATOR.requesterOf(d.computation);
        _requireParty(dispute, party);
        emit DisputeAnswered(dispute, msg.sender, evidence);
    }

    /// @inheritdoc IDisputes
    function rule(DisputeId dispute, bool upheld, bytes32 reason) external restricted {
        Dispute storage d = _disputes[dispute];
        d.advance(dispute, upheld ? DisputeStatus.Upheld : DisputeStatus.Dismissed);
        if (block.timestamp > d.endsAt) revert RulingOverdue(dispute, d.endsAt, block.timestamp);
        emit DisputeRuled(dispute, d.computation, upheld, reason);
        // slither-disable-next-line unused-return (only the assignment matters here)
        (, Assignment memory a) = ALLOCATOR.dutyOf(d.computation, d.index);
        Division memory division;
        if (!upheld) division = _dismiss(d, a);
        else if (d.kind == DisputeKind.WrongAnswer) division = _condemn(d, a);
        else division = _vindicate(d, a);
        _letGo(d, a);
        emit DisputeDivided(
            dispute,
            division.burned,
            division.restitution,
            division.award,
            division.compensation,
            division.endowment
        );
        bytes32 digest = keccak256(abi.encode(dispute, d.computation, d.index, upheld, reason));
        AUDIT_TRAIL.append(Decision.DisputeRuled, ComputationId.unwrap(d.computation), digest);
    }

    /// @inheritdoc IDisputes
    function lapse(DisputeId dispute) external {
        Dispute storage d = _disputes[dispute];
        d.advance(dispute, DisputeStatus.Lapsed);
        if (block.timestamp <= d.endsAt) revert RulingOpen(dispute, d.endsAt, block.timestamp);
        emit DisputeLapsed(dispute, d.computation);
        // slither-disable-next-line unused-return (only the assignment matters here)
        (, Assignment memory a) = ALLOCATOR.dutyOf(d.computation, d.index);
        _letGo(d, a);
        ALLOCATOR.pay(d.opener, d.bond);
    }

    /// @inheritdoc IDisputes
    function disputeOf(DisputeId dispute) external view returns (Dispute memory) {
        return _disputes[dispute];
    }

    /// @dev The opener's bond is lost.
    function _dismiss(Dispute storage d, Assignment memory a) private returns (Division memory division) {
        division.burned = d.bond / 2;
        uint256 rest = d.bond - division.burned;
        Payout.burn(division.burned);
        if (d.kind == DisputeKind.WrongAnswer) {
            division.compensation = rest;
            ALLOCATOR.pay(REGISTRY.operatorOf(a.processor), rest);
        } else if (_isAccused(a)) {
            division.restitution = rest;
            ALLOCATOR.pay(ALLOCATOR.requesterOf(d.computation), rest);
        } else {
            division.endowment = rest;
            ALLOCATOR.endow{value: rest}();
        }
    }

    /// @dev The answer was false: its processor pays.
    function _condemn(Dispute storage d, Assignment memory a) private returns (Division memory division) {
        if (a.status == AssignmentStatus.Disproven) {
            // A challenge has proven it meanwhile: it is not paid for twice.
            ALLOCATOR.pay(d.opener, d.bond);
            return division;
        }
        // slither-disable-next-line unused-return (whether the verdict falls changes no payment)
        (ProcessorId processor, uint256 earned,) = ALLOCATOR.disprove(d.computation, d.index);
        uint256 taken = BONDS.penalise(d.computation, processor);
        division.burned = taken / 2;
        uint256 rest = taken - division.burned;
        division.restitution = earned < rest ? earned : rest;
        division.award = (rest - division.restitution) / 2;
        division.endowment = rest - division.restitution - division.award;
        Payout.burn(division.burned);
        ALLOCATOR.pay(ALLOCATOR.requesterOf(d.computation), division.restitution);
        ALLOCATOR.pay(d.opener, d.bond + division.award);
        ALLOCATOR.endow{value: division.endowment}();
    }

    /// @dev The punishment was undeserved: whoever caused it pays.
    function _vindicate(Dispute storage d, Assignment memory a) private returns (Division memory division) {
        if (_isAccused(a)) {
            // slither-disable-next-line unused-return (nothing is asked of the treasury)
            ALLOCATOR.vindicate(d.computation, d.index, 0);
            GOLD_ROUNDS.forfeit(d.computation, d.index, REGISTRY.operatorOf(a.processor));
        } else {
            division.compensation = ALLOCATOR.vindicate(d.computation, d.index, ALLOCATOR.policy().slash);
        }
        ALLOCATOR.pay(d.opener, d.bond);
    }

    /// @dev What was held for the ruling is free again. `a` is the assignment as it was before the ruling.
    function _letGo(Dispute storage d, Assignment memory a) private {
        if (d.kind == DisputeKind.WrongAnswer) BONDS.letGo(a.processor);
        else if (_isAccused(a)) GOLD_ROUNDS.letGo(d.computation);
    }

    function _requireParty(DisputeId dispute, address expected) private view {
        if (msg.sender != expected) revert CallerNotParty(dispute, msg.sender, expected);
    }

    function _isDisputable(DisputeKind kind, Assignment memory a) private pure returns (bool) {
        if (kind == DisputeKind.WrongAnswer) {
            // Who was let go before revealing has answered nothing.
            return a.status == AssignmentStatus.Accepted
                || (a.status == AssignmentStatus.Released && a.digest != 0);
        }
        return kind == DisputeKind.WrongFault && (a.status == AssignmentStatus.Outlier || _isAccused(a));
    }

    /// @dev Whether its requester's gold rounds or traps ended it.
    function _isAccused(Assignment memory a) private pure returns (bool) {
        return a.status == AssignmentStatus.GoldFailed || a.status == AssignmentStatus.TrapFailed;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events,reentrancy-eth
