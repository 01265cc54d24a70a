// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator, Pledge} from "./interfaces/IComputationAllocator.sol";
import {IGoldRounds} from "./interfaces/IGoldRounds.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";
import {Actor} from "./libraries/Actor.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {Bundle, BundledCommit} from "./libraries/Bundle.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {CountSketch} from "./libraries/CountSketch.sol";
import {Credibility} from "./libraries/Credibility.sol";
import {RecordReader} from "./libraries/RecordReader.sol";
import {Assignment, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId, Standing} from "./lifecycle/Processor.sol";

/// @title ResultVerifier
/// @notice See IResultVerifier.
/// @dev Keeps bundles alone: what is pending lives in the allocator's records, so each step rewrites slots that are warm.
/// Steps are recorded first and checked against what the record returns: one call, and a revert undoes it.
/// Events and bundles follow calls to the allocator and the registry, which call nobody back.
// slither-disable-start reentrancy-events,reentrancy-no-eth
contract ResultVerifier is IResultVerifier {
    using RecordReader for IComputationAllocator;
    using CountSketch for uint256[];

    // Codes of refusals that a requester can bring about of whomever it likes: it gives each processor a key of its own.
    uint16 private constant PAYLOAD_SEALED = 106;
    uint16 private constant ENVELOPE_INVALID = 107;

    /// As many as a call through the door of hash keys can take with the gas that it is given: see IHashKeys.perform.
    uint256 public constant MAX_BUNDLE = 16;

    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    IGoldRounds public immutable GOLD_ROUNDS;
    address public immutable RELAY;
    address public immutable HASH_KEYS;

    /// @inheritdoc IResultVerifier
    mapping(ProcessorId => mapping(uint8 lane => bytes32 root)) public bundleOf;

    /// @dev What a settlement works on. Replicas that revealed are numbered from 0 in the order of their assignments.
    struct Session {
        Computation c;
        Assignment[] seats;
        /// Assignment index of each replica that revealed, ascending.
        uint256[] indices;
        /// By assignment index.
        AssignmentStatus[] fates;
    }

    constructor(IComputationAllocator allocator, IGoldRounds goldRounds, address relay) {
        ALLOCATOR = allocator;
        IProcessorRegistry registry = allocator.REGISTRY();
        REGISTRY = registry;
        GOLD_ROUNDS = goldRounds;
        // slither-disable-next-line missing-zero-check (with no relay, daemons commit themselves)
        RELAY = relay;
        HASH_KEYS = address(registry.HASH_KEYS());
    }

    /// @inheritdoc IResultVerifier
    function commit(ComputationId id, uint256 index, bytes24 commitment) external {
        (address account, bool proven) = Actor.behind(HASH_KEYS);
        _commit(id, index, commitment, account, proven);
    }

    /// @inheritdoc IResultVerifier
    function commitFor(ComputationId id, uint256 index, bytes24 commitment, address daemon) external {
        if (msg.sender != RELAY) revert CallerNotRelay(msg.sender);
        _commit(id, index, commitment, daemon, false);
    }

    /// @inheritdoc IResultVerifier
    function commitBundle(ProcessorId processor, uint8 lane, bytes32 before, BundledCommit[] calldata commits)
        external
        returns (uint256 taken)
    {
        uint256 count = commits.length;
        if (count == 0 || count > MAX_BUNDLE) revert BundleSizeInvalid(processor, count, MAX_BUNDLE);
        (address account, bool proven) = Actor.behind(HASH_KEYS);
        _requireDaemon(commits[0].computation, commits[0].index, processor, account, proven);
        bytes32 present = bundleOf[processor][lane];
        if (present != before) revert LaneTaken(processor, lane, before, present);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            (ComputationId id, uint256 index) = (commits[i].computation, commits[i].index);
            bytes24 commitment = commits[i].commitment;
            // slither-disable-next-line calls-loop (a contract of the suite; at most MAX_BUNDLE)
            uint256 attempt = ALLOCATOR.noteBound(id, index, processor, commitment);
            if (attempt == 0) {
                emit CommitPassedOver(id, index, processor);
                continue;
            }
            leaves[taken++] = Bundle.leafOf(id, index, attempt, commitment);
            emit ResultCommitted(id, index, processor, commitment);
        }
        if (taken == 0) revert NoCommitDue(processor, count);
        bytes32 root = Bundle.rootOf(leaves, taken);
        bundleOf[processor][lane] = root;
        emit CommitsBundled(processor, lane, taken, root);
    }

    /// @inheritdoc IResultVerifier
    function refuse(ComputationId id, uint256 index, uint16 code) external {
        if (code == 0) revert RefusalCodeMissing(id);
        bool excused = code == PAYLOAD_SEALED || code == ENVELOPE_INVALID;
        ProcessorId processor = ALLOCATOR.recordRefusal(id, index, excused);
        (address account, bool proven) = Actor.behind(HASH_KEYS);
        _requireDaemon(id, index, processor, account, proven);
        emit PayloadRefused(id, index, processor, code);
    }

    /// @inheritdoc IResultVerifier
    function disclose(ComputationId id, bytes24 secret) external {
        (bytes24 expected, bytes32 seed, uint8 attempt) = ALLOCATOR.openReveals(id, secret);
        bytes24 actual = Commitment.ofSecret(secret);
        if (actual != expected) revert SecretMismatch(id, expected, actual);
        emit SeedFixed(id, attempt, secret, seed, false);
    }

    /// @inheritdoc IResultVerifier
    function substituteSecret(ComputationId id) external {
        (bytes24 secret, bytes32 seed, uint8 attempt) = ALLOCATOR.openRevealsFromBeacon(id, msg.sender);
        emit SeedFixed(id, attempt, secret, seed, true);
    }

    /// @inheritdoc IResultVerifier
    function reveal(ComputationId id, uint256 index, bytes32 countsRoot, bytes32 salt, uint256[] calldata sketch)
        external
    {
        (Pledge memory pledge, bytes24 actual) = _open(id, index, countsRoot, salt, sketch);
        if (actual != pledge.commitment) revert CommitmentMismatch(id, index, pledge.commitment, actual);
    }

    /// @inheritdoc IResultVerifier
    function revealBundled(
        ComputationId id,
        uint256 index,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] calldata sketch,
        uint8 lane,
        bytes32[] calldata proof
    ) external {
        (Pledge memory pledge, bytes24 actual) = _open(id, index, countsRoot, salt, sketch);
        if (pledge.commitment != 0) revert CommitmentNotBundled(id, index, pledge.commitment);
        bytes32 expected = bundleOf[pledge.processor][lane];
        bytes32 root = Bundle.rootFrom(Bundle.leafOf(id, index, pledge.attempt, actual), proof);
        if (root != expected) revert BundleMismatch(id, index, lane, expected, root);
    }

    /// @inheritdoc IResultVerifier
    function settle(
        ComputationId id,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts,
        uint256[] calldata sketches
    ) external {
        Session memory session;
        (session.c, session.seats) = ALLOCATOR.historyOf(id);
        uint256 words = CountSketch.wordsOf(session.c.outcomeBits);
        uint256 revealed = session.c.revealed;
        if (
            countsRoots.length != revealed || salts.length != revealed || sketches.length != words * revealed
                || revealed == 0
        ) revert SettlementLengthMismatch(id, revealed, words * revealed);

        session.indices = _matchReveals(id, session.seats, countsRoots, salts, sketches, words);
        session.fates = new AssignmentStatus[](session.seats.length);
        uint256 excluded = _failGold(id, session);
        (Agreement.Verdict verdict, uint256 members) = Agreement.judge(
            sketches,
            words,
            session.c.outcomeBits,
            session.c.shots,
            Agreement.quorumOf(session.c.replicas),
            excluded
        );
        (verdict, members) = _weigh(session, verdict, members);
        _close(id, session, verdict, members, countsRoots, salts);
    }

    function _commit(ComputationId id, uint256 index, bytes24 commitment, address account, bool proven) private {
        ProcessorId processor = ALLOCATOR.noteCommit(id, index, commitment);
        _requireDaemon(id, index, processor, account, proven);
        emit ResultCommitted(id, index, processor, commitment);
    }

    /// @return pledge What the chain knows of the commit. @return actual What it must be to: the caller checks.
    function _open(
        ComputationId id,
        uint256 index,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] calldata sketch
    ) private returns (Pledge memory pledge, bytes24 actual) {
        pledge = ALLOCATOR.noteReveal(id, index, Commitment.ofReveal(countsRoot, salt, sketch));
        actual = Commitment.ofResult(address(this), id, pledge.attempt, pledge.processor, countsRoot, salt);
        sketch.requireTotals(pledge.outcomeBits, pledge.shots);
        emit ResultRevealed(id, index, pledge.processor, countsRoot, salt, sketch);
    }

    function _requireDaemon(ComputationId id, uint256 index, ProcessorId processor, address account, bool proven)
        private
        view
    {
        (address daemon, bool keyed) = REGISTRY.reporterOf(processor);
        if (account != daemon) revert CallerNotAssigned(id, index, account, daemon);
        if (keyed && !proven) revert Actor.HashSignatureRequired(account, HASH_KEYS);
    }

    /// @dev Ends those that failed the requester's gold rounds or traps.
    /// @return excluded Bit i is set when revealed replica i did.
    function _failGold(ComputationId id, Session memory session) private view returns (uint256 excluded) {
        if (!session.c.gold) return 0;
        (bool closed, uint256 goldFailed, uint256 trapFailed, uint40 waitUntil) = GOLD_ROUNDS.findingOf(id);
        // The requester has its say; if it keeps silent, the comparison alone decides.
        if (!closed && block.timestamp <= waitUntil) revert GoldRoundsOpen(id, waitUntil, block.timestamp);
        if (!closed) return 0;
        for (uint256 i; i < session.indices.length; ++i) {
            uint256 bit = 1 << session.indices[i];
            if ((goldFailed | trapFailed) & bit == 0) continue;
            excluded |= 1 << i;
            session.fates[session.indices[i]] =
                goldFailed & bit != 0 ? AssignmentStatus.GoldFailed : AssignmentStatus.TrapFailed;
        }
    }

    /// @dev What the comparison's verdict is worth: one replica alone proves nothing, and a requester may ask for more
    /// credible processors than those that agree.
    function _weigh(Session memory session, Agreement.Verdict verdict, uint256 members)
        private
        view
        returns (Agreement.Verdict, uint256)
    {
        if (session.c.replicas == 1 && verdict != Agreement.Verdict.Rejected) return (Agreement.Verdict.Unverified, 1);
        if (verdict != Agreement.Verdict.Accepted || session.c.trust == 0) return (verdict, members);
        uint256[] memory scores = new uint256[](session.indices.length);
        for (uint256 i; i < scores.length; ++i) {
            // slither-disable-next-line calls-loop (a view of the suite; at most MAX_REPLICAS)
            Standing memory standing = REGISTRY.standingOf(session.seats[session.indices[i]].processor);
            scores[i] =
                Credibility.scoreOf(standing.accepted, standing.outliers, standing.silent, standing.failed);
        }
        if (Credibility.isCredible(scores, members, session.c.trust)) return (verdict, members);
        return (Agreement.Verdict.Inconclusive, 0);
    }

    /// @dev Concludes a computation, or escalates it when it has no answer and may go on.
    function _close(
        ComputationId id,
        Session memory session,
        Agreement.Verdict verdict,
        uint256 members,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts
    ) private {
        bool answered = members != 0;
        uint256 lost;
        AssignmentStatus[] memory fates = session.fates;
        for (uint256 index; index < fates.length; ++index) {
            if (session.seats[index].status == AssignmentStatus.Committed) fates[index] = AssignmentStatus.Silent;
            if (fates[index] != AssignmentStatus.Unset) ++lost;
        }
        bytes32 entropy = keccak256(abi.encode(session.c.secret, salts));
        if (!answered && session.c.mayEscalate(lost)) {
            emit ComputationSettled(id, Agreement.Verdict.Escalated, 0, 0);
            bytes24[] memory commitments = _commitmentsOf(id, session, countsRoots, salts);
            ALLOCATOR.escalate(id, verdict, session.fates, commitments, entropy, msg.sender);
            return;
        }
        uint256 accepted = _decide(session, verdict, members);
        bytes32 answerDigest = answered ? _answerOf(id, session, members, accepted, countsRoots) : bytes32(0);
        emit ComputationSettled(id, verdict, accepted, answerDigest);
        ALLOCATOR.seal(id, verdict, session.fates, entropy, answerDigest, msg.sender);
    }

    /// @dev Sets the fates of those who revealed and have none yet.
    /// @return accepted Bit i is set when the answer of assignment i counts.
    function _decide(Session memory session, Agreement.Verdict verdict, uint256 members)
        private
        pure
        returns (uint256 accepted)
    {
        bool isAccepted = verdict == Agreement.Verdict.Accepted;
        uint256[] memory indices = session.indices;
        AssignmentStatus[] memory fates = session.fates;
        for (uint256 i; i < indices.length; ++i) {
            uint256 index = indices[i];
            if (fates[index] != AssignmentStatus.Unset) continue;
            bool member = members & (1 << i) != 0;
            if (member) accepted |= 1 << index;
            if (!isAccepted) fates[index] = AssignmentStatus.Released;
            else fates[index] = member ? AssignmentStatus.Accepted : AssignmentStatus.Outlier;
        }
    }

    /// @dev What those who go on are bound to in the next round: the same answers.
    function _commitmentsOf(
        ComputationId id,
        Session memory session,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts
    ) private view returns (bytes24[] memory commitments) {
        commitments = new bytes24[](session.seats.length);
        for (uint256 i; i < session.indices.length; ++i) {
            uint256 index = session.indices[i];
            if (session.fates[index] != AssignmentStatus.Unset) continue;
            commitments[index] = Commitment.ofResult(
                address(this),
                id,
                session.c.attempt + 1,
                session.seats[index].processor,
                countsRoots[i],
                salts[i]
            );
        }
    }

    /// @dev Digests the roots of the members.
    function _answerOf(
        ComputationId id,
        Session memory session,
        uint256 members,
        uint256 accepted,
        bytes32[] calldata countsRoots
    ) private pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](session.indices.length);
        uint256 count;
        for (uint256 i; i < roots.length; ++i) {
            if (members & (1 << i) != 0) roots[count++] = countsRoots[i];
        }
        assembly ("memory-safe") {
            mstore(roots, count)
        }
        return Commitment.ofAnswer(id, accepted, roots);
    }

    /// @dev Checks what the settlement carries against what was revealed.
    /// @return indices Assignment index of each replica, ascending.
    function _matchReveals(
        ComputationId id,
        Assignment[] memory assignments,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts,
        uint256[] calldata sketches,
        uint256 words
    ) private pure returns (uint256[] memory indices) {
        indices = new uint256[](countsRoots.length);
        uint256 i;
        for (uint256 index; index < assignments.length; ++index) {
            Assignment memory a = assignments[index];
            if (a.status != AssignmentStatus.Revealed) continue;
            bytes24 actual;
            unchecked {
                actual = Commitment.ofReveal(countsRoots[i], salts[i], sketches[i * words:(i + 1) * words]);
            }
            if (actual != a.digest) revert RevealMismatch(id, index, a.digest, actual);
            indices[i++] = index;
        }
    }
}
// slither-disable-end reentrancy-events,reentrancy-no-eth
