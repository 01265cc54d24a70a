// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Action, IHashKeys} from "../interfaces/IHashKeys.sol";
import {Actor} from "../libraries/Actor.sol";

/// @title A target of the door that notes who acts, and can do all that a target should not
contract DoorTarget {
    address public immutable DOOR;
    address public actor;
    bool public proven;
    uint256 public count;

    error Declined(uint256 code);

    constructor(address door) {
        DOOR = door;
    }

    function note(uint256 value) external returns (uint256) {
        (actor, proven) = Actor.behind(DOOR);
        count += value;
        return count;
    }

    function noteProven() external returns (address) {
        actor = Actor.proven(DOOR);
        return actor;
    }

    function decline(uint256 code) external pure {
        revert Declined(code);
    }

    /// @notice Returns so many bytes.
    function flood(uint256 size) external pure {
        assembly ("memory-safe") {
            return(0, size)
        }
    }

    /// @notice Passes over whatever goes wrong inside, as a relay does.
    function swallow(uint256 gasNeeded) external returns (bool) {
        try this.burnGas(gasNeeded) {
            ++count;
            return true;
        } catch {
            return false;
        }
    }

    function burnGas(uint256 amount) external view {
        uint256 start = gasleft();
        while (start - gasleft() < amount) {}
    }

    /// @notice Posts a signature again while it is being acted on.
    function again(Action calldata action, bytes calldata ecdsaSignature, bytes calldata hashSignature) external {
        // slither-disable-next-line unused-return
        IHashKeys(DOOR).perform(action, ecdsaSignature, hashSignature);
    }
}
