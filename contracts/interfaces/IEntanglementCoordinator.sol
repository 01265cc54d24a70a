// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Use} from "./IChannels.sol";
import {Agreement} from "../libraries/Agreement.sol";
import {ChannelId} from "../lifecycle/Channel.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Session, SessionGroup, SessionId, SessionStatus} from "../lifecycle/Session.sol";

/// @notice What all runs of a program have in common.
struct SessionRequest {
    /// Digest of the whole program; what each processor gets of it is sealed to it, off chain.
    bytes32 programDigest;
    /// Of the requester's secret: see Commitment.ofSecret.
    bytes24 secretCommitment;
    /// Barriers after the arming one, 1 to 64; the digests at the last are commitments to the result.
    uint8 phases;
    uint16 shots;
    /// Width of an outcome.
    uint8 outcomeBits;
    /// Wei for each member, and that each member puts down.
    uint96 fee;
    uint96 deposit;
    /// To join, for each phase, and to disclose or to report: 1 second to 7 days each.
    uint32 joinSeconds;
    uint32 phaseSeconds;
    uint32 reportSeconds;
}

/// @notice One run.
struct Run {
    /// In ascending order; no processor serves in two runs of a group.
    ProcessorId[] members;
    /// Digest of each member's fragment.
    bytes32[] fragmentDigests;
    /// Channels between members, in ascending order.
    Use[] uses;
}

