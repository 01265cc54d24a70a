// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator, Pledge} from "./interfaces/IComputationAllocator.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {CountSketch} from "./libraries/CountSketch.sol";
import {Assignment, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ResultVerifier
/// @notice See IResultVerifier.
/// @dev Stateless: what is pending lives in the allocator's records, so each step rewrites slots that are warm.
/// Steps are recorded first and checked against what the record returns: one call, and a revert undoes it.
/// Events follow calls to the allocator and the registry, which call nobody back.
// slither-disable-start reentrancy-events
contract ResultVerifier is IResultVerifier {
    using CountSketch for uint256[];

    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    address public immutable RELAY;

    constructor(IComputationAllocator allocator, address relay) {
        ALLOCATOR = allocator;
        REGISTRY = allocator.REGISTRY();
        // slither-disable-next-line missing-zero-check (with no relay, daemons commit themselves)
        RELAY = relay;
    }

    /// @inheritdoc IResultVerifier
    function commit(ComputationId id, uint256 index, bytes24 commitment) external {
        _commit(id, index, commitment, msg.sender);
    }

    /// @inheritdoc IResultVerifier
    function commitFor(ComputationId id, uint256 index, bytes24 commitment, address daemon) external {
        if (msg.sender != RELAY) revert CallerNotRelay(msg.sender);
        _commit(id, index, commitment, daemon);
    }

    /// @inheritdoc IResultVerifier
    function refuse(ComputationId id, uint256 index, uint16 code) external {
        if (code == 0) revert RefusalCodeMissing(id);
        ProcessorId processor = ALLOCATOR.recordRefusal(id, index);
        _requireDaemon(id, index, processor, msg.sender);
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
        Pledge memory pledge = ALLOCATOR.recordReveal(id, index, Commitment.ofReveal(countsRoot, salt, sketch));
        bytes24 actual =
            Commitment.ofResult(address(this), id, pledge.attempt, pledge.processor, countsRoot, salt);
        if (actual != pledge.commitment) revert CommitmentMismatch(id, index, pledge.commitment, actual);
        sketch.requireTotals(pledge.outcomeBits, pledge.shots);
        emit ResultRevealed(id, index, pledge.processor, countsRoot, salt, sketch);
    }

    /// @inheritdoc IResultVerifier
    function settle(
        ComputationId id,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts,
        uint256[] calldata sketches
    ) external {
        Computation memory c = ALLOCATOR.computationOf(id);
        uint256 words = CountSketch.wordsOf(c.outcomeBits);
        if (
            countsRoots.length != c.revealed || salts.length != c.revealed || sketches.length != words * c.revealed
                || c.revealed == 0
        ) revert SettlementLengthMismatch(id, c.revealed, words * c.revealed);

        uint256[] memory indices = _matchReveals(id, countsRoots, salts, sketches, words);
        (Agreement.Verdict verdict, uint256 members) =
            Agreement.judge(sketches, words, c.outcomeBits, c.shots, Agreement.quorumOf(c.replicas));
        (uint256 accepted, bytes32 answerDigest) = _answerOf(id, members, indices, countsRoots);
        emit ComputationSettled(id, verdict, accepted, answerDigest);
        ALLOCATOR.conclude(
            id, verdict, accepted, keccak256(abi.encode(c.secret, salts)), answerDigest, msg.sender
        );
    }

    function _commit(ComputationId id, uint256 index, bytes24 commitment, address account) private {
        ProcessorId processor = ALLOCATOR.recordCommit(id, index, commitment);
        _requireDaemon(id, index, processor, account);
        emit ResultCommitted(id, index, processor, commitment);
    }

    function _requireDaemon(ComputationId id, uint256 index, ProcessorId processor, address account) private view {
        address daemon = REGISTRY.daemonOf(processor);
        if (account != daemon) revert CallerNotAssigned(id, index, account, daemon);
    }

    /// @dev Turns the members among the revealed into assignment indices and digests their roots.
    function _answerOf(
        ComputationId id,
        uint256 members,
        uint256[] memory indices,
        bytes32[] calldata countsRoots
    ) private pure returns (uint256 accepted, bytes32 answerDigest) {
        if (members == 0) return (0, 0);
        bytes32[] memory roots = new bytes32[](indices.length);
        uint256 count;
        for (uint256 i; i < indices.length; ++i) {
            if (members & (1 << i) == 0) continue;
            accepted |= 1 << indices[i];
            roots[count++] = countsRoots[i];
        }
        assembly ("memory-safe") {
            mstore(roots, count)
        }
        answerDigest = Commitment.ofAnswer(id, accepted, roots);
    }

    /// @dev Checks what the settlement carries against what was revealed.
    /// @return indices Assignment index of each replica, ascending.
    function _matchReveals(
        ComputationId id,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts,
        uint256[] calldata sketches,
        uint256 words
    ) private view returns (uint256[] memory indices) {
        Assignment[] memory assignments = ALLOCATOR.assignmentsOf(id);
        indices = new uint256[](countsRoots.length);
        uint256 i;
        for (uint256 index; index < assignments.length; ++index) {
            if (assignments[index].status != AssignmentStatus.Revealed) continue;
            bytes24 expected = assignments[index].digest;
            bytes24 actual = Commitment.ofReveal(countsRoots[i], salts[i], sketches[i * words:(i + 1) * words]);
            if (actual != expected) revert RevealMismatch(id, index, expected, actual);
            indices[i++] = index;
        }
    }
}
// slither-disable-end reentrancy-events
