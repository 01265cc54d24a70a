// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHashKeys} from "../interfaces/IHashKeys.sol";

/// @title Who acts, when a contract can be called through the door of hash keys
library Actor {
    /// @notice `account` must come through the contract of hash keys, `door`, with a hash-based signature.
    error HashSignatureRequired(address account, address door);

    /// @notice The account behind this call, and whether it has shown a hash-based signature.
    /// @dev The door appends the account to the call data; only the door is believed to.
    function behind(address door) internal view returns (address account, bool isProven) {
        if (msg.sender != door) return (msg.sender, false);
        assembly ("memory-safe") {
            account := shr(96, calldataload(sub(calldatasize(), 20)))
        }
        return (account, true);
    }

    /// @notice The account behind this call, which has shown a hash-based signature if it has a hash key.
    function bound(IHashKeys door) internal view returns (address account) {
        bool isProven;
        (account, isProven) = behind(address(door));
        if (!isProven) requireKeyless(door, account);
    }

    /// @notice Checks that `account`, which has shown no hash-based signature, is bound to none.
    function requireKeyless(IHashKeys door, address account) internal view {
        if (door.wordOf(account) != 0) revert HashSignatureRequired(account, address(door));
    }

    /// @notice The account behind this call, which has shown a hash-based signature.
    function proven(address door) internal view returns (address account) {
        bool isProven;
        (account, isProven) = behind(door);
        if (!isProven) revert HashSignatureRequired(account, door);
    }
}
