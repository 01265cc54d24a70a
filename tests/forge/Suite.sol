// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Capability} from "../../contracts/interfaces/IProcessorRegistry.sol";
import {Request} from "../../contracts/libraries/Admission.sol";
import {BundledCommit} from "../../contracts/libraries/Bundle.sol";
import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {Assignment, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {Deployment} from "./Deployment.sol";
import {vm} from "./Vm.sol";

/// @notice A suite with processors of one organisation each and a requester without any, and the steps of a
/// computation as their actors take them.
abstract contract Suite is Deployment {
    uint8 internal constant NOISE_CLASS = 1;
    uint16 internal constant PROCESSOR_QUBITS = 27;
    uint16 internal constant SHOTS = 4096;
    uint256 internal constant DAEMON_KEYS = 0xda31;

    /// @dev What a replica answers.
    enum Answer {
        Honest,
        Rogue,
        OtherRogue,
        Noise
    }

    uint256 internal processors;

    function _operatorOf(uint256 number) internal pure returns (address) {
        return address(uint160(0x09e4a700 + number));
    }

    /// @dev Processor ids run from 1; so do their numbers here.
    function _daemonOf(ProcessorId processor) internal pure returns (address) {
        return vm.addr(DAEMON_KEYS + ProcessorId.unwrap(processor));
    }

    function _addProcessor() internal returns (ProcessorId processor) {
        return _addProcessor(_operatorOf(++processors));
    }

    function _addProcessor(address operator) internal returns (ProcessorId processor) {
        consortium.admit("Operator", operator, 1);
        uint256 key = DAEMON_KEYS + processors;
        bytes memory signature = _registrationOf(operator, key);
        vm.prank(operator);
        processor = registry.register(vm.addr(key), "identity", _hardwareOf(key), signature);
        Capability memory capability;
        capability.qubits = PROCESSOR_QUBITS;
        capability.noiseClass = NOISE_CLASS;
        capability.profile = 1;
        capability.expiresAt = uint40(START + 365 days);
        vm.prank(operator);
        uint16 version = registry.declareCapability(processor, capability, "");
        registry.certify(processor, version);
        vm.prank(vm.addr(key));
        registry.heartbeat(processor);
        vm.deal(operator, 1000 ether);
        vm.prank(operator);
        bonds.bond{value: 2 ether}(processor);
    }

    function _registrationOf(address operator, uint256 key) internal view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("QCRS ProcessorRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 typehash = keccak256(
            "ProcessorRegistration(address operator,address daemon,bytes32 identityDigest,bytes32 hardwareDigest)"
        );
        bytes32 structHash =
            keccak256(abi.encode(typehash, operator, vm.addr(key), bytes32("identity"), _hardwareOf(key)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }

    /// @dev Each daemon serves a device of its own.
    function _hardwareOf(uint256 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key));
    }

    // --- secrets, answers ---

    /// @dev Secrets are chained; `attempt` 3 is the last that can be needed.
    function _secretOf(uint256 attempt) internal pure returns (bytes24 secret) {
        secret = bytes24(keccak256("last secret"));
        for (; attempt < 3; ++attempt) {
            secret = Commitment.ofSecret(secret);
        }
    }

    function _rootOf(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("root", index));
    }

    function _saltOf(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", index));
    }

    /// @dev A Bell pair's counts, a little different for each replica.
    function _honest(uint256 index) internal pure returns (uint256[] memory sketch) {
        sketch = new uint256[](1);
        uint256 zeros = 1990 + index;
        sketch[0] = zeros | (50 << 16) | (46 << 32) | ((SHOTS - 96 - zeros) << 48);
    }

    function _answerOf(Answer answer, uint256 index) internal pure returns (uint256[] memory sketch) {
        if (answer == Answer.Honest) return _honest(index);
        sketch = new uint256[](1);
        if (answer == Answer.Rogue) sketch[0] = 96 | (2000 << 16) | (2000 << 32);
        else if (answer == Answer.OtherRogue) sketch[0] = 2000 | (2000 << 16) | (96 << 48);
        else sketch[0] = 1024 | (1024 << 16) | (1024 << 32) | (1024 << 48);
    }

    /// @dev `answers` have two bits a seat; 0 are honest ones.
    function _answerIn(uint256 answers, uint256 index) internal pure returns (Answer) {
        return Answer((answers >> (2 * index)) & 3);
    }

    // --- steps ---

    function _request(uint8 replicas) internal view returns (Request memory request) {
        bytes memory payload = new bytes(200);
        for (uint256 i; i < payload.length; ++i) {
            payload[i] = 0x71;
        }
        request.circuitDigest = keccak256(payload);
        request.secretCommitment = Commitment.ofSecret(_secretOf(1));
        request.deadlineAt = uint40(clock + 1 hours);
        request.shots = SHOTS;
        request.replicas = replicas;
        request.replicaCap = replicas;
        request.noiseClass = NOISE_CLASS;
        request.qubits = 2;
        request.outcomeBits = 2;
        request.depthClass = 1;
        request.profile = 1;
        request.price = PRICE;
        request.maxFee = type(uint96).max;
        request.payload = payload;
    }

    function _submit(uint8 replicas) internal returns (ComputationId) {
        return _submit(_request(replicas));
    }

    function _submitUpTo(uint8 replicas, uint8 replicaCap) internal returns (ComputationId) {
        Request memory request = _request(replicas);
        request.replicaCap = replicaCap;
        return _submit(request);
    }

    function _submit(Request memory request) internal returns (ComputationId) {
        vm.prank(REQUESTER);
        return allocator.submit(request);
    }

    function _submitAndAllocate(uint8 replicas) internal returns (ComputationId id) {
        id = _submit(replicas);
        _allocate(id);
    }

    function _allocate(ComputationId id) internal {
        vm.prank(KEEPER);
        allocator.allocate(id);
    }

    function _commitmentOf(ComputationId id, uint256 index) internal view returns (bytes24) {
        (Computation memory c, Assignment memory a) = records.dutyOf(id, index);
        return Commitment.ofResult(address(verifier), id, c.attempt, a.processor, _rootOf(index), _saltOf(index));
    }

    function _commit(ComputationId id, uint256 index) internal {
        bytes24 commitment = _commitmentOf(id, index);
        address daemon = _daemonOfIndex(id, index);
        vm.prank(daemon);
        verifier.commit(id, index, commitment);
    }

    /// @dev The same by a bundle of this one commit.
    function _commitBundled(ComputationId id, uint256 index) internal {
        BundledCommit[] memory commits = new BundledCommit[](1);
        commits[0] = BundledCommit(id, uint8(index), _commitmentOf(id, index));
        (, Assignment memory a) = records.dutyOf(id, index);
        bytes32 before = verifier.bundleOf(a.processor, _laneOf(id, index));
        address daemon = _daemonOf(a.processor);
        vm.prank(daemon);
        verifier.commitBundle(a.processor, _laneOf(id, index), before, commits);
    }

    function _laneOf(ComputationId id, uint256 index) internal pure returns (uint8) {
        return uint8(ComputationId.unwrap(id) * 8 + index);
    }

    function _refuse(ComputationId id, uint256 index) internal {
        address daemon = _daemonOfIndex(id, index);
        vm.prank(daemon);
        verifier.refuse(id, index, 7);
    }

    function _daemonOfIndex(ComputationId id, uint256 index) internal view returns (address) {
        (, Assignment memory a) = records.dutyOf(id, index);
        return _daemonOf(a.processor);
    }

    /// @dev All that are assigned commit.
    function _commitAll(ComputationId id) internal {
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Assigned);
        for (uint256 i; i < seats.length; ++i) {
            _commit(id, seats[i]);
        }
    }

    function _disclose(ComputationId id) internal {
        bytes24 secret = _secretOf(records.computationOf(id).attempt);
        vm.prank(REQUESTER);
        verifier.disclose(id, secret);
    }

    function _reveal(ComputationId id, uint256 index, uint256[] memory sketch) internal {
        verifier.reveal(id, index, _rootOf(index), _saltOf(index), sketch);
    }

    function _revealBundled(ComputationId id, uint256 index, uint256[] memory sketch) internal {
        bytes32[] memory proof = new bytes32[](0);
        verifier.revealBundled(id, index, _rootOf(index), _saltOf(index), sketch, _laneOf(id, index), proof);
    }

    /// @dev All that have committed reveal honest answers.
    function _revealAll(ComputationId id) internal {
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        for (uint256 i; i < seats.length; ++i) {
            _reveal(id, seats[i], _honest(seats[i]));
        }
    }

    /// @dev Takes a queued computation to its settlement with these answers of those who have not revealed before.
    function _complete(ComputationId id, uint256 answers) internal {
        _allocate(id);
        _commitAll(id);
        _disclose(id);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        for (uint256 i; i < seats.length; ++i) {
            _reveal(id, seats[i], _answerOf(_answerIn(answers, seats[i]), seats[i]));
        }
        _settle(id, answers);
    }

    /// @param answers See _answerIn.
    function _settle(ComputationId id, uint256 answers) internal {
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Revealed);
        bytes32[] memory roots = new bytes32[](seats.length);
        bytes32[] memory salts = new bytes32[](seats.length);
        uint256[] memory sketches = new uint256[](seats.length);
        for (uint256 i; i < seats.length; ++i) {
            roots[i] = _rootOf(seats[i]);
            salts[i] = _saltOf(seats[i]);
            sketches[i] = _answerOf(_answerIn(answers, seats[i]), seats[i])[0];
        }
        vm.prank(KEEPER);
        verifier.settle(id, roots, salts, sketches);
    }

    /// @dev Indices of the assignments in `status`, ascending.
    function _seatsIn(ComputationId id, AssignmentStatus status) internal view returns (uint256[] memory seats) {
        Assignment[] memory assignments = records.assignmentsOf(id);
        seats = new uint256[](assignments.length);
        uint256 count;
        for (uint256 i; i < assignments.length; ++i) {
            if (assignments[i].status == status) seats[count++] = i;
        }
        assembly ("memory-safe") {
            mstore(seats, count)
        }
    }

    /// @dev A computation of which every replica has committed and the secret is out.
    function _toRevealing(uint8 replicas) internal returns (ComputationId id) {
        id = _submitAndAllocate(replicas);
        _commitAll(id);
        _disclose(id);
    }

    /// @dev All the money in the books of the requester, the keeper, this contract and the operators, and what keepers
    /// are to get for allocations.
    function _booked(uint256 operators) internal view returns (uint256 total) {
        total = allocator.treasury() + _heldBy(REQUESTER) + _heldBy(KEEPER) + _heldBy(address(this));
        for (uint256 i = 1; i <= operators; ++i) {
            total += _heldBy(_operatorOf(i));
        }
        (, uint256 waiting,) = allocator.queueOf(NOISE_CLASS);
        total += BOUNTY * waiting;
    }

    function _heldBy(address holder) private view returns (uint256) {
        (uint256 available, uint256 locked) = allocator.balanceOf(holder);
        return available + locked;
    }
}
