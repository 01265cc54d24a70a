// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator, Pledge} from "../interfaces/IComputationAllocator.sol";
import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {onesIn} from "./Bits.sol";
import {Commitment} from "./Commitment.sol";
import {Desk} from "./Desk.sol";
import {Panel} from "./Panel.sol";

/// @title One commit-reveal round: all commit, the requester discloses, all reveal
/// @notice See IComputationAllocator, whose callers have been checked.
library Round {
    using Panel for Panel.Seats;

    /// @notice Binds assignment `index` to an answer.
    function commit(Desk.State storage self, ComputationId id, uint256 index, bytes24 commitment)
        internal
        returns (ProcessorId processor)
    {
        Computation storage c = self.computations[id];
        // While a replacement is being sought, those already assigned go on.
        c.requireEither(id, ComputationStatus.Queued, ComputationStatus.Allocated);
        // slither-disable-next-line unused-return (there was no digest)
        (processor,) = self.panels[id].move(c, id, index, AssignmentStatus.Committed, commitment);
        _count(self, id, c, index, commitment);
    }

    /// @notice Binds assignment `index` to an answer by a bundle, which holds the commitment: it gets no slot yet.
    /// @return attempt The round that it is bound in; 0 when it is not one that `processor` can be bound in.
    function bind(Desk.State storage self, ComputationId id, uint256 index, ProcessorId processor, bytes24 commitment)
        internal
        returns (uint8 attempt)
    {
        Computation storage c = self.computations[id];
        ComputationStatus status = c.current();
        if (status != ComputationStatus.Allocated && status != ComputationStatus.Queued) return 0;
        if (!self.panels[id].isDue(c, index, processor)) return 0;
        attempt = c.attempt;
        _count(self, id, c, index, commitment);
    }

    /// @notice Fixes the seed by the secret that the requester committed to, or the beacon's in its place.
    function openReveals(Desk.State storage self, ComputationId id, bytes24 secret)
        internal
        returns (bytes32 seed, uint8 attempt)
    {
        Computation storage c = self.computations[id];
        uint40 endsAt = uint40(block.timestamp) + self.policy.revealSeconds;
        c.advance(id, ComputationStatus.Revealing);
        c.phaseEndsAt = uint32(endsAt);
        c.secret = secret;
        attempt = c.attempt;
        seed = Commitment.seedOf(id, attempt, secret, c.commitsDigest);
        emit IComputationAllocator.ComputationRevealing(id, endsAt);
    }

    /// @notice Keeps the digest of what assignment `index` revealed.
    /// @return pledge What it must be held to.
    function reveal(Desk.State storage self, ComputationId id, uint256 index, bytes24 digest)
        internal
        returns (Pledge memory pledge)
    {
        Computation storage c = self.computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        (ProcessorId processor, bytes24 commitment) =
            self.panels[id].move(c, id, index, AssignmentStatus.Revealed, digest);
        pledge = Pledge(commitment, processor, c.attempt, c.outcomeBits, c.shots);
        ++c.revealed;
    }

    /// @dev Counts a commit; the last one ends the phase.
    function _count(Desk.State storage self, ComputationId id, Computation storage c, uint256 index, bytes24 commitment)
        private
    {
        uint32 commits = c.commits | uint32(1 << index);
        // While it waits for replacements, nobody on duty is enough; then as many are on duty as it asks for.
        bool isLast = onesIn(commits) >= c.active && c.status == ComputationStatus.Allocated;
        c.commitsDigest = Commitment.extend(c.commitsDigest, index, commitment);
        c.commits = commits;
        if (!isLast) return;
        uint40 endsAt = uint40(block.timestamp) + self.policy.discloseSeconds;
        c.advance(id, ComputationStatus.Committed);
        c.phaseEndsAt = uint32(endsAt);
        emit IComputationAllocator.ComputationCommitted(id, endsAt);
    }
}
