// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Benchmark} from "../libraries/Benchmark.sol";

/// @title Benchmark, callable from tests
contract BenchmarkHarness {
    function heavyPasses(uint64 heavy, uint64 shots, uint64 circuits) external pure returns (bool) {
        return Benchmark.heavyPasses(heavy, shots, circuits);
    }

    function polarisationPower(uint64[] memory distances) external pure returns (int256) {
        return Benchmark.polarisationPower(distances);
    }

    function polarisationPasses(uint64[] memory distances, uint256 thresholdPpm) external pure returns (bool) {
        return Benchmark.polarisationPasses(distances, thresholdPpm);
    }

    function errorRefuted(uint64 lowPpm, uint64 claimedPpm) external pure returns (bool) {
        return Benchmark.errorRefuted(lowPpm, claimedPpm);
    }

    function timeRefuted(uint64 highNanoseconds, uint64 claimedNanoseconds) external pure returns (bool) {
        return Benchmark.timeRefuted(highNanoseconds, claimedNanoseconds);
    }

    function noiseClassOf(uint256 fidelityPpm) external pure returns (uint8) {
        return Benchmark.noiseClassOf(fidelityPpm);
    }

    function medianWithin(uint64[] memory scores, uint256 tolerancePpm) external pure returns (uint64, bool) {
        return Benchmark.medianWithin(scores, tolerancePpm);
    }
}
