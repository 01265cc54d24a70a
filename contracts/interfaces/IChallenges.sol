// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Inclusion} from "../libraries/AuditProof.sol";
import {Progress} from "../libraries/Evidence.sol";
import {Binding, Run} from "../libraries/Histogram.sol";
import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Challenge, ChallengeId, ChallengeStatus, Fault} from "../lifecycle/Challenge.sol";
import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @notice What an assignment revealed, as ResultRevealed has it.
struct Revealed {
    bytes32 countsRoot;
    bytes32 salt;
    /// Wire form: see CountSketch.
    uint256[] sketch;
}

/// @notice Two entries of the audit trail which show that a processor was drawn when another computation's answers
/// were already settled and public.
struct Precedence {
    /// Number, digest and inclusion proof of the entry ComputationSettled of the other computation.
    uint64 settlement;
    bytes32 settlementDigest;
    Inclusion settlementProof;
    /// Number and inclusion proof of a later entry ComputationAllocated of the accused's, and what it decided:
    /// assignments from `firstIndex` on were drawn then or later.
    uint64 allocation;
    uint8 attempt;
    uint8 firstIndex;
    ProcessorId[] drawn;
    bytes32 seed;
    Inclusion allocationProof;
}

/// @title Challenges: faults that can be proven
/// @notice Until a verdict's challenge window ends, anyone may show that an answer behind it is false:
/// 1. `proveMalformed`, `proveForgedSketch`: leaves under the answer's root contradict its shots or its sketch.
/// 2. `proveReplay`, `proveCopy`: its histogram or its noise is another answer's.
/// 3. `demand`: shows nothing, but puts up a bond for the whole histogram to be shown. Anyone may `answer`, in runs of
///    leaves, each due within the policy's response time. Silence (`enforce`), or leaves that contradict what was
///    revealed, are proven faults; when all is as revealed, half of the challenger's bond is burned and half goes to
///    the operator. A seat can be demanded from once: then its histogram is public.
/// A proven fault costs the policy's slash. Of it, as far as it reaches: the requester gets back what the answer had
/// earned, and when the verdict falls, also what the answers that remain had earned; an enforcer the keeper's bounty;
/// the challenger half of the rest; the treasury the remainder. All of it through the allocator's ledger.
/// @dev What is not proven: which of two equal answers is the original (whoever was seated later is at fault; both, in
/// a computation's first round, where nobody sees an answer before all are bound), an answer stolen by somebody seated
/// before it was settled, a false answer whose histogram, root and sketch agree. Proofs can be copied from the pool of
/// pending transactions; the fault is punished all the same.
interface IChallenges {
    event HistogramDemanded(
        ChallengeId indexed challenge,
        ComputationId indexed computation,
        uint256 indexed index,
        ProcessorId processor,
        address challenger,
        uint256 bond,
        uint40 deadlineAt
    );
    /// @notice Leaves number `first`, first + 1, ... were shown; the next, if there are more, are due at `deadlineAt`.
    event HistogramOpened(ChallengeId indexed challenge, uint256 first, uint256[] leaves, uint40 deadlineAt);
    /// @notice Of the bond, `returned` wei went to the challenger, `compensation` to the operator; the rest was burned.
    event ChallengeEnded(
        ChallengeId indexed challenge, ChallengeStatus status, uint256 returned, uint256 compensation
    );
    /// @notice `leaves`, all in that bucket, hold `shown` shots; the sketch has `claimed`.
    event SketchRefuted(
        ComputationId indexed computation,
        uint256 indexed index,
        uint256 row,
        uint256 bucket,
        uint256 claimed,
        uint256 shown,
        uint256[] leaves
    );
    /// @notice The root binds `leafCount` leaves and `shots` shots; `leaf`, if any, is one that cannot be.
    event HistogramRefuted(
        ComputationId indexed computation, uint256 indexed index, uint256 leafCount, uint256 shots, uint256 leaf
    );
    /// @notice Assignment `otherIndex` of `other` revealed as much before, or in the same round.
    event AnswerRepeated(
        ComputationId indexed computation, uint256 indexed index, ComputationId other, uint256 otherIndex
    );
    event FaultProven(
        ComputationId indexed computation,
        uint256 indexed index,
        ProcessorId indexed processor,
        Fault fault,
        address challenger
    );
    /// @notice How a penalty was divided; what is left of `slashed` went to the treasury.
    event PenaltyDivided(
        ComputationId indexed computation,
        uint256 indexed index,
        uint256 slashed,
        address requester,
        uint256 restitution,
        address keeper,
        uint256 bounty,
        address challenger,
        uint256 reward
    );

