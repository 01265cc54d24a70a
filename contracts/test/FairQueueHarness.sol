// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FairQueue, Priority} from "../libraries/FairQueue.sol";

/// @title FairQueue, callable from tests
contract FairQueueHarness {
    using FairQueue for FairQueue.Queue;

    FairQueue.Queue private _queue;

    function enter(uint256 tag) external returns (uint256) {
        return _queue.enter(_queue.state, tag);
    }

    function depart(uint16 place, bool served) external {
        _queue.depart(_queue.state, place, served);
    }

    function move(uint16 place, uint256 tag) external returns (uint256) {
        return _queue.move(place, tag);
    }

    function ahead(uint16 place, uint256 limit) external view returns (uint256) {
        return _queue.ahead(_queue.state, place, limit);
    }

    function bucketOf(uint16 place) external view returns (uint256) {
        return FairQueue.bucketOf(_queue.state, place);
    }

    function isFirst(uint16 place) external view returns (bool) {
        return FairQueue.isFirst(_queue.state, place);
    }

    function virtualTime() external view returns (uint256) {
        return FairQueue.virtualTime(_queue.state);
    }

    function state() external view returns (FairQueue.State memory) {
        return _queue.state;
    }

    function waiting() external view returns (uint32) {
        return _queue.waiting();
    }

    function counts(uint256 word) external view returns (uint256) {
        return _queue.counts[word];
    }

    function costOf(uint256 qubits, uint256 shots, uint256 replicas, uint256 depthClass)
        external
        pure
        returns (uint256)
    {
        return FairQueue.costOf(qubits, shots, replicas, depthClass);
    }

    function creditOf(Priority priority) external pure returns (uint256) {
        return FairQueue.creditOf(priority);
    }
}
