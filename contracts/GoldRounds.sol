// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IGoldRounds, Reveal, RoundProof, Tally} from "./interfaces/IGoldRounds.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {GoldList, Opening, RoundKind} from "./libraries/GoldList.sol";
import {GoldScore} from "./libraries/GoldScore.sol";
import {Histogram} from "./libraries/Histogram.sol";
import {Payout} from "./libraries/Payout.sol";
import {RecordReader} from "./libraries/RecordReader.sol";
import {Assignment, AssignmentStatus, UnexpectedAssignmentStatus} from "./lifecycle/Assignment.sol";
import {
    Computation,
    ComputationId,
    ComputationLifecycle,
    ComputationStatus,
    MAX_ATTEMPTS,
    UnexpectedComputationStatus
} from "./lifecycle/Computation.sol";

/// @title GoldRounds
/// @notice See IGoldRounds.
/// @dev One slot a computation unless a round is scored. The opening is not stored: it is shown again with each round and
/// follows from the disclosed secret. Calls go to the allocator, which calls nobody back; coin leaves last of all.
// slither-disable-start reentrancy-events
contract GoldRounds is IGoldRounds {
    using Payout for IComputationAllocator;
    using RecordReader for IComputationAllocator;

    /// Leaves of one run, neighbours included: as many as an answer has entries.
    uint256 public constant MAX_LEAVES = GoldScore.MAX_ENTRIES;
    /// Of an outcome within a round, as entries have it.
    uint256 private constant MAX_WIDTH = 32;

    /// @inheritdoc IGoldRounds
    IComputationAllocator public immutable ALLOCATOR;
    address public immutable DISPUTES;

    struct Record {
        bool opened;
        bool closed;
        /// Open disputes that hold the stake.
        uint8 cases;
        /// By assignment index: more failures than tolerated.
        uint32 goldFailed;
        uint32 trapFailed;
        /// By assignment index: stake not forfeited or reclaimed.
        uint32 staked;
        /// Wei on each.
        uint128 stakeEach;
    }

    mapping(ComputationId => Record) private _records;
    mapping(ComputationId => mapping(uint256 index => Tally)) private _tallies;
    /// A bit for each round.
    mapping(ComputationId => mapping(uint256 index => mapping(uint256 word => uint256))) private _scored;

    modifier onlyDisputes() {
        if (msg.sender != DISPUTES) revert CallerNotDisputes(msg.sender);
        _;
    }

    constructor(IComputationAllocator allocator, address disputes) {
        ALLOCATOR = allocator;
        // slither-disable-next-line missing-zero-check (with no disputes, no stake is ever forfeited)
        DISPUTES = disputes;
    }

    /// @inheritdoc IGoldRounds
    function open(ComputationId id, Opening calldata opening, bytes32 documentDigest) external {
        _open(id, opening, documentDigest);
    }

    /// @inheritdoc IGoldRounds
    function acquit(ComputationId id, Opening calldata opening, bytes32 documentDigest) external {
        _open(id, opening, documentDigest).closed = true;
        emit GoldListClosed(id, 0, 0, 0);
    }

    /// @inheritdoc IGoldRounds
    function score(
        ComputationId id,
        uint256 index,
        Opening calldata opening,
        Reveal calldata reveal,
        RoundProof calldata proof
    ) external returns (bool passed, int256 fidelity) {
        Record storage r = _requireOpen(id);
        (Computation memory c, Assignment memory seat) = ALLOCATOR.dutyOf(id, index);
        _requireTurn(id, c);
        _requireBound(id, c, opening);
        _requireRevealed(id, index, seat, reveal);
        if (proof.leaves.length > MAX_LEAVES) revert RunTooLong(proof.leaves.length, MAX_LEAVES);
        Histogram.requireRun(reveal.countsRoot, proof.binding, proof.first, proof.leaves, proof.siblings);
        bool isTarget = proof.kind == RoundKind.Target;
        bytes32 leaf =
            GoldList.leafOf(proof.round, proof.kind, isTarget ? bytes32(0) : GoldScore.digestOf(proof.answer));
        GoldList.requireMember(opening.goldRoot, opening.rounds, proof.round, leaf, proof.goldProof);
        _markScored(id, index, proof.round);

        uint256 width = c.outcomeBits - _roundBitsOf(opening.rounds);
        uint256[] calldata leaves = _leavesOf(id, index, proof, width);
        uint256 shots = c.shots / opening.rounds;
        if (!isTarget) (passed, fidelity) = GoldScore.score(leaves, width, shots, proof.answer);
        else if (GoldScore.totalOf(leaves) == shots) revert RoundIsTarget(id, proof.round, shots);
        _count(id, index, opening, r, proof.kind, passed, fidelity);
        bytes memory counts = GoldScore.pack(leaves, width);
        emit RoundScored(id, index, proof.round, proof.kind, passed, fidelity, proof.answer, counts);
    }

    /// @inheritdoc IGoldRounds
    function close(ComputationId id) external payable {
        Record storage r = _requireOpen(id);
        _requireTurn(id, ALLOCATOR.computationOf(id));
        uint32 accused = r.goldFailed | r.trapFailed;
        uint256 each = accused == 0 ? 0 : 2 * uint256(ALLOCATOR.policy().slash);
        uint256 required = each * _populationOf(accused);
        if (msg.value != required) revert StakeMismatch(id, required, msg.value);
        r.closed = true;
        r.staked = accused;
        r.stakeEach = uint128(each);
        emit GoldListClosed(id, r.goldFailed, r.trapFailed, each);
    }

    /// @inheritdoc IGoldRounds
    function reclaim(ComputationId id) external {
        Record storage r = _records[id];
        uint256 amount = r.stakeEach * _populationOf(r.staked);
        if (amount == 0) revert StakeMissing(id, type(uint32).max);
        Computation memory c = ALLOCATOR.computationOf(id);
        // Once opened it can end by a verdict only: a quorum has revealed.
        if (!ComputationLifecycle.isVerdict(c.status) || block.timestamp <= c.phaseEndsAt || r.cases != 0) {
            revert StakeHeld(id, c.phaseEndsAt, r.cases, block.timestamp);
        }
        r.staked = 0;
        address requester = ALLOCATOR.requesterOf(id);
        emit StakeReclaimed(id, requester, amount);
        ALLOCATOR.pay(requester, amount);
    }

    /// @inheritdoc IGoldRounds
    function hold(ComputationId id) external onlyDisputes {
        ++_records[id].cases;
    }

    /// @inheritdoc IGoldRounds
    function letGo(ComputationId id) external onlyDisputes {
        --_records[id].cases;
    }

    /// @inheritdoc IGoldRounds
    function forfeit(ComputationId id, uint256 index, address operator) external onlyDisputes {
        _requireStaked(id, index);
        Record storage r = _records[id];
        r.staked &= ~uint32(1 << index);
        uint256 paid = r.stakeEach / 2;
        uint256 burned = r.stakeEach - paid;
        emit StakeForfeited(id, index, operator, burned, paid);
        ALLOCATOR.pay(operator, paid);
        Payout.burn(burned);
    }

    /// @inheritdoc IGoldRounds
    function findingOf(ComputationId id)
        external
        view
        returns (bool closed, uint256 goldFailed, uint256 trapFailed, uint40 waitUntil)
    {
        Record storage r = _records[id];
        if (r.closed) return (true, r.goldFailed, r.trapFailed, 0);
        Computation memory c = ALLOCATOR.computationOf(id);
        if (c.gold && !c.secretWithheld) waitUntil = _closesAt(c);
    }

    /// @inheritdoc IGoldRounds
    function tallyOf(ComputationId id, uint256 index) external view returns (Tally memory) {
        return _tallies[id][index];
    }

    /// @inheritdoc IGoldRounds
    function fidelityOf(ComputationId id, uint256 index) external view returns (int256 fidelity, uint256 rounds) {
        Tally storage tally = _tallies[id][index];
        rounds = tally.goldRounds;
        if (rounds != 0) fidelity = tally.fidelity / int256(rounds);
    }

    /// @inheritdoc IGoldRounds
    function stakeOn(ComputationId id, uint256 index) external view returns (uint256) {
        Record storage r = _records[id];
        return r.staked & (1 << index) == 0 ? 0 : r.stakeEach;
    }

    function _open(ComputationId id, Opening calldata opening, bytes32 documentDigest)
        private
        returns (Record storage r)
    {
        r = _records[id];
        if (r.opened) revert GoldListNotOpen(id, true, r.closed);
        Computation memory c = ALLOCATOR.computationOf(id);
        _requireTurn(id, c);
        if (!c.gold) revert ComputationNotGold(id);
        if (c.secretWithheld) revert GoldListUnbound(id);
        // Were the list known while replicas may still be replaced, the new ones would know it before they answer.
        if (c.revealed < c.active) {
            if (block.timestamp <= c.phaseEndsAt) {
                revert IComputationAllocator.DeadlineOpen(id, c.phaseEndsAt, block.timestamp);
            }
            uint256 quorum = Agreement.quorumOf(c.replicas);
            if (c.revealed < quorum) revert IComputationAllocator.TooFewRevealed(id, c.revealed, quorum);
        }
        _requireBound(id, c, opening);
        uint256 roundBits = _roundBitsOf(opening.rounds);
        if (
            opening.rounds < 2 || c.shots % opening.rounds != 0 || roundBits >= c.outcomeBits
                || c.outcomeBits - roundBits > MAX_WIDTH
        ) revert SweepInvalid(id, opening.rounds, c.shots, c.outcomeBits);
        r.opened = true;
        emit GoldListOpened(id, opening, documentDigest);
    }

    /// @dev Adds a round to what was proven of a replica, and accuses it when that is one failure too many.
    function _count(
        ComputationId id,
        uint256 index,
        Opening calldata opening,
        Record storage r,
        RoundKind kind,
        bool passed,
        int256 fidelity
    ) private {
        Tally storage tally = _tallies[id][index];
        if (kind == RoundKind.Gold) {
            ++tally.goldRounds;
            // Each is below 2^47 either way, of at most 2^16 rounds.
            tally.fidelity += int64(fidelity);
        }
        if (passed) return;
        if (kind == RoundKind.Trap) {
            if (++tally.trapFailures > opening.trapTolerance) r.trapFailed |= uint32(1 << index);
        } else {
            // A target with another total of shots was not run as asked: that is no noise.
            if (++tally.goldFailures > opening.goldTolerance) r.goldFailed |= uint32(1 << index);
        }
    }

    function _markScored(ComputationId id, uint256 index, uint256 round) private {
        uint256 word = _scored[id][index][round >> 8];
        uint256 bit = 1 << (round & 0xff);
        if (word & bit != 0) revert RoundAlreadyScored(id, index, round);
        _scored[id][index][round >> 8] = word | bit;
    }

    function _requireOpen(ComputationId id) private view returns (Record storage r) {
        r = _records[id];
        if (!r.opened || r.closed) revert GoldListNotOpen(id, r.opened, r.closed);
    }

    function _requireStaked(ComputationId id, uint256 index) private view {
        if (_records[id].staked & (1 << index) == 0) revert StakeMissing(id, 1 << index);
    }

    /// @dev The caller is the requester, reveals are being taken or judged, and there is time.
    function _requireTurn(ComputationId id, Computation memory c) private view {
        address requester = ALLOCATOR.requesterOf(id);
        if (msg.sender != requester) {
            revert IComputationAllocator.CallerNotRequester(id, msg.sender, requester);
        }
        if (c.status != ComputationStatus.Revealing) {
            revert UnexpectedComputationStatus(id, c.status, 1 << uint8(ComputationStatus.Revealing));
        }
        if (block.timestamp > c.phaseEndsAt) {
            uint40 closesAt = _closesAt(c);
            if (block.timestamp > closesAt) {
                revert IComputationAllocator.DeadlinePassed(id, closesAt, block.timestamp);
            }
        }
    }

    /// @dev The disclosed secret is the opening's own or one that precedes it in the chain.
    function _requireBound(ComputationId id, Computation memory c, Opening calldata opening) private pure {
        bytes24 secret = GoldList.lastSecret(opening);
        bytes24 earlier = secret;
        for (uint256 i = 1; earlier != c.secret; ++i) {
            if (i == MAX_ATTEMPTS) revert OpeningMismatch(id, secret, c.secret);
            earlier = Commitment.ofSecret(earlier);
        }
    }

    function _requireRevealed(ComputationId id, uint256 index, Assignment memory seat, Reveal calldata reveal)
        private
        pure
    {
        if (seat.status != AssignmentStatus.Revealed) {
            revert UnexpectedAssignmentStatus(id, index, seat.status, 1 << uint8(AssignmentStatus.Revealed));
        }
        bytes24 actual = Commitment.ofReveal(reveal);
        if (actual != seat.digest) revert IResultVerifier.RevealMismatch(id, index, seat.digest, actual);
    }

    /// @dev What of a run is the round, the run having been shown to be leaves without a gap, in order.
    function _leavesOf(ComputationId id, uint256 index, RoundProof calldata proof, uint256 width)
        private
        pure
        returns (uint256[] calldata)
    {
        uint256[] calldata run = proof.leaves;
        uint256 start;
        uint256 end = run.length;
        bool isWhole = true;
        if (_roundOf(run[0], width) < proof.round) start = 1;
        else isWhole = proof.first == 0;
        if (_roundOf(run[end - 1], width) > proof.round) --end;
        else isWhole = isWhole && proof.first + end == proof.binding.leafCount;
        // A run of one leaf may be both neighbours' place: then the round is empty.
        if (start < end) {
            isWhole = isWhole && _roundOf(run[start], width) == proof.round
                && _roundOf(run[end - 1], width) == proof.round;
        }
        if (!isWhole) revert RoundNotCovered(id, index, proof.round);
        return run[start:end];
    }

    function _closesAt(Computation memory c) private view returns (uint40) {
        return c.phaseEndsAt + ALLOCATOR.policy().discloseSeconds;
    }

    /// @dev As few bits as number all rounds.
    function _roundBitsOf(uint256 rounds) private pure returns (uint256 bits) {
        while (1 << bits < rounds) ++bits;
    }

    function _roundOf(uint256 leaf, uint256 width) private pure returns (uint256) {
        return leaf >> (16 + width);
    }

    function _populationOf(uint32 seats) private pure returns (uint256 population) {
        for (; seats != 0; seats &= seats - 1) {
            ++population;
        }
    }
}
// slither-disable-end reentrancy-events
