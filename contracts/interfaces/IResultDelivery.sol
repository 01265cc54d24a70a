// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reveal} from "../libraries/Commitment.sol";
import {Binding, Run} from "../libraries/Histogram.sol";
import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";
import {Delivery} from "../lifecycle/Delivery.sol";
import {IComputationAllocator} from "./IComputationAllocator.sol";

/// @notice One replica's counts of the outcomes shown.
struct Evidence {
    Reveal reveal;
    Binding binding;
    /// Ascending. An outcome that the replica never measured is shown absent by the leaves around it.
    Run[] runs;
}

/// @title Delivery of results to consumer contracts
/// @notice 1. The requester of a computation names, once, a contract that is to be told its result, another or the
/// same that is to be told its outcomes, and the gas for each.
/// 2. Once the computation has ended, and after the time for challenges if the subscriber so wishes, anyone calls
/// `deliver` or `deliverOutcomes` with what proves it. All of it is in the events of ResultVerifier and, for
/// histograms of more than 8 bits, in the consortium's store.
/// 3. A consumer that fails is recorded as such, and anyone may try again; one that took it is never called again.
/// @dev Trust: nobody's word. Whoever delivers chooses which outcomes are shown, within bounds: the most frequent one
/// is always among them, and all together cover what the subscriber asked for. A consumer that does not wait for the
/// challenges acts on a verdict that may yet be overturned, and is not told of that. One that waits does so until no
/// case is open against any processor behind the answer, be it about another computation: whoever opens one puts up a
/// bond, and none lasts. A replica that keeps its histogram to itself, or made a root of none, holds `deliverOutcomes`
/// up until it is disproven.
interface IResultDelivery {
    event ResultSubscribed(
        ComputationId indexed computation, address indexed consumer, uint32 gasLimit, bool afterChallenges
    );
    event OutcomesSubscribed(
        ComputationId indexed computation,
        address indexed consumer,
        uint32 gasLimit,
        bool afterChallenges,
        uint16 coverage
    );
    event ResultDelivered(
        ComputationId indexed computation,
        address indexed consumer,
        ComputationStatus status,
        bytes32 answerDigest,
        uint256 accepted
    );
    event ResultDeliveryFailed(ComputationId indexed computation, address indexed consumer);
    event OutcomesDelivered(
        ComputationId indexed computation,
        address indexed consumer,
        uint256[] outcomes,
        uint256[] counts,
        uint256 shots
    );
    event OutcomesDeliveryFailed(ComputationId indexed computation, address indexed consumer);

    /// @notice There is no code at `consumer`.
    error ConsumerWithoutCode(ComputationId computation, address consumer);
    /// @notice `gasLimit` must lie in minimum..maximum.
    error GasLimitOutOfRange(ComputationId computation, uint256 gasLimit, uint256 minimum, uint256 maximum);
    /// @notice `coverage`, in 1e-4 of the shots, must lie in 1..maximum.
    error CoverageOutOfRange(ComputationId computation, uint256 coverage, uint256 maximum);
    /// @notice The verdict can be challenged until `endsAt`, and the subscriber waits for that; it is now `timestamp`.
    error ChallengesOpen(ComputationId computation, uint40 endsAt, uint256 timestamp);
    /// @notice The subscriber waits for challenges, and `cases` are open against the processor of assignment `index`.
    error CasesOpen(ComputationId computation, uint256 index, uint256 cases);
    /// @notice The caller must bring more gas: `available` is left, `required` is needed to give the consumer its due.
    error CallbackGasTooLow(ComputationId computation, uint256 available, uint256 required);
    /// @notice `expected` replicas' answers stand; `actual` were given.
    error RevealCountMismatch(ComputationId computation, uint256 expected, uint256 actual);
    /// @notice What assignment `index` is said to have revealed hashes to `actual`, it revealed `expected`.
    error RevealNotOfAssignment(ComputationId computation, uint256 index, bytes24 expected, bytes24 actual);
    /// @notice The outcomes make up `shown` of `shots` shots; the subscriber wants `required`.
    error CoverageTooLow(ComputationId computation, uint256 shown, uint256 required, uint256 shots);
    /// @notice `left` shots are not shown, and no outcome shown has more: the most frequent one may be missing.
    error TopOutcomeUncertain(ComputationId computation, uint256 most, uint256 left);

    /// @notice Has `consumer` told how a computation ended. Its requester only, once.
    /// @param gasLimit For IResultConsumer.onResult, MIN_CALLBACK_GAS to MAX_CALLBACK_GAS.
    /// @param afterChallenges Whether to wait until the verdict can no longer be challenged, and no case is open.
    function subscribe(ComputationId computation, address consumer, uint32 gasLimit, bool afterChallenges) external;

    /// @notice Has `consumer` told the outcomes of a computation, if it is accepted. Its requester only, once.
    /// @param gasLimit For IOutcomesConsumer.onOutcomes. @param afterChallenges As for `subscribe`.
    /// @param coverage What the outcomes must make up of all shots, in 1e-4, at least 1. Ask for no more than the few
    /// outcomes that you act on: each costs whoever delivers some thousands of gas a replica.
    function subscribeToOutcomes(
        ComputationId computation,
        address consumer,
        uint32 gasLimit,
        bool afterChallenges,
        uint16 coverage
    ) external;

    /// @notice Tells the consumer how a computation ended. Anyone.
    /// @param reveals Of the assignments whose answers stand, by ascending index; none without an answer.
    /// @return delivered Whether the consumer took it.
    function deliver(ComputationId computation, Reveal[] calldata reveals) external returns (bool delivered);

    /// @notice Tells the consumer the outcomes of an accepted (or, with one replica, unverified) computation. Anyone.
    /// @param outcomes Ascending. @param evidence Of the assignments whose answers stand, by ascending index.
    /// @return delivered Whether the consumer took it.
    function deliverOutcomes(ComputationId computation, uint256[] calldata outcomes, Evidence[] calldata evidence)
        external
        returns (bool delivered);

    /// @notice The delivery of a computation's result.
    function resultDeliveryOf(ComputationId computation) external view returns (Delivery memory);

    /// @notice The delivery of a computation's outcomes.
    function outcomesDeliveryOf(ComputationId computation) external view returns (Delivery memory);

    /// @notice Where computations are known.
    function ALLOCATOR() external view returns (IComputationAllocator);

    /// @notice Least gas of a callback.
    function MIN_CALLBACK_GAS() external view returns (uint256);

    /// @notice Most gas of a callback.
    function MAX_CALLBACK_GAS() external view returns (uint256);
}
