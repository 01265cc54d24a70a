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

/// @notice What leads from an entry to the root of a trail of `size` entries.
/// @param head Head of that trail's hash chain. @param before Head before the entry.
/// @param later Leaves after the entry, to the end of its page or of the trail.
/// @param siblings From the entry's page up to its peak; none while the page is not full.
/// @param peaks Of the range of full pages, lowest first.
struct Inclusion {
    uint64 size;
    bytes24 head;
    bytes24 before;
    bytes32[] later;
    bytes32[] siblings;
    bytes32[] peaks;
}

/// @title Proofs that a decision is in an audit trail, for whoever knows nothing but the trail's root
/// @notice Reads no state, so that another contract, or one on another chain, can check what `qcrs audit prove`
/// writes. It proves what a root binds; that the root was the trail's at some time is for the caller to know.
/// @dev Entries are linked to a hash chain; the link that fills a page is a leaf of the mountain range of pages. So an entry
/// costs one slot, and a range only one in PAGE of them. A proof stays valid for its root for good. Heads are cut to 192 bits
/// to keep their slot single: a trail with two histories costs 2^96 hashes and every recorder's help.
library AuditProof {
    /// Entries of one page.
    uint256 internal constant PAGE = 16;

    /// @notice The leaf of `entry`: keccak256(0x00 ++ index ++ decision ++ subject ++ recorder ++ digest).
    function leafOf(AuditEntry memory entry) internal pure returns (bytes32) {
        return leafOf(entry.index, entry.decision, entry.subject, entry.recorder, entry.digest);
    }

    /// @notice The same, from the entry's parts.
    function leafOf(uint64 index, Decision decision, uint64 subject, address recorder, bytes32 digest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(uint8(0), index, decision, subject, recorder, digest));
    }

    /// @notice The link of a leaf to the chain of which `head` is the head; its first 24 bytes are the next head.
    function linkOf(bytes24 head, bytes32 leaf) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(head, leaf));
    }

    /// @notice What a root begins with, so that it binds the size and the chain: keccak256(0x02 ++ size ++ head).
    function sealOf(uint64 size, bytes24 head) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(2), size, head));
    }

    /// @notice Whether the trail with `root` has `entry`.
    function includes(bytes32 root, AuditEntry memory entry, Inclusion calldata inclusion)
        internal
        pure
        returns (bool)
    {
        uint256 size = inclusion.size;
        if (entry.index >= size) return false;
        (uint256 page, uint256 pages) = (entry.index / PAGE, size / PAGE);
        uint256 end = page == pages ? size : (page + 1) * PAGE;
        if (inclusion.later.length != end - entry.index - 1) return false;
        bytes32 link = linkOf(inclusion.before, leafOf(entry));
        for (uint256 i; i < inclusion.later.length; ++i) {
            link = linkOf(bytes24(link), inclusion.later[i]);
        }
        bytes32 seal = sealOf(inclusion.size, inclusion.head);
        if (page != pages) {
            return MountainRange.verify(root, seal, pages, page, link, inclusion.siblings, inclusion.peaks);
        }
        return bytes24(link) == inclusion.head && inclusion.siblings.length == 0
            && MountainRange.fold(seal, pages, inclusion.peaks) == root;
    }
}
