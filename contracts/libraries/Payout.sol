// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title Where stakes go
/// @notice What courts and gold rounds do with the coin that they hold: people are paid into their balance in the
/// escrow, from where they pull it, and what is burned goes to the zero address, which nobody holds and where no code is.
library Payout {
    /// @notice `amount` wei could not be burned.
    error BurnFailed(uint256 amount);
    /// @notice The contract `to` of the suite did not take `amount` wei.
    error HandoverFailed(address to, uint256 amount);

    /// @notice Pays `amount` wei into the available balance of `holder`; nothing is sent for nothing.
    function pay(IEscrow escrow, address holder, uint256 amount) internal {
        if (amount != 0) escrow.depositFor{value: amount}(holder);
    }

    /// @notice Hands `amount` wei over to another contract of the suite, which keeps books of its own.
    function handOver(address to, uint256 amount) internal {
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert HandoverFailed(to, amount);
    }

    /// @notice Takes `amount` wei out of circulation.
    function burn(uint256 amount) internal {
        (bool taken,) = address(0).call{value: amount}("");
        if (!taken) revert BurnFailed(amount);
    }
}
