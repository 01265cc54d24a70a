// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an account does through a hash key: call `target` with `data`, as the action of its leaf `leaf`.
struct Action {
    address account;
    address target;
    bytes data;
}

/// @title The door that asks for a hash-based signature beside the account's own
/// @notice Each account may install one key: the root of a Merkle tree of one-time keys (see HashSignature). Whoever calls
/// through the door shows the account's ECDSA signature, or is the account, and a signature by the next leaf of its tree. A
/// valid signature always burns its leaf: when the call fails, the event ActionFailed tells so and the leaf stays burnt, since
/// a one-time key that has signed twice is worth nothing. Targets see this contract as their caller and the account in
/// the last 20 bytes of their call data: see Actor.
/// @dev Trust: none. A key is installed by its account, with a proof of possession; it is replaced by a signature of the
/// present key, or, when that is lost, by the Processor Certification Authority after RECOVERY_SECONDS in which the present
/// key can object.
interface IHashKeys {
    event KeyInstalled(address indexed account, bytes32 word);
    event KeyRotated(address indexed account, bytes32 before, bytes32 word);
    event ActionPerformed(address indexed account, uint32 indexed leaf, address indexed target, bytes result);
    event ActionFailed(address indexed account, uint32 indexed leaf, address indexed target, bytes reason);

    /// @notice Calls `action.target` for `action.account`, and burns the leaf that signed this.
    /// @param ecdsaSignature The account's EIP-712 signature of the action; empty when the caller is the account.
    /// @param hashSignature The account's hash-based signature of the same digest.
    /// @return succeeded Whether the target took the call. @return result What it returned, or why it did not.
    function perform(Action calldata action, bytes calldata ecdsaSignature, bytes calldata hashSignature)
        external
        returns (bool succeeded, bytes memory result);

    /// @notice The key of `account` and its next leaf, in one word; 0 when it has none.
    function wordOf(address account) external view returns (bytes32);
}
