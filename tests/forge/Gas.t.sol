// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Request} from "../../contracts/libraries/Admission.sol";
import {ComputationId} from "../../contracts/lifecycle/Computation.sol";
import {SketchBuilder} from "./SketchBuilder.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";

/// @notice What a verified computation costs, step by step, each step a transaction of its own (isolated, so with
/// cold storage), its 21,000 and its call data included. What is measured are jobs of actors who have all been paid
/// before: the first time costs more, for slots that later ones rewrite. Written to the snapshots folder.
/// forge-config: default.isolate = true
contract GasTest is Suite, SketchBuilder {
    uint256 private _total;

    function setUp() external {
        _deploy();
        for (uint256 i; i < 10; ++i) {
            _addProcessor();
        }
        for (uint256 i; i < 20 && !_isEveryonePaid(); ++i) {
            _run(5, "");
        }
        require(_isEveryonePaid(), "some have not worked yet");
    }

    function test_gas_of_a_bell_job_with_three_replicas() external {
        _run(3, "3 replicas");
        require(_total <= 850_000, "three replicas cost more than the target");
    }

    function test_gas_of_a_bell_job_with_five_replicas() external {
        _run(5, "5 replicas");
        require(_total <= 1_300_000, "five replicas cost more than the target");
    }

    /// @dev Three replicas, 16 outcome bits: what is judged is a sketch, whatever the histogram behind it.
    function test_settlement_gas_does_not_depend_on_the_number_of_outcomes() external {
        // From one state each, for what the trail costs depends on its length.
        uint256 state = vm.snapshotState();
        uint256 two = _settlementOf(2, "settle, 2 outcomes");
        vm.revertToState(state);
        uint256 byteful = _settlementOf(256, "settle, 256 outcomes");
        vm.revertToState(state);
        uint256 most = _settlementOf(65_535, "settle, 65,535 outcomes");
        // A rule that is decided by its first half saves some tens of gas.
        require(_gap(two, byteful) < 200 && _gap(two, most) < 200, "the number of outcomes shows");
    }

    /// @return gas Without the call data's, which depends on how many bytes are zero.
    function _settlementOf(uint256 outcomes, string memory name) private returns (uint256 gas) {
        Request memory request = _request(3);
        request.outcomeBits = 16;
        ComputationId id = _submit(request);
        _allocate(id);
        _commitAll(id);
        _disclose(id);
        bytes32[] memory roots = new bytes32[](3);
        bytes32[] memory salts = new bytes32[](3);
        uint256[] memory sketches = new uint256[](48);
        for (uint256 i; i < 3; ++i) {
            (roots[i], salts[i]) = (_rootOf(i), _saltOf(i));
            uint256[] memory sketch = _sketchOf(outcomes, i);
            _reveal(id, i, sketch);
            for (uint256 j; j < 16; ++j) {
                sketches[16 * i + j] = sketch[j];
            }
        }
        bytes memory data = abi.encodeCall(verifier.settle, (id, roots, salts, sketches));
        vm.prank(KEEPER);
        verifier.settle(id, roots, salts, sketches);
        gas = _used();
        vm.snapshotValue("settlement", name, gas);
        for (uint256 i; i < data.length; ++i) {
            gas -= data[i] == 0 ? 4 : 16;
        }
    }

    function _isEveryonePaid() private view returns (bool) {
        for (uint256 i = 1; i <= processors; ++i) {
            (uint256 available,) = allocator.balanceOf(_operatorOf(i));
            if (available == 0) return false;
        }
        return true;
    }

    function _gap(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev Three quarters of the shots on one outcome, the rest spread over the others.
    function _sketchOf(uint256 outcomes, uint256 replica) private pure returns (uint256[] memory) {
        uint256[] memory buckets = new uint256[](256);
        uint256 occupied = outcomes < 64 ? outcomes : 64;
        for (uint256 row; row < 4; ++row) {
            uint256 left = SHOTS - 3072 - replica;
            for (uint256 i = 1; i < occupied; ++i) {
                buckets[64 * row + i] = left / (occupied - 1);
            }
            buckets[64 * row] = SHOTS - (occupied - 1) * (left / (occupied - 1));
        }
        return _pack(buckets);
    }

    function _run(uint8 replicas, string memory group) private {
        _total = 0;
        Request memory request = _request(replicas);
        vm.prank(REQUESTER);
        ComputationId id = allocator.submit(request);
        _record(group, "1 submit");
        vm.prank(KEEPER);
        allocator.allocate(id);
        _record(group, "2 allocate");
        uint256 commits;
        for (uint256 i; i < replicas; ++i) {
            _commit(id, i);
            commits += _used();
        }
        _record(group, "3 commit, all", commits);
        _disclose(id);
        _record(group, "4 disclose");
        uint256 reveals;
        for (uint256 i; i < replicas; ++i) {
            _reveal(id, i, _honest(i));
            reveals += _used();
        }
        _record(group, "5 reveal, all", reveals);
        _settle(id, 0);
        _record(group, "6 settle");
        if (bytes(group).length != 0) vm.snapshotValue(group, "7 total", _total);
    }

    function _used() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    function _record(string memory group, string memory step) private {
        _record(group, step, _used());
    }

    function _record(string memory group, string memory step, uint256 gas) private {
        if (bytes(group).length == 0) return;
        vm.snapshotValue(group, step, gas);
        _total += gas;
    }
}
