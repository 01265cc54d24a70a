// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision} from "../interfaces/IAuditTrail.sol";
import {FailureReason, IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus, ESCALATION, MAX_ATTEMPTS} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Agreement} from "./Agreement.sol";
import {Desk} from "./Desk.sol";
import {Ledger} from "./Ledger.sol";
import {Panel} from "./Panel.sol";

/// @title What the allocator does when things do not go as they should
/// @notice Silence, refusal, split committees, false answers. See IComputationAllocator for who may call and what it
/// means.
/// @dev A library of its own, called by delegation, for the allocator alone would be larger than chains take. What a
/// verified computation costs does not include it.
// slither-disable-start reentrancy-events (calls go to contracts of the suite, which do not call back but to put
// slashes into the treasury)
library Recovery {
    using Desk for Desk.State;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;

    /// @notice See IComputationAllocator.reallocate.
    function reallocate(Desk.State storage self, Desk.Suite memory suite, ComputationId id) external {
        Computation storage c = self.computations[id];
        c.requireEither(id, ComputationStatus.Allocated, ComputationStatus.Revealing);
        Desk.requireElapsed(id, c);
        bool revealing = c.current() == ComputationStatus.Revealing;
        uint256 quorum = Agreement.quorumOf(c.replicas);
        if (revealing && c.revealed >= quorum) {
            revert IComputationAllocator.QuorumRevealed(id, c.revealed, quorum);
        }
        AssignmentStatus[] memory fates = self.panels[id].fatesOf(
            c,
            AssignmentStatus.Silent,
            revealing ? AssignmentStatus.Silent : AssignmentStatus.Unset,
            AssignmentStatus.Released
        );
        (address[] memory operators, uint256 seized) = self.dismiss(suite, id, c, fates);
        _divide(self, suite, id, AssignmentLifecycle.select(operators, fates, AssignmentStatus.Released), seized);
        if (revealing) c.restart();
        if (c.attempt > MAX_ATTEMPTS || Desk.isSpent(c)) self.fail(suite, id, c, FailureReason.AttemptsExhausted, address(0));
        else self.requeue(suite, id, c);
    }

    /// @notice See IComputationAllocator.recordRefusal.
    function refuse(
        Desk.State storage self,
        Desk.Suite memory suite,
        ComputationId id,
        uint256 index,
        bool excused
    ) external returns (ProcessorId processor) {
        Computation storage c = self.computations[id];
        AssignmentStatus status = self.panels[id].statusOf(c, index);
        AssignmentLifecycle.requireIs(id, index, status, AssignmentStatus.Assigned);
        processor = self.panels[id].processorOf(c, index);
        // A refusal costs nothing at once, so it must come in time: it would be the way out for whoever is silent.
        if (block.timestamp > c.phaseEndsAt) {
            revert IComputationAllocator.DeadlinePassed(id, c.phaseEndsAt, block.timestamp);
        }
        bool refused = ++c.refused >= Agreement.quorumOf(c.replicas);
        AssignmentStatus[] memory fates = new AssignmentStatus[](c.tried);
        fates[index] = excused || refused ? AssignmentStatus.Excused : AssignmentStatus.Refused;
        // slither-disable-next-line unused-return (nobody is paid here, and what is slashed stays in the treasury)
        self.dismiss(suite, id, c, fates);
        if (refused) {
            // What a quorum refuses is its requester's fault, as far as anybody can tell here.
            for (uint256 i; i < fates.length; ++i) {
                if (self.panels[id].statusOf(c, i) == AssignmentStatus.Refused) {
                    // slither-disable-next-line unused-return (nobody is paid)
                    _revise(self, suite, id, i, AssignmentStatus.Excused);
                }
            }
            self.fail(suite, id, c, FailureReason.PayloadRefused, address(0));
        } else if (Desk.isSpent(c)) self.fail(suite, id, c, FailureReason.AttemptsExhausted, address(0));
        else if (c.current() != ComputationStatus.Queued) self.requeue(suite, id, c);
    }

    /// @notice See IComputationAllocator.openRevealsFromBeacon: pays the keeper, once.
    function withhold(Desk.State storage self, Desk.Suite memory suite, ComputationId id, address keeper)
        external
        returns (bytes24 secret)
    {
        Computation storage c = self.computations[id];
        c.requireStatus(id, ComputationStatus.Committed);
        Desk.requireElapsed(id, c);
        secret = bytes24(keccak256(abi.encode(self.beacon, id)));
        // The requester reserved one bounty for its own silence; further rounds cost the keeper's goodwill.
        if (c.secretWithheld) return secret;
        c.secretWithheld = true;
        self.spend(suite, id, c, suite.bounty, Desk.Division(new address[](0), 0, keeper, suite.bounty));
    }

    /// @notice See IComputationAllocator.escalate, whose caller has checked that all is revealed.
    function escalate(
        Desk.State storage self,
        Desk.Suite memory suite,
        ComputationId id,
        Agreement.Verdict verdict,
        AssignmentStatus[] memory fates,
        bytes24[] calldata commitments,
        bytes32 entropy,
        address keeper
    ) external {
        Computation storage c = self.computations[id];
        // slither-disable-next-line unused-return (nobody is paid here, and what is slashed stays in the treasury)
        self.dismiss(suite, id, c, fates);
        c.restart();
        c.commits = self.panels[id].rebind(id, commitments);
        c.carried = verdict == Agreement.Verdict.Inconclusive ? c.tried : 0;
        c.replicas += uint8(ESCALATION);
        self.spend(suite, id, c, suite.bounty, Desk.Division(new address[](0), 0, keeper, suite.bounty));
        bytes24 turned = self.turnBeacon(entropy);
        emit IComputationAllocator.ComputationEscalated(id, verdict, c.replicas, turned);
        bytes32 digest = keccak256(abi.encode(id, verdict, fates, commitments, turned));
        Desk.record(suite, Decision.ComputationEscalated, id, digest);
        self.requeue(suite, id, c);
    }

    /// @notice See IComputationAllocator.disprove, whose caller has checked who calls.
    function disprove(Desk.State storage self, Desk.Suite memory suite, ComputationId id, uint256 index)
        external
        returns (ProcessorId processor, uint256 earned, bool overturned)
    {
        Computation storage c = self.computations[id];
        (processor,) = _revise(self, suite, id, index, AssignmentStatus.Disproven);
        earned = c.escrow;
        overturned = c.current() == ComputationStatus.Unverified
            || (c.current() == ComputationStatus.Accepted
                && self.panels[id].count(c, AssignmentStatus.Accepted) < Agreement.quorumOf(c.replicas));
        if (overturned) {
            c.advance(id, ComputationStatus.Overturned);
            emit IComputationAllocator.ComputationOverturned(id);
        }
        _recordRevision(suite, Decision.AnswerDisproven, id, index, processor, overturned ? 1 : 0);
    }

    /// @notice See IComputationAllocator.vindicate, whose caller has checked who calls.
    function vindicate(Desk.State storage self, Desk.Suite memory suite, ComputationId id, uint256 index, uint256 amount)
        external
        returns (uint256 paid)
    {
        (ProcessorId processor, address operator) = _revise(self, suite, id, index, AssignmentStatus.Vindicated);
        paid = amount < self.book.treasury ? amount : self.book.treasury;
        self.book.spend(paid);
        self.book.credit(operator, paid);
        emit IComputationAllocator.FaultVindicated(id, index, processor, operator, paid);
        _recordRevision(suite, Decision.FaultVindicated, id, index, processor, paid);
    }

    /// @dev Those who revealed worked in vain through no fault of their own: the silent ones' bonds are theirs, after the
    /// keeper's, who is paid twice: to replace them is two transactions.
    function _divide(
        Desk.State storage self,
        Desk.Suite memory suite,
        ComputationId id,
        address[] memory payees,
        uint256 seized
    ) private {
        uint256 bounty = seized < 2 * suite.bounty ? seized : 2 * suite.bounty;
        uint256 each = payees.length == 0 ? 0 : (seized - bounty) / payees.length;
        self.book.spend(seized);
        self.book.endow(self.payOut(id, address(0), seized, Desk.Division(payees, each, msg.sender, bounty)));
    }

    /// @dev Changes, after the verdict, how an assignment ended.
    function _revise(
        Desk.State storage self,
        Desk.Suite memory suite,
        ComputationId id,
        uint256 index,
        AssignmentStatus fate
    ) private returns (ProcessorId processor, address operator) {
        Panel.Seats storage panel = self.panels[id];
        AssignmentStatus was = panel.assignments[index].status;
        processor = panel.end(self.computations[id], id, index, fate);
        // slither-disable-next-line calls-loop (a call of the suite; at most MAX_REPLICAS)
        operator = suite.registry.reconsider(processor, was, fate);
        emit IComputationAllocator.AssignmentEnded(id, index, processor, fate);
    }

    function _recordRevision(
        Desk.Suite memory suite,
        Decision decision,
        ComputationId id,
        uint256 index,
        ProcessorId processor,
        uint256 fact
    ) private {
        Desk.record(suite, decision, id, keccak256(abi.encode(id, index, processor, fact)));
    }
}
// slither-disable-end reentrancy-events
