// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "../interfaces/IAuditTrail.sol";
import {IBonds} from "../interfaces/IBonds.sol";
import {FailureReason, IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {IConsortium} from "../interfaces/IConsortium.sol";
import {IEscrow, Policy} from "../interfaces/IEscrow.sol";
import {IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus, ESCALATION, MAX_ASSIGNMENTS} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Asked} from "./Asked.sol";
import {FairQueue, Priority} from "./FairQueue.sol";
import {Ledger} from "./Ledger.sol";
import {Panel} from "./Panel.sol";

/// @title The allocator's desk: all that it keeps, and how work on it ends
/// @notice What the allocator, Waiting and Recovery need: to end assignments, to divide escrow, to put a computation back into
/// the queue, to write into the trail.
// slither-disable-start reentrancy-events (calls go to contracts of the suite, which do not call back but to put slashes into
// the treasury)
library Desk {
    using FairQueue for FairQueue.Queue;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;

    struct State {
        Ledger.Book book;
        Policy policy;
        /// Entropy of the next draw. Beside it the two windows that begin where it is read, copies of the policy's; and the
        /// day to whose end nothing is drawn: see Pause.
        bytes24 beacon;
        uint24 commitSeconds;
        uint24 challengeSeconds;
        uint16 pausedThrough;
        mapping(ComputationId => Computation) computations;
        mapping(ComputationId => Panel.Seats) panels;
        mapping(uint8 noiseClass => FairQueue.Queue) queues;
        /// Until when an organisation that had to be sent back is not waited for, unix seconds.
        mapping(uint8 noiseClass => mapping(uint24 organisation => uint40)) distrusted;
        /// When new work can be stopped again, unix seconds.
        uint40 pausableAt;
    }

    /// @notice The contracts around the allocator, and what keepers get.
    struct Suite {
        IAuditTrail trail;
        IConsortium consortium;
        IProcessorRegistry registry;
        IBonds bonds;
        uint256 bounty;
    }

    /// @notice Who gets what out of a sum: `each` to the payees, `bounty` to the keeper.
    struct Division {
        address[] payees;
        uint256 each;
        address keeper;
        uint256 bounty;
    }

    /// @notice Finds a bucket for a computation of the caller's, and charges its organisation.
    /// @return bucket Its number. @return account Number of the caller's. @return screened Whether the organisation has
    /// a list of whom it works with.
    function place(State storage self, IConsortium consortium, Asked asked, Priority priority)
        internal
        returns (uint256 bucket, uint32 account, uint24 organisation, bool screened)
    {
        FairQueue.Queue storage queue = self.queues[asked.noiseClass()];
        FairQueue.State memory s = queue.state;
        uint256 cost = FairQueue.costOf(asked.qubits(), asked.shots(), asked.replicas(), asked.depthClass());
        // slither-disable-start calls-loop (a contract of the suite, which calls nobody; at most MAX_BATCH)
        (account, organisation, screened, bucket) = consortium.bill(
            msg.sender, asked.noiseClass(), cost, priority, FairQueue.virtualTime(s), FairQueue.isIdle(s)
        );
        // slither-disable-end calls-loop
        if (organisation == 0) revert IComputationAllocator.SubmitterNotInConsortium(msg.sender);
        bucket = queue.enter(s, bucket);
    }

    /// @notice Gives a computation its first processors, or those that join the `tried` that it has had.
    function seat(
        State storage self,
        ComputationId id,
        Computation storage c,
        Asked asked,
        uint256 tried,
        ProcessorId[] memory drawn,
        uint40 endsAt
    ) internal {
        Panel.Seats storage panel = self.panels[id];
        if (tried == 0) {
            c.begin(id, drawn.length, endsAt, panel.seat(0, 0, drawn));
            return;
        }
        c.advance(id, ComputationStatus.Allocated);
        c.drawn = panel.seat(c.drawn, tried, drawn);
        c.tried = uint8(tried + drawn.length);
        c.active = asked.replicas();
        c.phaseEndsAt = uint32(endsAt);
    }

    /// @notice Ends the assignments that have a fate: status, bond, lease, conduct.
    /// @return operators By assignment index. @return seized Wei taken from bonds, now in the treasury.
    function dismiss(
        State storage self,
        Suite memory suite,
        ComputationId id,
        Computation storage c,
        AssignmentStatus[] memory fates
    ) internal returns (address[] memory operators, uint256 seized) {
        ProcessorId[] memory processors = new ProcessorId[](fates.length);
        bool faulty;
        uint8 ended;
        for (uint256 i; i < fates.length; ++i) {
            AssignmentStatus fate = fates[i];
            if (fate == AssignmentStatus.Unset) continue;
            ++ended;
            if (AssignmentLifecycle.isFault(fate)) faulty = true;
            processors[i] = self.panels[id].end(c, id, i, fate);
            emit IComputationAllocator.AssignmentEnded(id, i, processors[i], fate);
        }
        c.active -= ended;
        operators = suite.registry.release(processors, fates, c.qubits);
        if (!faulty) return (operators, 0);
        for (uint256 i; i < fates.length; ++i) {
            if (!AssignmentLifecycle.isFault(fates[i])) processors[i] = ProcessorId.wrap(0);
        }
        seized = suite.bonds.slash(id, processors);
    }

    /// @notice Divides `total` wei of a computation's escrow; what nobody gets is the requester's again.
    function spend(
        State storage self,
        Suite memory suite,
        ComputationId id,
        Computation storage c,
        uint256 total,
        Division memory division
    ) internal {
        c.escrow -= uint80(total);
        address requester = suite.consortium.accountOf(c.requester);
        self.book.release(requester, total, payOut(self, id, requester, total, division));
    }

    /// @notice Divides a computation's escrow after a verdict, and notes what each paid replica earned.
    function settle(
        State storage self,
        Suite memory suite,
        ComputationId id,
        Computation storage c,
        address[] memory payees,
        address keeper
    ) internal {
        uint256 each = payOf(c, suite.bounty);
        uint256 total = c.escrow;
        c.escrow = payees.length == 0 ? 0 : uint80(each);
        address requester = suite.consortium.accountOf(c.requester);
        Division memory division = Division(payees, each, keeper, suite.bounty);
        self.book.release(requester, total, payOut(self, id, requester, total, division));
    }

    /// @notice Hands out of `total` wei, which `source` has lost.
    /// @return rest What is left, for the caller to book.
    function payOut(
        State storage self,
        ComputationId id,
        address source,
        uint256 total,
        Division memory d
    ) internal returns (uint256 rest) {
        rest = total - d.bounty - d.each * d.payees.length;
        for (uint256 i; i < d.payees.length; ++i) {
            self.book.credit(d.payees[i], d.each);
        }
        if (d.bounty != 0) self.book.credit(d.keeper, d.bounty);
        emit IEscrow.ComputationPaid(id, source, total, d.payees, d.each, d.keeper, d.bounty);
    }

    /// @notice What one replica of an unsettled computation is paid: the escrow less the bounties still in it, divided.
    function payOf(Computation storage c, uint256 bounty) internal view returns (uint256) {
        return payOf(c.asked(), c.secretWithheld, bounty);
    }

    /// @notice The same, from the first word of the record.
    function payOf(Asked asked, bool secretWithheld, uint256 bounty) internal pure returns (uint256) {
        unchecked {
            uint256 replicaCap = asked.replicaCap(); // never below the replicas, and the escrow never below its bounties
            uint256 bounties = (secretWithheld ? 1 : 2) + (replicaCap - asked.replicas()) / ESCALATION;
            return (asked.escrow() - bounties * bounty) / replicaCap;
        }
    }

    /// @notice Ends a computation without a verdict and refunds it, less a bounty when a keeper had to end it, and less the
    /// pay of those whose answers are known since an escalation: they were to be paid then.
    function fail(
        State storage self,
        Suite memory suite,
        ComputationId id,
        Computation storage c,
        FailureReason reason,
        address keeper
    ) internal {
        AssignmentStatus released = AssignmentStatus.Released;
        AssignmentStatus[] memory fates = self.panels[id].fatesOf(c, released, released, released);
        // slither-disable-next-line unused-return (nobody is at fault here)
        (address[] memory operators,) = dismiss(self, suite, id, c, fates);
        for (uint256 i = c.carried; i < fates.length; ++i) {
            fates[i] = AssignmentStatus.Unset;
        }
        c.advance(id, ComputationStatus.Failed);
        Division memory division = Division({
            payees: AssignmentLifecycle.select(operators, fates, released),
            each: payOf(c, suite.bounty),
            keeper: keeper,
            bounty: keeper == address(0) ? 0 : suite.bounty
        });
        spend(self, suite, id, c, c.escrow, division);
        emit IComputationAllocator.ComputationFailed(id, reason);
        record(suite, Decision.ComputationFailed, id, keccak256(abi.encode(id, reason)));
    }

    /// @notice Lets a computation wait for the processors that it lacks; it is in turn at once.
    function requeue(State storage self, Suite memory suite, ComputationId id, Computation storage c) internal {
        c.advance(id, ComputationStatus.Queued);
        uint40 endsAt = uint40(block.timestamp + roundSeconds(self));
        c.phaseEndsAt = uint32(endsAt);
        emit IComputationAllocator.ComputationRequeued(id, c.attempt, endsAt);
        record(suite, Decision.ComputationReallocated, id, keccak256(abi.encode(id, c.attempt, c.tried)));
    }

    /// @notice Whether replacing those it lacks would give a computation more processors than it may use up.
    function isSpent(Computation storage c) internal view returns (bool) {
        return c.tried + c.replicas - c.active > MAX_ASSIGNMENTS;
    }

    /// @notice The longest that one round of commit, disclosure and reveal takes.
    function roundSeconds(State storage self) internal view returns (uint256) {
        Policy storage policy = self.policy;
        return uint256(policy.commitSeconds) + policy.discloseSeconds + policy.revealSeconds;
    }

    /// @notice Folds `entropy` into the beacon.
    function turnBeacon(State storage self, bytes32 entropy) internal returns (bytes24 turned) {
        turned = bytes24(keccak256(abi.encode(self.beacon, entropy)));
        self.beacon = turned;
    }

    /// @notice Reverts while the running phase of a computation lasts.
    function requireElapsed(ComputationId id, Computation storage c) internal view {
        if (block.timestamp <= c.phaseEndsAt) {
            revert IComputationAllocator.DeadlineOpen(id, c.phaseEndsAt, block.timestamp);
        }
    }

    /// @notice Writes a decision about a computation into the trail.
    function record(Suite memory suite, Decision decision, ComputationId id, bytes32 digest) internal {
        suite.trail.append(decision, ComputationId.unwrap(id), digest);
    }
}
// slither-disable-end reentrancy-events
