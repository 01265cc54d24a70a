// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A stop of new work that ends by itself
/// @notice Kept as the day, counted from 1970 (UTC), to whose end it lasts: 16 bits, which fit beside what every submission
/// and every allocation read anyhow, so that to ask costs them tens of gas.
library Pause {
    /// Days that one pause lasts, the running one included; and that have to pass between two.
    uint256 internal constant MAX_DAYS = 3;

    /// @notice No new work is taken until `endsAt`; now it is `timestamp`. What is under way goes on, and so does every
    /// payment.
    error WorkStopped(uint256 endsAt, uint256 timestamp);
    /// @notice A pause is 1 to `maximum` days long, the running one included.
    error PauseLengthInvalid(uint256 length, uint256 maximum);
    /// @notice The next pause can begin at `earliest`; now it is `timestamp`.
    error PauseTooSoon(uint256 earliest, uint256 timestamp);

    /// @notice Reverts to the end of day `through`.
    function requireOver(uint256 through) internal view {
        if (block.timestamp / 1 days <= through) revert WorkStopped(endOf(through), block.timestamp);
    }

    /// @notice When day `through` is over, unix seconds.
    function endOf(uint256 through) internal pure returns (uint256) {
        return (through + 1) * 1 days;
    }
}
