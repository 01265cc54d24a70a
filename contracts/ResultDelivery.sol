// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "./interfaces/IBonds.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IOutcomesConsumer, IResultConsumer} from "./interfaces/IResultConsumer.sol";
import {Evidence, IResultDelivery, Reveal} from "./interfaces/IResultDelivery.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Pooling} from "./libraries/Pooling.sol";
import {RecordReader} from "./libraries/RecordReader.sol";
import {Assignment, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus, UnexpectedComputationStatus} from "./lifecycle/Computation.sol";
import {Delivery, DeliveryStatus} from "./lifecycle/Delivery.sol";

/// @title ResultDelivery
/// @notice See IResultDelivery.
/// @dev The only contract of the suite that calls strangers; it holds no coin and no rights in the others. A status is
/// written before the consumer is called.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract ResultDelivery is IResultDelivery {
    using Pooling for uint256[];
    using RecordReader for IComputationAllocator;

    /// @inheritdoc IResultDelivery
    uint256 public constant MIN_CALLBACK_GAS = 30_000;
    /// @inheritdoc IResultDelivery
    uint256 public constant MAX_CALLBACK_GAS = 2_000_000;
    uint256 private constant MAX_COVERAGE = 10_000;
    /// What the call itself and the record of its outcome cost besides the consumer's gas.
    uint256 private constant RESERVE_GAS = 25_000;
    /// Two words of the record, at 8 gas a byte, and their copying.
    uint256 private constant RESERVE_GAS_PER_OUTCOME = 1_000;

    // Sets of statuses, as bitmaps.
    uint256 private constant ANSWERED =
        (1 << uint8(ComputationStatus.Accepted)) | (1 << uint8(ComputationStatus.Unverified));
    uint256 private constant CHALLENGEABLE =
        ANSWERED | (1 << uint8(ComputationStatus.Rejected)) | (1 << uint8(ComputationStatus.Inconclusive));
    uint256 private constant ENDED = CHALLENGEABLE | (1 << uint8(ComputationStatus.Failed))
        | (1 << uint8(ComputationStatus.Cancelled)) | (1 << uint8(ComputationStatus.Overturned));

    /// @inheritdoc IResultDelivery
    IComputationAllocator public immutable ALLOCATOR;
    IBonds public immutable BONDS;

    mapping(ComputationId => Delivery) private _results;
    mapping(ComputationId => Delivery) private _outcomes;

    constructor(IComputationAllocator allocator, IBonds bonds) {
        ALLOCATOR = allocator;
        BONDS = bonds;
    }

    /// @inheritdoc IResultDelivery
    function subscribe(ComputationId id, address consumer, uint32 gasLimit, bool afterChallenges) external {
        _enter(_results[id], id, consumer, gasLimit, afterChallenges);
        emit ResultSubscribed(id, consumer, gasLimit, afterChallenges);
    }

    /// @inheritdoc IResultDelivery
    function subscribeToOutcomes(
        ComputationId id,
        address consumer,
        uint32 gasLimit,
        bool afterChallenges,
        uint16 coverage
    ) external {
        if (coverage == 0 || coverage > MAX_COVERAGE) revert CoverageOutOfRange(id, coverage, MAX_COVERAGE);
        _enter(_outcomes[id], id, consumer, gasLimit, afterChallenges);
        _outcomes[id].coverage = coverage;
        emit OutcomesSubscribed(id, consumer, gasLimit, afterChallenges, coverage);
    }

    /// @inheritdoc IResultDelivery
    function deliver(ComputationId id, Reveal[] calldata reveals) external returns (bool delivered) {
        Delivery storage delivery = _results[id];
        delivery.advance(id, DeliveryStatus.Delivered);
        Computation memory c = _requireDue(delivery, id);
        (Assignment[] memory assignments, uint256[] memory indices) = _standing(id, c.status, reveals.length);
        if (delivery.afterChallenges) _requireNoCases(id, assignments, indices);
        bytes32[] memory roots = new bytes32[](indices.length);
        uint256 accepted;
        for (uint256 i; i < indices.length; ++i) {
            uint256 index = indices[i];
            roots[i] = _requireRevealed(id, index, assignments[index], reveals[i]);
            accepted |= 1 << index;
        }
        bytes32 answerDigest = accepted == 0 ? bytes32(0) : Commitment.ofAnswer(id, accepted, roots);

        address consumer = delivery.consumer;
        delivered = _call(
            id, delivery, abi.encodeCall(IResultConsumer.onResult, (id, c.status, answerDigest, accepted)), RESERVE_GAS
        );
        if (delivered) emit ResultDelivered(id, consumer, c.status, answerDigest, accepted);
        else emit ResultDeliveryFailed(id, consumer);
    }

    /// @inheritdoc IResultDelivery
    function deliverOutcomes(ComputationId id, uint256[] calldata outcomes, Evidence[] calldata evidence)
        external
        returns (bool delivered)
    {
        Delivery storage delivery = _outcomes[id];
        delivery.advance(id, DeliveryStatus.Delivered);
        Computation memory c = _requireDue(delivery, id);
        if (!_isAnswered(c.status)) revert UnexpectedComputationStatus(id, c.status, ANSWERED);
        (uint256[] memory counts, uint256 shots) = _pool(id, c, delivery.afterChallenges, outcomes, evidence);
        _requireShown(id, counts, shots, delivery.coverage);

        address consumer = delivery.consumer;
        delivered = _call(
            id,
            delivery,
            abi.encodeCall(IOutcomesConsumer.onOutcomes, (id, outcomes, counts, shots)),
            RESERVE_GAS + RESERVE_GAS_PER_OUTCOME * outcomes.length
        );
        if (delivered) emit OutcomesDelivered(id, consumer, outcomes, counts, shots);
        else emit OutcomesDeliveryFailed(id, consumer);
    }

    /// @inheritdoc IResultDelivery
    function resultDeliveryOf(ComputationId id) external view returns (Delivery memory) {
        return _results[id];
    }

    /// @inheritdoc IResultDelivery
    function outcomesDeliveryOf(ComputationId id) external view returns (Delivery memory) {
        return _outcomes[id];
    }

    function _enter(
        Delivery storage delivery,
        ComputationId id,
        address consumer,
        uint32 gasLimit,
        bool afterChallenges
    ) private {
        address requester = ALLOCATOR.requesterOf(id);
        if (msg.sender != requester) revert IComputationAllocator.CallerNotRequester(id, msg.sender, requester);
        if (consumer.code.length == 0) revert ConsumerWithoutCode(id, consumer);
        if (gasLimit < MIN_CALLBACK_GAS || gasLimit > MAX_CALLBACK_GAS) {
            revert GasLimitOutOfRange(id, gasLimit, MIN_CALLBACK_GAS, MAX_CALLBACK_GAS);
        }
        delivery.advance(id, DeliveryStatus.Pending);
        delivery.consumer = consumer;
        delivery.gasLimit = gasLimit;
        delivery.afterChallenges = afterChallenges;
    }

    /// @dev Calls the consumer with exactly its gas and takes nothing back but whether it went well.
    /// @param reserve Gas for what follows the call.
    function _call(ComputationId id, Delivery storage delivery, bytes memory data, uint256 reserve)
        private
        returns (bool taken)
    {
        address consumer = delivery.consumer;
        // A call to where there is no code succeeds, but nobody has been told anything.
        if (consumer.code.length != 0) {
            uint256 gasLimit = delivery.gasLimit;
            // A call gets at most 63/64 of what is left, silently: a caller could starve the consumer and have its
            // failure recorded.
            uint256 required = gasLimit + gasLimit / 63 + 1 + reserve;
            uint256 available = gasleft();
            if (available < required) revert CallbackGasTooLow(id, available, required);
            assembly ("memory-safe") {
                taken := call(gasLimit, consumer, 0, add(data, 0x20), mload(data), 0, 0)
            }
        }
        if (!taken) delivery.advance(id, DeliveryStatus.Failed);
    }

    /// @dev Reverts unless the computation has ended, and for good if the subscriber waits for that.
    function _requireDue(Delivery storage delivery, ComputationId id) private view returns (Computation memory c) {
        c = ALLOCATOR.computationOf(id);
        if (ENDED & (1 << uint8(c.status)) == 0) revert UnexpectedComputationStatus(id, c.status, ENDED);
        if (delivery.afterChallenges && _isChallengeable(c.status) && block.timestamp <= c.phaseEndsAt) {
            revert ChallengesOpen(id, c.phaseEndsAt, block.timestamp);
        }
    }

    /// @dev The counts of `outcomes` over all replicas whose answers stand, and all their shots.
    function _pool(
        ComputationId id,
        Computation memory c,
        bool afterChallenges,
        uint256[] calldata outcomes,
        Evidence[] calldata evidence
    ) private view returns (uint256[] memory counts, uint256 shots) {
        (Assignment[] memory assignments, uint256[] memory indices) = _standing(id, c.status, evidence.length);
        if (afterChallenges) _requireNoCases(id, assignments, indices);
        counts = Pooling.open(outcomes);
        for (uint256 i; i < indices.length; ++i) {
            Evidence calldata shown = evidence[i];
            bytes32 root = _requireRevealed(id, indices[i], assignments[indices[i]], shown.reveal);
            counts.add(outcomes, root, shown.binding, shown.runs, c.shots);
        }
        shots = indices.length * c.shots;
    }

    /// @dev Whoever delivers may choose what to show, but not hide what matters: it is shown once only.
    function _requireShown(ComputationId id, uint256[] memory counts, uint256 shots, uint256 coverage) private pure {
        uint256 shown;
        uint256 most;
        for (uint256 i; i < counts.length; ++i) {
            shown += counts[i];
            if (counts[i] > most) most = counts[i];
        }
        uint256 required = (shots * coverage + MAX_COVERAGE - 1) / MAX_COVERAGE;
        if (shown < required) revert CoverageTooLow(id, shown, required, shots);
        if (most <= shots - shown) revert TopOutcomeUncertain(id, most, shots - shown);
    }

    /// @dev The assignments whose answers stand.
    /// @param given How many the caller shows. @return assignments All of them. @return indices Of those that stand.
    function _standing(ComputationId id, ComputationStatus status, uint256 given)
        private
        view
        returns (Assignment[] memory assignments, uint256[] memory indices)
    {
        assignments = ALLOCATOR.assignmentsOf(id);
        indices = new uint256[](assignments.length);
        uint256 count;
        if (_isAnswered(status)) {
            // One replica alone is paid and released: nobody was there to agree with it.
            AssignmentStatus stands =
                status == ComputationStatus.Accepted ? AssignmentStatus.Accepted : AssignmentStatus.Released;
            for (uint256 index; index < assignments.length; ++index) {
                if (assignments[index].status == stands) indices[count++] = index;
            }
        }
        if (given != count) revert RevealCountMismatch(id, count, given);
        assembly ("memory-safe") {
            mstore(indices, count)
        }
    }

    /// @dev A case that was opened in time may be decided later. Which computation it is about is not looked at.
    function _requireNoCases(ComputationId id, Assignment[] memory assignments, uint256[] memory indices)
        private
        view
    {
        for (uint256 i; i < indices.length; ++i) {
            // slither-disable-next-line calls-loop,unused-return (a replica each; whether it leaves does not matter)
            (, uint32 cases) = BONDS.unbondingOf(assignments[indices[i]].processor);
            if (cases != 0) revert CasesOpen(id, indices[i], cases);
        }
    }

    /// @return The counts root that the assignment revealed.
    function _requireRevealed(ComputationId id, uint256 index, Assignment memory a, Reveal calldata shown)
        private
        pure
        returns (bytes32)
    {
        bytes24 actual = Commitment.ofReveal(shown);
        if (actual != a.digest) revert RevealNotOfAssignment(id, index, a.digest, actual);
        return shown.countsRoot;
    }

    function _isAnswered(ComputationStatus status) private pure returns (bool) {
        return ANSWERED & (1 << uint8(status)) != 0;
    }

    function _isChallengeable(ComputationStatus status) private pure returns (bool) {
        return CHALLENGEABLE & (1 << uint8(status)) != 0;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
