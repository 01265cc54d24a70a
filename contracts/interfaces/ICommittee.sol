// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Motion, MotionId} from "../lifecycle/Motion.sol";

/// @notice How long a body takes, in seconds.
struct Tempo {
    /// For members to vote.
    uint32 votingSeconds;
    /// From the vote that carries a motion until it can be executed, unless the body's table waives it: longer than the
    /// longest computation, so that nobody's terms change while it runs.
    uint32 delaySeconds;
    /// In which a motion can be executed.
    uint32 executionSeconds;
}

/// @notice A function that a body calls without delay.
struct Waiver {
    address target;
    bytes4 selector;
}

/// @title A body of the consortium, which acts by motions of its members
/// @notice 1. A member proposes a call, which counts as its vote for it. 2. Members vote. As soon as `quorum` of them have
/// voted for it, it is carried; as soon as so many are against it that they cannot, or when the time to vote is over, it is
/// rejected. 3. When the delay is over, anyone executes it. A motion that nobody executes in time lapses.
///
/// The five committees are one contract, deployed five times; the Constitution is a body too, whose members are the
/// committees: see Constitution. A motion is voted on by the body as it was when it was proposed: whenever the body is
/// composed anew, open motions lapse, so that no vote is counted of somebody who has left, or by another quorum. What was
/// carried before stands; a motion to annul it needs no delay.
///
/// Nothing that is open can be stalled by anyone but the members: every step that is due is anyone's.
/// @dev Trust: a quorum of members, for what the body's role allows. Members propose, vote and withdraw through the door of
/// hash keys alone (see Actor), so that who steals the key of an account cannot. Whether members are independent of each
/// other is judged by those who appoint them: an account joins and leaves organisations of the Consortium at will, and
/// before the first admission there are none, so that a rule of one seat for each would keep nobody out.
interface ICommittee {
    /// @notice A member asks the body to call `target` with `data`. `uri` says where the reason lies, `reason` is its digest.
    event MotionProposed(
        MotionId indexed motion,
        address indexed proposer,
        address indexed target,
        bytes data,
        bytes32 reason,
        string uri,
        bytes32 digest,
        uint40 votingEndsAt
    );
    event MotionVoted(MotionId indexed motion, address indexed member, bool inFavour);
    event MotionCarried(MotionId indexed motion, uint40 executableAt, uint40 lapsesAt);
    /// @notice Emitted before the call itself.
    event MotionExecuted(MotionId indexed motion);
    event MotionRejected(MotionId indexed motion);
    event MotionLapsed(MotionId indexed motion);
    event MotionWithdrawn(MotionId indexed motion);
    /// @notice The body is now `members`, in the order of their seats.
    event BodyComposed(uint32 indexed term, address[] members, uint8 quorum);
    event TempoSet(Tempo tempo);
    /// @notice Emitted at deployment, first of all. `minorityAllowed`: see Committee.
    event BodyFounded(string title, bool minorityAllowed);
    /// @notice Motions to call this function are executed without delay. Emitted at deployment alone.
    event DelayWaived(address indexed target, bytes4 indexed selector);

    /// @notice `account` has no seat in this body.
    error NotMember(address account);
    /// @notice `account` neither is this body, by a motion to itself, nor the Constitution.
    error CallerNotBody(address account);
    /// @notice `account` is not `proposer`, who alone may withdraw `motion`.
    error CallerNotProposer(MotionId motion, address account, address proposer);
    /// @notice `member` has voted on `motion` before.
    error AlreadyVoted(MotionId motion, address member);
    /// @notice The vote is for `given`, and the digest of `motion` is `expected`.
    error MotionMismatch(MotionId motion, bytes32 expected, bytes32 given);
    /// @notice `motion` was proposed in term `term`, and the body has been composed anew since: it is term `present`.
    error MotionOutdated(MotionId motion, uint32 term, uint32 present);
    /// @notice Votes on `motion` were taken until `endedAt`; now it is `timestamp`.
    error VotingOver(MotionId motion, uint40 endedAt, uint256 timestamp);
    /// @notice `motion` can be executed from `executableAt` to `lapsesAt`; now it is `timestamp`.
    error ExecutionOutsideWindow(MotionId motion, uint40 executableAt, uint40 lapsesAt, uint256 timestamp);
    /// @notice Nothing has run out for `motion`; something will after `endsAt`.
    error MotionNotDue(MotionId motion, uint40 endsAt, uint256 timestamp);
    /// @notice `target` refused the call of `motion`, with `reason`.
    error MotionCallFailed(MotionId motion, address target, bytes reason);
    /// @notice `target` has no code, or no body may call it: nobody writes into the audit trail by a motion, and roles are the
    /// Constitution's.
    error TargetForbidden(address target);
    /// @notice A body has 1 to `maximum` members, each once and none the zero address; its quorum is `leastQuorum` to the
    /// number of members.
    error CompositionInvalid(uint256 members, uint256 maximum, uint256 quorum, uint256 leastQuorum);
    /// @notice `member` has no hash key: whoever steals its account could give it one, and sit for it.
    error MemberKeyMissing(address member);
    /// @notice Times to vote and to execute are 1 second to `maximum`, the delay is at most that.
    error TempoInvalid(Tempo tempo, uint256 maximum);

    /// @notice Asks the body to call `target` with `data`, and votes for it. Members, through the door.
    function propose(address target, bytes calldata data, bytes32 reason, string calldata uri)
        external
        returns (MotionId motion);

    /// @notice Votes once, for good. Members, through the door.
    /// @param digest Of the motion (chain, body, id, call, reason; not of the URI, which is a hint), so that the vote is for nothing else: not on another chain, in another body, or for
    /// what stands under the same id after the chain was reorganised.
    function vote(MotionId motion, bytes32 digest, bool inFavour) external;

    /// @notice Takes back an open motion. Its proposer, through the door.
    function withdraw(MotionId motion) external;

    /// @notice Calls what was carried. Anyone; whoever sends it names the call again, for only its digest is kept.
    function execute(MotionId motion, address target, bytes calldata data) external;

    /// @notice Ends a motion whose time is over. Anyone.
    function expire(MotionId motion) external;

    /// @notice Stops a motion that was carried. This body, by a motion that needs no delay, or the Constitution.
    function annul(MotionId motion) external;

    /// @notice Composes the body anew. This body, or the Constitution. Each member of a committee has a hash key by then;
    /// founders have theirs from the deployment of the door on.
    function compose(address[] calldata newMembers, uint8 newQuorum) external;

    /// @notice Sets how long this body takes. The Constitution alone.
    function setTempo(Tempo calldata newTempo) external;

    /// @notice What the body is called.
    function title() external view returns (string memory);

    /// @notice The members in the order of their seats.
    function members() external view returns (address[] memory);

    /// @notice Votes that carry a motion.
    function quorum() external view returns (uint8);

    /// @notice How often the body has been composed.
    function term() external view returns (uint32);

    /// @notice How long the body takes.
    function tempo() external view returns (Tempo memory);

    /// @notice The fewest votes that may carry a motion in a body of `size`.
    function leastQuorum(uint256 size) external view returns (uint256);

    /// @notice Seconds from being carried until a call can be executed.
    function delayOf(address target, bytes4 selector) external view returns (uint32);

    /// @notice Motions ever proposed; ids run from 1.
    function motionCount() external view returns (uint64);

    /// @notice The record of `motion`.
    function motionOf(MotionId motion) external view returns (Motion memory);
}
