// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ArrivalQueue} from "../../contracts/libraries/ArrivalQueue.sol";
import {ComputationId} from "../../contracts/lifecycle/Computation.sol";

/// @notice The linked list against a plain array that does the same.
contract ArrivalQueueTest {
    using ArrivalQueue for ArrivalQueue.Queue;

    ArrivalQueue.Queue private _queue;
    uint64[] private _expected;

    /// @dev Each step appends, puts in front or removes one of at most 32 ids.
    function testFuzz_order_is_that_of_an_array(uint256[32] calldata steps) external {
        for (uint256 i; i < steps.length; ++i) {
            uint64 id = uint64(1 + (steps[i] >> 8) % 32);
            uint256 place = _placeOf(id);
            if (place < _expected.length) {
                _queue.remove(ComputationId.wrap(id));
                _removeAt(place);
            } else if (steps[i] % 4 == 0) {
                _queue.pushFront(ComputationId.wrap(id));
                _pushFront(id);
            } else {
                _queue.push(ComputationId.wrap(id));
                _expected.push(id);
            }
            _compare();
        }
    }

    function _compare() private view {
        ComputationId[] memory entries = _queue.list(100);
        require(entries.length == _expected.length, "wrong length");
        for (uint256 i; i < entries.length; ++i) {
            require(ComputationId.unwrap(entries[i]) == _expected[i], "wrong order");
            require(_queue.isDue(entries[i]) == (i < ArrivalQueue.WINDOW), "wrong window");
        }
        if (_expected.length != 0) {
            require(_queue.first == _expected[0], "wrong head");
            require(_queue.last == _expected[_expected.length - 1], "wrong tail");
        }
        require(_queue.list(2).length == (_expected.length < 2 ? _expected.length : 2), "limit ignored");
    }

    function _placeOf(uint64 id) private view returns (uint256 place) {
        while (place < _expected.length && _expected[place] != id) {
            ++place;
        }
    }

    function _removeAt(uint256 place) private {
        for (; place + 1 < _expected.length; ++place) {
            _expected[place] = _expected[place + 1];
        }
        _expected.pop();
    }

    function _pushFront(uint64 id) private {
        _expected.push(id);
        for (uint256 i = _expected.length - 1; i != 0; --i) {
            _expected[i] = _expected[i - 1];
        }
        _expected[0] = id;
    }
}
