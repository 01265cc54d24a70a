// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "./CountSketch.sol";

/// @title Do independent replicas tell the same story?
/// @notice Two replicas disagree when the squared distance of their centred sketches exceeds what one noise class
/// explains plus six standard deviations of shot noise (the Gram rule), or when a single bucket differs by more
/// than that (the bucket rule). The verdict follows from the largest cluster that agrees with its medoid.
/// @dev All quantities are scaled by the bucket count m, so that they are exact integers. With N shots, r rows and
/// G the Gram matrix of the sketches:
///   S_ij = m G_ij - r N^2               (i != j)
///   S_ii = m G_ii - r N^2 - (m - 1) r N  (the last term removes the bias of multinomial counts)
///   V    = max(0, 4 m r (G_ii + G_jj) - 8 r^2 N^2) + 8 r N^2
///   X    = (20000 - K)(S_ii + S_jj) - 40000 S_ij;  disagree iff X > 0 and X^2 > 144e8 m V
/// With shots below 2^16 and at most 256 buckets in all, G stays below 2^34, S below 2^42, X below 2^59 and the right
/// side below 2^93: arithmetic is unchecked, which halves the cost of a verdict.
/// K bounds the honest relative squared distance within one noise class, in 1e-4. Fidelities are taken as equal
/// within a class, so they cancel. There is no proof of error rates; they are measured (see the benchmarks).
library Agreement {
    enum Verdict {
        Unset,
        Accepted,
        Rejected,
        Inconclusive,
        /// One replica: nobody to compare with.
        Unverified,
        /// No verdict yet: more replicas are drawn.
        Escalated
    }

    /// 1e4 times the squared relative distance that one noise class explains.
    int256 internal constant CLASS_SPREAD = 800;
    /// Share of the shots, in 1e-4, by which one bucket may differ within a class.
    uint256 internal constant BUCKET_TOLERANCE = 300;

    /// @notice Replicas that must agree, of `replicas` asked for.
    function quorumOf(uint256 replicas) internal pure returns (uint256) {
        return replicas / 2 + 1;
    }

    /// @notice Judges revealed sketches.
    /// @param sketches Wire sketches, one after the other, `words` words each; every row adds up to `shots`.
    /// @param quorum Members a cluster needs.
    /// @param excluded Bit i is set when sketch i neither votes nor counts.
    /// @return verdict Accepted, Rejected or Inconclusive.
    /// @return members Bit i is set when sketch i belongs to the winning cluster; 0 unless accepted.
    function judge(
        uint256[] calldata sketches,
        uint256 words,
        uint256 outcomeBits,
        uint256 shots,
        uint256 quorum,
        uint256 excluded
    ) internal pure returns (Verdict verdict, uint256 members) {
        uint256 count = sketches.length / words;
        uint256[][] memory lanes = new uint256[][](count);
        uint256[] memory agreeing = new uint256[](count);
        int256[] memory distance = new int256[](count);
        uint256 peaked;
        {
            int256[] memory norms = new int256[](count);
            (uint256 rows, uint256 buckets) = CountSketch.dimensions(outcomeBits);
            for (uint256 i; i < count; ++i) {
                if (excluded & (1 << i) != 0) continue;
                lanes[i] = CountSketch.lanesOf(sketches[i * words:(i + 1) * words]);
                uint256[] memory reversed = CountSketch.reversedLanes(lanes[i]);
                norms[i] = int256(CountSketch.dot(lanes[i], reversed));
                agreeing[i] |= 1 << i;
                if (!isFlat(norms[i], rows, buckets, shots)) peaked |= 1 << i;
                for (uint256 j; j < i; ++j) {
                    if (excluded & (1 << j) != 0) continue;
                    int256 product = int256(CountSketch.dot(lanes[j], reversed));
                    (int256 x, bool far) = gramRule(norms[i], norms[j], product, rows, buckets, shots);
                    if (far || bucketRule(lanes[i], lanes[j], shots)) continue;
                    agreeing[i] |= 1 << j;
                    agreeing[j] |= 1 << i;
                    unchecked {
                        distance[i] += x;
                        distance[j] += x;
                    }
                }
            }
        }
        members = _largestCluster(agreeing, distance);
        if (_populationOf(members) < quorum) return (Verdict.Rejected, 0);
        if (_populationOf(members & peaked) < quorum) return (Verdict.Inconclusive, 0);
        return (Verdict.Accepted, members);
    }

    /// @notice The Gram rule for one pair.
    /// @param normI G_ii. @param normJ G_jj. @param product G_ij.
    /// @return x The scaled excess distance; smaller is closer. @return far Whether it is beyond honest spread.
    function gramRule(int256 normI, int256 normJ, int256 product, uint256 rows, uint256 buckets, uint256 shots)
        internal
        pure
        returns (int256 x, bool far)
    {
        unchecked {
            int256 own = _centredNorm(normI, rows, buckets, shots) + _centredNorm(normJ, rows, buckets, shots);
            int256 cross = int256(buckets) * product - int256(rows * shots * shots);
            x = (20_000 - CLASS_SPREAD) * own - 40_000 * cross;
            far = x > 0 && x * x > 144e8 * int256(buckets) * _variance(normI + normJ, rows, buckets, shots);
        }
    }

    /// @notice Whether a sketch cannot be told from uniform noise at three standard deviations.
    function isFlat(int256 norm, uint256 rows, uint256 buckets, uint256 shots) internal pure returns (bool) {
        unchecked {
            int256 own = _centredNorm(norm, rows, buckets, shots);
            return own <= 0 || own * own < 9 * int256(buckets) * _variance(2 * norm, rows, buckets, shots);
        }
    }

    /// @notice The bucket rule for one pair: disagree iff for some bucket with a and b shots
    /// 1e4 |a - b| > N T and (1e4 |a - b| - N T)^2 > 36e8 (a + b + 1).
    /// @dev Every bucket is tested, eight at a time, so no caller has to be trusted to name the telling one.
    function bucketRule(uint256[] memory a, uint256[] memory b, uint256 shots) internal pure returns (bool) {
        uint256 allowance = shots * BUCKET_TOLERANCE;
        uint256 tolerance = allowance / 1e4;
        uint256 word = CountSketch.firstFarWord(a, b, tolerance, 0);
        while (word < a.length) {
            for (uint256 shift; shift < 256; shift += 32) {
                uint256 x = (a[word] >> shift) & 0xffffffff;
                uint256 y = (b[word] >> shift) & 0xffffffff;
                uint256 gap = 1e4 * (x > y ? x - y : y - x);
                if (gap > allowance && (gap - allowance) ** 2 > 36e8 * (x + y + 1)) return true;
            }
            word = CountSketch.firstFarWord(a, b, tolerance, word + 1);
        }
        return false;
    }

    /// @dev The medoid agrees with most replicas; ties go to the smallest summed distance, then to the lowest index.
    function _largestCluster(uint256[] memory agreeing, int256[] memory distance) private pure returns (uint256) {
        uint256 medoid;
        uint256 degree;
        for (uint256 i; i < agreeing.length; ++i) {
            uint256 candidate = _populationOf(agreeing[i]);
            if (candidate > degree || (candidate == degree && distance[i] < distance[medoid])) {
                medoid = i;
                degree = candidate;
            }
        }
        return degree == 0 ? 0 : agreeing[medoid];
    }

    function _centredNorm(int256 norm, uint256 rows, uint256 buckets, uint256 shots) private pure returns (int256) {
        unchecked {
            return int256(buckets) * norm - int256(rows * shots * shots + (buckets - 1) * rows * shots);
        }
    }

    function _variance(int256 norms, uint256 rows, uint256 buckets, uint256 shots) private pure returns (int256) {
        unchecked {
            int256 excess = int256(4 * buckets * rows) * norms - int256(8 * rows * rows * shots * shots);
            return (excess > 0 ? excess : int256(0)) + int256(8 * rows * shots * shots);
        }
    }

    function _populationOf(uint256 bits) private pure returns (uint256 population) {
        unchecked {
            for (; bits != 0; bits &= bits - 1) {
                ++population;
            }
        }
    }
}
