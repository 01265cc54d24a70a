// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title When a benchmark is passed
/// @notice Rules in whole numbers for what certifiers find in a processor's counts. Errors and fidelities are in parts
/// per million (ppm), times in nanoseconds, low and high the ends of a two-sided interval.
/// @dev Numbers of shots and scores have 64 bits, and known answers at most 48 qubits, so nothing here overflows:
/// the largest product, 2^n P 1e6, stays below 2^180.
library Benchmark {
    /// Parts that are the whole.
    uint256 internal constant PPM = 1_000_000;
    uint256 internal constant MAX_MIRROR_QUBITS = 48;
    uint256 internal constant MIN_CERTIFIERS = 3;
    uint256 internal constant MAX_CERTIFIERS = 16;
    /// What a measured figure may be worse than claimed before it refutes the claim.
    uint256 internal constant CLAIM_TOLERANCE_PPM = 250_000;
    /// Errors this small are within what the estimates leave out.
    uint256 internal constant ERROR_ALLOWANCE_PPM = 1_000;
    /// Least chain fidelity of noise classes 1, 2 and 3; class 4 is the rest.
    uint256 internal constant CLASS_1_PPM = 965_000;
    uint256 internal constant CLASS_2_PPM = 900_000;
    uint256 internal constant CLASS_3_PPM = 860_000;

    /// @notice `heavy` of `shots` over `circuits` cannot be: there are more heavy shots than shots, fewer shots than
    /// circuits, or no circuits.
    error HeavyOutputsInvalid(uint64 heavy, uint64 shots, uint64 circuits);
    /// @notice A known answer has 1 to 48 `qubits`, some `shots`, and a threshold of at most 1e6.
    error PolarisationInvalid(uint256 qubits, uint256 shots, uint256 thresholdPpm);
    /// @notice A median is of 3 to 16 `scores`, and a tolerance at most 1e6.
    error MedianInvalid(uint256 scores, uint256 tolerancePpm);

    /// @notice Whether heavy outputs show a quantum volume: their share h, less two deviations, is above 2 / 3, with
    /// circuits as the samples: 3 H > 2 N and (3 H - 2 N)^2 nc > 36 H (N - H).
    /// @param heavy H: shots whose outcome is heavier than its circuit's median. @param shots N, of all circuits.
    /// @param circuits nc.
    function heavyPasses(uint64 heavy, uint64 shots, uint64 circuits) internal pure returns (bool) {
        if (heavy > shots || circuits > shots || circuits == 0) revert HeavyOutputsInvalid(heavy, shots, circuits);
        uint256 least = 2 * uint256(shots);
        uint256 found = 3 * uint256(heavy);
        if (found <= least) return false;
        uint256 margin = found - least;
        return margin * margin * circuits > 36 * uint256(heavy) * (shots - heavy);
    }

    /// @notice P, the sum of (-1)^k 2^(n - k) H_k.
    /// @param distances H_0 to H_n: shots at Hamming distance k from the known answer of n qubits.
    function polarisationPower(uint64[] memory distances) internal pure returns (int256 power) {
        if (distances.length < 2 || distances.length > MAX_MIRROR_QUBITS + 1) {
            revert PolarisationInvalid(distances.length == 0 ? 0 : distances.length - 1, 0, 0);
        }
        uint256 qubits = distances.length - 1;
        for (uint256 k; k <= qubits; ++k) {
            int256 term = int256(uint256(distances[k]) << (qubits - k));
            power += k % 2 == 0 ? term : -term;
        }
    }

    /// @notice Whether the polarisation S = (2^n P / N - 1) / (4^n - 1) is at least `thresholdPpm`:
    /// (2^n P - N) 1e6 >= threshold N (4^n - 1).
    function polarisationPasses(uint64[] memory distances, uint256 thresholdPpm) internal pure returns (bool) {
        int256 power = polarisationPower(distances);
        uint256 qubits = distances.length - 1;
        uint256 shots;
        for (uint256 k; k <= qubits; ++k) {
            shots += distances[k];
        }
        if (shots == 0 || thresholdPpm > PPM) revert PolarisationInvalid(qubits, shots, thresholdPpm);
        int256 found = (power * int256(1 << qubits) - int256(shots)) * int256(PPM);
        return found >= int256(thresholdPpm * shots * ((1 << (2 * qubits)) - 1));
    }

    /// @notice Whether an error refutes a claim: low 1e6 > claimed (1e6 + tolerance) + allowance 1e6.
    function errorRefuted(uint64 lowPpm, uint64 claimedPpm) internal pure returns (bool) {
        return lowPpm * PPM > claimedPpm * (PPM + CLAIM_TOLERANCE_PPM) + ERROR_ALLOWANCE_PPM * PPM;
    }

    /// @notice Whether a lifetime refutes a claim: high (1e6 + tolerance) < claimed 1e6.
    function timeRefuted(uint64 highNanoseconds, uint64 claimedNanoseconds) internal pure returns (bool) {
        return highNanoseconds * (PPM + CLAIM_TOLERANCE_PPM) < claimedNanoseconds * PPM;
    }

    /// @notice The noise class, from 1 (best), of a processor whose chain fidelity is `fidelityPpm`.
    function noiseClassOf(uint256 fidelityPpm) internal pure returns (uint8) {
        if (fidelityPpm >= CLASS_1_PPM) return 1;
        if (fidelityPpm >= CLASS_2_PPM) return 2;
        return fidelityPpm >= CLASS_3_PPM ? 3 : 4;
    }

    /// @notice The lower median of certifiers' scores, and whether more than half of them are within `tolerancePpm` of
    /// it, as a share of the median itself: |score - median| 1e6 <= median tolerance.
    function medianWithin(uint64[] memory scores, uint256 tolerancePpm)
        internal
        pure
        returns (uint64 median, bool agreed)
    {
        uint256 size = scores.length;
        if (size < MIN_CERTIFIERS || size > MAX_CERTIFIERS || tolerancePpm > PPM) {
            revert MedianInvalid(size, tolerancePpm);
        }
        uint64[] memory sorted = new uint64[](size);
        for (uint256 i; i < size; ++i) {
            uint256 place = i;
            for (; place > 0 && sorted[place - 1] > scores[i]; --place) {
                sorted[place] = sorted[place - 1];
            }
            sorted[place] = scores[i];
        }
        median = sorted[(size - 1) / 2];
        uint256 near;
        for (uint256 i; i < size; ++i) {
            uint256 gap = sorted[i] > median ? sorted[i] - median : median - sorted[i];
            if (gap * PPM <= median * tolerancePpm) ++near;
        }
        agreed = 2 * near > size;
    }
}
