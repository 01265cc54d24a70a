// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "../interfaces/IAuditTrail.sol";
import {ICommittee, Tempo, Waiver} from "../interfaces/ICommittee.sol";
import {Motion, MotionId, MotionStatus} from "../lifecycle/Motion.sol";

/// @title What all bodies do: see ICommittee
/// @dev Who acts, how many must agree, and what may be called is each kind of body's own: see Committee and Constitution.
/// The call of a motion is the last step of its execution, when the motion can be executed no more; the audit trail calls
/// nobody.
// slither-disable-start reentrancy-events,reentrancy-benign,reentrancy-no-eth
abstract contract Assembly is ICommittee {
    /// As many as votes have bits.
    uint256 public constant MAX_MEMBERS = 32;
    uint256 public constant MAX_TEMPO_SECONDS = 180 days;

    IAuditTrail public immutable AUDIT_TRAIL;
    /// Who may change this body from outside.
    address public immutable CONSTITUTION;

    /// @inheritdoc ICommittee
    string public title;
    /// @inheritdoc ICommittee
    uint8 public quorum;
    /// @inheritdoc ICommittee
    uint32 public term;
    /// @inheritdoc ICommittee
    uint64 public motionCount;
    Tempo private _tempo;
    address[] private _members;
    mapping(MotionId => Motion) private _motions;
    mapping(address target => mapping(bytes4 selector => bool)) private _waived;

    /// @param trail Where decisions are entered. @param constitution_ Who may change this body from outside.
    constructor(string memory title_, IAuditTrail trail, address constitution_, bool minorityAllowed) {
        title = title_;
        emit BodyFounded(title_, minorityAllowed);
        AUDIT_TRAIL = trail;
        // slither-disable-next-line missing-zero-check (with none, the body alone changes itself)
        CONSTITUTION = constitution_;
    }

    /// @inheritdoc ICommittee
    function propose(address target, bytes calldata data, bytes32 reason, string calldata uri)
        external
        returns (MotionId motion)
    {
        address proposer = _actor();
        uint32 ballot = _ballotOf(proposer);
        _requireCallable(target);
        motion = MotionId.wrap(++motionCount);
        Motion storage m = _motions[motion];
        m.advance(motion, MotionStatus.Open);
        m.term = term;
        m.proposer = proposer;
        m.votingEndsAt = uint40(block.timestamp) + _tempo.votingSeconds;
        m.delaySeconds = _delayOf(target, bytes4(data));
        m.callDigest = _callDigestOf(target, data);
        bytes32 digest = keccak256(abi.encode(block.chainid, address(this), motion, m.callDigest, reason));
        m.digest = digest;
        emit MotionProposed(motion, proposer, target, data, reason, uri, digest, m.votingEndsAt);
        _count(motion, m, proposer, ballot, true);
    }

    /// @inheritdoc ICommittee
    function vote(MotionId motion, bytes32 digest, bool inFavour) external {
        address member = _actor();
        uint32 ballot = _ballotOf(member);
        Motion storage m = _motions[motion];
        m.requireStatus(motion, MotionStatus.Open);
        if (m.term != term) revert MotionOutdated(motion, m.term, term);
        if (block.timestamp > m.votingEndsAt) revert VotingOver(motion, m.votingEndsAt, block.timestamp);
        if (digest != m.digest) revert MotionMismatch(motion, m.digest, digest);
        if ((m.inFavour | m.against) & ballot != 0) revert AlreadyVoted(motion, member);
        _count(motion, m, member, ballot, inFavour);
    }

    /// @inheritdoc ICommittee
    function withdraw(MotionId motion) external {
        address caller = _actor();
        Motion storage m = _motions[motion];
        m.requireStatus(motion, MotionStatus.Open);
        if (caller != m.proposer) revert CallerNotProposer(motion, caller, m.proposer);
        _end(motion, m, MotionStatus.Withdrawn);
    }

    /// @inheritdoc ICommittee
    function execute(MotionId motion, address target, bytes calldata data) external {
        Motion storage m = _motions[motion];
        m.advance(motion, MotionStatus.Executed);
        if (block.timestamp < m.executableAt || block.timestamp > m.lapsesAt) {
            revert ExecutionOutsideWindow(motion, m.executableAt, m.lapsesAt, block.timestamp);
        }
        bytes32 callDigest = _callDigestOf(target, data);
        if (callDigest != m.callDigest) revert MotionMismatch(motion, m.callDigest, callDigest);
        _requireCallable(target);
        emit MotionExecuted(motion);
        _record(Decision.MotionExecuted, motion, abi.encode(motion, m.digest));
        // slither-disable-next-line missing-zero-check (it has code, and the digest that was voted on binds it)
        (bool taken, bytes memory answer) = target.call(data);
        if (!taken) revert MotionCallFailed(motion, target, answer);
    }

    /// @inheritdoc ICommittee
    function expire(MotionId motion) external {
        Motion storage m = _motions[motion];
        if (m.status == MotionStatus.Carried) {
            if (block.timestamp <= m.lapsesAt) revert MotionNotDue(motion, m.lapsesAt, block.timestamp);
            _end(motion, m, MotionStatus.Lapsed);
            return;
        }
        m.requireStatus(motion, MotionStatus.Open);
        if (m.term != term) {
            _end(motion, m, MotionStatus.Lapsed);
            return;
        }
        if (block.timestamp <= m.votingEndsAt) revert MotionNotDue(motion, m.votingEndsAt, block.timestamp);
        _end(motion, m, MotionStatus.Rejected);
    }

    /// @inheritdoc ICommittee
    function annul(MotionId motion) external {
        _requireBody();
        Motion storage m = _motions[motion];
        m.requireStatus(motion, MotionStatus.Carried);
        _end(motion, m, MotionStatus.Withdrawn);
    }

    /// @inheritdoc ICommittee
    function compose(address[] calldata newMembers, uint8 newQuorum) external {
        _requireBody();
        for (uint256 i; i < newMembers.length; ++i) {
            _requireKey(newMembers[i]);
        }
        _compose(newMembers, newQuorum);
        _record(Decision.BodyComposed, term, abi.encode(term, newMembers, newQuorum));
    }

    /// @inheritdoc ICommittee
    function setTempo(Tempo calldata newTempo) external {
        if (msg.sender != CONSTITUTION) revert CallerNotBody(msg.sender);
        _setTempo(newTempo);
        _record(Decision.TempoSet, 0, abi.encode(newTempo));
    }

    /// @inheritdoc ICommittee
    function members() external view returns (address[] memory) {
        return _members;
    }

    /// @inheritdoc ICommittee
    function tempo() external view returns (Tempo memory) {
        return _tempo;
    }

    /// @inheritdoc ICommittee
    function delayOf(address target, bytes4 selector) external view returns (uint32) {
        return _delayOf(target, selector);
    }

    /// @inheritdoc ICommittee
    function motionOf(MotionId motion) external view returns (Motion memory) {
        return _motions[motion];
    }

    /// @inheritdoc ICommittee
    function leastQuorum(uint256 size) public view virtual returns (uint256);

    /// @dev The account behind this call.
    function _actor() internal view virtual returns (address);

    /// @dev Checks that who is to be a member has what it acts by.
    function _requireKey(address member) internal view virtual;

    /// @dev Whether no motion of this body may call `target`.
    function _isForbidden(address target) internal view virtual returns (bool);

    /// @dev For constructors.
    function _compose(address[] memory newMembers, uint8 newQuorum) internal {
        uint256 size = newMembers.length;
        uint256 least = leastQuorum(size);
        bool sound = size != 0 && size <= MAX_MEMBERS && newQuorum >= least && newQuorum <= size;
        // Of at most MAX_MEMBERS each is compared with those before it; there is no cheaper way without storage.
        for (uint256 i; sound && i < size; ++i) {
            if (newMembers[i] == address(0)) sound = false;
            for (uint256 j; j < i; ++j) {
                if (newMembers[i] == newMembers[j]) sound = false;
            }
        }
        if (!sound) revert CompositionInvalid(size, MAX_MEMBERS, newQuorum, least);
        _members = newMembers;
        quorum = newQuorum;
        ++term;
        emit BodyComposed(term, newMembers, newQuorum);
    }

    /// @dev For constructors.
    function _setTempo(Tempo memory newTempo) internal {
        if (
            newTempo.votingSeconds == 0 || newTempo.executionSeconds == 0 || newTempo.votingSeconds > MAX_TEMPO_SECONDS
                || newTempo.executionSeconds > MAX_TEMPO_SECONDS || newTempo.delaySeconds > MAX_TEMPO_SECONDS
        ) revert TempoInvalid(newTempo, MAX_TEMPO_SECONDS);
        _tempo = newTempo;
        emit TempoSet(newTempo);
    }

    /// @dev For constructors: whose table is as long as its deployer can pay for.
    function _waive(Waiver[] memory waivers) internal {
        for (uint256 i; i < waivers.length; ++i) {
            _waived[waivers[i].target][waivers[i].selector] = true;
            emit DelayWaived(waivers[i].target, waivers[i].selector);
        }
    }

    /// @dev Enters a vote, and decides the motion when it is the one that does.
    function _count(MotionId motion, Motion storage m, address member, uint32 ballot, bool inFavour) private {
        emit MotionVoted(motion, member, inFavour);
        if (!inFavour) {
            m.against |= ballot;
            if (_votes(m.against) > _members.length - quorum) _end(motion, m, MotionStatus.Rejected);
            return;
        }
        m.inFavour |= ballot;
        if (_votes(m.inFavour) < quorum) return;
        m.advance(motion, MotionStatus.Carried);
        m.executableAt = uint40(block.timestamp) + m.delaySeconds;
        m.lapsesAt = m.executableAt + _tempo.executionSeconds;
        emit MotionCarried(motion, m.executableAt, m.lapsesAt);
        bytes memory facts = abi.encode(motion, m.digest, m.inFavour, m.against, m.executableAt, m.lapsesAt);
        _record(Decision.MotionCarried, motion, facts);
    }

    function _end(MotionId motion, Motion storage m, MotionStatus to) private {
        m.advance(motion, to);
        if (to == MotionStatus.Rejected) emit MotionRejected(motion);
        else if (to == MotionStatus.Lapsed) emit MotionLapsed(motion);
        else emit MotionWithdrawn(motion);
        _record(Decision.MotionEnded, motion, abi.encode(motion, m.digest, to));
    }

    function _record(Decision decision, MotionId motion, bytes memory facts) private {
        _record(decision, MotionId.unwrap(motion), facts);
    }

    function _record(Decision decision, uint64 subject, bytes memory facts) private {
        AUDIT_TRAIL.append(decision, subject, keccak256(facts));
    }

    /// @dev This body, by a motion to itself, or the Constitution.
    function _requireBody() private view {
        if (msg.sender != address(this) && msg.sender != CONSTITUTION) revert CallerNotBody(msg.sender);
    }

    function _requireCallable(address target) private view {
        if (target == address(AUDIT_TRAIL) || target.code.length == 0 || _isForbidden(target)) {
            revert TargetForbidden(target);
        }
    }

    /// @dev To annul is always without delay: it would come too late.
    function _delayOf(address target, bytes4 selector) private view returns (uint32) {
        bool annulling = target == address(this) && selector == ICommittee.annul.selector;
        return annulling || _waived[target][selector] ? 0 : _tempo.delaySeconds;
    }

    /// @dev The bit of a member's seat.
    function _ballotOf(address account) private view returns (uint32) {
        uint256 size = _members.length;
        for (uint256 seat; seat < size; ++seat) {
            if (_members[seat] == account) return uint32(1 << seat);
        }
        revert NotMember(account);
    }

    function _votes(uint32 ballots) private pure returns (uint256 count) {
        for (; ballots != 0; ballots &= ballots - 1) {
            ++count;
        }
    }

    function _callDigestOf(address target, bytes calldata data) private pure returns (bytes32) {
        return keccak256(abi.encode(target, data));
    }
}
// slither-disable-end reentrancy-events,reentrancy-benign,reentrancy-no-eth
