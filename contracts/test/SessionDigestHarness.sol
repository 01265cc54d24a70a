// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Division} from "../libraries/Division.sol";
import {SessionDigest} from "../libraries/SessionDigest.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {SessionId, SessionStatus} from "../lifecycle/Session.sol";

/// @title SessionDigest and Division, callable from tests
contract SessionDigestHarness {
    function ofResult(address coordinator, SessionId id, ProcessorId processor, bytes32 countsRoot, bytes32 salt)
        external
        view
        returns (bytes32)
    {
        return SessionDigest.ofResult(coordinator, id, processor, countsRoot, salt);
    }

    function ofReport(bytes32 countsRoot, uint256[] calldata sketch) external pure returns (bytes32) {
        return SessionDigest.ofReport(countsRoot, sketch);
    }

    function seedOf(SessionId group, bytes24 secret) external pure returns (bytes32) {
        return SessionDigest.seedOf(group, secret);
    }

    function substituteOf(SessionId group, bytes24 beacon, bytes24 commitment) external pure returns (bytes24) {
        return SessionDigest.substituteOf(group, beacon, commitment);
    }

    function ofAnswer(SessionId group, uint256 agreeing, bytes32[] memory countsRoots) external pure returns (bytes32) {
        return SessionDigest.ofAnswer(group, agreeing, countsRoots);
    }

    function divide(SessionStatus status, uint256 members, uint256 absent, uint256 fee, uint256 deposit)
        external
        pure
        returns (uint256[] memory pay, uint256 refund, uint256 forfeit)
    {
        return Division.divide(status, members, absent, fee, deposit);
    }
}
