// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A door that asks for no signature
/// @notice Calls as the contract of hash keys does, for whoever it is told to: see Actor.
contract TestDoor {
    mapping(address account => bool) public isKeyless;

    /// @notice Lets `account` have no key; all others have one.
    function forget(address account) external {
        isKeyless[account] = true;
    }

    /// @notice As the contract of hash keys has it: 0 of an account without a key.
    function wordOf(address account) external view returns (bytes32) {
        return isKeyless[account] ? bytes32(0) : bytes32(uint256(1));
    }

    /// @notice Calls `target` with `data` for `account`.
    function perform(address account, address target, bytes calldata data) external returns (bytes memory result) {
        bool succeeded;
        (succeeded, result) = target.call(abi.encodePacked(data, account));
        if (!succeeded) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
