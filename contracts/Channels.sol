// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Links} from "./Links.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {ChannelTerms, IChannels, Opening, Use} from "./interfaces/IChannels.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {LinkTest} from "./libraries/LinkTest.sol";
import {Pause} from "./libraries/Pause.sol";
import {
    COMMITTED,
    Channel,
    ChannelId,
    ChannelStatus,
    DIVIDED,
    Link,
    LinkId,
    REVEALED,
    SECOND_ASKED,
    SECOND_COMMITTED_FIRST
} from "./lifecycle/Channel.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";
import {SessionId} from "./lifecycle/Session.sol";

/// @title Channels
/// @notice See IChannels.
/// @dev Calls go to the registry, the trail, the allocator's escrow and the contract of sessions, none of which calls
/// back.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract Channels is IChannels, Links {
    using LinkTest for bytes24;
    using LinkTest for bytes32;

    uint256 public constant MAX_PAIRS = 8192;
    uint256 public constant MAX_LIFETIME_SECONDS = 30 days;
    /// A word of outcomes.
    uint256 private constant PAIRS_PER_WORD = 256;
    uint256 private constant PER_MILLION = 1_000_000;
    uint256 private constant BOTH = 3;
    /// Of `silent`: the link.
    uint256 private constant LINK = 4;

    IAuditTrail public immutable AUDIT_TRAIL;

    /// @inheritdoc IChannels
    uint64 public channelCount;

    mapping(ChannelId => Channel) private _channels;

    constructor(IAuditTrail auditTrail, IConsortium consortium, IComputationAllocator allocator, address coordinator)
        Links(consortium, allocator, coordinator)
    {
        AUDIT_TRAIL = auditTrail;
    }

    /// @inheritdoc IChannels
    function request(
        LinkId link,
        ProcessorId first,
        ProcessorId second,
        ChannelTerms calldata terms,
        bytes32 seedCommitment
    ) external payable returns (ChannelId id) {
        if (ProcessorId.unwrap(second) == 0 || ProcessorId.unwrap(first) == ProcessorId.unwrap(second)) {
            revert ChannelEndsInvalid(first, second);
        }
        if (
            terms.pairs == 0 || terms.pairs > MAX_PAIRS || terms.pairs % PAIRS_PER_WORD != 0
                || terms.errorPpm > PER_MILLION || terms.capacity == 0 || terms.windowSeconds == 0
                || terms.lifetimeSeconds == 0 || terms.lifetimeSeconds > MAX_LIFETIME_SECONDS
        ) revert ChannelTermsInvalid(terms);
        id = ChannelId.wrap(++channelCount);
        Channel storage c = _channels[id];
        c.pairs = terms.pairs;
        c.errorPpm = terms.errorPpm;
        c.capacity = terms.capacity;
        c.lifetimeSeconds = terms.lifetimeSeconds;
        c.windowSeconds = terms.windowSeconds;
        c.link = link;
        c.first = first;
        c.second = second;
        uint256 fee = _ask(id, c, first, seedCommitment);
        emit ChannelRequested(id, first, second, link, terms, seedCommitment, fee, c.phaseEndsAt);
    }

    /// @inheritdoc IChannels
    function retest(ChannelId id, uint256 end, bytes32 seedCommitment) external payable {
        Channel storage c = _channels[id];
        c.requireStatus(id, ChannelStatus.Open);
        _requireInTime(id, c);
        if (c.marks & DIVIDED == 0) _divide(c, true);
        c.marks = end == 0 ? 0 : SECOND_ASKED;
        c.used = 0;
        uint256 fee = _ask(id, c, _endOf(id, c, end), seedCommitment);
        emit ChannelRetested(id, c.attempt, end, seedCommitment, fee, c.phaseEndsAt);
    }

    /// @inheritdoc IChannels
    function accept(ChannelId id, bytes32 seedCommitment) external payable {
        Channel storage c = _channels[id];
        c.advance(id, ChannelStatus.Heralding);
        _requireInTime(id, c);
        ProcessorId processor = c.marks & SECOND_ASKED == 0 ? c.second : c.first;
        _requireParty(processor);
        Link storage l = _openLink(c.link);
        uint256 deposit = _feeOf(l, c) + MARGIN;
        _spend(processor, deposit);
        uint256 free = l.stake - l.reserved;
        if (free < deposit) revert LinkStakeTooSmall(c.link, free, deposit);
        l.reserved += uint96(deposit);
        c.transcript = c.transcript.extend(seedCommitment);
        emit ChannelAccepted(id, seedCommitment, _startWindow(c));
    }

    /// @inheritdoc IChannels
    function cancel(ChannelId id) external {
        Channel storage c = _channels[id];
        c.advance(id, ChannelStatus.Cancelled);
        ProcessorId asker = _askerOf(c);
        _requireParty(asker);
        _credit(asker, 2 * _feeOf(_links[c.link], c) + MARGIN);
        _end(id, c, 0);
    }

    /// @inheritdoc IChannels
    function herald(ChannelId id, bytes32 root) external {
        Channel storage c = _channels[id];
        c.advance(id, ChannelStatus.Committing);
        _requireInTime(id, c);
        // slither-disable-next-line unused-return (that it is the caller's is all that matters)
        _ownLink(c.link);
        emit PairsHeralded(id, root, _startWindow(c));
    }

    /// @inheritdoc IChannels
    function commit(ChannelId id, uint256 end, bytes32 commitment) external {
        Channel storage c = _channels[id];
        c.requireStatus(id, ChannelStatus.Committing);
        _requireInTime(id, c);
        _requireParty(_endOf(id, c, end));
        uint256 marks = _mark(id, c, end, COMMITTED);
        if (marks & BOTH == BOTH) {
            c.advance(id, ChannelStatus.Revealing);
            _startWindow(c);
        } else if (end == 1) {
            c.marks |= SECOND_COMMITTED_FIRST;
        }
        c.transcript = c.transcript.extend(commitment);
        emit OutcomesCommitted(id, end, commitment, c.phaseEndsAt);
    }

    /// @inheritdoc IChannels
    function reveal(
        ChannelId id,
        uint256 end,
        Opening calldata opening,
        bytes32 seedCommitment,
        bytes32 commitment
    ) external {
        Channel storage c = _channels[id];
        c.requireStatus(id, ChannelStatus.Revealing);
        _requireInTime(id, c);
        // slither-disable-next-line unused-return (whose end it is does not matter: anyone may open it)
        _endOf(id, c, end);
        // slither-disable-next-line unused-return (both have: settle it)
        _mark(id, c, end, REVEALED);
        (bytes32 ownSeed, bytes32 own) = _bindingsOf(id, c, end, opening);
        if (end == 0) _requireTranscript(id, c, ownSeed, seedCommitment, own, commitment);
        else _requireTranscript(id, c, seedCommitment, ownSeed, commitment, own);
        emit OutcomesRevealed(id, end, opening);
    }

    /// @inheritdoc IChannels
    function settle(ChannelId id, Opening calldata first, Opening calldata second) external {
        Channel storage c = _channels[id];
        c.requireStatus(id, ChannelStatus.Revealing);
        {
            (bytes32 firstSeed, bytes32 firstOutcomes) = _bindingsOf(id, c, 0, first);
            (bytes32 secondSeed, bytes32 secondOutcomes) = _bindingsOf(id, c, 1, second);
            _requireTranscript(id, c, firstSeed, secondSeed, firstOutcomes, secondOutcomes);
        }
        // Whoever audits recounts from events alone.
        if (c.marks & REVEALED == 0) emit OutcomesRevealed(id, 0, first);
        if (c.marks & (REVEALED << 1) == 0) emit OutcomesRevealed(id, 1, second);
        bytes32 seed = LinkTest.seedOf(address(this), id, c.attempt, first.seed, second.seed);
        (uint256 tested, uint256 errorsZ, uint256 errorsX) = seed.count(first.outcomes, second.outcomes);
        bool passed = LinkTest.isPassed(errorsZ + errorsX, tested, c.errorPpm);
        ChannelStatus verdict = passed ? ChannelStatus.Open : ChannelStatus.Failed;
        c.advance(id, verdict);
        c.phaseEndsAt = uint40(block.timestamp) + c.lifetimeSeconds;
        if (!passed) _divide(c, false);
        emit ChannelSettled(id, c.attempt, verdict, tested, errorsZ, errorsX, c.phaseEndsAt);
        bytes32 digest = keccak256(abi.encode(id, c.attempt, verdict, tested, errorsZ, errorsX));
        AUDIT_TRAIL.append(Decision.ChannelSettled, ChannelId.unwrap(id), digest);
    }

    /// @inheritdoc IChannels
    function release(ChannelId id) external {
        Channel storage c = _channels[id];
        c.requireStatus(id, ChannelStatus.Open);
        if (c.marks & DIVIDED != 0) revert ChannelMoneyDivided(id);
        c.marks |= DIVIDED;
        _divide(c, true);
        emit ChannelReleased(id);
    }

    /// @inheritdoc IChannels
    function enforce(ChannelId id) external {
        Channel storage c = _channels[id];
        if (block.timestamp <= c.phaseEndsAt) revert ChannelNotDue(id, c.phaseEndsAt, block.timestamp);
        ChannelStatus status = c.status;
        uint256 silent;
        if (status == ChannelStatus.Committing) silent = BOTH & ~uint256(c.marks / COMMITTED);
        if (status == ChannelStatus.Revealing) {
            silent = BOTH & ~uint256(c.marks / REVEALED);
            if (silent == 0) revert SettlementDue(id);
        }
        if (status == ChannelStatus.Heralding) silent = LINK;
        c.advance(id, ChannelStatus.Expired);
        if (silent != 0) _charge(c, silent);
        else if (status == ChannelStatus.Requested) _credit(_askerOf(c), 2 * _feeOf(_links[c.link], c) + MARGIN);
        else if (c.marks & DIVIDED == 0) _divide(c, true);
        _end(id, c, silent);
    }

    /// @inheritdoc IChannels
    function consume(SessionId session, Use[] calldata uses) external onlyCoordinator {
        for (uint256 i; i < uses.length; ++i) {
            (ChannelId id, uint32 pairs) = (uses[i].channel, uses[i].pairs);
            Channel storage c = _channels[id];
            c.requireStatus(id, ChannelStatus.Open);
            _requireInTime(id, c);
            if (c.capacity - c.used < pairs) revert ChannelExhausted(id, c.capacity - c.used, pairs);
            c.used += pairs;
            emit PairsConsumed(id, session, pairs);
        }
    }

    /// @inheritdoc IChannels
    function unusableOf(Use[] calldata uses) external view returns (ChannelId) {
        for (uint256 i; i < uses.length; ++i) {
            Channel storage c = _channels[uses[i].channel];
            bool aged = block.timestamp > c.phaseEndsAt;
            if (c.status != ChannelStatus.Open || aged || c.capacity - c.used < uses[i].pairs) return uses[i].channel;
        }
        return ChannelId.wrap(0);
    }

    /// @inheritdoc IChannels
    function channelOf(ChannelId id) external view returns (Channel memory) {
        return _channels[id];
    }

    /// @inheritdoc IChannels
    function endsOf(ChannelId id) external view returns (ProcessorId first, ProcessorId second) {
        return (_channels[id].first, _channels[id].second);
    }

    /// @dev Opens another test: the asker commits to a seed, and puts down the fee and a deposit.
    function _ask(ChannelId id, Channel storage c, ProcessorId asker, bytes32 seedCommitment)
        private
        returns (uint256 fee)
    {
        c.advance(id, ChannelStatus.Requested);
        uint256 pausedUntil = ALLOCATOR.pausedUntil();
        if (pausedUntil != 0) revert Pause.WorkStopped(pausedUntil, block.timestamp);
        _requireParty(asker);
        ++c.attempt;
        fee = _feeOf(_openLink(c.link), c);
        c.transcript = bytes24(seedCommitment);
        _startWindow(c);
        _spend(asker, 2 * fee + MARGIN);
    }

    /// @dev Divides what a channel holds whose test was decided.
    function _divide(Channel storage c, bool passed) private {
        Link storage l = _links[c.link];
        uint256 fee = _feeOf(l, c);
        uint256 deposit = fee + MARGIN;
        uint256 returned = passed ? 0 : fee;
        bool secondAsked = c.marks & SECOND_ASKED != 0;
        _credit(c.first, deposit + (secondAsked ? 0 : returned));
        _credit(c.second, deposit + (secondAsked ? returned : 0));
        l.reserved -= uint96(deposit);
        if (passed) l.stake += uint96(fee);
    }

    /// @dev Divides what a test holds that is not decided since somebody kept silent.
    function _charge(Channel storage c, uint256 silent) private {
        Link storage l = _links[c.link];
        uint256 fee = _feeOf(l, c);
        uint256 deposit = fee + MARGIN;
        l.reserved -= uint96(deposit);
        if (silent == LINK) {
            l.stake -= uint96(deposit);
            _credit(_askerOf(c), fee);
            _credit(c.first, deposit + (deposit - deposit / 2));
            _credit(c.second, deposit + deposit / 2);
            return;
        }
        l.stake += uint96(fee);
        if (silent == BOTH) ALLOCATOR.endow{value: 2 * deposit}();
        else _credit(silent == 1 ? c.second : c.first, 2 * deposit);
    }

    /// @dev Notes the end of a channel that was not decided, or not for ever.
    function _end(ChannelId id, Channel storage c, uint256 silent) private {
        emit ChannelEnded(id, c.status, silent);
        bytes32 digest = keccak256(abi.encode(id, c.attempt, c.status, silent));
        AUDIT_TRAIL.append(Decision.ChannelEnded, ChannelId.unwrap(id), digest);
    }

    /// @dev Sets a mark of one end, once.
    function _mark(ChannelId id, Channel storage c, uint256 end, uint8 mark) private returns (uint256 marks) {
        uint8 bit = uint8(uint256(mark) << end);
        if (c.marks & bit != 0) revert ChannelEndDone(id, end);
        marks = c.marks | bit;
        c.marks = uint8(marks);
    }

    function _startWindow(Channel storage c) private returns (uint40 endsAt) {
        endsAt = uint40(block.timestamp) + c.windowSeconds;
        c.phaseEndsAt = endsAt;
    }

    /// @dev What an opening shows to have been committed to.
    function _bindingsOf(ChannelId id, Channel storage c, uint256 end, Opening calldata opening)
        private
        view
        returns (bytes32 seed, bytes32 outcomes)
    {
        uint256 words = c.pairs / PAIRS_PER_WORD;
        if (opening.outcomes.length != words) revert OutcomesLengthMismatch(id, words, opening.outcomes.length);
        seed = LinkTest.ofSeed(opening.seed);
        outcomes = LinkTest.ofOutcomes(address(this), id, c.attempt, end, opening);
    }

    /// @dev Reverts unless seeds and outcomes are those that the ends have committed to.
    function _requireTranscript(
        ChannelId id,
        Channel storage c,
        bytes32 firstSeed,
        bytes32 secondSeed,
        bytes32 first,
        bytes32 second
    ) private view {
        uint256 marks = c.marks;
        bytes24 actual = marks & SECOND_ASKED == 0
            ? bytes24(firstSeed).extend(secondSeed)
            : bytes24(secondSeed).extend(firstSeed);
        actual = marks & SECOND_COMMITTED_FIRST == 0
            ? actual.extend(first).extend(second)
            : actual.extend(second).extend(first);
        if (actual != c.transcript) revert TranscriptMismatch(id, c.transcript, actual);
    }

    function _requireInTime(ChannelId id, Channel storage c) private view {
        uint40 dueAt = c.phaseEndsAt;
        if (block.timestamp > dueAt) revert ChannelOverdue(id, dueAt, block.timestamp);
    }

    /// @dev Wei for the link for a test of `c`. Each end, and the link's operator, puts down so much and the margin.
    function _feeOf(Link storage l, Channel storage c) private view returns (uint256) {
        return uint256(l.pricePerPair) * c.pairs;
    }

    /// @dev The end that asked for this test.
    function _askerOf(Channel storage c) private view returns (ProcessorId) {
        return c.marks & SECOND_ASKED == 0 ? c.first : c.second;
    }

    function _endOf(ChannelId id, Channel storage c, uint256 end) private view returns (ProcessorId) {
        if (end > 1) revert ChannelEndInvalid(id, end);
        return end == 0 ? c.first : c.second;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
