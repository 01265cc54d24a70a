// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision} from "../interfaces/IAuditTrail.sol";
import {MountainRange} from "./MountainRange.sol";

/// @notice One entry of the audit trail.
/// @param subject Id of the organisation, processor or computation decided about.
/// @param recorder Contract that decided. @param digest keccak256 of the decision's facts.
struct AuditEntry {
    uint64 index;
    Decision decision;
    uint64 subject;
    address recorder;
    bytes32 digest;
}

/// @title Proofs that a decision is in an audit trail, for whoever knows nothing but the trail's root
/// @notice Reads no state, so that another contract, or one on another chain, can check what `qcrs audit prove`
/// writes. It proves what a root binds; that the root was the trail's at some time is for the caller to know.
/// @dev A proof stays valid for its root for good; the trail's own `contains` wants one for its present size.
library AuditProof {
    /// @notice The leaf of `entry`: keccak256(0x00 ++ index ++ decision ++ subject ++ recorder ++ digest).
    function leafOf(AuditEntry memory entry) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(uint8(0), entry.index, entry.decision, entry.subject, entry.recorder, entry.digest)
        );
    }

    /// @notice Whether the trail of `size` entries with `root` has `entry`.
    /// @param siblings From the entry's leaf up to its peak.
    /// @param peaks Of the trail of that size, lowest first; as many as `size` has binary digits set.
    function includes(
        bytes32 root,
        uint64 size,
        AuditEntry memory entry,
        bytes32[] calldata siblings,
        bytes32[] calldata peaks
    ) internal pure returns (bool) {
        return MountainRange.verify(root, size, entry.index, leafOf(entry), siblings, peaks);
    }
}
