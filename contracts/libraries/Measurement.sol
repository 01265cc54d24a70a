// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Capability} from "../interfaces/IProcessorRegistry.sol";

/// @notice What a certifier makes of a processor's counts. Errors and fidelities in parts per million.
/// @dev Twelve whole numbers: read as words where they are compared.
struct Measured {
    /// 0 when a run was not answered, or not as such a run can be, or the claim is not one.
    uint16 qubits;
    uint8 quantumVolumeLog2;
    uint8 noiseClass;
    uint32 twoQubitErrorPpm;
    uint32 readoutErrorPpm;
    uint32 layerFidelityPpm;
    uint64 t1Nanoseconds;
    uint64 t2Nanoseconds;
    /// Quantum-volume circuits, their shots, and how many of these were heavy outputs.
    uint32 circuits;
    uint64 shots;
    uint64 heavyOutputs;
    /// Share of mirror blocks that pass, of the shape (width and depth) of which fewest do.
    uint32 mirrorPpm;
}

/// @title What three scores make together, and whether it is enough
library Measurement {
    uint256 internal constant SEATS = 3;
    uint256 internal constant FIELDS = 12;
    uint256 internal constant PPM = 1_000_000;
    /// Fields below this are compared as if they were this large, so that a few parts per million never divide scores.
    uint256 internal constant FLOOR = 1_000;
    /// From this quantum volume on, as a logarithm, there are circuits to show it by.
    uint256 internal constant LEAST_VOLUME_LOG2 = 2;
    /// Quantum-volume circuits that it takes.
    uint256 internal constant LEAST_CIRCUITS = 100;
    /// Of each shape more than half of the mirror blocks must pass.
    uint256 internal constant LEAST_MIRROR_PPM = 500_001;

    /// @notice The median of each field, and the seats, as a bitmap, with a field too far from it.
    /// @param tolerancePpm How far a field may be from its median, in parts per million of that.
    function medianOf(Measured[SEATS] memory scores, uint256 tolerancePpm)
        internal
        pure
        returns (Measured memory median, uint256 outliers)
    {
        for (uint256 field; field < FIELDS; ++field) {
            uint256 a = _fieldOf(scores[0], field);
            uint256 b = _fieldOf(scores[1], field);
            uint256 c = _fieldOf(scores[2], field);
            uint256 middle = _middleOf(a, b, c);
            _setField(median, field, middle);
            outliers |= _isFar(a, middle, tolerancePpm) | _isFar(b, middle, tolerancePpm) << 1
                | _isFar(c, middle, tolerancePpm) << 2;
        }
    }

    /// @notice Whether what was measured is what `claim` says of width, volume and noise, and passes the tests behind them.
    /// @dev Errors and times need not be as good as claimed: what takes effect is what was measured.
    function isEnough(Measured memory m, Capability memory claim) internal pure returns (bool) {
        return m.qubits >= claim.qubits && m.quantumVolumeLog2 >= claim.quantumVolumeLog2
            && m.noiseClass == claim.noiseClass && m.mirrorPpm >= LEAST_MIRROR_PPM
            && (claim.quantumVolumeLog2 < LEAST_VOLUME_LOG2 || isHeavy(m.circuits, m.shots, m.heavyOutputs));
    }

    /// @notice Whether heavy outputs are more than two thirds by two standard errors: h - 2 sqrt(h (1 - h) / n) > 2 / 3,
    /// h = heavy / shots over n circuits, in whole numbers.
    function isHeavy(uint256 circuits, uint256 shots, uint256 heavy) internal pure returns (bool) {
        if (circuits < LEAST_CIRCUITS || heavy > shots || 3 * heavy <= 2 * shots) return false;
        uint256 excess = 3 * heavy - 2 * shots;
        return excess * excess * circuits > 36 * heavy * (shots - heavy);
    }

    /// @notice The capability that takes effect: as measured, and of `claim` what no benchmark here measures.
    /// @dev Not above the claim in width and volume: the circuits were no wider.
    function capabilityOf(Measured memory m, Capability memory claim, uint40 measuredAt, uint40 expiresAt)
        internal
        pure
        returns (Capability memory capability)
    {
        capability = Capability({
            qubits: claim.qubits,
            quantumVolumeLog2: claim.quantumVolumeLog2,
            noiseClass: m.noiseClass,
            profile: claim.profile,
            twoQubitErrorPpm: m.twoQubitErrorPpm,
            readoutErrorPpm: m.readoutErrorPpm,
            layerFidelityPpm: m.layerFidelityPpm,
            clops: claim.clops,
            measuredAt: measuredAt,
            expiresAt: expiresAt,
            t1Nanoseconds: m.t1Nanoseconds,
            t2Nanoseconds: m.t2Nanoseconds,
            couplingMapDigest: claim.couplingMapDigest,
            calibrationDigest: claim.calibrationDigest
        });
    }

    function _middleOf(uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        if (a > b) (a, b) = (b, a);
        if (b > c) b = c;
        return a > b ? a : b;
    }

    function _isFar(uint256 value, uint256 middle, uint256 tolerancePpm) private pure returns (uint256) {
        uint256 distance = value > middle ? value - middle : middle - value;
        uint256 scale = middle < FLOOR ? FLOOR : middle;
        return distance * PPM > tolerancePpm * scale ? 1 : 0;
    }

    function _fieldOf(Measured memory m, uint256 field) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(m, mul(32, field)))
        }
    }

    function _setField(Measured memory m, uint256 field, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(m, mul(32, field)), value)
        }
    }
}
