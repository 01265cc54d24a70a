// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "../lifecycle/Processor.sol";
import {SessionId} from "../lifecycle/Session.sol";

/// @title Digests by which the members of a session bind themselves
/// @notice Each names its purpose, and what a member posts names chain and contract too: see Commitment.
library SessionDigest {
    bytes32 internal constant RESULT_DOMAIN = keccak256("QCRS session result");
    bytes32 internal constant REPORT_DOMAIN = keccak256("QCRS session report");
    bytes32 internal constant SEED_DOMAIN = keccak256("QCRS session sketch seed");
    bytes32 internal constant BEACON_DOMAIN = keccak256("QCRS session beacon");
    bytes32 internal constant ANSWER_DOMAIN = keccak256("QCRS session answer");

    /// @notice What a member commits to with the digest of the last phase. The processor's id keeps one member from
    /// posting another's commitment as its own, the session's one run from posting another's.
    function ofResult(address coordinator, SessionId id, ProcessorId processor, bytes32 countsRoot, bytes32 salt)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(RESULT_DOMAIN, block.chainid, coordinator, id, processor, countsRoot, salt));
    }

    /// @notice What stays of a report, the same for all members.
    function ofReport(bytes32 countsRoot, uint256[] calldata sketch) internal pure returns (bytes32) {
        return keccak256(abi.encode(REPORT_DOMAIN, countsRoot, keccak256(abi.encodePacked(sketch))));
    }

    /// @notice The seed of the sketches of a group's results.
    function seedOf(SessionId group, bytes24 secret) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEED_DOMAIN, group, secret));
    }

    /// @notice What replaces a secret that was not disclosed in time.
    function substituteOf(SessionId group, bytes24 beacon, bytes24 commitment) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(BEACON_DOMAIN, group, beacon, commitment)));
    }

    /// @notice The digest of a group's answer: the roots of its agreeing runs, by ascending id.
    function ofAnswer(SessionId group, uint256 agreeing, bytes32[] memory countsRoots) internal pure returns (bytes32) {
        return keccak256(abi.encode(ANSWER_DOMAIN, group, agreeing, countsRoots));
    }
}
