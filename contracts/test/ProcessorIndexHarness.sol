// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId, Standing} from "../lifecycle/Processor.sol";
import {ProcessorIndex} from "../libraries/ProcessorIndex.sol";

/// @title ProcessorIndex, callable from tests
contract ProcessorIndexHarness {
    using ProcessorIndex for ProcessorIndex.Index;

    ProcessorIndex.Index private _index;
    mapping(ProcessorId => Standing) private _standings;

    function push(uint256 level, ProcessorId processor) external {
        _index.lengths = _index.push(_standings, _index.lengths, level, processor);
    }

    function remove(ProcessorId processor) external {
        _index.lengths = _index.remove(_standings, _index.lengths, processor);
    }

    function entryOf(ProcessorId processor) external view returns (uint24) {
        return _standings[processor].entry;
    }

    function lengthOf(uint256 level) external view returns (uint256) {
        return ProcessorIndex.lengthOf(_index.lengths, level);
    }

    function processorAt(uint256 level, uint256 place) external view returns (uint32) {
        return _index.processorAt(level, place);
    }

    function levelOf(uint256 free) external pure returns (uint256) {
        return ProcessorIndex.levelOf(free);
    }

    function levelIn(uint256 entry) external pure returns (uint256) {
        return ProcessorIndex.levelIn(entry);
    }
}
