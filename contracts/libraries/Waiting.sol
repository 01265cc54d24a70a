// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FailureReason, IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {Computation, ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {Commitment} from "./Commitment.sol";
import {Desk} from "./Desk.sol";
import {FairQueue} from "./FairQueue.sol";
import {Ledger} from "./Ledger.sol";

/// @title What becomes of those that wait, other than that their turn comes
/// @notice They are passed by others that take nothing from them, sent back when they cannot be placed, exchanged
/// within their organisation, withdrawn, or wait in vain. See IComputationAllocator for who may call and what it means.
/// @dev A library of its own, called by delegation, as Recovery is.
// slither-disable-start reentrancy-events (calls go to contracts of the suite, which do not call back but to put
// slashes into the treasury)
library Waiting {
    using Desk for Desk.State;
    using FairQueue for FairQueue.Queue;
    using Ledger for Ledger.Book;

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

    function _costOf(Computation storage c) private view returns (uint256) {
        return FairQueue.costOf(c.qubits, c.shots, c.replicas, c.depthClass);
    }
}
// slither-disable-end reentrancy-events
