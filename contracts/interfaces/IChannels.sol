// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILinks} from "./ILinks.sol";
import {Channel, ChannelId, ChannelStatus, LinkId} from "../lifecycle/Channel.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {SessionId} from "../lifecycle/Session.sol";

/// @notice What a channel is asked for with.
struct ChannelTerms {
    /// That the link makes: a multiple of 256, up to 8,192. About half of them are measured by the test.
    uint16 pairs;
    /// Of 1,000,000 tested pairs, those on which the ends may disagree; the allowance is rounded down.
    uint24 errorPpm;
    /// That a pair has when it is used, parts per million: what the ends plan with. Nothing here reads it.
    uint24 fidelityPpm;
    /// Pairs that sessions may use until the next test.
    uint32 capacity;
    /// From the test to the channel's end, up to 30 days.
    uint32 lifetimeSeconds;
    /// For each step of the test.
    uint16 windowSeconds;
}

/// @notice What one end reveals of a test.
struct Opening {
    bytes32 seed;
    bytes32 salt;
    /// Bit i of word w: what was measured on pair 256 w + i. Of pairs that are not tested, anything.
    uint256[] outcomes;
}

/// @notice Pairs of one channel that a session uses.
struct Use {
    ChannelId channel;
    uint32 pairs;
}

/// @title Links, and channels that are tested before they are used
/// @notice A link is a service that makes entangled pairs between processors; a channel is what two processors, its
/// ends 0 and 1, get from it. Nobody's word is taken for its quality: the contract counts the errors itself.
/// 1. `request`: one end names link and terms, and commits to a secret seed. 2. `accept`: so does the other.
/// 3. `herald`: the link's operator says that the pairs are there. From now on the ends tell each other their seeds,
///    which fix what is tested and how (see LinkTest), so the link could not single out those pairs; they measure them.
/// 4. `commit`: each end binds itself to what it measured. 5. `reveal`: each opens that, for all to see, unless they
///    have exchanged it and go on at once. 6. `settle` (anyone): recounted, and Open or Failed.
/// While it is Open sessions `consume` its pairs; either end may `retest` it, which renews them; it ends by its age.
/// Every step has a window; when it is over anyone calls `enforce`, and who kept silent pays.
/// @dev Money. Each end puts a deposit down (see `depositOf`), who asks also the link's fee; the operator's stake
/// covers as much. Open: the link earns the fee, and deposits return. Failed: it does not, and the fee returns; whose
/// fault it was nobody can tell, so deposits return as well. One end silent: its deposit is the other's, and the link
/// has done its part. Both silent: deposits go to the treasury, so that neither gains. Link silent: its deposit is
/// shared by the ends, and the fee returns. What a channel holds stays there while it is Open, which spares every test
/// three writes: it is divided when the channel ends or is tested again, or once anyone calls `release`.
/// The coin here equals purses, stakes, and what channels hold.
/// Trust: two ends that collude can invent outcomes; an emulated link sees everything. Neither is found out here.
interface IChannels is ILinks {
    /// @notice End 0, `first`, asks for a channel; beside its deposit it has put down `fee` wei for the link.
    event ChannelRequested(
        ChannelId indexed channel,
        ProcessorId indexed first,
        ProcessorId indexed second,
        LinkId link,
        ChannelTerms terms,
        bytes32 seedCommitment,
        uint256 fee,
        uint40 phaseEndsAt
    );
    /// @notice End `asker` asks for test number `attempt` of a channel that was Open; all pairs are made anew.
    event ChannelRetested(
        ChannelId indexed channel, uint8 attempt, uint256 asker, bytes32 seedCommitment, uint256 fee, uint40 phaseEndsAt
    );
    event ChannelAccepted(ChannelId indexed channel, bytes32 seedCommitment, uint40 phaseEndsAt);
    event PairsHeralded(ChannelId indexed channel, bytes32 root, uint40 phaseEndsAt);
    event OutcomesCommitted(ChannelId indexed channel, uint256 indexed end, bytes32 commitment, uint40 phaseEndsAt);
    event OutcomesRevealed(ChannelId indexed channel, uint256 indexed end, Opening opening);
    /// @notice Of `tested` pairs the ends disagreed on `errorsZ` measured in the Z basis and `errorsX` in the X basis.
    /// What was counted is in OutcomesRevealed, of both ends, before it.
    event ChannelSettled(
        ChannelId indexed channel,
        uint8 attempt,
        ChannelStatus verdict,
        uint256 tested,
        uint256 errorsZ,
        uint256 errorsX,
        uint40 phaseEndsAt
    );
    /// @notice The channel goes on, and holds no money any more.
    event ChannelReleased(ChannelId indexed channel);
    event PairsConsumed(ChannelId indexed channel, SessionId indexed session, uint32 pairs);
    /// @notice Expired or Cancelled. `silent` has bit 0 and 1 for the ends, bit 2 for the link: who pays for it.
    event ChannelEnded(ChannelId indexed channel, ChannelStatus status, uint256 silent);

