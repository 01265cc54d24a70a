// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision} from "../interfaces/IAuditTrail.sol";
import {FailureReason, IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {IEscrow, Policy} from "../interfaces/IEscrow.sol";
import {AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus, ESCALATION, MAX_ATTEMPTS} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Agreement} from "./Agreement.sol";
import {Commitment} from "./Commitment.sol";
import {Desk} from "./Desk.sol";
import {FairQueue} from "./FairQueue.sol";
import {Ledger} from "./Ledger.sol";
import {Panel} from "./Panel.sol";
import {Pause} from "./Pause.sol";

/// @title What the allocator does when things do not go as they should
/// @notice Silence, refusal, split committees, false answers, heads of the queue that cannot be placed. See
/// IComputationAllocator for who may call and what it means.
/// @dev A library of its own, called by delegation, for the allocator alone would be larger than chains take. What a
/// verified computation costs does not include it.
// slither-disable-start reentrancy-events (calls go to contracts of the suite, which do not call back but to put slashes into
// the treasury)
library Recovery {
    using Desk for Desk.State;
    using FairQueue for FairQueue.Queue;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;

    uint256 private constant MAX_WINDOW_SECONDS = 7 days;

    /// @notice See IEscrow.setPolicy, whose caller has checked who calls.
    function setPolicy(Desk.State storage self, Policy memory policy) external {
        if (
            !_isWindow(policy.commitSeconds) || !_isWindow(policy.discloseSeconds) || !_isWindow(policy.revealSeconds)
                || !_isWindow(policy.challengeSeconds) || !_isWindow(policy.responseSeconds)
                || policy.slash > policy.minimumBond
        ) revert IEscrow.PolicyInvalid(policy);
        self.policy = policy;
        self.book.price = policy.pricePerQubitShot;
        self.commitSeconds = uint24(policy.commitSeconds);
        self.challengeSeconds = uint24(policy.challengeSeconds);
        emit IEscrow.PolicyChanged(policy);
    }

    /// @notice See IEscrow.pause, whose caller has checked who calls.
    function pause(Desk.State storage self, Desk.Suite memory suite, uint256 length, bytes32 reason) external {
        if (length == 0 || length > Pause.MAX_DAYS) revert Pause.PauseLengthInvalid(length, Pause.MAX_DAYS);
        if (block.timestamp < self.pausableAt) revert Pause.PauseTooSoon(self.pausableAt, block.timestamp);
        uint256 through = block.timestamp / 1 days + length - 1;
        uint256 endsAt = Pause.endOf(through);
        // Whoever pauses for ever would have to wait in between, also after an early end.
        self.pausableAt = uint40(endsAt + Pause.MAX_DAYS * 1 days);
        _stop(self, suite, uint16(through));
        emit IEscrow.WorkPaused(uint40(endsAt), reason);
        suite.trail.append(Decision.WorkPaused, 0, keccak256(abi.encode(uint40(endsAt), reason)));
    }

    /// @notice See IEscrow.resume, whose caller has checked who calls.
    function resume(Desk.State storage self, Desk.Suite memory suite, bytes32 reason) external {
        _stop(self, suite, 0);
        emit IEscrow.WorkResumed(reason);
        suite.trail.append(Decision.WorkResumed, 0, keccak256(abi.encode(reason)));
    }

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

    /// @notice See IComputationAllocator.expire.
    function expire(Desk.State storage self, Desk.Suite memory suite, ComputationId id) external {
        Computation storage c = self.computations[id];
        c.requireStatus(id, ComputationStatus.Queued);
        // Processors are not kept waiting for longer than a round for others to join them.
        uint40 endsAt = c.active != 0 && c.phaseEndsAt < c.deadlineAt ? c.phaseEndsAt : c.deadlineAt;
        if (block.timestamp <= endsAt) revert IComputationAllocator.DeadlineOpen(id, endsAt, block.timestamp);
        if (c.tried == 0) {
            _leave(self, c);
            self.book.credit(suite.consortium.accountOf(c.requester), suite.bounty);
        }
        self.fail(suite, id, c, FailureReason.DeadlinePassed, msg.sender);
    }

    /// @notice See IComputationAllocator.cancel.
    function cancel(Desk.State storage self, Desk.Suite memory suite, ComputationId id) external {
        Computation storage c = self.computations[id];
        address requester = suite.consortium.accountOf(c.requester);
        if (msg.sender != requester) revert IComputationAllocator.CallerNotRequester(id, msg.sender, requester);
        if (c.tried != 0) revert IComputationAllocator.ProcessorsAssigned(id, c.tried);
        c.advance(id, ComputationStatus.Cancelled);
        _leave(self, c);
        uint256 escrow = c.escrow;
        c.escrow = 0;
        self.book.unlock(requester, escrow);
        self.book.credit(requester, suite.bounty);
        emit IComputationAllocator.ComputationCancelled(id, escrow + suite.bounty);
    }

    /// @notice See IComputationAllocator.backfill: takes a computation out of the queue that passes those ahead.
    /// @return most Qubits that all ahead ask for together, 255 at most, 0 when nobody is ahead.
    /// @return least The fewest that one of them asks for.
    function pass(Desk.State storage self, ComputationId id, ComputationId[] calldata ahead)
        external
        returns (uint8 most, uint8 least)
    {
        Computation storage c = self.computations[id];
        FairQueue.Queue storage queue = _waiting(self, id, c);
        FairQueue.State memory s = queue.state;
        uint256 bucket = FairQueue.bucketOf(s, c.place);
        if (bucket - s.first > FairQueue.REACH) {
            revert IComputationAllocator.ComputationOutOfReach(id, bucket, s.first, FairQueue.REACH);
        }
        uint256 count = queue.ahead(s, c.place, FairQueue.WINDOW);
        if (count >= FairQueue.WINDOW || count != ahead.length) {
            revert IComputationAllocator.ComputationsAhead(id, count, ahead.length, FairQueue.WINDOW - 1);
        }
        least = type(uint8).max;
        uint256 together;
        uint64 previous;
        for (uint256 i; i < count; ++i) {
            Computation storage other = self.computations[ahead[i]];
            // Ascending, so that none is named twice: all that are ahead are named, then.
            bool isAhead = other.current() == ComputationStatus.Queued && other.tried == 0
                && other.noiseClass == c.noiseClass && FairQueue.bucketOf(s, other.place) < bucket
                && ComputationId.unwrap(ahead[i]) > previous;
            if (!isAhead) revert IComputationAllocator.ComputationNotAhead(id, ahead[i]);
            previous = ComputationId.unwrap(ahead[i]);
            together += other.qubits;
            if (other.qubits < least) least = other.qubits;
        }
        most = together > type(uint8).max ? type(uint8).max : uint8(together);
        queue.depart(s, c.place, count == 0);
    }

    /// @notice See IComputationAllocator.defer.
    function defer(Desk.State storage self, Desk.Suite memory suite, ComputationId id) external {
        Computation storage c = self.computations[id];
        FairQueue.Queue storage queue = _waiting(self, id, c);
        FairQueue.State memory s = queue.state;
        if (!FairQueue.isFirst(s, c.place)) {
            revert IComputationAllocator.ComputationNotDue(id, FairQueue.bucketOf(s, c.place), s.first);
        }
        uint256 round = self.roundSeconds();
        uint256 endsAt = s.stalledSince + round;
        uint40 distrusted = self.distrusted[c.noiseClass][c.organisation];
        if (block.timestamp <= endsAt && block.timestamp > distrusted) {
            revert IComputationAllocator.DeadlineOpen(id, uint40(endsAt), block.timestamp);
        }
        if (_isPlaceable(self, suite, id, c)) revert IComputationAllocator.ComputationPlaceable(id);
        self.distrusted[c.noiseClass][c.organisation] = uint40(block.timestamp + FairQueue.DISTRUST_ROUNDS * round);
        uint256 bucket = queue.move(c.place, suite.consortium.finishOf(c.organisation, c.noiseClass));
        c.place = uint16(bucket);
        emit IComputationAllocator.ComputationDeferred(id, uint48(bucket));
    }

    /// @notice See IComputationAllocator.exchange.
    function exchange(Desk.State storage self, Desk.Suite memory suite, ComputationId shorter, ComputationId longer)
        external
    {
        Computation storage a = self.computations[shorter];
        Computation storage b = self.computations[longer];
        FairQueue.State memory s = _waiting(self, shorter, a).state;
        _waiting(self, longer, b);
        if (a.organisation != b.organisation || a.noiseClass != b.noiseClass
            || !suite.consortium.isShortestFirst(a.organisation)) {
            revert IComputationAllocator.ExchangeNotChosen(shorter, longer, a.organisation);
        }
        (uint256 cost, uint256 other) = (_costOf(a), _costOf(b));
        (uint16 place, uint16 before) = (a.place, b.place);
        uint8 passed = b.passed + 1;
        (uint256 from, uint256 to) = (FairQueue.bucketOf(s, place), FairQueue.bucketOf(s, before));
        if (cost >= other || from <= to || from - to > FairQueue.MAX_LEAP || passed > FairQueue.MAX_PASSES) {
            revert IComputationAllocator.ExchangeUnfit(shorter, longer, cost, other, b.passed);
        }
        a.place = before;
        b.place = place;
        b.passed = passed;
        emit IComputationAllocator.ComputationsExchanged(shorter, longer);
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
        c.committed = self.panels[id].rebind(id, commitments);
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

    /// @dev Takes out of its queue a computation that will not be allocated.
    function _leave(Desk.State storage self, Computation storage c) private {
        FairQueue.Queue storage queue = self.queues[c.noiseClass];
        queue.depart(queue.state, c.place, false);
    }

    /// @dev Whether a computation that waits would be drawn processors now.
    function _isPlaceable(Desk.State storage self, Desk.Suite memory suite, ComputationId id, Computation storage c)
        private
        view
        returns (bool)
    {
        bytes32 seed = Commitment.drawSeedOf(self.beacon, id, 0);
        return suite.registry.isPlaceable(seed, c.asked(), c.replicas, Desk.payOf(c, suite.bounty));
    }

    /// @dev The queue in which a computation waits that has had no processors yet.
    function _waiting(Desk.State storage self, ComputationId id, Computation storage c)
        private
        view
        returns (FairQueue.Queue storage)
    {
        c.requireStatus(id, ComputationStatus.Queued);
        if (c.tried != 0) revert IComputationAllocator.ProcessorsAssigned(id, c.tried);
        return self.queues[c.noiseClass];
    }

    /// @dev Submissions, draws and registrations each look where they read anyhow.
    function _stop(Desk.State storage self, Desk.Suite memory suite, uint16 through) private {
        self.book.pausedThrough = through;
        self.pausedThrough = through;
        suite.registry.stop(through);
    }

    function _isWindow(uint256 duration) private pure returns (bool) {
        return duration != 0 && duration <= MAX_WINDOW_SECONDS;
    }

    function _costOf(Computation storage c) private view returns (uint256) {
        return FairQueue.costOf(c.qubits, c.shots, c.replicas, c.depthClass);
    }
}
// slither-disable-end reentrancy-events
