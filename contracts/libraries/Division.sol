// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SessionStatus} from "../lifecycle/Session.sol";

/// @title What becomes of a run's money
/// @notice A run holds a fee for each member, and a deposit of each that joined. Depending on how it ended:
///   Paid       each has its deposit back, and earns its fee
///   Outlier    deposits to the treasury, so that nobody gains by outvoting; fees back to the requester
///   Released, Disputed, Cancelled: deposits return, and so do fees
///   Aborted    the deposits of the absent are shared by the present, rounded down; fees return. What rounding
///              leaves, and all deposits when everybody is absent, goes to the treasury.
library Division {
    /// @notice Divides the money of a run.
    /// @param absent Bit i is set when member i was: of a Cancelled run, when it had not joined.
    /// @return pay Wei of each member. @return refund Of the requester. @return forfeit Of the treasury.
    function divide(SessionStatus status, uint256 members, uint256 absent, uint256 fee, uint256 deposit)
        internal
        pure
        returns (uint256[] memory pay, uint256 refund, uint256 forfeit)
    {
        pay = new uint256[](members);
        if (status != SessionStatus.Paid) refund = fee * members;
        if (status == SessionStatus.Outlier) return (pay, refund, deposit * members);
        uint256 each = status == SessionStatus.Paid ? deposit + fee : deposit;
        if (status == SessionStatus.Aborted) {
            uint256 present = members;
            for (uint256 i; i < members; ++i) {
                if (absent & (1 << i) != 0) --present;
            }
            forfeit = deposit * (members - present);
            if (present != 0) {
                each += forfeit / present;
                forfeit %= present;
            }
        }
        for (uint256 i; i < members; ++i) {
            if (absent & (1 << i) == 0) pay[i] = each;
        }
    }
}
