// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../../contracts/libraries/Agreement.sol";
import {CountSketch} from "../../contracts/libraries/CountSketch.sol";
import {AgreementHarness} from "../../contracts/test/AgreementHarness.sol";
import {SketchBuilder} from "./SketchBuilder.sol";

/// @notice The rules against their formulas, bucket by bucket and in checked arithmetic, and the verdict against
/// what the rules say pair by pair.
contract AgreementTest is SketchBuilder {
    AgreementHarness private _agreement = new AgreementHarness();

    function testFuzz_bucket_rule_is_its_formula(uint256 seed, uint8 bits, uint16 shots, uint8 shape) external view {
        uint256[] memory a = _bucketsOf(seed, bits, shots, shape);
        uint256[] memory b = _nearby(a, seed, shots);
        bool expected = _isBucketFar(a, b, bits, shots);
        require(_agreement.bucketRule(_pack(a), _pack(b), bits, shots) == expected, "bucket rule differs");
        require(_agreement.bucketRule(_pack(b), _pack(a), bits, shots) == expected, "bucket rule is not symmetric");
    }

    /// @dev Both sides of the boundary, shot by shot, for one bucket.
    function test_bucket_rule_turns_where_its_formula_does() external view {
        uint256 shots = 4096;
        uint256 turns;
        bool before;
        for (uint256 moved; moved <= 2048; ++moved) {
            uint256[] memory a = new uint256[](4);
            uint256[] memory b = new uint256[](4);
            (a[0], a[3]) = (2048, 2048);
            (b[0], b[3]) = (2048 + moved, 2048 - moved);
            bool far = _agreement.bucketRule(_pack(a), _pack(b), 2, shots);
            require(far == _isBucketFar(a, b, 2, shots), "bucket rule differs at the boundary");
            if (far != before) ++turns;
            before = far;
        }
        require(turns == 1 && before, "the rule must turn once");
    }

    function testFuzz_gram_rule_is_its_formula(uint256 seed, uint8 bits, uint16 shots, uint8 shape) external view {
        uint256[] memory a = _bucketsOf(seed, bits, shots, shape);
        uint256[] memory b = seed % 2 == 0 ? _nearby(a, seed, shots) : _bucketsOf(~seed, bits, shots, shape >> 4);
        (int256 x, bool far) = _gram(a, b, bits, shots);
        (int256 actual, bool actualFar) = _agreement.gramRule(
            _power(a, bits, shots), _power(b, bits, shots), uint256(_dot(a, b)), bits, shots
        );
        require(actual == x && actualFar == far, "gram rule differs");
    }

    /// @dev Judges the same answers in every rotation: the verdict may not depend on who comes first, and the
    /// members must be those of a cluster that the rules, applied pair by pair, confirm.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_verdict_follows_from_the_pairs(uint256 seed, uint8 bits, uint8 count, uint8 shape) external view {
        count = 3 + count % 4;
        uint256[][] memory answers = new uint256[][](count);
        answers[0] = _bucketsOf(seed, bits, 4096, shape);
        for (uint256 i = 1; i < count; ++i) {
            bool honest = (seed >> i) % 4 != 0;
            uint256 own = uint256(keccak256(abi.encode(seed, i)));
            answers[i] = honest ? _nearby(answers[0], own, 200) : _bucketsOf(own, bits, 4096, shape >> 4);
        }
        uint256 quorum = uint256(count) / 2 + 1;
        (Agreement.Verdict verdict, uint256 members) = _judge(answers, bits, quorum);
        (uint256 degree, uint256[] memory agreeing) = _graph(answers, bits);
        require((verdict == Agreement.Verdict.Rejected) == (degree < quorum), "rejected despite a cluster, or not");
        require((members == 0) == (verdict != Agreement.Verdict.Accepted), "members without a verdict, or none");
        if (verdict == Agreement.Verdict.Accepted) {
            bool found;
            for (uint256 i; i < count; ++i) {
                if (agreeing[i] == members && _population(members) == degree) found = true;
            }
            require(found, "the members are no largest cluster");
        }
        uint256[] memory first = answers[0];
        for (uint256 i; i + 1 < count; ++i) {
            answers[i] = answers[i + 1];
        }
        answers[count - 1] = first;
        (Agreement.Verdict rotated,) = _judge(answers, bits, quorum);
        // Which of several largest clusters wins may turn on whose sketches are flat, so only Rejected is certain.
        require(
            (rotated == Agreement.Verdict.Rejected) == (verdict == Agreement.Verdict.Rejected), "order decides"
        );
    }

    function test_uniform_answers_are_inconclusive() external view {
        uint256[][] memory answers = new uint256[][](3);
        for (uint256 i; i < 3; ++i) {
            answers[i] = new uint256[](4);
            (answers[i][0], answers[i][1]) = (1024 + i, 1024 - i);
            (answers[i][2], answers[i][3]) = (1024, 1024);
        }
        (Agreement.Verdict verdict, uint256 members) = _judge(answers, 2, 2);
        require(verdict == Agreement.Verdict.Inconclusive && members == 0, "noise passed for an answer");
    }

    // --- references ---

    function _judge(uint256[][] memory answers, uint256 bits, uint256 quorum)
        private
        view
        returns (Agreement.Verdict, uint256)
    {
        uint256 words = CountSketch.wordsOf(bits);
        uint256[] memory sketches = new uint256[](words * answers.length);
        for (uint256 i; i < answers.length; ++i) {
            uint256[] memory packed = _pack(answers[i]);
            for (uint256 j; j < words; ++j) {
                sketches[i * words + j] = packed[j];
            }
        }
        return _agreement.judge(sketches, words, bits, 4096, quorum, 0);
    }

    function _graph(uint256[][] memory answers, uint256 bits)
        private
        pure
        returns (uint256 degree, uint256[] memory agreeing)
    {
        agreeing = new uint256[](answers.length);
        for (uint256 i; i < answers.length; ++i) {
            for (uint256 j; j < answers.length; ++j) {
                (, bool far) = _gram(answers[i], answers[j], bits, 4096);
                if (i == j || !(far || _isBucketFar(answers[i], answers[j], bits, 4096))) agreeing[i] |= 1 << j;
            }
            uint256 own = _population(agreeing[i]);
            if (own > degree) degree = own;
        }
    }

    function _gram(uint256[] memory a, uint256[] memory b, uint256 bits, uint256 shots)
        private
        pure
        returns (int256 x, bool far)
    {
        (uint256 rows, uint256 width) = CountSketch.dimensions(bits);
        int256 m = int256(width);
        int256 r = int256(rows);
        int256 n = int256(shots);
        int256 p = _power(a, bits, shots);
        int256 q = _power(b, bits, shots);
        if (p > q) (p, q) = (q, p);
        int256 own = 144 * p + 100 * q;
        if (p > 0 && 100 * q <= 144 * p) {
            own = 240 * int256((rows * width * _amplitude(a, bits, shots) * _amplitude(b, bits, shots)) >> 16);
        }
        x = (20_000 - int256(400 + 180 * _width(bits))) * own - 4_800_000 * (m * _dot(a, b) - r * n * n);
        int256 variance = 4 * m * r * (_dot(a, a) + _dot(b, b)) - 8 * r * r * n * n;
        if (variance < 0) variance = 0;
        far = x > 0 && x * x > 14_400 * 1e10 * m * (variance + 8 * r * n * n);
    }

    function _isBucketFar(uint256[] memory a, uint256[] memory b, uint256 bits, uint256 shots)
        private
        pure
        returns (bool)
    {
        uint256 amplitude = _amplitude(a, bits, shots);
        if (_amplitude(b, bits, shots) < amplitude) amplitude = _amplitude(b, bits, shots);
        uint256 allowance = 100 * shots + (250 + 60 * _width(bits)) * amplitude / 256;
        for (uint256 i; i < a.length; ++i) {
            uint256 gap = 1e4 * (a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
            uint256 own = allowance + 2500 * (a[i] + b[i]);
            if (gap > own && (gap - own) ** 2 > 9e8 * (a[i] + b[i] + 1)) return true;
        }
        return false;
    }

    function _power(uint256[] memory a, uint256 bits, uint256 shots) private pure returns (int256) {
        (uint256 rows, uint256 width) = CountSketch.dimensions(bits);
        return int256(width) * _dot(a, a) - int256(rows * shots * shots + (width - 1) * rows * shots);
    }

    /// @dev By bisection, where the library takes a root.
    function _amplitude(uint256[] memory a, uint256 bits, uint256 shots) private pure returns (uint256 low) {
        int256 power = _power(a, bits, shots);
        if (power <= 0) return 0;
        (uint256 rows, uint256 width) = CountSketch.dimensions(bits);
        uint256 square = (uint256(power) * 65_536) / (rows * width);
        uint256 high = 1 << 26;
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (middle * middle <= square) low = middle;
            else high = middle;
        }
    }

    function _width(uint256 bits) private pure returns (uint256) {
        return bits < 5 ? 0 : bits > 10 ? 5 : bits - 5;
    }

    /// @dev Moves up to a fifteenth of `scale` shots between two buckets of each row.
    function _nearby(uint256[] memory a, uint256 seed, uint256 scale) private pure returns (uint256[] memory b) {
        b = new uint256[](a.length);
        uint256 width = a.length < 64 ? a.length : 64; // within a row, whatever the rows
        for (uint256 i; i < a.length; ++i) {
            b[i] = a[i];
        }
        for (uint256 start; start < a.length; start += width) {
            uint256 from = start + (seed >> 8) % width;
            uint256 to = start + (seed >> 16) % width;
            uint256 moved = (seed >> 32) % (scale / 15 + 1);
            if (moved > b[from]) moved = b[from];
            b[from] -= moved;
            b[to] += moved;
        }
    }

    function _dot(uint256[] memory a, uint256[] memory b) private pure returns (int256 product) {
        for (uint256 i; i < a.length; ++i) {
            product += int256(a[i] * b[i]);
        }
    }

    function _population(uint256 bits) private pure returns (uint256 population) {
        for (; bits != 0; bits >>= 1) {
            population += bits & 1;
        }
    }
}
