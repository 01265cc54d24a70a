// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";
import {CountSketch} from "../libraries/CountSketch.sol";

/// @title Agreement, callable from tests; sketches in wire form
contract AgreementHarness {
    function quorumOf(uint256 replicas) external pure returns (uint256) {
        return Agreement.quorumOf(replicas);
    }

    function judge(
        uint256[] calldata sketches,
        uint256 words,
        uint256 outcomeBits,
        uint256 shots,
        uint256 quorum,
        uint256 excluded
    ) external pure returns (Agreement.Verdict verdict, uint256 members) {
        return Agreement.judge(sketches, words, outcomeBits, shots, quorum, excluded);
    }

    /// @param powerI S_ii. @param powerJ S_jj. @param product G_ij.
    function gramRule(int256 powerI, int256 powerJ, uint256 product, uint256 outcomeBits, uint256 shots)
        external
        pure
        returns (int256 x, bool far)
    {
        Agreement.Frame memory frame = Agreement.frameOf(outcomeBits, shots);
        return Agreement.gramRule(frame, _signal(frame, powerI), _signal(frame, powerJ), product);
    }

    /// @param power S_ii.
    function isFlat(int256 power, uint256 outcomeBits, uint256 shots) external pure returns (bool) {
        return Agreement.isFlat(Agreement.frameOf(outcomeBits, shots), power);
    }

    function signalOf(uint256[] calldata sketch, uint256 outcomeBits, uint256 shots)
        external
        pure
        returns (int256 power, uint256 amplitude)
    {
        Agreement.Signal memory signal = _signalOf(Agreement.frameOf(outcomeBits, shots), sketch);
        return (signal.power, signal.amplitude);
    }

    function bucketRule(uint256[] calldata a, uint256[] calldata b, uint256 outcomeBits, uint256 shots)
        external
        pure
        returns (bool)
    {
        Agreement.Frame memory frame = Agreement.frameOf(outcomeBits, shots);
        return Agreement.bucketRule(frame, _signalOf(frame, a), _signalOf(frame, b));
    }

    function _signalOf(Agreement.Frame memory frame, uint256[] calldata sketch)
        private
        pure
        returns (Agreement.Signal memory)
    {
        uint256[] memory lanes = CountSketch.lanesOf(sketch);
        return Agreement.signalOf(frame, lanes, CountSketch.dot(lanes, CountSketch.reversedLanesOf(sketch)));
    }

    /// @dev A signal of such power, or the next higher power that a sketch can have.
    function _signal(Agreement.Frame memory frame, int256 power) private pure returns (Agreement.Signal memory) {
        uint256 floor = frame.rows * frame.shots * (frame.shots + frame.buckets - 1);
        uint256 norm = (uint256(int256(floor) + power) + frame.buckets - 1) / frame.buckets;
        return Agreement.signalOf(frame, new uint256[](0), norm);
    }
}
