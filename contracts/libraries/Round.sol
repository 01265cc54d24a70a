// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator, Pledge} from "../interfaces/IComputationAllocator.sol";
import {Assignment, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
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
        Assignment storage a = self.panels[id].open(c, id, index);
        processor = a.processor;
        a.advance(id, index, AssignmentStatus.Committed);
        a.digest = commitment;
        bytes6 commitsDigest = Commitment.extend(c.commitsDigest, index, commitment);
        uint8 committed = c.committed + 1;
        c.commitsDigest = commitsDigest;
        c.committed = committed;
        // While it waits for replacements, nobody on duty is enough; then as many are on duty as it asks for.
        if (committed < c.active || c.status != ComputationStatus.Allocated) return processor;
        uint40 endsAt = uint40(block.timestamp) + self.policy.discloseSeconds;
        c.advance(id, ComputationStatus.Committed);
        c.phaseEndsAt = endsAt;
        emit IComputationAllocator.ComputationCommitted(id, endsAt);
    }

    /// @notice Fixes the seed by the secret that the requester committed to, or the beacon's in its place.
    function openReveals(Desk.State storage self, ComputationId id, bytes24 secret)
        internal
        returns (bytes32 seed, uint8 attempt)
    {
        Computation storage c = self.computations[id];
        uint40 endsAt = uint40(block.timestamp) + self.policy.revealSeconds;
        c.advance(id, ComputationStatus.Revealing);
        c.phaseEndsAt = endsAt;
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
        Assignment storage a = self.panels[id].assignments[index];
        a.advance(id, index, AssignmentStatus.Revealed);
        pledge = Pledge(a.digest, a.processor, c.attempt, c.outcomeBits, c.shots);
        a.digest = digest;
        ++c.revealed;
    }
}