/// @title The coordinator: entanglement-based parallel processing, in sessions with barriers
/// @notice A session is one run of a program by several processors that share entangled pairs; two or more runs of it,
/// by different processors, are compared as the replicas of a computation are.
/// 1. `create`: the requester names members, fragments, channels, and puts down all fees.
/// 2. `join`: each member puts its deposit down; with the last of them the channels' pairs are taken.
/// 3. `arrive`: everybody passes the arming barrier (phase 0) and the barrier of each phase, or nobody. At the last one
///    each member binds itself to the result.
/// 4. Once no run is on its way any more, so that none can copy, the requester discloses its secret (`disclose`; if it
///    does not, the beacon stands in: `substituteSecret`), which seeds the sketch of results wider than 8 bits.
/// 5. `report`: each member opens its commitment. All of a run report the same, or the run is Disputed.
/// 6. `conclude` (anyone), when no run is open: a single run is Unverified and paid; of several, those that agree are
///    paid.
/// When a step is overdue anyone calls `enforce`: who was absent is named and loses its deposit to those who were
/// there.
/// @dev Money. Deposits come out of the members' purses and return there, with the fees: see IChannels. A requester is
/// refunded, into the escrow, the fees of each run that does not count. Disputed: the contract cannot tell who lies, so
/// deposits return, and nobody earns. Outlier: deposits go to the treasury, so nobody gains by outvoting others.
/// Everybody absent: the same. The coin here equals the fees and deposits of the runs that have not ended.
/// Trust: the requester chooses the members, so what agreement is worth is for it to say; that the results are those of
/// the program is not shown by a single run.
interface IEntanglementCoordinator {
    event SessionsCreated(
        SessionId indexed group,
        address indexed requester,
        uint24 indexed organisation,
        SessionRequest request,
        uint256 runs,
        uint256 escrow
    );
    event SessionFormed(
        SessionId indexed session,
        SessionId indexed group,
        ProcessorId[] members,
        bytes32[] fragmentDigests,
        Use[] uses,
        uint40 phaseEndsAt
    );
    event SessionJoined(SessionId indexed session, uint256 indexed index, ProcessorId indexed processor);
    /// @notice All members have joined, and the pairs are taken: the arming barrier is open.
    event SessionArmed(SessionId indexed session, uint40 phaseEndsAt);
    event MemberArrived(SessionId indexed session, uint256 index, uint256 phase, bytes32 digest);
    /// @notice All have arrived; the session is in `phase` until `phaseEndsAt`, or, past the last, reporting.
    event BarrierPassed(SessionId indexed session, uint256 phase, uint40 phaseEndsAt);
    /// @notice No run of the group is on its way any more: the secret is due until `phaseEndsAt`.
    event ReportingOpened(SessionId indexed group, uint40 phaseEndsAt);
    event SketchSeedFixed(
        SessionId indexed group, bytes24 secret, bytes32 seed, bool withheld, uint40 phaseEndsAt
    );
    event SessionReported(
        SessionId indexed session,
        uint256 indexed index,
        ProcessorId indexed processor,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] sketch
    );
    /// @notice All members have reported the result that `reportDigest` binds.
    event SessionFinished(SessionId indexed session, bytes32 reportDigest);
    /// @notice The run is over and its money is divided. `absent` has a bit for each member that was, by index; `pay`
    /// wei went to the purse of each member, `refund` to the requester, `forfeit` to the treasury. `channel` could not
    /// be used.
    event SessionEnded(
        SessionId indexed session,
        SessionStatus status,
        uint256 absent,
        ChannelId channel,
        uint256[] pay,
        uint256 refund,
        uint256 forfeit
    );
    /// @notice `agreeing` has a bit for each run of the group whose result `answerDigest` binds.
    event SessionsConcluded(
        SessionId indexed group, Agreement.Verdict verdict, uint256 agreeing, bytes32 answerDigest
    );

    /// @notice `account` belongs to no admitted organisation.
    error RequesterNotAdmitted(address account);
    /// @notice `expected` wei are to be sent, not `actual`.
    error FeesMismatch(uint256 expected, uint256 actual);
    /// @notice `account` is not the daemon of member `index`, `daemon`; 0 when there is no such member.
    error CallerNotMember(SessionId session, uint256 index, address account, address daemon);
    /// @notice Member `index` has joined, arrived or reported already.
    error MemberPresent(SessionId session, uint256 index);
    /// @notice The session is at the barrier of phase `expected`, not `actual`.
    error BarrierMismatch(SessionId session, uint256 expected, uint256 actual);
    /// @notice The step was to be made by `dueAt`; it is now `timestamp`.
    error SessionOverdue(SessionId session, uint40 dueAt, uint256 timestamp);
    /// @notice Nobody is late before `dueAt`, or nothing is due yet when that is 0; it is now `timestamp`.
    error SessionNotDue(SessionId session, uint40 dueAt, uint256 timestamp);
    /// @notice `running` runs of the group have not committed to a result yet.
    error GroupRunning(SessionId group, uint256 running);
    /// @notice The group's secret is already known.
    error SecretKnown(SessionId group);
    /// @notice The group's secret is not yet known.
    error SecretUnknown(SessionId group);
    /// @notice The secret's commitment is `actual`, not the `expected` one.
    error SessionSecretMismatch(SessionId group, bytes24 expected, bytes24 actual);
    /// @notice What member `index` reports hashes to `actual`, it committed to `expected`.
    error ResultMismatch(SessionId session, uint256 index, bytes32 expected, bytes32 actual);
    /// @notice What is said to have been reported hashes to `actual`, it was `expected`.
    error ReportMismatch(SessionId session, bytes32 expected, bytes32 actual);
    /// @notice `live` runs of the group can still go on; or it has been concluded, or was never there, when that is 0.
    error GroupNotConcludable(SessionId group, uint256 live);
    /// @notice `expected` runs have a result; as many roots are to be given, and `words` words of sketches.
    error ConclusionLengthMismatch(SessionId group, uint256 expected, uint256 words);
    /// @notice Coin comes from the contract of channels alone, not from `account`.
    error CoinUnexpected(address account);

    /// @notice Opens the runs of a program, with all fees sent along. An account of an admitted organisation.
    /// @return group Id of the first run; the others follow.
    function create(SessionRequest calldata request, Run[] calldata runs) external payable returns (SessionId group);

    /// @notice Joins as member `index`; the deposit is taken from its processor's purse, to which what is sent is
    /// added. The processor's daemon only; a keyed one, here and below, through the door of hash keys.
    function join(SessionId session, uint256 index) external payable;

    /// @notice Arrives at the barrier of `phase`. The daemon of member `index` only.
    /// @param digest Of what the phase produced; at the last phase the commitment to the result: see SessionDigest.
    function arrive(SessionId session, uint256 index, uint256 phase, bytes32 digest) external;

    /// @notice Discloses the requester's secret. Anyone who knows it.
    function disclose(SessionId group, bytes24 secret) external;

    /// @notice Lets the beacon stand in for a secret that is overdue. Anyone.
    function substituteSecret(SessionId group) external;

    /// @notice Opens the commitment of member `index`. Anyone who knows the salt.
    /// @param countsRoot Digest of the whole histogram: see Histogram. @param sketch Wire form: see CountSketch.
    function report(
        SessionId session,
        uint256 index,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] calldata sketch
    ) external;

    /// @notice Judges a group of which no run can go on. Anyone.
    /// @param countsRoots Of the runs that are Final, by ascending id. @param sketches Likewise, one after the other.
    function conclude(SessionId group, bytes32[] calldata countsRoots, uint256[] calldata sketches) external;

    /// @notice Ends a run whose step is overdue. Anyone.
    function enforce(SessionId session) external;

    /// @notice The record of a session, and its members.
    function sessionOf(SessionId session) external view returns (Session memory, ProcessorId[] memory members);

    /// @notice The record of a group.
    function groupOf(SessionId group) external view returns (SessionGroup memory);

    /// @notice Channels of a session.
    function usesOf(SessionId session) external view returns (Use[] memory);

    /// @notice What member `index` has committed to as its result; 0 before.
    function commitmentOf(SessionId session, uint256 index) external view returns (bytes32);

    /// @notice Sessions ever created; ids run from 1.
    function sessionCount() external view returns (uint64);
}
