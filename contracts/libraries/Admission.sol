// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Computation, ComputationId, ESCALATION, MAX_ATTEMPTS} from "../lifecycle/Computation.sol";
import {IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {Asked, AskedReader} from "./Asked.sol";
import {Priority} from "./FairQueue.sol";

/// @notice What a requester asks for.
struct Request {
    /// keccak256 of the canonical OpenQASM 3 text.
    bytes32 circuitDigest;
    /// Commitment to the requester's secret: see Commitment.ofSecret.
    bytes24 secretCommitment;
    /// No allocation after this moment, unix seconds.
    uint40 deadlineAt;
    /// Shots that each replica runs.
    uint16 shots;
    uint8 replicas;
    uint8 noiseClass;
    uint8 qubits;
    /// Width of an outcome: classical bits measured.
    uint8 outcomeBits;
    /// Replicas that escalation may reach, in steps of ESCALATION; their price is locked.
    uint8 replicaCap;
    /// The requester knows answers of some rounds, and will open them: see IGoldRounds.
    bool gold;
    /// The agreeing replicas' credibility must exceed 1 - 1/trust; 0 asks for none: see Credibility.
    uint8 trust;
    Priority priority;
    /// Gate layers in units of 64, rounded up; processors refuse a deeper circuit.
    uint8 depthClass;
    /// Instruction-set profile that a processor must have, from 1.
    uint8 profile;
    /// Least log2 of the quantum volume; 0 asks for none.
    uint8 quantumVolumeLog2;
    /// Largest median error of two-qubit gates, parts per million; 0 asks for none.
    uint16 twoQubitErrorPpm;
    /// Wei a qubit-shot that is paid to each replica; processors that ask more are not drawn.
    uint64 price;
    /// Most wei that may be taken for this computation: see IEscrow.quote.
    uint96 maxFee;
    /// The circuit's text, or empty when it is in the consortium's store under its digest.
    bytes payload;
}

/// @title What the allocator takes in
/// @notice Limits that hold whatever the policy says.
library Admission {
    /// Fewer cannot outvote a wrong answer; one alone is allowed, and its verdict is Unverified.
    uint256 internal constant MIN_REPLICAS = 3;
    /// What a computation starts with that asks for credible processors.
    uint256 internal constant MIN_TRUSTED_REPLICAS = 5;
    uint256 internal constant MAX_REPLICAS = 16;
    /// Shots a replica; below this, wrong answers pass too often: see Agreement.
    uint256 internal constant MIN_SHOTS = 4096;
    uint256 internal constant MAX_DEADLINE_SECONDS = 30 days;
    /// An outcome and its count share a word when histograms are opened: see Histogram.
    uint256 internal constant MAX_OUTCOME_BITS = 240;
    /// Of a request without its payload, ABI encoded: 19 words.
    uint256 private constant HEAD_BYTES = 608;

    /// @notice `replicas` must lie in minimum..maximum.
    error ReplicasOutOfRange(uint256 replicas, uint256 minimum, uint256 maximum);
    /// @notice `shots` a replica must be at least `minimum`.
    error ShotsTooFew(uint256 shots, uint256 minimum);
    /// @notice A circuit has at least one qubit and one measured bit, and at most `maximum` of those.
    error CircuitWidthInvalid(uint256 qubits, uint256 outcomeBits, uint256 maximum);
    /// @notice Depth class and profile count from 1.
    error CircuitKindInvalid(uint256 depthClass, uint256 profile);
    /// @notice `replicaCap` must be `replicas`, or more by one or two times ESCALATION and at most `maximum`; one
    /// replica alone, and who has gold rounds, does not escalate.
    error ReplicaCapInvalid(uint256 replicaCap, uint256 replicas, uint256 maximum);
    /// @notice `deadlineAt` must lie in earliest..latest.
    error DeadlineOutOfRange(uint40 deadlineAt, uint256 earliest, uint256 latest);
    /// @notice The inline payload hashes to `actual`, not to `circuitDigest`.
    error PayloadDigestMismatch(bytes32 circuitDigest, bytes32 actual);

    /// @notice Writes what is asked for into a new record, which is Queued by that.
    /// @dev Slot by slot, member by member from the lowest as Solidity packs them: that saves 3,000 gas. A test compares it
    /// with the compiler's layout.
    /// @param asked As `requireSound` returned it.
    function enter(
        Computation storage c,
        Request calldata request,
        Asked asked,
        uint32 account,
        uint24 organisation,
        uint256 flags,
        uint16 place,
        uint256 escrow
    ) internal {
        uint256 first = Asked.unwrap(asked) | uint256(place) << 88 | flags << AskedReader.FLAGS
            | uint256(organisation) << 120 | escrow << 176;
        uint256 asks = uint256(uint192(request.secretCommitment)) | uint256(account) << 192
            | uint256(request.trust) << 232 | uint256(request.priority) << 248;
        if (request.gold) asks |= 1 << 240;
        assembly ("memory-safe") {
            sstore(c.slot, first)
            sstore(add(c.slot, 1), asks)
        }
    }

    /// @notice Emits ComputationSubmitted.
    /// @dev The request goes in as it came, since to encode it anew costs 1,000 gas. Each of its members has been read by
    /// now, and so none is out of range; where the payload lies, and what follows it, is written here.
    function announce(
        ComputationId id,
        uint24 organisation,
        uint256 escrow,
        uint256 bucket,
        Request calldata request
    ) internal {
        bytes32 topic = IComputationAllocator.ComputationSubmitted.selector;
        bytes calldata payload = request.payload;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, escrow)
            mstore(add(data, 0x20), bucket)
            mstore(add(data, 0x40), 0x60)
            calldatacopy(add(data, 0x60), request, HEAD_BYTES)
            mstore(add(data, add(HEAD_BYTES, 0x40)), HEAD_BYTES)
            mstore(add(data, add(HEAD_BYTES, 0x60)), payload.length)
            let text := add(data, add(HEAD_BYTES, 0x80))
            calldatacopy(text, payload.offset, payload.length)
            mstore(add(text, payload.length), 0)
            let size := add(sub(text, data), and(add(payload.length, 0x1f), not(0x1f)))
            log4(data, size, topic, id, caller(), organisation)
        }
    }

    /// @notice Reverts unless `request` is within the limits and its inline payload is what it says.
    /// @return asked What is asked of processors, to be entered into the record.
    function requireSound(Request calldata request) internal view returns (Asked asked) {
        asked = _read(request);
        uint256 replicas = asked.replicas();
        uint256 cap = asked.replicaCap();
        bool trusting = request.trust != 0;
        bool alone = replicas == 1 && !trusting;
        uint256 least = trusting ? MIN_TRUSTED_REPLICAS : MIN_REPLICAS;
        if ((replicas < least && !alone) || replicas > MAX_REPLICAS) {
            revert ReplicasOutOfRange(replicas, least, MAX_REPLICAS);
        }
        if (cap != replicas && !_isCap(cap, replicas, alone || request.gold)) {
            revert ReplicaCapInvalid(cap, replicas, MAX_REPLICAS);
        }
        if (asked.shots() < MIN_SHOTS) revert ShotsTooFew(asked.shots(), MIN_SHOTS);
        if (asked.qubits() == 0 || asked.outcomeBits() == 0 || asked.outcomeBits() > MAX_OUTCOME_BITS) {
            revert CircuitWidthInvalid(asked.qubits(), asked.outcomeBits(), MAX_OUTCOME_BITS);
        }
        if (asked.depthClass() == 0 || asked.profile() == 0) {
            revert CircuitKindInvalid(asked.depthClass(), asked.profile());
        }
        bytes calldata payload = request.payload;
        if (payload.length != 0) {
            bytes32 actual = keccak256(payload);
            if (actual != request.circuitDigest) revert PayloadDigestMismatch(request.circuitDigest, actual);
        }
    }

    /// @dev Each member is read once, since to read one checks its range again; the deadline is checked here, for only
    /// one that is not too far fits into its place.
    function _read(Request calldata request) private view returns (Asked) {
        uint40 deadlineAt = request.deadlineAt;
        unchecked {
            uint256 latest = block.timestamp + MAX_DEADLINE_SECONDS;
            if (deadlineAt <= block.timestamp || deadlineAt > latest) {
                revert DeadlineOutOfRange(deadlineAt, block.timestamp + 1, latest);
            }
        }
        return Asked.wrap(
            uint256(request.replicas) | uint256(request.replicaCap) << 8 | uint256(request.noiseClass) << 16
                | uint256(request.qubits) << 24 | uint256(request.depthClass) << 32 | uint256(request.profile) << 40
                | uint256(request.quantumVolumeLog2) << 48 | uint256(request.twoQubitErrorPpm) << 56
                | uint256(request.shots) << 72 | uint256(request.outcomeBits) << 104 | uint256(deadlineAt) << 144
        );
    }

    function _isCap(uint256 cap, uint256 replicas, bool fixed_) private pure returns (bool) {
        return !fixed_ && cap > replicas && cap <= MAX_REPLICAS && (cap - replicas) % ESCALATION == 0
            && cap <= replicas + (MAX_ATTEMPTS - 1) * ESCALATION;
    }
}
