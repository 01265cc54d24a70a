// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @notice What a replica revealed, as its assignment's digest binds it.
struct Reveal {
    bytes32 countsRoot;
    bytes32 salt;
    /// keccak256 of the sketch's words.
    bytes32 sketchDigest;
}

/// @title Digests by which parties bind themselves
/// @notice Every digest names its purpose, and those that a party signs or posts name chain and contract too, so
/// none can be replayed elsewhere.
library Commitment {
    bytes32 internal constant RESULT_DOMAIN = keccak256("QCRS result commitment");
    bytes32 internal constant REVEAL_DOMAIN = keccak256("QCRS revealed answer");
    bytes32 internal constant SECRET_DOMAIN = keccak256("QCRS requester secret");
    bytes32 internal constant SEED_DOMAIN = keccak256("QCRS sketch seed");
    bytes32 internal constant DRAW_DOMAIN = keccak256("QCRS sortition seed");
    bytes32 internal constant ANSWER_DOMAIN = keccak256("QCRS verified result");

    /// @notice What a processor commits to. The salt keeps small histograms from being guessed; the processor's id
    /// keeps one processor from posting another's commitment as its own.
    function ofResult(
        address verifier,
        ComputationId id,
        uint256 attempt,
        ProcessorId processor,
        bytes32 countsRoot,
        bytes32 salt
    ) internal view returns (bytes24) {
        return bytes24(
            keccak256(abi.encode(RESULT_DOMAIN, block.chainid, verifier, id, attempt, processor, countsRoot, salt))
        );
    }

    /// @notice What stays of a reveal until settlement.
    function ofReveal(bytes32 countsRoot, bytes32 salt, uint256[] calldata sketch) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(REVEAL_DOMAIN, countsRoot, salt, keccak256(abi.encodePacked(sketch)))));
    }

    /// @notice The same, from the digest of the sketch's words.
    function ofReveal(Reveal calldata reveal) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(REVEAL_DOMAIN, reveal.countsRoot, reveal.salt, reveal.sketchDigest)));
    }

    /// @notice The commitment to a requester's secret. Secrets form a chain: each is the commitment to the one that
    /// a further attempt needs.
    function ofSecret(bytes24 secret) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(SECRET_DOMAIN, secret)));
    }

    /// @notice The running digest of an attempt's commits.
    function extend(bytes4 commitsDigest, uint256 index, bytes24 commitment) internal pure returns (bytes4) {
        return bytes4(keccak256(abi.encode(commitsDigest, index, commitment)));
    }

    /// @notice The seed of the sketch: nobody who can still change an answer knows it.
    function seedOf(ComputationId id, uint256 attempt, bytes24 secret, bytes4 commitsDigest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SEED_DOMAIN, id, attempt, secret, commitsDigest));
    }

    /// @notice The seed of one draw.
    function drawSeedOf(bytes24 beacon, ComputationId id, uint256 tried) internal pure returns (bytes32) {
        return keccak256(abi.encode(DRAW_DOMAIN, beacon, id, tried));
    }

    /// @notice The digest of a verified result: the counts roots of the accepted replicas, in assignment order.
    function ofAnswer(ComputationId id, uint256 acceptedBitmap, bytes32[] memory countsRoots)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ANSWER_DOMAIN, id, acceptedBitmap, countsRoots));
    }
}
