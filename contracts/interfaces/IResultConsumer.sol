// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";

/// @title What a contract implements to be told how a computation ended
/// @dev Check that the caller is the ResultDelivery in which you subscribed. It calls with the gas of the
/// subscription, without coin, and ignores what is returned; who reverts may be called again, who does not never is.
interface IResultConsumer {
    /// @param status Accepted alone is a verified result; see ComputationStatus for the others.
    /// @param answerDigest Digest of the counts roots that stand (Commitment.ofAnswer); 0 without an answer.
    /// @param accepted Bit i says that the answer of assignment i stands.
    function onResult(ComputationId computation, ComputationStatus status, bytes32 answerDigest, uint256 accepted)
        external;
}

/// @title What a contract implements to be told the outcomes of a computation
/// @dev As for IResultConsumer. Each outcome is proven against every counts root that stands.
interface IOutcomesConsumer {
    /// @param outcomes Ascending. @param counts How often each was measured, all replicas together.
    /// @param shots Of all replicas together. What `counts` leave of them is spread over outcomes not shown, so an
    /// outcome with more than what is left is more frequent than each of those.
    function onOutcomes(
        ComputationId computation,
        uint256[] calldata outcomes,
        uint256[] calldata counts,
        uint256 shots
    ) external;
}
