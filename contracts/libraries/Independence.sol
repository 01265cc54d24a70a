// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Were two answers measured, each on its own?
/// @notice Honest replicas differ by at least their shot noise. Two that differ by less share shots: one copied the
/// other, in whole or in part. And a histogram is too rich to come about twice: see `surpriseOf`.
/// @dev `tooClose` compares T = sum of (a - b)^2 / (a + b) over the occupied buckets with its mean for independent
/// answers of one distribution, k = occupied buckets - rows, and for different ones T is larger. It is chi-squared
/// with k degrees of freedom in one row. Rows tell the same shots four times: their covariance is m P of their
/// variance, P = sum p_x^2 the chance that two shots agree, which the sketches show as the variance of their buckets;
/// so T / k spreads as chi-squared with k / (1 + (r - 1) min(1, m P)) degrees, here called independent. The lower
/// tail is Wilson and Hilferty's: T / k < (1 - 2 / 9d - z sqrt(2 / 9d))^3, d degrees, z = 5.
library Independence {
    /// Fewer independent degrees of freedom cannot tell a copy from luck.
    uint256 internal constant MIN_DEGREES = 32;
    /// Standard deviations below the mean.
    uint256 internal constant DEVIATIONS = 5;
    /// Bits of surprise at which the same histogram in two computations is a proven replay.
    uint256 internal constant REPLAY_BITS = 48;

    /// Thousandths of a bit that an occupied bucket adds, log2(2 pi) / 2, rounded down; the total takes one more.
    uint256 internal constant BUCKET_MILLIBITS = 1325;

    uint256 private constant LANE = 0xffffffff;

    /// @notice Whether two sketches are nearer to each other than independent answers come.
    /// @param a Lanes of one, as CountSketch.lanesOf gives them. @param b Lanes of the other, of as many shots.
    function tooClose(uint256[] memory a, uint256[] memory b, uint256 rows, uint256 buckets)
        internal
        pure
        returns (bool)
    {
        (uint256 statistic, uint256 occupied, uint256 shots, uint256 squares) = _compare(a, b);
        if (occupied < MIN_DEGREES + rows) return false;
        unchecked {
            uint256 degrees = occupied - rows;
            // slither-disable-next-line divide-before-multiply (exact: every row adds up to the same)
            shots /= rows; // of both together, in one row
            uint256 flat = rows * (buckets - 1) * shots * shots;
            uint256 shared = (rows - 1) * buckets * (buckets * squares - rows * shots * shots);
            if (shared > (rows - 1) * flat) shared = (rows - 1) * flat;
            uint256 independent = (degrees * flat) / (flat + shared);
            if (independent < MIN_DEGREES) return false;
            return statistic << 80 < degrees * _lowerTail(independent) ** 3;
        }
    }

    /// @notice Bits of surprise in a histogram: no honest processor, whatever its distribution, gives a histogram
    /// with this first row with a chance above 2^-surprise. Rounded down; 0 when there is none.
    /// @param lanes Lanes of its sketch; only the first row is read.
    /// @dev No distribution makes counts c likelier than c / N does: N! / N^N * product of c^c / c!, which Stirling
    /// bounds by e^(1 / 12 N) sqrt(2 pi N) * product of 1 / sqrt(2 pi c) over c >= 1.
    function surpriseOf(uint256[] memory lanes, uint256 rows) internal pure returns (uint256) {
        uint256 length = lanes.length / rows;
        uint256 millibits;
        uint256 shots;
        for (uint256 i; i < length; ++i) {
            for (uint256 word = lanes[i]; word != 0; word >>= 32) {
                uint256 count = word & LANE;
                if (count == 0) continue;
                shots += count;
                millibits += BUCKET_MILLIBITS + 500 * Math.log2(count);
            }
        }
        uint256 total = BUCKET_MILLIBITS + 1 + 500 * (Math.log2(shots) + 1);
        return millibits > total ? (millibits - total) / 1000 : 0;
    }

    /// @dev (1 - 2 / 9d - z sqrt(2 / 9d)) in 2^-32; d >= MIN_DEGREES keeps it positive.
    function _lowerTail(uint256 degrees) private pure returns (uint256) {
        unchecked {
            return (1 << 32) - (2 << 32) / (9 * degrees) - DEVIATIONS * Math.sqrt((2 << 64) / (9 * degrees));
        }
    }

    /// @return statistic T in 2^-16, each term rounded down.
    /// @return occupied Buckets with a shot of either.
    /// @return shots Of both, over all rows.
    /// @return squares Sum of (a + b)^2.
    function _compare(uint256[] memory a, uint256[] memory b)
        private
        pure
        returns (uint256 statistic, uint256 occupied, uint256 shots, uint256 squares)
    {
        for (uint256 i; i < a.length; ++i) {
            uint256 x = a[i];
            uint256 y = b[i];
            unchecked {
                for (; x | y != 0; (x >>= 32, y >>= 32)) {
                    uint256 both = (x & LANE) + (y & LANE);
                    if (both == 0) continue;
                    uint256 gap = (x & LANE) > (y & LANE) ? (x & LANE) - (y & LANE) : (y & LANE) - (x & LANE);
                    statistic += ((gap * gap) << 16) / both;
                    shots += both;
                    squares += both * both;
                    ++occupied;
                }
            }
        }
    }
}
