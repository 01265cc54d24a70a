// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a counts root binds: root = keccak256(abi.encode(leafCount, shots, top)).
struct Binding {
    uint256 leafCount;
    uint256 shots;
    /// Top of the tree over the leaves; 0 when there is none.
    bytes32 top;
}

/// @notice Neighbouring leaves, and what leads from them to the top.
struct Run {
    /// Number of the first leaf.
    uint256 first;
    /// Packed, ascending.
    uint256[] leaves;
    bytes32[] siblings;
}

/// @title Openings of the root that binds a whole histogram
/// @notice Leaves are sorted by outcome: keccak256(0x00 ++ outcome ++ count), 32 bytes each; inner nodes are
/// keccak256(0x01 ++ left ++ right); a node without a sibling rises as it is. A run of neighbouring leaves is opened
/// at once: it costs little more than its leaves.
/// @dev Packed, a leaf is outcome << 16 | count. A root over counts or outcomes that do not fit, or that are not in
/// order, cannot be opened there: whoever made it is silent when it is asked to.
library Histogram {
    /// @notice The binding shown hashes to `actual`, not to the root `expected`.
    error BindingMismatch(bytes32 expected, bytes32 actual);
    /// @notice There are `leafCount` leaves; `length` leaves from number `first` are not among them, or none.
    error RunOutOfBounds(uint256 first, uint256 length, uint256 leafCount);
    /// @notice Leaf number `position` has no larger outcome than the leaf before it.
    error OutcomesNotAscending(uint256 position);
    /// @notice Only `actual` siblings are given, the path to the top needs more.
    error SiblingMissing(uint256 actual);
    /// @notice The path to the top needs `needed` siblings, `actual` are given.
    error SiblingsUnused(uint256 needed, uint256 actual);
    /// @notice Leaves and siblings lead to the top `actual`, not `expected`.
    error RunMismatch(bytes32 expected, bytes32 actual);

    /// @notice Reverts unless `leaves`, packed, ascending, are leaves number first, first + 1, ... under `root`.
    /// @param siblings Per level from the leaves up: the left neighbour of the run when it starts at an odd index,
    /// then the right neighbour when it ends at an even index and is not the last.
    function requireRun(
        bytes32 root,
        Binding calldata binding,
        uint256 first,
        uint256[] calldata leaves,
        bytes32[] calldata siblings
    ) internal pure {
        requireBinding(root, binding);
        requireRunUnder(binding, first, leaves, siblings);
    }

    /// @notice Reverts unless `root` is the root of `binding`.
    function requireBinding(bytes32 root, Binding calldata binding) internal pure {
        bytes32 actual = keccak256(abi.encode(binding));
        if (actual != root) revert BindingMismatch(root, actual);
    }

    /// @notice As `requireRun`, for a binding whose root the caller has checked.
    function requireRunUnder(
        Binding calldata binding,
        uint256 first,
        uint256[] calldata leaves,
        bytes32[] calldata siblings
    ) internal pure {
        uint256 leafCount = binding.leafCount;
        if (leaves.length == 0 || leaves.length > leafCount || first > leafCount - leaves.length) {
            revert RunOutOfBounds(first, leaves.length, leafCount);
        }
        uint256 nodes = _hashLeaves(first, leaves, siblings.length);
        bytes32 top = _climb(nodes, first, leaves.length, leafCount, siblings);
        if (top != binding.top) revert RunMismatch(binding.top, top);
    }

    /// @dev Leaves room before the nodes, a word for each left sibling and one that `_pair` borrows a byte of, and a
    /// word after them for a right sibling.
    /// @return nodes Memory pointer of the first node.
    function _hashLeaves(uint256 first, uint256[] calldata leaves, uint256 room) private pure returns (uint256 nodes) {
        uint256 unordered;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            nodes := add(buffer, add(0x60, mul(room, 0x20)))
            mstore(0x40, add(nodes, mul(add(leaves.length, 1), 0x20)))
            // The preimage is built in the buffer's first three words, which no node takes.
            mstore(buffer, 0)
            let previous := 0
            for { let i := 0 } lt(i, leaves.length) { i := add(i, 1) } {
                let leaf := calldataload(add(leaves.offset, mul(i, 0x20)))
                let outcome := shr(16, leaf)
                if and(gt(i, 0), iszero(gt(outcome, previous))) {
                    unordered := i
                    break
                }
                previous := outcome
                mstore(add(buffer, 0x20), outcome)
                mstore(add(buffer, 0x40), and(leaf, 0xffff))
                mstore(add(nodes, mul(i, 0x20)), keccak256(add(buffer, 0x1f), 0x41))
            }
        }
        if (unordered != 0) revert OutcomesNotAscending(first + unordered);
    }

    /// @param width Nodes of the whole tree on the leaves' level.
    function _climb(uint256 nodes, uint256 first, uint256 length, uint256 width, bytes32[] calldata siblings)
        private
        pure
        returns (bytes32 top)
    {
        uint256 used;
        unchecked {
            while (width > 1) {
                if (first & 1 == 1) {
                    nodes -= 0x20;
                    _put(nodes, siblings, used++);
                    --first;
                    ++length;
                }
                if ((first + length) & 1 == 1 && first + length != width) {
                    _put(nodes + 0x20 * length, siblings, used++);
                    ++length;
                }
                _pair(nodes, length);
                first >>= 1;
                length = (length + 1) >> 1;
                width = (width >> 1) + (width & 1);
            }
        }
        if (used != siblings.length) revert SiblingsUnused(used, siblings.length);
        assembly ("memory-safe") {
            top := mload(nodes)
        }
    }

    function _put(uint256 pointer, bytes32[] calldata siblings, uint256 index) private pure {
        if (index >= siblings.length) revert SiblingMissing(siblings.length);
        bytes32 sibling = siblings[index];
        assembly ("memory-safe") {
            mstore(pointer, sibling)
        }
    }

    /// @dev Replaces nodes by their parents, in place: the prefix goes into the last byte of the word before a pair,
    /// which has been read by then and holds no parent yet, or is spare.
    function _pair(uint256 nodes, uint256 length) private pure {
        assembly ("memory-safe") {
            let end := add(nodes, mul(and(length, not(1)), 0x20))
            let parent := nodes
            for { let child := nodes } lt(child, end) { child := add(child, 0x40) } {
                mstore8(sub(child, 1), 1)
                mstore(parent, keccak256(sub(child, 1), 0x41))
                parent := add(parent, 0x20)
            }
            if and(length, 1) { mstore(parent, mload(end)) }
        }
    }
}
