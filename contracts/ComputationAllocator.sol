// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Escrow} from "./Escrow.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {FailureReason, IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry, Requirement} from "./interfaces/IProcessorRegistry.sol";
import {Admission, Request} from "./libraries/Admission.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {ArrivalQueue} from "./libraries/ArrivalQueue.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Assignment, AssignmentLifecycle, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {
    Computation, ComputationId, ComputationStatus, UnexpectedComputationStatus
} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ComputationAllocator
/// @notice See IComputationAllocator.
contract ComputationAllocator is IComputationAllocator, Escrow {
    using ArrivalQueue for ArrivalQueue.Queue;
    using Ledger for Ledger.Book;

    /// Processors that one computation may use up, replacements included.
    uint256 public constant MAX_ASSIGNMENTS = 32;
    /// Commit-reveal rounds before a computation fails.
    uint256 public constant MAX_ATTEMPTS = 3;
    uint256 private constant MAX_QUEUE_STEPS = 64;

    IConsortium public immutable CONSORTIUM;
    address public immutable VERIFIER;
    /// Wei for whoever enforces a deadline or settles. Immutable, since escrows held are divided by it.
    uint256 public immutable KEEPER_BOUNTY;

    /// @inheritdoc IComputationAllocator
    uint64 public computationCount;
    /// @inheritdoc IComputationAllocator
    bytes32 public beacon;

    mapping(ComputationId => Computation) private _computations;
    mapping(ComputationId => mapping(uint256 index => Assignment)) private _assignments;
    mapping(uint8 noiseClass => ArrivalQueue.Queue) private _queues;

    modifier onlyVerifier() {
        if (msg.sender != VERIFIER) revert CallerNotVerifier(msg.sender);
        _;
    }

    /// @param genesisEntropy First value of the beacon; predictable, as every beacon is before its first settlement.
    constructor(
        address authority,
        IAuditTrail auditTrail,
        IConsortium consortium,
        IProcessorRegistry registry,
        address verifier,
        uint256 keeperBounty,
        bytes32 genesisEntropy,
        Policy memory initialPolicy
    ) AccessManaged(authority) Escrow(auditTrail, registry, initialPolicy) {
        CONSORTIUM = consortium;
        VERIFIER = verifier;
        KEEPER_BOUNTY = keeperBounty;
        beacon = genesisEntropy;
    }

    /// @inheritdoc IComputationAllocator
    function submit(Request calldata request) external payable returns (ComputationId id) {
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert SubmitterNotInConsortium(msg.sender);
        Admission.requireSound(request);
        uint256 escrow = quote(request.qubits, request.shots, request.replicas);
        if (request.maxFee < escrow) revert FeeTooLow(request.maxFee, escrow);

        id = ComputationId.wrap(++computationCount);
        Computation storage c = _computations[id];
        c.advance(id, ComputationStatus.Queued);
        c.replicas = request.replicas;
        c.attempt = 1;
        c.noiseClass = request.noiseClass;
        c.qubits = request.qubits;
        c.outcomeBits = request.outcomeBits;
        c.shots = request.shots;
        c.requester = msg.sender;
        c.escrow = uint96(escrow);
        c.circuitDigest = request.circuitDigest;
        c.secret = request.secretCommitment;
        c.deadlineAt = request.deadlineAt;
        c.organisation = organisation;
        _queues[request.noiseClass].push(id);
        _book.lock(msg.sender, msg.value, escrow);
        if (msg.value != 0) emit Deposited(msg.sender, msg.value);
        emit ComputationSubmitted(id, msg.sender, organisation, uint96(escrow), request);
    }

    /// @inheritdoc IComputationAllocator
    function allocate(ComputationId id) external {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Queued);
        if (block.timestamp > c.deadlineAt) revert DeadlinePassed(id, c.deadlineAt, block.timestamp);
        _requireDue(id, c.noiseClass);

        uint8 tried = c.tried;
        bytes32 seed = Commitment.drawSeedOf(beacon, id, tried);
        (ProcessorId[] memory drawn, uint24[] memory organisations) = _draw(id, c, seed);
        for (uint256 i; i < drawn.length; ++i) {
            Assignment storage a = _assignments[id][tried + i];
            a.advance(id, tried + i, AssignmentStatus.Assigned);
            a.processor = drawn[i];
            a.organisation = organisations[i];
        }
        uint40 phaseEndsAt = uint40(block.timestamp) + _policy.commitSeconds;
        c.tried = tried + uint8(drawn.length);
        c.active = c.replicas;
        c.phaseEndsAt = phaseEndsAt;
        c.advance(id, ComputationStatus.Allocated);
        emit ComputationAllocated(id, c.attempt, tried, drawn, seed, phaseEndsAt);
        _record(id, Decision.ComputationAllocated, keccak256(abi.encode(id, c.attempt, tried, drawn, seed)));
    }

    /// @inheritdoc IComputationAllocator
    function reallocate(ComputationId id) external {
        Computation storage c = _computations[id];
        bool revealing = c.status == ComputationStatus.Revealing;
        if (!revealing && c.status != ComputationStatus.Allocated) {
            revert UnexpectedComputationStatus(
                id,
                c.status,
                (1 << uint8(ComputationStatus.Allocated)) | (1 << uint8(ComputationStatus.Revealing))
            );
        }
        _requireElapsed(id, c);
        uint256 quorum = Agreement.quorumOf(c.replicas);
        if (revealing && c.revealed >= quorum) revert QuorumRevealed(id, c.revealed, quorum);

        AssignmentStatus late = revealing ? AssignmentStatus.Committed : AssignmentStatus.Assigned;
        AssignmentStatus[] memory fates = new AssignmentStatus[](c.tried);
        for (uint256 i; i < fates.length; ++i) {
            AssignmentStatus status = _assignments[id][i].status;
            if (status == late) fates[i] = AssignmentStatus.Silent;
            else if (status == AssignmentStatus.Revealed) fates[i] = AssignmentStatus.Released;
        }
        (address[] memory operators, uint256 seized) = _dismiss(id, c, fates);
        // Those who revealed worked in vain through no fault of their own: the silent ones' bonds are theirs.
        address[] memory payees = AssignmentLifecycle.select(operators, fates, AssignmentStatus.Released);
        uint256 bounty = seized < KEEPER_BOUNTY ? seized : KEEPER_BOUNTY;
        uint256 each = payees.length == 0 ? 0 : (seized - bounty) / payees.length;
        _distribute(id, payees, each, msg.sender, bounty, address(0), seized);

        if (revealing) {
            c.committed = 0;
            c.revealed = 0;
            c.refused = 0;
            c.commitsDigest = 0;
            ++c.attempt;
        }
        if (c.attempt > MAX_ATTEMPTS || c.tried + c.replicas - c.active > MAX_ASSIGNMENTS) {
            _fail(id, c, FailureReason.AttemptsExhausted, address(0));
        } else {
            _requeue(id, c);
        }
    }

    /// @inheritdoc IComputationAllocator
    function expire(ComputationId id) external {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Queued);
        if (block.timestamp <= c.deadlineAt) revert DeadlineOpen(id, c.deadlineAt, block.timestamp);
        _fail(id, c, FailureReason.DeadlinePassed, msg.sender);
    }

    /// @inheritdoc IComputationAllocator
    function cancel(ComputationId id) external {
        Computation storage c = _computations[id];
        if (msg.sender != c.requester) revert CallerNotRequester(id, msg.sender, c.requester);
        if (c.tried != 0) revert ProcessorsAssigned(id, c.tried);
        c.advance(id, ComputationStatus.Cancelled);
        uint256 escrow = c.escrow;
        c.escrow = 0;
        _book.unlock(msg.sender, escrow);
        emit ComputationCancelled(id, escrow);
    }

    /// @inheritdoc IComputationAllocator
    function prune(uint8 noiseClass) external {
        ArrivalQueue.Queue storage queue = _queues[noiseClass];
        int64 first = queue.first;
        int64 next = queue.next;
        for (uint256 step; step < MAX_QUEUE_STEPS && first < next; ++step) {
            if (_computations[queue.at(first)].status == ComputationStatus.Queued) break;
            ++first;
        }
        queue.first = first;
    }

    /// @inheritdoc IComputationAllocator
    function recordCommit(ComputationId id, uint256 index, address daemon, bytes24 commitment)
        external
        onlyVerifier
        returns (ProcessorId processor)
    {
        Computation storage c = _computations[id];
        // While a replacement is being sought, those already assigned go on.
        if (c.status != ComputationStatus.Queued) c.requireStatus(id, ComputationStatus.Allocated);
        Assignment storage a = _assignments[id][index];
        a.advance(id, index, AssignmentStatus.Committed);
        processor = a.processor;
        _requireDaemon(id, index, processor, daemon);
        a.digest = commitment;
        c.commitsDigest = Commitment.extend(c.commitsDigest, index, commitment);
        uint8 committed = ++c.committed;
        if (committed == c.replicas) {
            uint40 phaseEndsAt = uint40(block.timestamp) + _policy.discloseSeconds;
            c.phaseEndsAt = phaseEndsAt;
            c.advance(id, ComputationStatus.Committed);
            emit ComputationCommitted(id, phaseEndsAt);
        }
    }

    /// @inheritdoc IComputationAllocator
    function recordRefusal(ComputationId id, uint256 index, address daemon)
        external
        onlyVerifier
        returns (ProcessorId processor)
    {
        Computation storage c = _computations[id];
        processor = _assignments[id][index].processor;
        _requireDaemon(id, index, processor, daemon);
        AssignmentStatus[] memory fates = new AssignmentStatus[](c.tried);
        fates[index] = AssignmentStatus.Refused;
        _dismiss(id, c, fates);
        uint8 refused = ++c.refused;
        if (refused >= Agreement.quorumOf(c.replicas)) {
            _fail(id, c, FailureReason.PayloadRefused, address(0));
        } else if (c.tried + c.replicas - c.active > MAX_ASSIGNMENTS) {
            _fail(id, c, FailureReason.AttemptsExhausted, address(0));
        } else if (c.status != ComputationStatus.Queued) {
            _requeue(id, c);
        }
    }

    /// @inheritdoc IComputationAllocator
    function openReveals(ComputationId id, bytes24 secret)
        external
        onlyVerifier
        returns (bytes32 seed, uint8 attempt)
    {
        return _openReveals(id, _computations[id], secret);
    }

    /// @inheritdoc IComputationAllocator
    function openRevealsFromBeacon(ComputationId id, address keeper)
        external
        onlyVerifier
        returns (bytes24 secret, bytes32 seed, uint8 attempt)
    {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Committed);
        _requireElapsed(id, c);
        secret = bytes24(keccak256(abi.encode(beacon, id)));
        // The requester reserved one bounty for its own silence; further rounds cost the keeper's goodwill.
        if (!c.secretWithheld) {
            c.secretWithheld = true;
            c.escrow -= uint96(KEEPER_BOUNTY);
            _distribute(id, new address[](0), 0, keeper, KEEPER_BOUNTY, c.requester, KEEPER_BOUNTY);
        }
        (seed, attempt) = _openReveals(id, c, secret);
    }

    /// @inheritdoc IComputationAllocator
    function recordReveal(ComputationId id, uint256 index, bytes24 digest) external onlyVerifier {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        Assignment storage a = _assignments[id][index];
        a.advance(id, index, AssignmentStatus.Revealed);
        a.digest = digest;
        ++c.revealed;
    }

    /// @inheritdoc IComputationAllocator
    function conclude(
        ComputationId id,
        Agreement.Verdict verdict,
        uint256 accepted,
        bytes32 entropy,
        bytes32 answerDigest,
        address keeper
    ) external onlyVerifier {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        if (c.revealed < c.active) {
            _requireElapsed(id, c);
            uint256 quorum = Agreement.quorumOf(c.replicas);
            if (c.revealed < quorum) revert TooFewRevealed(id, c.revealed, quorum);
        }
        ComputationStatus status = _statusOf(verdict);
        c.advance(id, status);
        {
            AssignmentStatus[] memory fates = _fatesOf(id, c.tried, verdict, accepted);
            (address[] memory operators, uint256 seized) = _dismiss(id, c, fates);
            // Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
            AssignmentStatus paid = AssignmentStatus.Accepted;
            if (verdict == Agreement.Verdict.Inconclusive) paid = AssignmentStatus.Released;
            _settle(id, c, AssignmentLifecycle.select(operators, fates, paid), keeper, seized);
        }
        beacon = keccak256(abi.encode(beacon, entropy));
        emit ComputationConcluded(id, status, beacon);
        _record(
            id, Decision.ComputationSettled, keccak256(abi.encode(id, status, accepted, answerDigest, beacon))
        );
    }

    /// @inheritdoc IComputationAllocator
    function quote(uint8 qubits, uint16 shots, uint8 replicas) public view returns (uint256) {
        return uint256(_policy.pricePerQubitShot) * qubits * shots * replicas + 2 * KEEPER_BOUNTY;
    }

    /// @inheritdoc IComputationAllocator
    function computationOf(ComputationId id) external view returns (Computation memory) {
        return _computations[id];
    }

    /// @inheritdoc IComputationAllocator
    function dutyOf(ComputationId id, uint256 index) external view returns (Computation memory, Assignment memory) {
        return (_computations[id], _assignments[id][index]);
    }

    /// @inheritdoc IComputationAllocator
    function assignmentsOf(ComputationId id) external view returns (Assignment[] memory assignments) {
        assignments = new Assignment[](_computations[id].tried);
        for (uint256 i; i < assignments.length; ++i) {
            assignments[i] = _assignments[id][i];
        }
    }

    /// @inheritdoc IComputationAllocator
    function seedOf(ComputationId id) external view returns (bytes32) {
        Computation storage c = _computations[id];
        return Commitment.seedOf(id, c.attempt, c.secret, c.commitsDigest);
    }

    /// @inheritdoc IComputationAllocator
    function queueOf(uint8 noiseClass, uint256 limit) external view returns (ComputationId[] memory waiting) {
        ArrivalQueue.Queue storage queue = _queues[noiseClass];
        waiting = new ComputationId[](limit);
        uint256 count;
        for (int64 position = queue.first; position < queue.next && count < limit; ++position) {
            ComputationId id = queue.at(position);
            if (_computations[id].status == ComputationStatus.Queued) waiting[count++] = id;
        }
        assembly ("memory-safe") {
            mstore(waiting, count)
        }
    }

    function _openReveals(ComputationId id, Computation storage c, bytes24 secret)
        private
        returns (bytes32 seed, uint8 attempt)
    {
        c.advance(id, ComputationStatus.Revealing);
        c.secret = secret;
        uint40 phaseEndsAt = uint40(block.timestamp) + _policy.revealSeconds;
        c.phaseEndsAt = phaseEndsAt;
        attempt = c.attempt;
        seed = Commitment.seedOf(id, attempt, secret, c.commitsDigest);
        emit ComputationRevealing(id, phaseEndsAt);
    }

    function _draw(ComputationId id, Computation storage c, bytes32 seed)
        private
        returns (ProcessorId[] memory, uint24[] memory)
    {
        uint256 tried = c.tried;
        ProcessorId[] memory excluded = new ProcessorId[](tried);
        uint24[] memory organisations = new uint24[](tried);
        for (uint256 i; i < tried; ++i) {
            Assignment storage a = _assignments[id][i];
            excluded[i] = a.processor;
            if (AssignmentLifecycle.isOnDuty(a.status)) organisations[i] = a.organisation;
        }
        return REGISTRY.lease(
            seed,
            Requirement({
                noiseClass: c.noiseClass,
                qubits: c.qubits,
                count: c.replicas - c.active,
                requester: c.organisation
            }),
            excluded,
            organisations
        );
    }

    /// @dev Ends the assignments that have a fate: status, bond, lease, conduct.
    /// @return operators By assignment index. @return seized Wei taken from bonds, which the caller must hand out.
    function _dismiss(ComputationId id, Computation storage c, AssignmentStatus[] memory fates)
        private
        returns (address[] memory operators, uint256 seized)
    {
        ProcessorId[] memory processors = new ProcessorId[](fates.length);
        uint256[] memory slashed = new uint256[](fates.length);
        uint256 unbonded;
        uint8 ended;
        for (uint256 i; i < fates.length; ++i) {
            AssignmentStatus fate = fates[i];
            if (fate == AssignmentStatus.Unset) continue;
            Assignment storage a = _assignments[id][i];
            a.advance(id, i, fate);
            processors[i] = a.processor;
            ++ended;
            if (fate == AssignmentStatus.Outlier || fate == AssignmentStatus.Silent) {
                bool covered;
                (slashed[i], covered) = _slash(processors[i]);
                if (!covered) unbonded |= 1 << i;
                seized += slashed[i];
            }
            emit AssignmentEnded(id, i, processors[i], fate, slashed[i]);
        }
        c.active -= ended;
        operators = REGISTRY.release(processors, fates, c.qubits, unbonded);
        for (uint256 i; i < fates.length; ++i) {
            if (slashed[i] != 0) _book.seize(operators[i], slashed[i]);
        }
    }

    /// @dev Divides the escrow after a verdict; what was seized goes to the treasury.
    function _settle(ComputationId id, Computation storage c, address[] memory payees, address keeper, uint256 seized)
        private
    {
        uint256 escrow = c.escrow;
        uint256 reserved = c.secretWithheld ? KEEPER_BOUNTY : 2 * KEEPER_BOUNTY;
        uint256 each = (escrow - reserved) / c.replicas;
        c.escrow = 0;
        _book.endow(seized);
        _distribute(id, payees, each, keeper, KEEPER_BOUNTY, c.requester, escrow);
    }

    /// @dev Ends a computation without a verdict and refunds it, less a bounty when a keeper had to end it.
    function _fail(ComputationId id, Computation storage c, FailureReason reason, address keeper) private {
        AssignmentStatus[] memory fates = new AssignmentStatus[](c.tried);
        for (uint256 i; i < fates.length; ++i) {
            if (AssignmentLifecycle.isOnDuty(_assignments[id][i].status)) fates[i] = AssignmentStatus.Released;
        }
        _dismiss(id, c, fates);
        c.advance(id, ComputationStatus.Failed);
        uint256 escrow = c.escrow;
        c.escrow = 0;
        _distribute(id, new address[](0), 0, keeper, keeper == address(0) ? 0 : KEEPER_BOUNTY, c.requester, escrow);
        emit ComputationFailed(id, reason);
        _record(id, Decision.ComputationFailed, keccak256(abi.encode(id, reason)));
    }

    function _requeue(ComputationId id, Computation storage c) private {
        c.advance(id, ComputationStatus.Queued);
        _queues[c.noiseClass].pushFront(id);
        emit ComputationRequeued(id, c.attempt);
        _record(id, Decision.ComputationReallocated, keccak256(abi.encode(id, c.attempt, c.tried)));
    }

    function _record(ComputationId id, Decision decision, bytes32 digest) private {
        AUDIT_TRAIL.append(decision, ComputationId.unwrap(id), digest);
    }

    /// @dev Passes over entries that no longer wait, and forgets them while they are at the head.
    function _requireDue(ComputationId id, uint8 noiseClass) private {
        ArrivalQueue.Queue storage queue = _queues[noiseClass];
        int64 position = queue.first;
        int64 next = queue.next;
        uint256 waiting;
        for (uint256 step; step < MAX_QUEUE_STEPS && position < next; ++step) {
            ComputationId entry = queue.at(position++);
            if (ComputationId.unwrap(entry) == ComputationId.unwrap(id)) {
                if (waiting == 0) queue.first = position;
                return;
            }
            if (_computations[entry].status == ComputationStatus.Queued && ++waiting == ArrivalQueue.WINDOW) break;
        }
        revert ComputationNotDue(id, ArrivalQueue.WINDOW);
    }

    function _requireElapsed(ComputationId id, Computation storage c) private view {
        if (block.timestamp <= c.phaseEndsAt) revert DeadlineOpen(id, c.phaseEndsAt, block.timestamp);
    }

    function _requireDaemon(ComputationId id, uint256 index, ProcessorId processor, address account) private view {
        address daemon = REGISTRY.daemonOf(processor);
        if (account != daemon) revert CallerNotAssigned(id, index, account, daemon);
    }

    /// @dev How each assignment ends under a verdict; those long ended have no fate.
    function _fatesOf(ComputationId id, uint256 tried, Agreement.Verdict verdict, uint256 accepted)
        private
        view
        returns (AssignmentStatus[] memory fates)
    {
        fates = new AssignmentStatus[](tried);
        for (uint256 i; i < tried; ++i) {
            AssignmentStatus status = _assignments[id][i].status;
            if (status == AssignmentStatus.Committed) {
                fates[i] = AssignmentStatus.Silent;
            } else if (status == AssignmentStatus.Revealed) {
                if (verdict != Agreement.Verdict.Accepted) fates[i] = AssignmentStatus.Released;
                else fates[i] = accepted & (1 << i) != 0 ? AssignmentStatus.Accepted : AssignmentStatus.Outlier;
            }
        }
    }

    function _statusOf(Agreement.Verdict verdict) private pure returns (ComputationStatus) {
        if (verdict == Agreement.Verdict.Accepted) return ComputationStatus.Accepted;
        if (verdict == Agreement.Verdict.Rejected) return ComputationStatus.Rejected;
        return ComputationStatus.Inconclusive;
    }
}
