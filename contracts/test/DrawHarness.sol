// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "../interfaces/IConsortium.sol";
import {Terms} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, Standing} from "../lifecycle/Processor.sol";
import {Asked} from "../libraries/Asked.sol";
import {Draw} from "../libraries/Draw.sol";
import {ProcessorIndex} from "../libraries/ProcessorIndex.sol";
import {Reputation} from "../libraries/Reputation.sol";

/// @title Draw and Reputation, callable from tests
contract DrawHarness {
    using Draw for Draw.Field;
    using ProcessorIndex for ProcessorIndex.Index;

    Draw.Field private _field;

    /// @notice Lets a processor, in no list so far, be what the test says, and indexes it.
    function put(ProcessorId processor, Standing calldata standing, Terms calldata terms) external {
        _field.standings[processor] = standing;
        _field.terms[processor] = terms;
        uint256 free = Draw.freeOf(standing);
        ProcessorIndex.Index storage index = _field.indices[standing.noiseClass];
        index.lengths = index.push(_field.standings, index.lengths, ProcessorIndex.levelOf(free), processor);
    }

    function draw(
        bytes32 seed,
        Draw.Wish calldata wish,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) external returns (ProcessorId[] memory) {
        return _field.draw(seed, wish, tried, onDuty);
    }

    function standingOf(ProcessorId processor) external view returns (Standing memory) {
        return _field.standings[processor];
    }

    function lengthOf(uint8 noiseClass, uint256 level) external view returns (uint256) {
        return ProcessorIndex.lengthOf(_field.indices[noiseClass].lengths, level);
    }

    function processorAt(uint8 noiseClass, uint256 level, uint256 place) external view returns (uint32) {
        return _field.indices[noiseClass].processorAt(level, place);
    }

    function weightOf(uint256 accepted, uint256 outliers, uint256 silent, uint256 refused, uint256 failed)
        external
        pure
        returns (uint256)
    {
        return Reputation.weightOf(accepted, outliers, silent, refused, failed);
    }
}
