// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Request} from "../libraries/Admission.sol";
import {Agreement} from "../libraries/Agreement.sol";
import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {IBonds} from "./IBonds.sol";
import {IEscrow} from "./IEscrow.sol";
import {IProcessorRegistry} from "./IProcessorRegistry.sol";

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
    /// 0 when a bundle holds it: see IResultVerifier.commitBundle.
    bytes24 commitment;
    ProcessorId processor;
    uint8 attempt;
    uint8 outcomeBits;
    uint16 shots;
}

/// @title The computation allocator: queue, draw, leases, deadlines, escrow
/// @notice The life of a computation:
/// 1. `submit` takes the quoted fee and queues it within its noise class, in its organisation's fair turn: see FairQueue.
/// 2. `allocate` (anyone) draws independent processors by sortition and leases their qubits, for whoever is in turn;
///    `backfill` (anyone) does for the next few what cannot delay those ahead, which may wait for processors.
/// 3. Processors commit through the verifier until `phaseEndsAt`; `reallocate` (anyone) afterwards replaces the
///    silent ones, whose bonds pay for it. Who refuses the payload in time is replaced likewise, without fault.
/// 4. Once all have committed, the requester's secret fixes the sketch seed, and processors reveal.
/// 5. The verifier judges and `seal`s: accepted replicas are paid, outliers and silent ones are slashed, the
///    rest is refunded. If too few reveal, `reallocate` starts another round with other processors. If they are
///    split or cannot tell, it may `escalate`: more join, commit, and all reveal under another seed.
/// 6. Until `phaseEndsAt` the verdict can be challenged and disputed. What is paid stays paid: whoever is found at
///    fault makes it good out of its bond.
/// Every wait has a deadline that anyone can enforce. Who allocates, enforces a deadline or settles is paid
/// KEEPER_BOUNTY: for an allocation by the requester, or, of replacements, by the bonds of those replaced as far as they
/// reach; the replacement of one that refused costs the keeper's goodwill.
/// @dev Trust: ResultVerifier is the only caller of the `note`, `record`, `openReveals`, `escalate` and `seal` functions; the
/// courts (Challenges, Disputes) are the only ones of `disprove` and `vindicate`. The draw's
/// entropy is a beacon folded from every settlement's revealed salts and secret; block values are never entropy.
interface IComputationAllocator is IEscrow {
    event ComputationSubmitted(
        ComputationId indexed computation,
        address indexed requester,
        uint24 indexed organisation,
        uint96 escrow,
        uint48 bucket,
        Request request
    );
    /// @notice `processors` joined as assignments `firstIndex`, `firstIndex` + 1, ...; `keeper` was paid `bounty`.
    event ComputationAllocated(
        ComputationId indexed computation,
        uint8 attempt,
        uint8 firstIndex,
        ProcessorId[] processors,
        bytes32 seed,
        uint40 phaseEndsAt,
        address keeper,
        uint256 bounty
    );
    /// @notice It could not be placed and waits in `bucket` now.
    event ComputationDeferred(ComputationId indexed computation, uint48 bucket);
    /// @notice Each waits in the other's bucket now.
    event ComputationsExchanged(ComputationId indexed computation, ComputationId indexed longer);
    /// @notice Those on duty, if any, wait for replacements until `phaseEndsAt`; then `expire` may end it.
    event ComputationRequeued(ComputationId indexed computation, uint8 attempt, uint40 phaseEndsAt);
    event ComputationRevealing(ComputationId indexed computation, uint40 phaseEndsAt);
    event ComputationCommitted(ComputationId indexed computation, uint40 phaseEndsAt);
    event ComputationCancelled(ComputationId indexed computation, uint256 refund);
    event ComputationFailed(ComputationId indexed computation, FailureReason reason);
    /// @notice Until `phaseEndsAt` it can be challenged and disputed.
    event ComputationConcluded(
        ComputationId indexed computation, ComputationStatus verdict, bytes24 beacon, uint40 phaseEndsAt
    );
    /// @notice The replicas were split, or could not tell: now there are to be `replicas`, and all reveal again.
    event ComputationEscalated(
        ComputationId indexed computation, Agreement.Verdict verdict, uint8 replicas, bytes24 beacon
    );
    event ComputationOverturned(ComputationId indexed computation);
    /// @notice Assignment `index` ended as `fate`.
    event AssignmentEnded(
        ComputationId indexed computation, uint256 indexed index, ProcessorId indexed processor, AssignmentStatus fate
    );
    /// @notice The treasury made good `paid` wei to `operator`.
    event FaultVindicated(
        ComputationId indexed computation,
        uint256 indexed index,
        ProcessorId indexed processor,
        address operator,
        uint256 paid
    );
    /// @notice `account` belongs to no admitted organisation.
    error SubmitterNotInConsortium(address account);
    /// @notice The quote is `quoted` wei, above the requester's `maxFee`.
    error FeeTooLow(uint256 maxFee, uint256 quoted);
    /// @notice The quote is `escrow` wei without the allocation's bounty; a computation can hold `maximum`.
    error FeeTooHigh(uint256 escrow, uint256 maximum);
    /// @notice A batch has 1 to `maximum` computations.
    error BatchSizeInvalid(uint256 count, uint256 maximum);
    /// @notice It waits in `bucket`; those in bucket `first` are in turn.
    error ComputationNotDue(ComputationId computation, uint256 bucket, uint256 first);
    /// @notice `ahead` computations, or more, wait in earlier buckets; `named` were named, and `limit` may be passed.
    error ComputationsAhead(ComputationId computation, uint256 ahead, uint256 named, uint256 limit);
    /// @notice It waits in `bucket`, more than `limit` after `first`: too far for backfill.
    error ComputationOutOfReach(ComputationId computation, uint256 bucket, uint256 first, uint256 limit);
    /// @notice `other` does not wait before it, or is not named in ascending order.
    error ComputationNotAhead(ComputationId computation, ComputationId other);
    /// @notice It can be placed now: allocate it instead.
    error ComputationPlaceable(ComputationId computation);
    /// @notice They are not of one class and one organisation that chose shortest first.
    error ExchangeNotChosen(ComputationId shorter, ComputationId longer, uint24 organisation);
    /// @notice The longer one costs no more, is not before the other or too far before it, or has been passed too often.
    error ExchangeUnfit(
        ComputationId shorter, ComputationId longer, uint256 cost, uint256 otherCost, uint256 passed
    );
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
    /// @notice Takes the quote and queues a computation. Any account of an admitted organisation; what is sent is
    /// added to the caller's available balance first, and only the quote is taken from it.
    function submit(Request calldata request) external payable returns (ComputationId computation);

