// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Commitment} from "../libraries/Commitment.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title Commitment, callable from tests
contract CommitmentHarness {
    function ofResult(
        address verifier,
        ComputationId id,
        uint256 attempt,
        ProcessorId processor,
        bytes32 countsRoot,
        bytes32 salt
    ) external view returns (bytes24) {
        return Commitment.ofResult(verifier, id, attempt, processor, countsRoot, salt);
    }

    function ofReveal(bytes32 countsRoot, bytes32 salt, uint256[] calldata sketch) external pure returns (bytes24) {
        return Commitment.ofReveal(countsRoot, salt, sketch);
    }

    function ofSecret(bytes24 secret) external pure returns (bytes24) {
        return Commitment.ofSecret(secret);
    }

    function extend(bytes4 commitsDigest, uint256 index, bytes24 commitment) external pure returns (bytes4) {
        return Commitment.extend(commitsDigest, index, commitment);
    }

    function seedOf(ComputationId id, uint256 attempt, bytes24 secret, bytes4 commitsDigest)
        external
        pure
        returns (bytes32)
    {
        return Commitment.seedOf(id, attempt, secret, commitsDigest);
    }

    function drawSeedOf(bytes24 beacon, ComputationId id, uint256 tried) external pure returns (bytes32) {
        return Commitment.drawSeedOf(beacon, id, tried);
    }

    function ofAnswer(ComputationId id, uint256 acceptedBitmap, bytes32[] calldata countsRoots)
        external
        pure
        returns (bytes32)
    {
        return Commitment.ofAnswer(id, acceptedBitmap, countsRoots);
    }
}
