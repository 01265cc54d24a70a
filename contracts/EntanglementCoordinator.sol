// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IChannels, Use} from "./interfaces/IChannels.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {IEntanglementCoordinator, Run, SessionRequest} from "./interfaces/IEntanglementCoordinator.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Actor} from "./libraries/Actor.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {CountSketch} from "./libraries/CountSketch.sol";
import {Division} from "./libraries/Division.sol";
import {Formation} from "./libraries/Formation.sol";
import {Pause} from "./libraries/Pause.sol";
import {Payout} from "./libraries/Payout.sol";
import {SessionDigest} from "./libraries/SessionDigest.sol";
import {ChannelId} from "./lifecycle/Channel.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";
import {Member, Session, SessionGroup, SessionId, SessionStatus} from "./lifecycle/Session.sol";

/// @title EntanglementCoordinator
/// @notice See IEntanglementCoordinator.
/// @dev Calls go to channels, registry, trail and escrow. Channels sends coin, and calls nothing else here.
// slither-disable-start reentrancy-eth,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
contract EntanglementCoordinator is IEntanglementCoordinator {
    using CountSketch for uint256[];
    using Payout for IComputationAllocator;

    IAuditTrail public immutable AUDIT_TRAIL;
    IConsortium public immutable CONSORTIUM;
    IProcessorRegistry public immutable REGISTRY;
    IComputationAllocator public immutable ALLOCATOR;
    IChannels public immutable CHANNELS;
    address public immutable HASH_KEYS;

    /// @inheritdoc IEntanglementCoordinator
    uint64 public sessionCount;
    /// @inheritdoc IEntanglementCoordinator
    mapping(SessionId => mapping(uint256 => bytes32)) public commitmentOf;

    mapping(SessionId => Session) private _sessions;
    mapping(SessionId => SessionGroup) private _groups;
    mapping(SessionId => mapping(uint256 => Member)) private _members;
    mapping(SessionId => Use[]) private _uses;

    constructor(IAuditTrail auditTrail, IConsortium consortium, IComputationAllocator allocator, IChannels channels) {
        AUDIT_TRAIL = auditTrail;
        CONSORTIUM = consortium;
        ALLOCATOR = allocator;
        IProcessorRegistry registry = allocator.REGISTRY();
        REGISTRY = registry;
        CHANNELS = channels;
        HASH_KEYS = address(registry.HASH_KEYS());
    }

    /// @notice Takes deposits that were drawn from purses.
    receive() external payable {
        if (msg.sender != address(CHANNELS)) revert CoinUnexpected(msg.sender);
    }

    /// @inheritdoc IEntanglementCoordinator
    function create(SessionRequest calldata request, Run[] calldata runs) external payable returns (SessionId group) {
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert RequesterNotAdmitted(msg.sender);
        uint256 pausedUntil = ALLOCATOR.pausedUntil();
        if (pausedUntil != 0) revert Pause.WorkStopped(pausedUntil, block.timestamp);
        Formation.requireValid(request, runs.length);
        group = SessionId.wrap(sessionCount + 1);
        SessionGroup storage g = _groups[group];
        g.requester = msg.sender;
        (g.runs, g.running, g.live) = (uint8(runs.length), uint8(runs.length), uint8(runs.length));
        (g.phases, g.outcomeBits, g.shots) = (request.phases, request.outcomeBits, request.shots);
        (g.fee, g.deposit) = (request.fee, request.deposit);
        (g.secret, g.reportSeconds) = (request.secretCommitment, request.reportSeconds);
        emit SessionsCreated(group, msg.sender, organisation, request, runs.length, msg.value);
        uint256 members;
        for (uint256 i; i < runs.length; ++i) {
            Formation.requireShape(CHANNELS, runs, i);
            members += runs[i].members.length;
            _form(group, request, runs[i]);
        }
        uint256 fees = request.fee * members;
        if (msg.value != fees) revert FeesMismatch(fees, msg.value);
    }

    /// @inheritdoc IEntanglementCoordinator
    function join(SessionId id, uint256 index) external payable {
        Session storage s = _sessions[id];
        s.requireStatus(id, SessionStatus.Forming);
        _requireInTime(id, s.phaseEndsAt);
        Member storage m = _members[id][index];
        ProcessorId processor = m.processor;
        (m.daemon, m.keyed) = REGISTRY.reporterOf(processor);
        _requireMember(id, index);
        bool complete = _attend(id, s, index);
        emit SessionJoined(id, index, processor);
        if (msg.value != 0) CHANNELS.fund{value: msg.value}(processor);
        CHANNELS.draw(processor, _groups[s.group].deposit);
        if (complete) _arm(id, s);
    }

    /// @inheritdoc IEntanglementCoordinator
    function arrive(SessionId id, uint256 index, uint256 phase, bytes32 digest) external {
        Session storage s = _sessions[id];
        _requireMember(id, index);
        s.requireWaiting(id);
        if (phase != s.phase) revert BarrierMismatch(id, s.phase, phase);
        _requireInTime(id, s.phaseEndsAt);
        bool last = phase == s.phases;
        bool complete = _attend(id, s, index);
        emit MemberArrived(id, index, phase, digest);
        if (last) commitmentOf[id][index] = digest;
        if (complete) _pass(id, s, last);
    }

    /// @inheritdoc IEntanglementCoordinator
    function disclose(SessionId group, bytes24 secret) external {
        SessionGroup storage g = _unseeded(group);
        bytes24 actual = Commitment.ofSecret(secret);
        if (actual != g.secret) revert SessionSecretMismatch(group, g.secret, actual);
        _seed(group, g, secret, false);
    }

    /// @inheritdoc IEntanglementCoordinator
    function substituteSecret(SessionId group) external {
        SessionGroup storage g = _unseeded(group);
        _requireDue(group, g.phaseEndsAt);
        _seed(group, g, SessionDigest.substituteOf(group, ALLOCATOR.beacon(), g.secret), true);
    }

    /// @inheritdoc IEntanglementCoordinator
    function report(SessionId id, uint256 index, bytes32 countsRoot, bytes32 salt, uint256[] calldata sketch)
        external
    {
        Session storage s = _sessions[id];
        s.requireStatus(id, SessionStatus.Reporting);
        SessionGroup storage g = _groups[s.group];
        if (g.running != 0) revert GroupRunning(s.group, g.running);
        if (!g.seeded) revert SecretUnknown(s.group);
        _requireInTime(id, g.phaseEndsAt);
        ProcessorId processor = _members[id][index].processor;
        bytes32 expected = commitmentOf[id][index];
        bytes32 actual = SessionDigest.ofResult(address(this), id, processor, countsRoot, salt);
        if (actual != expected) revert ResultMismatch(id, index, expected, actual);
        sketch.requireTotals(g.outcomeBits, g.shots);
        bool complete = _attend(id, s, index);
        emit SessionReported(id, index, processor, countsRoot, salt, sketch);
        bytes32 digest = SessionDigest.ofReport(countsRoot, sketch);
        if (s.reportDigest == 0) {
            s.reportDigest = digest;
        } else if (s.reportDigest != digest) {
            --g.live;
            s.advance(id, SessionStatus.Disputed);
            _close(id, s, 0, ChannelId.wrap(0));
            return;
        }
        if (!complete) return;
        --g.live;
        s.advance(id, SessionStatus.Final);
        emit SessionFinished(id, digest);
    }

    /// @inheritdoc IEntanglementCoordinator
    function conclude(SessionId group, bytes32[] calldata countsRoots, uint256[] calldata sketches) external {
        SessionGroup storage g = _groups[group];
        if (g.live != 0 || g.runs == 0 || g.verdict != Agreement.Verdict.Unset) {
            revert GroupNotConcludable(group, g.live);
        }
        SessionId[] memory ids = _matchReports(group, g, countsRoots, sketches);
        (Agreement.Verdict verdict, uint256 members) = _judge(g, ids.length, sketches);
        g.verdict = verdict;
        bytes32[] memory roots = new bytes32[](ids.length);
        uint256 agreeing;
        uint256 count;
        for (uint256 i; i < ids.length; ++i) {
            SessionStatus fate = SessionStatus.Released;
            if (members & (1 << i) != 0) {
                agreeing |= 1 << (SessionId.unwrap(ids[i]) - SessionId.unwrap(group));
                roots[count++] = countsRoots[i];
                fate = SessionStatus.Paid;
            } else if (members != 0) {
                fate = SessionStatus.Outlier;
            }
            Session storage s = _sessions[ids[i]];
            s.advance(ids[i], fate);
            _close(ids[i], s, 0, ChannelId.wrap(0));
        }
        assembly ("memory-safe") {
            mstore(roots, count)
        }
        bytes32 answerDigest = count == 0 ? bytes32(0) : SessionDigest.ofAnswer(group, agreeing, roots);
        emit SessionsConcluded(group, verdict, agreeing, answerDigest);
        bytes32 digest = keccak256(abi.encode(group, verdict, agreeing, answerDigest));
        AUDIT_TRAIL.append(Decision.SessionsConcluded, SessionId.unwrap(group), digest);
    }

    /// @inheritdoc IEntanglementCoordinator
    function enforce(SessionId id) external {
        Session storage s = _sessions[id];
        SessionGroup storage g = _groups[s.group];
        bool reporting = s.status == SessionStatus.Reporting;
        _requireDue(id, reporting ? (g.seeded ? g.phaseEndsAt : 0) : s.phaseEndsAt);
        s.advance(id, s.status == SessionStatus.Forming ? SessionStatus.Cancelled : SessionStatus.Aborted);
        if (!reporting) _leave(s.group, g);
        --g.live;
        _close(id, s, _allOf(s) & ~uint256(s.present), ChannelId.wrap(0));
    }

    /// @inheritdoc IEntanglementCoordinator
    function sessionOf(SessionId id) external view returns (Session memory session, ProcessorId[] memory members) {
        session = _sessions[id];
        members = new ProcessorId[](session.members);
        for (uint256 i; i < members.length; ++i) {
            members[i] = _members[id][i].processor;
        }
    }

    /// @inheritdoc IEntanglementCoordinator
    function groupOf(SessionId group) external view returns (SessionGroup memory) {
        return _groups[group];
    }

    /// @inheritdoc IEntanglementCoordinator
    function usesOf(SessionId id) external view returns (Use[] memory) {
        return _uses[id];
    }

    /// @dev Records a run.
    function _form(SessionId group, SessionRequest calldata request, Run calldata run) private {
        // slither-disable-next-line costly-loop (at most MAX_RUNS)
        SessionId id = SessionId.wrap(++sessionCount);
        Session storage s = _sessions[id];
        s.advance(id, SessionStatus.Forming);
        s.group = group;
        s.members = uint8(run.members.length);
        s.phases = request.phases;
        s.phaseSeconds = request.phaseSeconds;
        uint40 endsAt = uint40(block.timestamp) + request.joinSeconds;
        s.phaseEndsAt = endsAt;
        for (uint256 i; i < run.members.length; ++i) {
            _members[id][i].processor = run.members[i];
        }
        for (uint256 i; i < run.uses.length; ++i) {
            _uses[id].push(run.uses[i]);
        }
        emit SessionFormed(id, group, run.members, run.fragmentDigests, run.uses, endsAt);
    }

    /// @dev All have joined: takes the pairs, or lets the run go if they cannot be had.
    function _arm(SessionId id, Session storage s) private {
        Use[] memory uses = _uses[id];
        ChannelId unusable = CHANNELS.unusableOf(uses);
        if (ChannelId.unwrap(unusable) != 0) {
            SessionGroup storage g = _groups[s.group];
            s.advance(id, SessionStatus.Cancelled);
            _leave(s.group, g);
            --g.live;
            _close(id, s, 0, unusable);
            return;
        }
        s.advance(id, SessionStatus.Armed);
        emit SessionArmed(id, _startPhase(s));
        CHANNELS.consume(id, uses);
    }

    /// @dev All have arrived: opens the next phase, or leaves the last.
    function _pass(SessionId id, Session storage s, bool last) private {
        if (last) {
            s.advance(id, SessionStatus.Reporting);
            s.present = 0;
            emit BarrierPassed(id, s.phases + 1, 0);
            _leave(s.group, _groups[s.group]);
            return;
        }
        if (s.phase == 0) s.advance(id, SessionStatus.Running);
        emit BarrierPassed(id, ++s.phase, _startPhase(s));
    }

    function _startPhase(Session storage s) private returns (uint40 endsAt) {
        endsAt = uint40(block.timestamp) + s.phaseSeconds;
        (s.present, s.phaseEndsAt) = (0, endsAt);
    }

    /// @dev A run is not on its way any more; with the last of them reports may begin, or the secret is due.
    function _leave(SessionId group, SessionGroup storage g) private {
        if (--g.running != 0) return;
        uint40 endsAt = uint40(block.timestamp) + g.reportSeconds;
        g.phaseEndsAt = endsAt;
        // A narrow result is its own sketch.
        g.seeded = g.outcomeBits <= CountSketch.MAX_HISTOGRAM_BITS;
        emit ReportingOpened(group, endsAt);
    }

    function _seed(SessionId group, SessionGroup storage g, bytes24 secret, bool withheld) private {
        uint40 endsAt = uint40(block.timestamp) + g.reportSeconds;
        (g.seeded, g.secret) = (true, secret);
        g.phaseEndsAt = endsAt;
        emit SketchSeedFixed(group, secret, SessionDigest.seedOf(group, secret), withheld, endsAt);
    }

    /// @dev Marks member `index` as present, once.
    /// @return complete Whether all are.
    function _attend(SessionId id, Session storage s, uint256 index) private returns (bool complete) {
        uint256 present = s.present;
        uint256 bit = 1 << index;
        if (present & bit != 0) revert MemberPresent(id, index);
        present |= bit;
        s.present = uint16(present);
        return present == _allOf(s);
    }

    /// @dev Divides the money of a run that is over.
    function _close(SessionId id, Session storage s, uint256 absent, ChannelId unusable) private {
        SessionGroup storage g = _groups[s.group];
        SessionStatus status = s.status;
        (uint256[] memory pay, uint256 refund, uint256 forfeit) =
            Division.divide(status, s.members, absent, g.fee, g.deposit);
        emit SessionEnded(id, status, absent, unusable, pay, refund, forfeit);
        if (status == SessionStatus.Aborted) {
            bytes32 digest = keccak256(abi.encode(id, s.phase, absent, pay, refund, forfeit));
            AUDIT_TRAIL.append(Decision.SessionAborted, SessionId.unwrap(id), digest);
        }
        for (uint256 i; i < pay.length; ++i) {
            if (pay[i] != 0) CHANNELS.fund{value: pay[i]}(_members[id][i].processor);
        }
        ALLOCATOR.pay(g.requester, refund);
        if (forfeit != 0) ALLOCATOR.endow{value: forfeit}();
    }

    /// @dev What the runs' results are worth. @param count Runs that have one.
    function _judge(SessionGroup storage g, uint256 count, uint256[] calldata sketches)
        private
        view
        returns (Agreement.Verdict, uint256 members)
    {
        if (count == 0) return (Agreement.Verdict.Rejected, 0);
        if (g.runs == 1) return (Agreement.Verdict.Unverified, 1);
        uint256 words = CountSketch.wordsOf(g.outcomeBits);
        return Agreement.judge(sketches, words, g.outcomeBits, g.shots, Agreement.quorumOf(g.runs), 0);
    }

    /// @dev Checks what the conclusion carries against what was reported.
    /// @return ids The runs that are Final.
    function _matchReports(
        SessionId group,
        SessionGroup storage g,
        bytes32[] calldata countsRoots,
        uint256[] calldata sketches
    ) private view returns (SessionId[] memory ids) {
        ids = new SessionId[](g.runs);
        uint256 count;
        for (uint256 i; i < g.runs; ++i) {
            SessionId id = SessionId.wrap(SessionId.unwrap(group) + uint64(i));
            // slither-disable-next-line incorrect-equality (a status has one writer; nothing can be added to it)
            if (_sessions[id].status == SessionStatus.Final) ids[count++] = id;
        }
        assembly ("memory-safe") {
            mstore(ids, count)
        }
        uint256 words = CountSketch.wordsOf(g.outcomeBits);
        if (countsRoots.length != count || sketches.length != count * words) {
            revert ConclusionLengthMismatch(group, count, count * words);
        }
        for (uint256 i; i < count; ++i) {
            bytes32 expected = _sessions[ids[i]].reportDigest;
            bytes32 actual = SessionDigest.ofReport(countsRoots[i], sketches[i * words:(i + 1) * words]);
            if (actual != expected) revert ReportMismatch(ids[i], expected, actual);
        }
    }

    /// @dev A group whose secret is due.
    function _unseeded(SessionId group) private view returns (SessionGroup storage g) {
        g = _groups[group];
        if (g.running != 0) revert GroupRunning(group, g.running);
        if (g.seeded || g.runs == 0) revert SecretKnown(group);
    }

    /// @dev Reverts unless the caller is the daemon of member `index`, by its hash key if it has one.
    function _requireMember(SessionId id, uint256 index) private view {
        (address account, bool proven) = Actor.behind(HASH_KEYS);
        Member storage m = _members[id][index];
        if (account != m.daemon) revert CallerNotMember(id, index, account, m.daemon);
        if (m.keyed && !proven) revert Actor.HashSignatureRequired(account, HASH_KEYS);
    }

    function _requireInTime(SessionId id, uint40 dueAt) private view {
        if (block.timestamp > dueAt) revert SessionOverdue(id, dueAt, block.timestamp);
    }

    function _requireDue(SessionId id, uint40 dueAt) private view {
        if (dueAt == 0 || block.timestamp <= dueAt) revert SessionNotDue(id, dueAt, block.timestamp);
    }

    function _allOf(Session storage s) private view returns (uint256) {
        return (1 << s.members) - 1;
    }
}
// slither-disable-end reentrancy-eth,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