    /// @notice Submits several in one transaction, as a parameter sweep wants it, all or none.
    /// @return first Id of the first; the others follow.
    function submitMany(Request[] calldata requests) external payable returns (ComputationId first);

    /// @notice Draws the processors that a queued computation lacks. Anyone; paid.
    /// @dev It must be in turn: in the first bucket of its class's queue, or have had processors before. The draw can be
    /// foreseen by whoever knows the beacon; it follows from beacon, id and the processors available at that moment.
    function allocate(ComputationId computation) external;

    /// @notice Allocates out of turn, on processors on which that cannot delay those ahead: where as many qubits as they ask
    /// for together stay free, or which are too small for all of them. So it changes nothing for them, whether they wait
    /// for processors or just for a keeper. Anyone; paid.
    /// @param ahead All that wait in earlier buckets, by ascending id: at most three.
    function backfill(ComputationId computation, ComputationId[] calldata ahead) external;

    /// @notice Sends one that is in turn, but for which too few processors are to be had, back to the end of its
    /// organisation's line, when nobody has been allocated in turn for a round's time: it may hold others up until leases end,
    /// and not longer. For FairQueue.DISTRUST_ROUNDS rounds after that its organisation is not waited for again. Anyone.
    function defer(ComputationId computation) external;

    /// @notice Lets a shorter computation take the place of a longer one of its own organisation, which has chosen so.
    /// Each can be passed FairQueue.MAX_PASSES times. Anyone.
    function exchange(ComputationId shorter, ComputationId longer) external;

    /// @notice Replaces processors that missed the running deadline. Anyone, after `phaseEndsAt`.
    function reallocate(ComputationId computation) external;

