// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../contracts/AuditTrail.sol";
import {ComputationAllocator} from "../../contracts/ComputationAllocator.sol";
import {Consortium} from "../../contracts/Consortium.sol";
import {ProcessorRegistry} from "../../contracts/ProcessorRegistry.sol";
import {ResultVerifier} from "../../contracts/ResultVerifier.sol";
import {Authority} from "../../contracts/governance/Authority.sol";
import {IAuditTrail} from "../../contracts/interfaces/IAuditTrail.sol";
import {IComputationAllocator} from "../../contracts/interfaces/IComputationAllocator.sol";
import {IConsortium} from "../../contracts/interfaces/IConsortium.sol";
import {Policy} from "../../contracts/interfaces/IEscrow.sol";
import {Capability, IProcessorRegistry} from "../../contracts/interfaces/IProcessorRegistry.sol";
import {Request} from "../../contracts/libraries/Admission.sol";
import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {CountSketch} from "../../contracts/libraries/CountSketch.sol";
import {Assignment, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {vm} from "./Vm.sol";

/// @notice The whole suite on a fresh chain, with processors of one organisation each and a requester without any,
/// and the steps of a computation as their actors take them.
abstract contract Suite {
    uint8 internal constant NOISE_CLASS = 1;
    uint16 internal constant PROCESSOR_QUBITS = 27;
    uint16 internal constant SHOTS = 4096;
    uint256 internal constant BOUNTY = 0.001 ether;
    uint256 internal constant DAEMON_KEYS = 0xda31;
    uint256 internal constant START = 1_800_000_000;
    address internal constant REQUESTER = address(0xc11e);
    address internal constant KEEPER = address(0x4ee4);

    Authority internal authority;
    AuditTrail internal auditTrail;
    Consortium internal consortium;
    ProcessorRegistry internal registry;
    ComputationAllocator internal allocator;
    ResultVerifier internal verifier;
    uint256 internal processors;
    /// The time as the tests set it: the compiler takes block.timestamp for constant within a transaction.
    uint256 internal clock;

    function _deploy() internal {
        _pass(START);
        uint256 nonce = vm.getNonce(address(this));
        address[6] memory suite;
        for (uint256 i; i < suite.length; ++i) {
            suite[i] = vm.computeCreateAddress(address(this), nonce + i);
        }
        address[] memory recorders = new address[](3);
        (recorders[0], recorders[1], recorders[2]) = (suite[2], suite[3], suite[4]);
        authority = new Authority(address(this));
        auditTrail = new AuditTrail(recorders);
        consortium = new Consortium(suite[0], IAuditTrail(suite[1]));
        registry = new ProcessorRegistry(suite[0], IAuditTrail(suite[1]), IConsortium(suite[2]), suite[4], 30 days);
        allocator = new ComputationAllocator(
            suite[0],
            IAuditTrail(suite[1]),
            IConsortium(suite[2]),
            IProcessorRegistry(suite[3]),
            suite[5],
            BOUNTY,
            keccak256("genesis"),
            _initialPolicy()
        );
        verifier = new ResultVerifier(IComputationAllocator(suite[4]));
        // This contract administers the authority and takes every role, by the default of AccessManager.
        consortium.admit("Requester", REQUESTER, 1);
        vm.deal(REQUESTER, 1000 ether);
        vm.prank(REQUESTER);
        allocator.deposit{value: 500 ether}();
    }

    function _pass(uint256 duration) internal {
        clock += duration;
        vm.warp(clock);
    }

    function _initialPolicy() internal pure returns (Policy memory) {
        return Policy({
            pricePerQubitShot: 10 gwei,
            commitSeconds: 120,
            discloseSeconds: 60,
            revealSeconds: 60,
            minimumBond: 0.5 ether,
            slash: 0.1 ether
        });
    }

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
        processor = registry.register(vm.addr(key), "identity", signature);
        Capability memory capability;
        capability.qubits = PROCESSOR_QUBITS;
        capability.noiseClass = NOISE_CLASS;
        capability.expiresAt = uint40(START + 365 days);
        vm.prank(operator);
        uint16 version = registry.declareCapability(processor, capability, "");
        registry.certify(processor, version);
        vm.prank(vm.addr(key));
        registry.heartbeat(processor);
        vm.deal(operator, 1000 ether);
        vm.prank(operator);
        allocator.bond{value: 2 ether}(processor, 2 ether);
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
        bytes32 typehash = keccak256("ProcessorRegistration(address operator,address daemon,bytes32 identityDigest)");
        bytes32 structHash = keccak256(abi.encode(typehash, operator, vm.addr(key), bytes32("identity")));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
        return abi.encodePacked(r, s, v);
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

    function _rogue() internal pure returns (uint256[] memory sketch) {
        sketch = new uint256[](1);
        sketch[0] = 96 | (2000 << 16) | (2000 << 32);
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
        request.noiseClass = NOISE_CLASS;
        request.qubits = 2;
        request.outcomeBits = 2;
        request.maxFee = type(uint96).max;
        request.payload = payload;
    }

    function _submit(uint8 replicas) internal returns (ComputationId) {
        return _submit(_request(replicas));
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
        (Computation memory c, Assignment memory a) = allocator.dutyOf(id, index);
        return Commitment.ofResult(address(verifier), id, c.attempt, a.processor, _rootOf(index), _saltOf(index));
    }

    function _commit(ComputationId id, uint256 index) internal {
        bytes24 commitment = _commitmentOf(id, index);
        address daemon = _daemonOfIndex(id, index);
        vm.prank(daemon);
        verifier.commit(id, index, commitment);
    }

    function _refuse(ComputationId id, uint256 index) internal {
        address daemon = _daemonOfIndex(id, index);
        vm.prank(daemon);
        verifier.refuse(id, index, 7);
    }

    function _daemonOfIndex(ComputationId id, uint256 index) internal view returns (address) {
        (, Assignment memory a) = allocator.dutyOf(id, index);
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
        bytes24 secret = _secretOf(allocator.computationOf(id).attempt);
        vm.prank(REQUESTER);
        verifier.disclose(id, secret);
    }

    function _reveal(ComputationId id, uint256 index, uint256[] memory sketch) internal {
        verifier.reveal(id, index, _rootOf(index), _saltOf(index), sketch);
    }

    /// @dev All that have committed reveal honest answers.
    function _revealAll(ComputationId id) internal {
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        for (uint256 i; i < seats.length; ++i) {
            _reveal(id, seats[i], _honest(seats[i]));
        }
    }

    /// @param rogues Bit i says that assignment i revealed the rogue answer.
    function _settle(ComputationId id, uint256 rogues) internal {
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Revealed);
        bytes32[] memory roots = new bytes32[](seats.length);
        bytes32[] memory salts = new bytes32[](seats.length);
        uint256[] memory sketches = new uint256[](seats.length);
        for (uint256 i; i < seats.length; ++i) {
            roots[i] = _rootOf(seats[i]);
            salts[i] = _saltOf(seats[i]);
            sketches[i] = (rogues & (1 << seats[i]) != 0 ? _rogue() : _honest(seats[i]))[0];
        }
        vm.prank(KEEPER);
        verifier.settle(id, roots, salts, sketches);
    }

    /// @dev Indices of the assignments in `status`, ascending.
    function _seatsIn(ComputationId id, AssignmentStatus status) internal view returns (uint256[] memory seats) {
        Assignment[] memory assignments = allocator.assignmentsOf(id);
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

    /// @dev All the money in the books of the requester, the keeper, this contract and the operators.
    function _booked(uint256 operators) internal view returns (uint256 total) {
        total = allocator.treasury() + _heldBy(REQUESTER) + _heldBy(KEEPER) + _heldBy(address(this));
        for (uint256 i = 1; i <= operators; ++i) {
            total += _heldBy(_operatorOf(i));
        }
    }

    function _heldBy(address holder) private view returns (uint256) {
        (uint256 available, uint256 locked) = allocator.balanceOf(holder);
        return available + locked;
    }
}
