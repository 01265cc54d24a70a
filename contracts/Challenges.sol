// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IChallenges, Precedence, Revealed} from "./interfaces/IChallenges.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";
import {AuditEntry, Inclusion} from "./libraries/AuditProof.sol";
import {BucketHash} from "./libraries/BucketHash.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {CountSketch} from "./libraries/CountSketch.sol";
import {Evidence, Progress} from "./libraries/Evidence.sol";
import {Binding, Histogram, Run} from "./libraries/Histogram.sol";
import {Independence} from "./libraries/Independence.sol";
import {Payout} from "./libraries/Payout.sol";
import {RecordReader} from "./libraries/RecordReader.sol";
import {Assignment, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Challenge, ChallengeId, ChallengeStatus, Fault} from "./lifecycle/Challenge.sol";
import {Computation, ComputationId, ComputationLifecycle, ComputationStatus} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title Challenges
/// @notice See IChallenges.
/// @dev Holds the bonds of open demands and, within one call, what the bonds contract sends. Calls go to contracts of
/// the suite, of which only the bonds call back, to pay; burning sends coin to the address zero, which has no code.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract Challenges is IChallenges {
    using CountSketch for uint256[];
    using Payout for IComputationAllocator;
    using RecordReader for IComputationAllocator;

    uint256 public constant MIN_LEAVES = 64;
    uint256 public constant MAX_LEAVES = 512;

    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    IBonds public immutable BONDS;
    IAuditTrail public immutable AUDIT_TRAIL;

    /// @inheritdoc IChallenges
    uint64 public challengeCount;
    /// @inheritdoc IChallenges
    mapping(ComputationId => mapping(uint256 index => ChallengeId)) public demandOf;

    mapping(ChallengeId => Challenge) private _challenges;

    constructor(IAuditTrail auditTrail, IComputationAllocator allocator) {
        AUDIT_TRAIL = auditTrail;
        ALLOCATOR = allocator;
        REGISTRY = allocator.REGISTRY();
        BONDS = allocator.BONDS();
    }

    /// @dev What the bonds contract takes, on its way.
    receive() external payable {
        if (msg.sender != address(BONDS)) revert IDisputes.PaymentUnexpected(msg.sender);
    }

    /// @inheritdoc IChallenges
    function proveMalformed(
        ComputationId id,
        uint256 index,
        Revealed calldata revealed,
        Binding calldata binding,
        Run calldata run
    ) external {
        (Computation memory c,) = _requireAccused(id, index, revealed);
        Histogram.requireBinding(revealed.countsRoot, binding);
        bool malformed = !Evidence.isPlausible(binding, c.shots);
        uint256 leaf;
        if (run.leaves.length != 0) {
            Histogram.requireRunUnder(binding, run.first, run.leaves, run.siblings);
            bool unfit;
            (unfit, leaf) = Evidence.firstUnfit(run.leaves, c.outcomeBits);
            malformed = malformed || unfit;
        }
        if (!malformed) revert HistogramSound(id, index, binding.leafCount, binding.shots);
        emit HistogramRefuted(id, index, binding.leafCount, binding.shots, leaf);
        _punish(id, index, Fault.MalformedHistogram, msg.sender, address(0), 0);
    }

    /// @inheritdoc IChallenges
    function proveForgedSketch(
        ComputationId id,
        uint256 index,
        Revealed calldata revealed,
        uint256 row,
        uint256 bucket,
        Binding calldata binding,
        Run[] calldata runs
    ) external {
        (Computation memory c,) = _requireAccused(id, index, revealed);
        Histogram.requireBinding(revealed.countsRoot, binding);
        uint256 claimed = Evidence.bucketIn(revealed.sketch, row, bucket, c.outcomeBits);
        uint256[] memory parameters = BucketHash.parametersOf(_seedOf(id, c), c.outcomeBits);
        (uint256 shown, uint256[] memory leaves) =
            Evidence.collect(parameters, row, bucket, c.outcomeBits, binding, runs);
        if (shown <= claimed) revert SketchNotRefuted(id, index, claimed, shown);
        emit SketchRefuted(id, index, row, bucket, claimed, shown, leaves);
        _punish(id, index, Fault.ForgedSketch, msg.sender, address(0), 0);
    }

    /// @inheritdoc IChallenges
    function proveReplay(
        ComputationId id,
        uint256 index,
        Revealed calldata revealed,
        ComputationId other,
        uint256 otherIndex,
        Revealed calldata otherRevealed,
        Precedence calldata precedence
    ) external {
        (Computation memory c, Assignment memory a) = _requireAccused(id, index, revealed);
        // slither-disable-next-line unused-return (of the other computation, the seat is enough)
        (, Assignment memory original) = ALLOCATOR.dutyOf(other, otherIndex);
        _requireRevealed(other, otherIndex, original, otherRevealed);
        if (revealed.countsRoot != otherRevealed.countsRoot) {
            revert RootsDiffer(revealed.countsRoot, otherRevealed.countsRoot);
        }
        // slither-disable-next-line unused-return (the rest follows from the sketch's length)
        (uint256 rows,) = CountSketch.dimensions(c.outcomeBits);
        uint256 bits = Independence.surpriseOf(revealed.sketch.lanesOf(), rows);
        if (bits < Independence.REPLAY_BITS) revert AnswerNotTelling(bits, Independence.REPLAY_BITS);
        bool earlier;
        if (ComputationId.unwrap(other) == ComputationId.unwrap(id)) earlier = otherIndex < index;
        else if (ProcessorId.unwrap(original.processor) == ProcessorId.unwrap(a.processor)) {
            earlier = ComputationId.unwrap(other) < ComputationId.unwrap(id);
        } else earlier = _precedes(id, index, other, precedence);
        if (!earlier) revert AnswerNotEarlier(id, index, other, otherIndex);
        emit AnswerRepeated(id, index, other, otherIndex);
        _punish(id, index, Fault.ReplayedAnswer, msg.sender, address(0), 0);
    }

    /// @inheritdoc IChallenges
    function proveCopy(
        ComputationId id,
        uint256 indexA,
        Revealed calldata revealedA,
        uint256 indexB,
        Revealed calldata revealedB
    ) external {
        if (indexA >= indexB) revert AnswerNotEarlier(id, indexB, id, indexA);
        (Computation memory c, Assignment memory a) = _requireJudged(id, indexA, revealedA);
        (, Assignment memory b) = _requireJudged(id, indexB, revealedB);
        (uint256 rows, uint256 buckets) = CountSketch.dimensions(c.outcomeBits);
        if (!Independence.tooClose(revealedA.sketch.lanesOf(), revealedB.sketch.lanesOf(), rows, buckets)) {
            revert AnswersIndependent(id, indexA, indexB);
        }
        // In the first round all were bound before any answer was public: who is too close was told.
        bool both = c.attempt == 1 && _isStanding(a.status);
        if (!both && !_isStanding(b.status)) revert AnswerNotStanding(id, indexB, b.status);
        emit AnswerRepeated(id, indexB, id, indexA);
        if (_isStanding(b.status)) _punish(id, indexB, Fault.CopiedAnswer, msg.sender, address(0), 0);
        if (both) _punish(id, indexA, Fault.CopiedAnswer, msg.sender, address(0), 0);
    }

    /// @inheritdoc IChallenges
    function demand(ComputationId id, uint256 index, Revealed calldata revealed)
        external
        payable
        returns (ChallengeId challenge)
    {
        (, Assignment memory a) = _requireAccused(id, index, revealed);
        challenge = demandOf[id][index];
        if (ChallengeId.unwrap(challenge) != 0) revert HistogramDemandedBefore(id, index, challenge);
        Policy memory policy = ALLOCATOR.policy();
        if (msg.value != policy.slash) revert ChallengeBondMismatch(policy.slash, msg.value);

        challenge = ChallengeId.wrap(++challengeCount);
        demandOf[id][index] = challenge;
        Challenge storage self = _challenges[challenge];
        self.advance(challenge, ChallengeStatus.Open);
        self.challenger = msg.sender;
        self.deadlineAt = uint40(block.timestamp) + policy.responseSeconds;
        self.index = uint8(index);
        self.computation = id;
        self.processor = a.processor;
        self.bond = uint128(msg.value);
        self.progress = Evidence.startOf(revealed.countsRoot, revealed.sketch);
        emit HistogramDemanded(challenge, id, index, a.processor, msg.sender, msg.value, self.deadlineAt);
        BONDS.hold(a.processor);
    }

    /// @inheritdoc IChallenges
    function answer(
        ChallengeId challenge,
        Progress calldata progress,
        Binding calldata binding,
        uint256[] calldata leaves,
        bytes32[] calldata siblings
    ) external {
        Challenge storage self = _challenges[challenge];
        self.requireOpen(challenge);
        uint40 deadlineAt = self.deadlineAt;
        if (block.timestamp > deadlineAt) {
            revert IComputationAllocator.DeadlinePassed(self.computation, deadlineAt, block.timestamp);
        }
        bytes32 actual = keccak256(abi.encode(progress));
        if (actual != self.progress) revert ProgressMismatch(challenge, self.progress, actual);
        Histogram.requireRun(progress.countsRoot, binding, progress.next, leaves, siblings);
        if (progress.next != 0 && leaves[0] >> 16 <= progress.last >> 16) {
            revert Histogram.OutcomesNotAscending(progress.next);
        }
        bool complete = progress.next + leaves.length == binding.leafCount;
        if (leaves.length > MAX_LEAVES || (leaves.length < MIN_LEAVES && !complete)) {
            revert LeavesOutOfRange(challenge, leaves.length, MIN_LEAVES, MAX_LEAVES);
        }

        deadlineAt = uint40(block.timestamp) + ALLOCATOR.policy().responseSeconds;
        emit HistogramOpened(challenge, progress.next, leaves, deadlineAt);
        Computation memory c = ALLOCATOR.computationOf(self.computation);
        (bool sound, bytes32 next) =
            Evidence.proceed(progress, c, _seedOf(self.computation, c), binding, leaves, complete);
        if (!sound) {
            _uphold(challenge, ChallengeStatus.Refuted, Fault.ForgedSketch, address(0));
        } else if (complete) {
            _acquit(challenge);
        } else {
            self.progress = next;
            self.deadlineAt = deadlineAt;
        }
    }

    /// @inheritdoc IChallenges
    function enforce(ChallengeId challenge) external {
        Challenge storage self = _challenges[challenge];
        self.requireOpen(challenge);
        if (block.timestamp <= self.deadlineAt) {
            revert IComputationAllocator.DeadlineOpen(self.computation, self.deadlineAt, block.timestamp);
        }
        _uphold(challenge, ChallengeStatus.Defaulted, Fault.HistogramWithheld, msg.sender);
    }

    /// @inheritdoc IChallenges
    function drop(ChallengeId challenge) external {
        Challenge storage self = _challenges[challenge];
        self.advance(challenge, ChallengeStatus.Dropped);
        // slither-disable-next-line unused-return (the seat tells)
        (, Assignment memory a) = ALLOCATOR.dutyOf(self.computation, self.index);
        if (_isStanding(a.status)) revert AnswerStanding(self.computation, self.index, a.status);
        emit ChallengeEnded(challenge, ChallengeStatus.Dropped, self.bond, 0);
        BONDS.letGo(self.processor);
        ALLOCATOR.pay(self.challenger, self.bond);
    }

    /// @inheritdoc IChallenges
    function challengeOf(ChallengeId challenge) external view returns (Challenge memory) {
        return _challenges[challenge];
    }

    /// @dev The demand was justified: the bond returns with the reward.
    function _uphold(ChallengeId challenge, ChallengeStatus to, Fault fault, address keeper) private {
        Challenge storage self = _challenges[challenge];
        self.advance(challenge, to);
        emit ChallengeEnded(challenge, to, self.bond, 0);
        BONDS.letGo(self.processor);
        _punish(self.computation, self.index, fault, self.challenger, keeper, self.bond);
    }

    /// @dev The demand was not justified: the operator is compensated, and nobody gains from demanding of itself.
    function _acquit(ChallengeId challenge) private {
        Challenge storage self = _challenges[challenge];
        self.advance(challenge, ChallengeStatus.Answered);
        uint256 compensation = self.bond / 2;
        emit ChallengeEnded(challenge, ChallengeStatus.Answered, 0, compensation);
        BONDS.letGo(self.processor);
        ALLOCATOR.pay(REGISTRY.operatorOf(self.processor), compensation);
        Payout.burn(self.bond - compensation);
    }

    /// @dev Disproves an answer, takes the penalty and divides it. Nothing of it stays here.
    /// @param keeper Who is repaid a bounty; 0 for nobody. @param bond Wei that return to the challenger.
    function _punish(
        ComputationId id,
        uint256 index,
        Fault fault,
        address challenger,
        address keeper,
        uint256 bond
    ) private {
        Computation memory c = ALLOCATOR.computationOf(id);
        (ProcessorId processor, uint256 earned, bool overturned) = ALLOCATOR.disprove(id, index);
        emit FaultProven(id, index, processor, fault, challenger);
        // Once the verdict has fallen, everything that the answers had earned is due, from whoever made it fall.
        uint256 due = c.status == ComputationStatus.Overturned ? 0 : earned;
        if (overturned) due += earned * _remaining(id);
        uint256 slashed = BONDS.penalise(id, processor);
        uint256 restitution = due < slashed ? due : slashed;
        uint256 rest = slashed - restitution;
        uint256 bounty = keeper == address(0) ? 0 : ALLOCATOR.KEEPER_BOUNTY();
        if (bounty > rest) bounty = rest;
        rest -= bounty;
        uint256 reward = rest / 2;
        address requester = ALLOCATOR.requesterOf(id);
        emit PenaltyDivided(id, index, slashed, requester, restitution, keeper, bounty, challenger, reward);
        ALLOCATOR.pay(requester, restitution);
        ALLOCATOR.pay(keeper, bounty);
        ALLOCATOR.pay(challenger, reward + bond);
        ALLOCATOR.endow{value: rest - reward}();
    }

    /// @dev Answers that still stand in a computation.
    function _remaining(ComputationId id) private view returns (uint256 count) {
        Assignment[] memory assignments = ALLOCATOR.assignmentsOf(id);
        for (uint256 i; i < assignments.length; ++i) {
            if (assignments[i].status == AssignmentStatus.Accepted) ++count;
        }
    }

    /// @dev Whether the accused was drawn after the other computation was settled.
    function _precedes(ComputationId id, uint256 index, ComputationId other, Precedence calldata p)
        private
        view
        returns (bool)
    {
        bytes32 allocation = keccak256(abi.encode(id, p.attempt, p.firstIndex, p.drawn, p.seed));
        return p.settlement < p.allocation && p.firstIndex <= index
            && _isRecorded(p.settlement, Decision.ComputationSettled, other, p.settlementDigest, p.settlementProof)
            && _isRecorded(p.allocation, Decision.ComputationAllocated, id, allocation, p.allocationProof);
    }

    function _isRecorded(
        uint64 index,
        Decision decision,
        ComputationId id,
        bytes32 digest,
        Inclusion calldata inclusion
    ) private view returns (bool) {
        AuditEntry memory entry = AuditEntry(index, decision, ComputationId.unwrap(id), address(ALLOCATOR), digest);
        return AUDIT_TRAIL.contains(entry, inclusion);
    }

    /// @dev Reverts unless assignment `index` can be disproven now, and revealed so.
    function _requireAccused(ComputationId id, uint256 index, Revealed calldata revealed)
        private
        view
        returns (Computation memory c, Assignment memory a)
    {
        (c, a) = _requireJudged(id, index, revealed);
        if (!_isStanding(a.status)) revert AnswerNotStanding(id, index, a.status);
    }

    /// @dev Reverts unless the window is open, and assignment `index` revealed so in the round that was judged.
    function _requireJudged(ComputationId id, uint256 index, Revealed calldata revealed)
        private
        view
        returns (Computation memory c, Assignment memory a)
    {
        (c, a) = ALLOCATOR.dutyOf(id, index);
        if (!ComputationLifecycle.isVerdict(c.status) || block.timestamp > c.phaseEndsAt) {
            revert ChallengeWindowClosed(id, c.status, c.phaseEndsAt, block.timestamp);
        }
        _requireRevealed(id, index, a, revealed);
        if (a.status == AssignmentStatus.Accepted) return (c, a);
        if (!Evidence.isOfLastRound(ALLOCATOR.assignmentsOf(id), index, c.revealed)) {
            revert AnswerNotJudged(id, index, a.status);
        }
    }

    function _requireRevealed(ComputationId id, uint256 index, Assignment memory a, Revealed calldata revealed)
        private
        pure
    {
        bytes24 actual = Commitment.ofReveal(revealed.countsRoot, revealed.salt, revealed.sketch);
        if (actual != a.digest) revert IResultVerifier.RevealMismatch(id, index, a.digest, actual);
    }

    function _seedOf(ComputationId id, Computation memory c) private pure returns (bytes32) {
        return Commitment.seedOf(id, c.attempt, c.secret, c.commitsDigest);
    }

    function _isStanding(AssignmentStatus status) private pure returns (bool) {
        return status == AssignmentStatus.Accepted || status == AssignmentStatus.Released;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