    /// @notice The computation is `status`, and could be challenged until `endsAt`; it is now `timestamp`.
    error ChallengeWindowClosed(ComputationId computation, ComputationStatus status, uint40 endsAt, uint256 timestamp);
    /// @notice Assignment `index`, which is `status`, has no answer in the round that was judged.
    error AnswerNotJudged(ComputationId computation, uint256 index, AssignmentStatus status);
    /// @notice Assignment `index` is `status`: its answer can no longer be disproven.
    error AnswerNotStanding(ComputationId computation, uint256 index, AssignmentStatus status);
    /// @notice Assignment `index` is still `status`, so the challenge goes on.
    error AnswerStanding(ComputationId computation, uint256 index, AssignmentStatus status);
    /// @notice `leafCount` leaves with `shots` shots, and those shown, can be a histogram.
    error HistogramSound(ComputationId computation, uint256 index, uint256 leafCount, uint256 shots);
    /// @notice The leaves shown hold `shown` shots of the bucket, not more than the `claimed` of the sketch.
    error SketchNotRefuted(ComputationId computation, uint256 index, uint256 claimed, uint256 shown);
    /// @notice The answers are not near enough to each other to prove a copy.
    error AnswersIndependent(ComputationId computation, uint256 indexA, uint256 indexB);
    /// @notice The other answer's root is `other`, not `countsRoot`.
    error RootsDiffer(bytes32 countsRoot, bytes32 other);
    /// @notice The histogram carries `bits` bits of surprise, `required` prove that it did not come about twice.
    error AnswerNotTelling(uint256 bits, uint256 required);
    /// @notice Nothing shows that assignment `otherIndex` of `other` answered before assignment `index`.
    error AnswerNotEarlier(ComputationId computation, uint256 index, ComputationId other, uint256 otherIndex);
    /// @notice A demand needs a bond of `expected` wei, not `actual`.
    error ChallengeBondMismatch(uint256 expected, uint256 actual);
    /// @notice The histogram of assignment `index` was demanded before, by `challenge`.
    error HistogramDemandedBefore(ComputationId computation, uint256 index, ChallengeId challenge);
    /// @notice The answer has come to `expected`, not to `actual`.
    error ProgressMismatch(ChallengeId challenge, bytes32 expected, bytes32 actual);
    /// @notice A step shows `minimum` to `maximum` leaves, or all that remain; not `actual`.
    error LeavesOutOfRange(ChallengeId challenge, uint256 actual, uint256 minimum, uint256 maximum);

    /// @notice Proves that a root binds no histogram of the computation's shots: it says another number, or of more
    /// leaves than shots; or that a leaf in `run` has no shots, or is too wide. Anyone, within the window.
    /// @param run Without leaves, when the binding says enough.
    function proveMalformed(
        ComputationId computation,
        uint256 index,
        Revealed calldata revealed,
        Binding calldata binding,
        Run calldata run
    ) external;

    /// @notice Proves that leaves which fall into one bucket hold more shots than the sketch has there. Anyone, within
    /// the window. Some bucket is short in any sketch that is not the histogram's, since the totals agree.
    /// @param runs Ascending. Leaves in other buckets do not count.
    function proveForgedSketch(
        ComputationId computation,
        uint256 index,
        Revealed calldata revealed,
        uint256 row,
        uint256 bucket,
        Binding calldata binding,
        Run[] calldata runs
    ) external;

    /// @notice Proves that an answer has the root of an earlier one: of an earlier seat of the same computation, of the
    /// same processor in a computation submitted earlier, or of anyone's that was settled before the accused was drawn.
    /// Anyone, within the window; the histogram must be too rich to come about twice.
    /// @param precedence Needed in the last case; else ignored.
    function proveReplay(
        ComputationId computation,
        uint256 index,
        Revealed calldata revealed,
        ComputationId other,
        uint256 otherIndex,
        Revealed calldata otherRevealed,
        Precedence calldata precedence
    ) external;

    /// @notice Proves that two answers of one round share shots. Anyone, within the window. Both are at fault if nobody
    /// had revealed before (the first round); else `indexB`, which may have been seated when `indexA` was public.
    /// @param indexB Above `indexA`.
    function proveCopy(
        ComputationId computation,
        uint256 indexA,
        Revealed calldata revealedA,
        uint256 indexB,
        Revealed calldata revealedB
    ) external;

    /// @notice Demands the whole histogram behind an answer, for a bond of the policy's slash. Anyone, within the
    /// window, once per assignment.
    function demand(ComputationId computation, uint256 index, Revealed calldata revealed)
        external
        payable
        returns (ChallengeId challenge);

    /// @notice Shows the leaves that are due. Anyone, before the deadline.
    /// @param progress As it stands: see Progress. At first root and sketch digest, no leaves, an empty sketch.
    /// @param leaves MIN_LEAVES to MAX_LEAVES of them, or the rest.
    function answer(
        ChallengeId challenge,
        Progress calldata progress,
        Binding calldata binding,
        uint256[] calldata leaves,
        bytes32[] calldata siblings
    ) external;

    /// @notice Punishes silence. Anyone, after the deadline; repaid the keeper's bounty out of the slash.
    function enforce(ChallengeId challenge) external;

    /// @notice Ends a demand whose answer was disproven otherwise; the bond returns. Anyone.
    function drop(ChallengeId challenge) external;

    /// @notice The record of a demand.
    function challengeOf(ChallengeId challenge) external view returns (Challenge memory);

    /// @notice The demand for an assignment's histogram; 0 when there was none.
    function demandOf(ComputationId computation, uint256 index) external view returns (ChallengeId);

    /// @notice Demands ever made; ids run from 1.
    function challengeCount() external view returns (uint64);
}
