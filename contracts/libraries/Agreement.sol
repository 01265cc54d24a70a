// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {CountSketch} from "./CountSketch.sol";

/// @title Do independent replicas tell the same story?
/// @notice Two replicas disagree when the shapes of their sketches differ by more than one noise class and five standard
/// deviations of shot noise explain (the Gram rule), or a single bucket by more than that (the bucket rule). The verdict
/// follows from the largest cluster that agrees with its medoid.
/// @dev Noise mostly shrinks a sketch towards uniform, by a factor that differs between honest processors of a class.
/// So each sketch is first scaled to the other's amplitude, as far as MAX_SCALE; what it lacks beyond that is distance,
/// or a uniform answer would agree with all. Quantities are scaled by the bucket count m, so that they are exact.
/// With N shots, r rows and G the Gram matrix of the sketches:
///   S_ij = m G_ij - r N^2                (i != j)
///   S_ii = m G_ii - r N^2 - (m - 1) r N   (the last term removes the bias of multinomial counts): the power
///   A_i  = sqrt(S_ii / m r): the amplitude, in shots
///   W    = 2 sqrt(S_ii S_jj), or L S_min + S_max / L when S_max > L^2 S_min, L = 12 / 10
///   V    = max(0, 4 r (S_ii + S_jj + 2 (m - 1) r N)) + 8 r N^2
///   X    = 120 ((20000 - K) W - 40000 S_ij);  disagree iff X > 0 and X^2 > 120^2 1e10 m V
///   or, with a and b shots in some bucket, Y = 1e4 |a - b| - 2500 (a + b) - 100 N - B min(A_i, A_j):
///   disagree iff Y > 0 and Y^2 > 9e8 (a + b + 1)
/// K, in 1e-4, bounds the squared distance of shapes within one class, B the share of the amplitude by which one bucket
/// may differ. Both grow with the width of the outcome from 5 to 10 bits: a class promises a chain of five qubits, and
/// a wider circuit meets worse ones. They were fitted to one half of the calibrations and are measured on the other
/// (see the benchmarks); there is no proof of error rates.
/// With shots below 2^16 and at most 256 buckets in all, S stays below 2^42 and the squares below 2^132: unchecked
/// arithmetic, which halves the cost of a verdict, is safe.
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

    /// What all sketches of one computation have in common.
    struct Frame {
        uint256 rows;
        uint256 buckets;
        uint256 shots;
        /// B.
        uint256 share;
        /// 20000 - K.
        int256 kept;
        /// r N^2.
        int256 square;
        /// 2 (m - 1) r N.
        int256 bias;
        /// 120^2 1e10 m.
        int256 limit;
    }

    /// A sketch as the rules see it.
    struct Signal {
        uint256[] lanes;
        /// S_ii; below zero when a sketch is flatter than shot noise makes a uniform one.
        int256 power;
        /// A_i in 2^-8 shots; 0 unless the power is positive.
        uint256 amplitude;
    }

    /// Outcome bits up to which a class's promise holds as it is, and from which nothing more is allowed.
    uint256 internal constant NARROW_BITS = 5;
    uint256 internal constant WIDE_BITS = 10;
    /// K of narrow outcomes and what each further bit adds.
    uint256 internal constant CLASS_SPREAD = 400;
    uint256 internal constant CLASS_SPREAD_PER_BIT = 180;
    /// B of narrow outcomes and what each further bit adds.
    uint256 internal constant AMPLITUDE_SHARE = 250;
    uint256 internal constant AMPLITUDE_SHARE_PER_BIT = 60;
    /// Share of the shots, in 1e-4, by which any bucket may differ.
    uint256 internal constant BUCKET_TOLERANCE = 100;
    /// Share, in 1e-4, of the shots of both in a bucket by which it may differ.
    uint256 internal constant BUCKET_SHARE = 2500;
    /// L in tenths.
    int256 internal constant MAX_SCALE = 12;

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
        Frame memory frame = frameOf(outcomeBits, shots);
        Signal[] memory signals = new Signal[](sketches.length / words);
        uint256[] memory agreeing = new uint256[](signals.length);
        int256[] memory distance = new int256[](signals.length);
        uint256 peaked;
        unchecked {
            for (uint256 i; i < signals.length; ++i) {
                if (excluded & (1 << i) != 0) continue;
                uint256[] calldata sketch = sketches[i * words:(i + 1) * words];
                uint256[] memory lanes = CountSketch.lanesOf(sketch);
                uint256[] memory reversed = CountSketch.reversedLanesOf(sketch);
                Signal memory signal = signalOf(frame, lanes, CountSketch.dot(lanes, reversed));
                signals[i] = signal;
                if (!isFlat(frame, signal.power)) peaked |= 1 << i;
                uint256 own = 1 << i;
                int256 sum;
                for (uint256 j; j < i; ++j) {
                    if (excluded & (1 << j) != 0) continue;
                    Signal memory other = signals[j];
                    (int256 x, bool far) = gramRule(frame, signal, other, CountSketch.dot(other.lanes, reversed));
                    if (far || bucketRule(frame, signal, other)) continue;
                    own |= 1 << j;
                    agreeing[j] |= 1 << i;
                    sum += x;
                    distance[j] += x;
                }
                agreeing[i] = own;
                distance[i] = sum;
            }
        }
        members = _largestCluster(agreeing, distance);
        if (_populationOf(members) < quorum) return (Verdict.Rejected, 0);
        if (_populationOf(members & peaked) < quorum) return (Verdict.Inconclusive, 0);
        return (Verdict.Accepted, members);
    }

    /// @notice Dimensions and tolerances for outcomes `outcomeBits` wide.
    function frameOf(uint256 outcomeBits, uint256 shots) internal pure returns (Frame memory frame) {
        uint256 width = Math.min(Math.max(outcomeBits, NARROW_BITS), WIDE_BITS) - NARROW_BITS;
        (uint256 rows, uint256 buckets) = CountSketch.dimensions(outcomeBits);
        frame.rows = rows;
        frame.buckets = buckets;
        frame.shots = shots;
        unchecked {
            // Shots have 16 bits, rows and buckets at most 10 together.
            frame.share = AMPLITUDE_SHARE + AMPLITUDE_SHARE_PER_BIT * width;
            frame.kept = 20_000 - int256(CLASS_SPREAD + CLASS_SPREAD_PER_BIT * width);
            frame.square = int256(rows * shots * shots);
            frame.bias = int256(2 * (buckets - 1) * rows * shots);
            frame.limit = 1e12 * MAX_SCALE * MAX_SCALE * int256(buckets);
        }
    }

    /// @notice Power and amplitude of a sketch.
    /// @param norm G_ii.
    function signalOf(Frame memory frame, uint256[] memory lanes, uint256 norm)
        internal
        pure
        returns (Signal memory signal)
    {
        signal.lanes = lanes;
        unchecked {
            int256 power = int256(frame.buckets * norm) - frame.square - frame.bias / 2;
            signal.power = power;
            if (power > 0) signal.amplitude = Math.sqrt((uint256(power) << 16) / (frame.rows * frame.buckets));
        }
    }

    /// @notice The Gram rule for one pair.
    /// @param product G_ij.
    /// @return x The scaled excess distance; smaller is closer.
    /// @return far Whether it is beyond honest spread.
    function gramRule(Frame memory frame, Signal memory a, Signal memory b, uint256 product)
        internal
        pure
        returns (int256 x, bool far)
    {
        unchecked {
            uint256 buckets = frame.buckets;
            uint256 rows = frame.rows;
            (int256 low, int256 high) = a.power < b.power ? (a.power, b.power) : (b.power, a.power);
            int256 own = low > 0 && 100 * high <= MAX_SCALE * MAX_SCALE * low
                ? int256(20 * uint256(MAX_SCALE) * ((rows * buckets * a.amplitude * b.amplitude) >> 16))
                : MAX_SCALE * MAX_SCALE * low + 100 * high;
            x = frame.kept * own - 400_000 * MAX_SCALE * (int256(buckets * product) - frame.square);
            if (x <= 0) return (x, false);
            int256 excess = low + high + frame.bias;
            int256 variance = 8 * frame.square + (excess > 0 ? int256(4 * rows) * excess : int256(0));
            far = x * x > frame.limit * variance;
        }
    }

    /// @notice Whether a sketch of such power cannot be told from uniform noise at three standard deviations.
    function isFlat(Frame memory frame, int256 power) internal pure returns (bool) {
        if (power <= 0) return true;
        unchecked {
            uint256 variance = uint256(int256(frame.rows) * (power + frame.bias / 2) + frame.square);
            return uint256(power * power) < 72 * frame.buckets * variance;
        }
    }

    /// @notice The bucket rule for one pair.
    /// @dev Every bucket is tested, sixteen at a time, so no caller has to be trusted to name the telling one.
    function bucketRule(Frame memory frame, Signal memory a, Signal memory b) internal pure returns (bool) {
        unchecked {
            uint256 allowance =
                frame.shots * BUCKET_TOLERANCE + ((frame.share * Math.min(a.amplitude, b.amplitude)) >> 8);
            uint256 tolerance = allowance / 1e4;
            uint256 words = a.lanes.length / 2;
            uint256 word = CountSketch.firstFarWord(a.lanes, b.lanes, tolerance, 0);
            while (word < words) {
                for (uint256 i = 2 * word; i < 2 * word + 2; ++i) {
                    uint256 x = a.lanes[i];
                    uint256 y = b.lanes[i];
                    for (; x | y != 0; (x >>= 32, y >>= 32)) {
                        if (_isFar(x & 0xffffffff, y & 0xffffffff, allowance)) return true;
                    }
                }
                word = CountSketch.firstFarWord(a.lanes, b.lanes, tolerance, word + 1);
            }
        }
        return false;
    }

    /// @param allowance By which any bucket may differ, in 1e-4 shots.
    function _isFar(uint256 a, uint256 b, uint256 allowance) private pure returns (bool) {
        unchecked {
            uint256 gap = 1e4 * (a > b ? a - b : b - a);
            allowance += BUCKET_SHARE * (a + b);
            return gap > allowance && (gap - allowance) ** 2 > 9e8 * (a + b + 1);
        }
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

    function _populationOf(uint256 bits) private pure returns (uint256 population) {
        unchecked {
            for (; bits != 0; bits &= bits - 1) {
                ++population;
            }
        }
    }
}
