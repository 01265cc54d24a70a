// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Request} from "../libraries/Admission.sol";
import {Agreement} from "../libraries/Agreement.sol";
import {Assignment, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {IEscrow} from "./IEscrow.sol";

/// @notice Why a computation ended without a verdict.
enum FailureReason {
    Unset,
    /// Its time passed while it waited for processors.
    DeadlinePassed,
    /// Too many processors or rounds were lost.
    AttemptsExhausted,
    /// A quorum of processors refused its payload.
    PayloadRefused
}

/// @notice What a processor has bound itself to by its commit.
struct Pledge {
    bytes24 commitment;
    ProcessorId processor;
    uint8 attempt;
    uint8 outcomeBits;
    uint16 shots;
}

/// @title The computation allocator: queue, draw, leases, deadlines, escrow
/// @notice The life of a computation:
/// 1. `submit` locks the quoted fee and queues it within its noise class.
/// 2. `allocate` (anyone) draws independent processors by sortition and leases their qubits.
/// 3. Processors commit through the verifier until `phaseEndsAt`; `reallocate` (anyone) afterwards replaces the
///    silent ones, whose bonds pay for it. Who refuses the payload in time is replaced likewise, without fault.
/// 4. Once all have committed, the requester's secret fixes the sketch seed, and processors reveal.
/// 5. The verifier judges and `conclude`s: accepted replicas are paid, outliers and silent ones are slashed, the
///    rest is refunded. If too few reveal, `reallocate` starts another round with other processors.
/// Every wait has a deadline that anyone can enforce, and is repaid KEEPER_BOUNTY for enforcing.
/// @dev Trust: ResultVerifier is the only caller of the `record`, `openReveals` and `conclude` functions. The draw's
/// entropy is a beacon folded from every settlement's revealed salts and secret; block values are never entropy.
interface IComputationAllocator is IEscrow {
    event ComputationSubmitted(
        ComputationId indexed computation,
        address indexed requester,
        uint24 indexed organisation,
        uint96 escrow,
        Request request
    );
    /// @notice `processors` joined as assignments `firstIndex`, `firstIndex` + 1, ...
    event ComputationAllocated(
        ComputationId indexed computation,
        uint8 attempt,
        uint8 firstIndex,
        ProcessorId[] processors,
        bytes32 seed,
        uint40 phaseEndsAt
    );
    /// @notice Those on duty, if any, wait for replacements until `phaseEndsAt`; then `expire` may end it.
    event ComputationRequeued(ComputationId indexed computation, uint8 attempt, uint40 phaseEndsAt);
    event ComputationRevealing(ComputationId indexed computation, uint40 phaseEndsAt);
    event ComputationCommitted(ComputationId indexed computation, uint40 phaseEndsAt);
    event ComputationCancelled(ComputationId indexed computation, uint256 refund);
    event ComputationFailed(ComputationId indexed computation, FailureReason reason);
    event ComputationConcluded(ComputationId indexed computation, ComputationStatus verdict, bytes32 beacon);
    /// @notice Assignment `index` ended as `fate`; `slashed` wei of its processor's bond were taken.
    event AssignmentEnded(
        ComputationId indexed computation,
        uint256 indexed index,
        ProcessorId indexed processor,
        AssignmentStatus fate,
        uint256 slashed
    );
    /// @notice `account` belongs to no admitted organisation.
    error SubmitterNotInConsortium(address account);
    /// @notice The quote is `quoted` wei, above the requester's `maxFee`.
    error FeeTooLow(uint256 maxFee, uint256 quoted);
    /// @notice `window` computations that arrived earlier are still waiting before this one.
    error ComputationNotDue(ComputationId computation, uint256 window);
    /// @notice The deadline passed at `deadlineAt`; it is now `timestamp`.
    error DeadlinePassed(ComputationId computation, uint40 deadlineAt, uint256 timestamp);
    /// @notice The phase runs until `endsAt`; it is now `timestamp`.
    error DeadlineOpen(ComputationId computation, uint40 endsAt, uint256 timestamp);
    /// @notice `revealed` replicas have revealed, of which `quorum` suffice for a verdict: settle instead.
    error QuorumRevealed(ComputationId computation, uint256 revealed, uint256 quorum);
    /// @notice Only `revealed` replicas have revealed; `required` are needed.
    error TooFewRevealed(ComputationId computation, uint256 revealed, uint256 required);
    /// @notice `account` is not the requester `requester`.
    error CallerNotRequester(ComputationId computation, address account, address requester);
    /// @notice `account` is not the verifier.
    error CallerNotVerifier(address account);
    /// @notice A cancelled computation may not have processors; `tried` were assigned.
    error ProcessorsAssigned(ComputationId computation, uint256 tried);
    /// @notice Locks the quote and queues a computation. Any account of an admitted organisation; what is sent is
    /// added to the caller's available balance first, and only the quote is locked.
    function submit(Request calldata request) external payable returns (ComputationId computation);

    /// @notice Draws the processors that a queued computation lacks. Anyone.
    /// @dev A new computation is due when fewer than ArrivalQueue.WINDOW wait before it, or once it has itself waited
    /// until `phaseEndsAt`, a round's time: others that cannot be placed delay it by no more. The draw can be
    /// foreseen by whoever knows the beacon; it follows from beacon, id and the processors available at that moment.
    function allocate(ComputationId computation) external;

    /// @notice Replaces processors that missed the running deadline. Anyone, after `phaseEndsAt`.
    function reallocate(ComputationId computation) external;

    /// @notice Fails and refunds a computation that is still queued after its deadline, or, while it holds some
    /// processors and lacks others, after `phaseEndsAt`: the lack of one must not tie up the rest. Anyone.
    function expire(ComputationId computation) external;

    /// @notice Withdraws a computation before any allocation, refunding in full. Requester only.
    function cancel(ComputationId computation) external;

    /// @notice Records a commitment. Verifier only.
    /// @return processor Whose daemon must have sent it: the caller checks.
    function recordCommit(ComputationId computation, uint256 index, bytes24 commitment)
        external
        returns (ProcessorId processor);

    /// @notice Records a refusal. Verifier only.
    /// @return processor Whose daemon must have sent it: the caller checks.
    function recordRefusal(ComputationId computation, uint256 index) external returns (ProcessorId processor);

    /// @notice Fixes the sketch seed from the requester's disclosed `secret`. Verifier only.
    /// @return commitment What `secret` must be the secret of: the caller checks.
    /// @return seed The sketch seed. @return attempt The round that it serves.
    function openReveals(ComputationId computation, bytes24 secret)
        external
        returns (bytes24 commitment, bytes32 seed, uint8 attempt);

    /// @notice Fixes the sketch seed from the beacon, the requester having let its time pass; `keeper` enforces it
    /// and gets the bounty. Verifier only.
    function openRevealsFromBeacon(ComputationId computation, address keeper)
        external
        returns (bytes24 secret, bytes32 seed, uint8 attempt);

    /// @notice Records the digest of a reveal. Verifier only.
    /// @return pledge What the reveal must keep: the caller checks.
    function recordReveal(ComputationId computation, uint256 index, bytes24 digest)
        external
        returns (Pledge memory pledge);

    /// @notice Applies a verdict: statuses, payments, leases, conduct, beacon, audit entry. Verifier only.
    /// @param accepted Bit i accepts assignment i.
    /// @param entropy Digest of the revealed salts, folded into the beacon.
    function conclude(
        ComputationId computation,
        Agreement.Verdict verdict,
        uint256 accepted,
        bytes32 entropy,
        bytes32 answerDigest,
        address keeper
    ) external;

    /// @notice The record of a computation.
    function computationOf(ComputationId computation) external view returns (Computation memory);

    /// @notice A computation with its assignment `index`, from 0 to `tried` - 1.
    function dutyOf(ComputationId computation, uint256 index)
        external
        view
        returns (Computation memory, Assignment memory);

    /// @notice All assignments of a computation, in order.
    function assignmentsOf(ComputationId computation) external view returns (Assignment[] memory);

    /// @notice The sketch seed of the running or last round.
    function seedOf(ComputationId computation) external view returns (bytes32);

    /// @notice Computations ever submitted; ids run from 1.
    function computationCount() external view returns (uint64);

    /// @notice Entropy of the next draw.
    function beacon() external view returns (bytes32);

    /// @notice Up to `limit` waiting computations of a class, in arrival order.
    function queueOf(uint8 noiseClass, uint256 limit) external view returns (ComputationId[] memory);
}
