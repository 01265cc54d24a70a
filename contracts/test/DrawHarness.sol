// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "../interfaces/IConsortium.sol";
import {Terms} from "../interfaces/IOffers.sol";
import {ProcessorId, Standing} from "../lifecycle/Processor.sol";
import {Asked} from "../libraries/Asked.sol";
import {Draw} from "../libraries/Draw.sol";
import {ProcessorIndex} from "../libraries/ProcessorIndex.sol";
import {Reputation} from "../libraries/Reputation.sol";
import {Roster} from "../libraries/Roster.sol";

/// @title Draw and Reputation, callable from tests
contract DrawHarness {
    using Draw for Roster.State;
    using ProcessorIndex for ProcessorIndex.Index;

    Roster.State private _roster;

    /// @notice Lets a processor, in no list so far, be what the test says, and indexes it.
    function put(ProcessorId processor, Standing calldata standing, Terms calldata terms) external {
        _roster.standings[processor] = standing;
        _roster.terms[processor] = terms;
        uint256 free = Roster.freeOf(standing.qubits, standing.leasedQubits, standing.heldQubits);
        ProcessorIndex.Index storage index = _roster.indices[standing.noiseClass];
        index.lengths = index.push(_roster.standings, index.lengths, ProcessorIndex.levelOf(free), processor);
    }

    function draw(
        bytes32 seed,
        Draw.Wish calldata wish,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) external returns (ProcessorId[] memory) {
        return _roster.draw(seed, wish, tried, onDuty);
    }

    function standingOf(ProcessorId processor) external view returns (Standing memory) {
        return _roster.standings[processor];
    }

    function lengthOf(uint8 noiseClass, uint256 level) external view returns (uint256) {
        return ProcessorIndex.lengthOf(_roster.indices[noiseClass].lengths, level);
    }

    function processorAt(uint8 noiseClass, uint256 level, uint256 place) external view returns (uint32) {
        return _roster.indices[noiseClass].processorAt(level, place);
    }

    function weightOf(uint256 accepted, uint256 outliers, uint256 silent, uint256 refused, uint256 failed)
        external
        pure
        returns (uint256)
    {
        return Reputation.weightOf(accepted, outliers, silent, refused, failed);
    }
}
