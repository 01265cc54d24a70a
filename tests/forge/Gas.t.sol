// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Request} from "../../contracts/libraries/Admission.sol";
import {ComputationId} from "../../contracts/lifecycle/Computation.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";

/// @notice What a verified computation costs, step by step, each step a transaction of its own (isolated, so with
/// cold storage), its 21,000 and its call data included. The second job of the same actors is measured: the first
/// one pays once for slots that later ones rewrite. Written to the snapshots folder.
/// forge-config: default.isolate = true
contract GasTest is Suite {
    uint256 private _total;

    function setUp() external {
        _deploy();
        for (uint256 i; i < 10; ++i) {
            _addProcessor();
        }
        for (uint256 i; i < 3; ++i) {
            _run(5, "");
        }
    }

    function test_gas_of_a_bell_job_with_three_replicas() external {
        _run(3, "3 replicas");
        require(_total <= 850_000, "three replicas cost more than the target");
    }

    function test_gas_of_a_bell_job_with_five_replicas() external {
        _run(5, "5 replicas");
        require(_total <= 1_300_000, "five replicas cost more than the target");
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
