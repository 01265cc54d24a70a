// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutcomesConsumer, IResultConsumer} from "../interfaces/IResultConsumer.sol";
import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";

/// @title A consumer that does what its test tells it to when it is called
contract HostileConsumer is IResultConsumer, IOutcomesConsumer {
    enum Conduct {
        Take,
        Revert,
        BurnGas,
        ReturnBomb,
        RevertBomb,
        CallBack,
        MeasureGas
    }

    uint256 private constant BOMB_BYTES = 400_000;

    Conduct public conduct;
    /// Calls that were taken.
    uint256 public calls;
    /// Gas at the start of the last call.
    uint256 public gasAtStart;
    /// What the last call back came to.
    bool public calledBack;
    bytes public answer;
    uint256 public status;
    bytes32 public answerDigest;
    uint256 public accepted;
    uint256[] private _outcomes;
    uint256[] private _counts;
    uint256 private _shots;

    address private _target;
    bytes private _data;

    function set(Conduct next) external {
        conduct = next;
    }

    /// @notice What to call when called.
    function aim(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function onResult(ComputationId, ComputationStatus status_, bytes32 answerDigest_, uint256 accepted_) external {
        uint256 left = gasleft();
        if (conduct == Conduct.MeasureGas) gasAtStart = left;
        (status, answerDigest, accepted) = (uint256(status_), answerDigest_, accepted_);
        _act();
    }

    function onOutcomes(
        ComputationId,
        uint256[] calldata outcomes,
        uint256[] calldata counts,
        uint256 shots
    ) external {
        (_outcomes, _counts, _shots) = (outcomes, counts, shots);
        _act();
    }

    function shown() external view returns (uint256[] memory, uint256[] memory, uint256) {
        return (_outcomes, _counts, _shots);
    }

    function _act() private {
        ++calls;
        if (conduct == Conduct.Revert) revert("not today");
        if (conduct == Conduct.BurnGas) {
            while (true) ++calls;
        }
        if (conduct == Conduct.ReturnBomb || conduct == Conduct.RevertBomb) {
            bool reverts = conduct == Conduct.RevertBomb;
            assembly ("memory-safe") {
                if reverts { revert(0, BOMB_BYTES) }
                return(0, BOMB_BYTES)
            }
        }
        // slither-disable-next-line low-level-calls
        if (conduct == Conduct.CallBack) (calledBack, answer) = _target.call(_data);
    }
}