    /// @notice A channel has two different processors as its ends.
    error ChannelEndsInvalid(ProcessorId first, ProcessorId second);
    /// @notice A term is out of its range: see ChannelTerms.
    error ChannelTermsInvalid(ChannelTerms terms);
    /// @notice `end` is neither 0 nor 1.
    error ChannelEndInvalid(ChannelId channel, uint256 end);
    /// @notice `end` has committed to, or revealed, its outcomes already.
    error ChannelEndDone(ChannelId channel, uint256 end);
    /// @notice What is opened leads to the transcript `actual`, the channel has `expected`.
    error TranscriptMismatch(ChannelId channel, bytes24 expected, bytes24 actual);
    /// @notice The test has `expected` words of outcomes, `actual` are given.
    error OutcomesLengthMismatch(ChannelId channel, uint256 expected, uint256 actual);
    /// @notice The step was to be made by `dueAt`; it is now `timestamp`.
    error ChannelOverdue(ChannelId channel, uint40 dueAt, uint256 timestamp);
    /// @notice Nobody is late before `dueAt`; it is now `timestamp`.
    error ChannelNotDue(ChannelId channel, uint40 dueAt, uint256 timestamp);
    /// @notice What the channel held has been divided.
    error ChannelMoneyDivided(ChannelId channel);
    /// @notice Both ends have revealed: settle it.
    error SettlementDue(ChannelId channel);
    /// @notice The channel has `left` pairs until it is tested again, `needed` are asked for.
    error ChannelExhausted(ChannelId channel, uint256 left, uint256 needed);

    /// @notice Asks for a channel from `first`, end 0, to `second`, end 1. Daemon or operator of `first`; keyed ones
    /// through the door of hash keys, here and wherever these may call.
    /// @param seedCommitment Of a fresh random seed: see LinkTest.
    function request(
        LinkId link,
        ProcessorId first,
        ProcessorId second,
        ChannelTerms calldata terms,
        bytes32 seedCommitment
    ) external payable returns (ChannelId channel);

    /// @notice Accepts what the other end has asked for. Daemon or operator of the end that has not asked.
    function accept(ChannelId channel, bytes32 seedCommitment) external payable;

    /// @notice Withdraws what nobody has accepted. Daemon or operator of the end that asked.
    function cancel(ChannelId channel) external;

    /// @notice Says that all pairs are there. The link's operator only.
    /// @param root Digest of the link's record of them.
    function herald(ChannelId channel, bytes32 root) external;

    /// @notice Binds one end to its outcomes: see LinkTest. Daemon or operator of that end.
    function commit(ChannelId channel, uint256 end, bytes32 commitment) external;

    /// @notice Opens what one end has committed to. Anyone who can.
    /// @param seedCommitment Of the other end. @param commitment Of the other end.
    function reveal(
        ChannelId channel,
        uint256 end,
        Opening calldata opening,
        bytes32 seedCommitment,
        bytes32 commitment
    ) external;

    /// @notice Counts errors and decides the test. Anyone who has both openings.
    function settle(ChannelId channel, Opening calldata first, Opening calldata second) external;

    /// @notice Asks for another test, on the same terms and at the link's present price. Daemon or operator of either
    /// end. What has not been used is lost: the pairs are made anew.
    function retest(ChannelId channel, uint256 end, bytes32 seedCommitment) external payable;

    /// @notice Divides what an Open channel holds, before its end: deposits to the ends, its fee to the link. Anyone.
    function release(ChannelId channel) external;

    /// @notice Ends a channel whose step is overdue, or whose pairs are too old. Anyone.
    function enforce(ChannelId channel) external;

    /// @notice Takes pairs for a session, or reverts. Contract of sessions only.
    function consume(SessionId session, Use[] calldata uses) external;

    /// @notice The first of the channels from which so many pairs cannot be had now; 0 when all can.
    function unusableOf(Use[] calldata uses) external view returns (ChannelId);

    /// @notice The record of a channel.
    function channelOf(ChannelId channel) external view returns (Channel memory);

    /// @notice The processors at ends 0 and 1.
    function endsOf(ChannelId channel) external view returns (ProcessorId first, ProcessorId second);

    /// @notice Channels ever asked for; ids run from 1.
    function channelCount() external view returns (uint64);
}
