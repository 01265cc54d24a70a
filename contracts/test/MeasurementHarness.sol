// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Capability} from "../interfaces/IProcessorRegistry.sol";
import {Measured, Measurement} from "../libraries/Measurement.sol";

/// @title Measurement, callable from tests
contract MeasurementHarness {
    function medianOf(Measured[3] calldata scores, uint256 tolerancePpm)
        external
        pure
        returns (Measured memory median, uint256 outliers)
    {
        return Measurement.medianOf(scores, tolerancePpm);
    }

    function isEnough(Measured calldata measured, Capability calldata claim) external pure returns (bool) {
        return Measurement.isEnough(measured, claim);
    }

    function isHeavy(uint256 circuits, uint256 shots, uint256 heavy) external pure returns (bool) {
        return Measurement.isHeavy(circuits, shots, heavy);
    }
}