    /// @notice Fails and refunds a computation that is still queued after its deadline, or, while it holds some
    /// processors and lacks others, after `phaseEndsAt`: the lack of one must not tie up the rest. Anyone.
    function expire(ComputationId computation) external;

    /// @notice Withdraws a computation before any allocation, refunding in full. Requester only.
    function cancel(ComputationId computation) external;

    /// @notice Records a commitment. Verifier only.
    /// @return processor Whose daemon must have sent it: the caller checks.
    function noteCommit(ComputationId computation, uint256 index, bytes24 commitment)
        external
        returns (ProcessorId processor);

    /// @notice Records that a bundle of `processor` binds it to a commitment. Verifier only, which has checked that its daemon
    /// says so, and keeps the bundle.
    /// @return attempt The round that it is bound in; 0 when nothing was recorded, since the assignment is not the
    /// processor's, or no commit of it is due.
    function noteBound(ComputationId computation, uint256 index, ProcessorId processor, bytes24 commitment)
        external
        returns (uint8 attempt);

    /// @notice Records a refusal. Verifier only.
    /// @param excused Whether it is no part of the processor's conduct. None is, once a quorum refuses.
    /// @return processor Whose daemon must have sent it: the caller checks.
    function recordRefusal(ComputationId computation, uint256 index, bool excused)
        external
        returns (ProcessorId processor);

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
    function noteReveal(ComputationId computation, uint256 index, bytes24 digest)
        external
        returns (Pledge memory pledge);

    /// @notice Applies a verdict: statuses, payments, leases, conduct, beacon, audit entry. Verifier only.
    /// @param fates How each assignment ends, by index; Unset for those that ended before.
    /// @param entropy Digest of the revealed salts, folded into the beacon.
    function seal(
        ComputationId computation,
        Agreement.Verdict verdict,
        AssignmentStatus[] calldata fates,
        bytes32 entropy,
        bytes32 answerDigest,
        address keeper
    ) external;

    /// @notice Adds replicas to a computation whose verdict would be `verdict`. Verifier only.
    /// @param fates How those assignments end that do not go on, by index.
    /// @param commitments What those who go on are bound to in the next round, by index; 0 for the others.
    function escalate(
        ComputationId computation,
        Agreement.Verdict verdict,
        AssignmentStatus[] calldata fates,
        bytes24[] calldata commitments,
        bytes32 entropy,
        address keeper
    ) external;

    /// @notice Declares an answer false after the verdict, which falls when too few remain behind it. Courts only, who
    /// see to it that there is a verdict.
    /// @return processor Whose answer it was. @return earned Wei that it was paid. @return overturned Whether it falls.
    function disprove(ComputationId computation, uint256 index)
        external
        returns (ProcessorId processor, uint256 earned, bool overturned);

    /// @notice Declares a fault to be none after the verdict, and pays its operator up to `amount` wei as far as the
    /// treasury reaches. Disputes only.
    /// @return paid Wei.
    function vindicate(ComputationId computation, uint256 index, uint256 amount) external returns (uint256 paid);

    /// @notice Where processors are known.
    function REGISTRY() external view returns (IProcessorRegistry);

    /// @notice Where processors' bonds are.
    function BONDS() external view returns (IBonds);

    /// @notice The storage words of a computation's record: see RecordReader, and Records for the same in words.
    function recordOf(ComputationId computation) external view returns (bytes32[3] memory);

    /// @notice Both at once: the record's words, and those of all assignments.
    function sessionOf(ComputationId computation)
        external
        view
        returns (bytes32[3] memory record, bytes32[] memory seats);

    /// @notice The storage word of assignment `index`.
    function seatOf(ComputationId computation, uint256 index) external view returns (bytes32);

    /// @notice The storage words of all assignments of a computation, in order.
    function seatsOf(ComputationId computation) external view returns (bytes32[] memory);

    /// @notice Computations ever submitted; ids run from 1.
    function computationCount() external view returns (uint64);

    /// @notice Entropy of the next draw.
    function beacon() external view returns (bytes24);

    /// @notice Who submitted a computation.
    function requesterOf(ComputationId computation) external view returns (address);

    /// @notice The queue of a class: number of its first bucket, how many wait, and since when nobody was served in turn.
    function queueOf(uint8 noiseClass) external view returns (uint48 first, uint32 waiting, uint40 stalledSince);
}
