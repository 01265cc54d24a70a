// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Escrow} from "./Escrow.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {FailureReason, IComputationAllocator, Pledge} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry, Requirement} from "./interfaces/IProcessorRegistry.sol";
import {Admission, Request} from "./libraries/Admission.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {ArrivalQueue} from "./libraries/ArrivalQueue.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Panel} from "./libraries/Panel.sol";
import {Assignment, AssignmentLifecycle, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationLifecycle, ComputationStatus} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ComputationAllocator
/// @notice See IComputationAllocator.
/// @dev Calls go to the registry, the consortium and the trail alone, which call nobody: nothing can re-enter.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract ComputationAllocator is IComputationAllocator, Escrow {
    using ArrivalQueue for ArrivalQueue.Queue;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;

    /// Processors that one computation may use up, replacements included.
    uint256 public constant MAX_ASSIGNMENTS = 32;
    /// Commit-reveal rounds before a computation fails.
    uint256 public constant MAX_ATTEMPTS = 3;

    IConsortium public immutable CONSORTIUM;
    address public immutable VERIFIER;

    /// @inheritdoc IComputationAllocator
    uint64 public computationCount;
    /// @inheritdoc IComputationAllocator
    bytes32 public beacon;

    mapping(ComputationId => Computation) private _computations;
    mapping(ComputationId => Panel.Seats) private _panels;
    mapping(uint8 noiseClass => ArrivalQueue.Queue) private _queues;

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
    ) AccessManaged(authority) Escrow(auditTrail, registry, keeperBounty, initialPolicy) {
        CONSORTIUM = consortium;
        // slither-disable-next-line missing-zero-check (with no verifier, nothing ever gets past Allocated)
        VERIFIER = verifier;
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
        Admission.enter(c, request);
        c.requester = msg.sender;
        c.organisation = organisation;
        c.escrow = uint96(escrow);
        c.phaseEndsAt = uint40(block.timestamp + _roundSeconds());
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
        uint8 tried = c.tried;
        ArrivalQueue.Queue storage queue = _queues[c.noiseClass];
        // Neither those that have begun nor those that have waited for a round's time are held up by others.
        if (tried == 0 && block.timestamp <= c.phaseEndsAt && !queue.isDue(id)) {
            revert ComputationNotDue(id, ArrivalQueue.WINDOW);
        }
        queue.remove(id);

        bytes32 seed = Commitment.drawSeedOf(beacon, id, tried);
        ProcessorId[] memory drawn = _draw(id, c, seed);
        c.tried = tried + uint8(drawn.length);
        c.active = c.replicas;
        c.phaseEndsAt = uint40(block.timestamp) + _policy.commitSeconds;
        c.advance(id, ComputationStatus.Allocated);
        emit ComputationAllocated(id, c.attempt, tried, drawn, seed, c.phaseEndsAt);
        bytes32 digest = keccak256(abi.encode(id, c.attempt, tried, drawn, seed));
        _record(Decision.ComputationAllocated, ComputationId.unwrap(id), digest);
    }

    /// @inheritdoc IComputationAllocator
    function reallocate(ComputationId id) external {
        Computation storage c = _computations[id];
        c.requireEither(id, ComputationStatus.Allocated, ComputationStatus.Revealing);
        _requireElapsed(id, c);
        bool revealing = c.status == ComputationStatus.Revealing;
        uint256 quorum = Agreement.quorumOf(c.replicas);
        if (revealing && c.revealed >= quorum) revert QuorumRevealed(id, c.revealed, quorum);

        AssignmentStatus ifCommitted = revealing ? AssignmentStatus.Silent : AssignmentStatus.Unset;
        AssignmentStatus[] memory fates = _panels[id].fatesOf(
            c.tried, AssignmentStatus.Silent, ifCommitted, AssignmentStatus.Released, 0
        );
        (address[] memory operators, uint256 seized) = _dismiss(id, c, fates);
        // Those who revealed worked in vain through no fault of their own: the silent ones' bonds are theirs.
        address[] memory payees = AssignmentLifecycle.select(operators, fates, AssignmentStatus.Released);
        uint256 bounty = seized < KEEPER_BOUNTY ? seized : KEEPER_BOUNTY;
        uint256 each = payees.length == 0 ? 0 : (seized - bounty) / payees.length;
        _book.endow(_payOut(id, address(0), seized, payees, each, msg.sender, bounty));

        if (revealing) c.restart();
        if (c.attempt > MAX_ATTEMPTS || _isSpent(c)) _fail(id, c, FailureReason.AttemptsExhausted, address(0));
        else _requeue(id, c);
    }

    /// @inheritdoc IComputationAllocator
    function expire(ComputationId id) external {
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Queued);
        // Processors are not kept waiting for longer than a round for others to join them.
        uint40 endsAt = c.active != 0 && c.phaseEndsAt < c.deadlineAt ? c.phaseEndsAt : c.deadlineAt;
        if (block.timestamp <= endsAt) revert DeadlineOpen(id, endsAt, block.timestamp);
        _fail(id, c, FailureReason.DeadlinePassed, msg.sender);
    }

    /// @inheritdoc IComputationAllocator
    function cancel(ComputationId id) external {
        Computation storage c = _computations[id];
        if (msg.sender != c.requester) revert CallerNotRequester(id, msg.sender, c.requester);
        if (c.tried != 0) revert ProcessorsAssigned(id, c.tried);
        c.advance(id, ComputationStatus.Cancelled);
        _queues[c.noiseClass].remove(id);
        uint256 escrow = c.escrow;
        c.escrow = 0;
        _book.unlock(msg.sender, escrow);
        emit ComputationCancelled(id, escrow);
    }

    /// @inheritdoc IComputationAllocator
    function recordCommit(ComputationId id, uint256 index, bytes24 commitment) external returns (ProcessorId processor) {
        _requireVerifier();
        Computation storage c = _computations[id];
        // While a replacement is being sought, those already assigned go on.
        c.requireEither(id, ComputationStatus.Queued, ComputationStatus.Allocated);
        Assignment storage a = _panels[id].assignments[index];
        a.advance(id, index, AssignmentStatus.Committed);
        processor = a.processor;
        a.digest = commitment;
        c.commitsDigest = Commitment.extend(c.commitsDigest, index, commitment);
        if (++c.committed < c.replicas) return processor;
        c.phaseEndsAt = uint40(block.timestamp) + _policy.discloseSeconds;
        c.advance(id, ComputationStatus.Committed);
        emit ComputationCommitted(id, c.phaseEndsAt);
    }

    /// @inheritdoc IComputationAllocator
    function recordRefusal(ComputationId id, uint256 index) external returns (ProcessorId processor) {
        _requireVerifier();
        Computation storage c = _computations[id];
        Assignment storage a = _panels[id].assignments[index];
        a.requireStatus(id, index, AssignmentStatus.Assigned);
        processor = a.processor;
        // A refusal costs nothing, so it must come in time: it would be the way out for whoever is silent.
        if (block.timestamp > c.phaseEndsAt) revert DeadlinePassed(id, c.phaseEndsAt, block.timestamp);
        AssignmentStatus[] memory fates = new AssignmentStatus[](c.tried);
        fates[index] = AssignmentStatus.Refused;
        _dismiss(id, c, fates);
        bool refused = ++c.refused >= Agreement.quorumOf(c.replicas);
        if (refused) _fail(id, c, FailureReason.PayloadRefused, address(0));
        else if (_isSpent(c)) _fail(id, c, FailureReason.AttemptsExhausted, address(0));
        else if (c.status != ComputationStatus.Queued) _requeue(id, c);
    }

    /// @inheritdoc IComputationAllocator
    function openReveals(ComputationId id, bytes24 secret)
        external
        returns (bytes24 commitment, bytes32 seed, uint8 attempt)
    {
        _requireVerifier();
        Computation storage c = _computations[id];
        commitment = c.secret;
        (seed, attempt) = _openReveals(id, c, secret);
    }

    /// @inheritdoc IComputationAllocator
    function openRevealsFromBeacon(ComputationId id, address keeper)
        external
        returns (bytes24 secret, bytes32 seed, uint8 attempt)
    {
        _requireVerifier();
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Committed);
        _requireElapsed(id, c);
        secret = bytes24(keccak256(abi.encode(beacon, id)));
        // The requester reserved one bounty for its own silence; further rounds cost the keeper's goodwill.
        if (!c.secretWithheld) {
            c.secretWithheld = true;
            _spend(id, c, KEEPER_BOUNTY, new address[](0), 0, keeper, KEEPER_BOUNTY);
        }
        (seed, attempt) = _openReveals(id, c, secret);
    }

    /// @inheritdoc IComputationAllocator
    function recordReveal(ComputationId id, uint256 index, bytes24 digest) external returns (Pledge memory pledge) {
        _requireVerifier();
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        Assignment storage a = _panels[id].assignments[index];
        a.advance(id, index, AssignmentStatus.Revealed);
        pledge = Pledge(a.digest, a.processor, c.attempt, c.outcomeBits, c.shots);
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
    ) external {
        _requireVerifier();
        Computation storage c = _computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        if (c.revealed < c.active) {
            _requireElapsed(id, c);
            uint256 quorum = Agreement.quorumOf(c.replicas);
            if (c.revealed < quorum) revert TooFewRevealed(id, c.revealed, quorum);
        }
        ComputationStatus status = ComputationLifecycle.statusOf(verdict);
        c.advance(id, status);
        _reward(id, c, verdict, accepted, keeper);
        beacon = keccak256(abi.encode(beacon, entropy));
        emit ComputationConcluded(id, status, beacon);
        bytes32 digest = keccak256(abi.encode(id, status, accepted, answerDigest, beacon));
        _record(Decision.ComputationSettled, ComputationId.unwrap(id), digest);
    }

    /// @inheritdoc IComputationAllocator
    function computationOf(ComputationId id) external view returns (Computation memory) {
        return _computations[id];
    }

    /// @inheritdoc IComputationAllocator
    function dutyOf(ComputationId id, uint256 index) external view returns (Computation memory, Assignment memory) {
        return (_computations[id], _panels[id].assignments[index]);
    }

    /// @inheritdoc IComputationAllocator
    function assignmentsOf(ComputationId id) external view returns (Assignment[] memory) {
        return _panels[id].all(_computations[id].tried);
    }

    /// @inheritdoc IComputationAllocator
    function seedOf(ComputationId id) external view returns (bytes32) {
        Computation storage c = _computations[id];
        return Commitment.seedOf(id, c.attempt, c.secret, c.commitsDigest);
    }

    /// @inheritdoc IComputationAllocator
    function queueOf(uint8 noiseClass, uint256 limit) external view returns (ComputationId[] memory) {
        return _queues[noiseClass].list(limit);
    }

    function _openReveals(ComputationId id, Computation storage c, bytes24 secret)
        private
        returns (bytes32 seed, uint8 attempt)
    {
        c.advance(id, ComputationStatus.Revealing);
        c.secret = secret;
        c.phaseEndsAt = uint40(block.timestamp) + _policy.revealSeconds;
        attempt = c.attempt;
        seed = Commitment.seedOf(id, attempt, secret, c.commitsDigest);
        emit ComputationRevealing(id, c.phaseEndsAt);
    }

    function _draw(ComputationId id, Computation storage c, bytes32 seed) private returns (ProcessorId[] memory drawn) {
        Panel.Seats storage panel = _panels[id];
        uint256 tried = c.tried;
        (ProcessorId[] memory excluded, uint24[] memory organisations) = panel.taken(tried);
        Requirement memory requirement = Requirement({
            noiseClass: c.noiseClass,
            qubits: c.qubits,
            count: c.replicas - c.active,
            requester: c.organisation
        });
        (drawn, organisations) = REGISTRY.lease(seed, requirement, excluded, organisations);
        panel.seat(id, tried, drawn, organisations);
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
            ++ended;
            ProcessorId processor = _panels[id].end(id, i, fate);
            processors[i] = processor;
            uint256 amount;
            if (AssignmentLifecycle.isFault(fate)) {
                bool covered;
                (amount, covered) = _slash(processor);
                if (!covered) unbonded |= 1 << i;
                slashed[i] = amount;
                seized += amount;
            }
            emit AssignmentEnded(id, i, processor, fate, amount);
        }
        c.active -= ended;
        operators = REGISTRY.release(processors, fates, c.qubits, unbonded);
        if (seized == 0) return (operators, 0);
        for (uint256 i; i < fates.length; ++i) {
            if (slashed[i] != 0) _book.seize(operators[i], slashed[i]);
        }
    }

    /// @dev Ends every assignment as a verdict has it, and divides the escrow.
    function _reward(
        ComputationId id,
        Computation storage c,
        Agreement.Verdict verdict,
        uint256 accepted,
        address keeper
    ) private {
        // Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
        AssignmentStatus paid = AssignmentStatus.Accepted;
        if (verdict == Agreement.Verdict.Inconclusive) paid = AssignmentStatus.Released;
        AssignmentStatus other = AssignmentStatus.Released;
        if (verdict == Agreement.Verdict.Accepted) other = AssignmentStatus.Outlier;
        AssignmentStatus[] memory fates =
            _panels[id].fatesOf(c.tried, AssignmentStatus.Unset, AssignmentStatus.Silent, other, accepted);
        (address[] memory operators, uint256 seized) = _dismiss(id, c, fates);
        _settle(id, c, AssignmentLifecycle.select(operators, fates, paid), keeper, seized);
    }

    /// @dev Ends a computation without a verdict and refunds it, less a bounty when a keeper had to end it.
    function _fail(ComputationId id, Computation storage c, FailureReason reason, address keeper) private {
        if (c.status == ComputationStatus.Queued) _queues[c.noiseClass].remove(id);
        AssignmentStatus released = AssignmentStatus.Released;
        _dismiss(id, c, _panels[id].fatesOf(c.tried, released, released, released, 0));
        c.advance(id, ComputationStatus.Failed);
        _spend(id, c, c.escrow, new address[](0), 0, keeper, keeper == address(0) ? 0 : KEEPER_BOUNTY);
        emit ComputationFailed(id, reason);
        _record(Decision.ComputationFailed, ComputationId.unwrap(id), keccak256(abi.encode(id, reason)));
    }

    function _requeue(ComputationId id, Computation storage c) private {
        c.advance(id, ComputationStatus.Queued);
        c.phaseEndsAt = uint40(block.timestamp + _roundSeconds());
        _queues[c.noiseClass].pushFront(id);
        emit ComputationRequeued(id, c.attempt, c.phaseEndsAt);
        bytes32 digest = keccak256(abi.encode(id, c.attempt, c.tried));
        _record(Decision.ComputationReallocated, ComputationId.unwrap(id), digest);
    }

    /// @dev Whether replacing those it lacks would give a computation more processors than it may use up.
    function _isSpent(Computation storage c) private view returns (bool) {
        return c.tried + c.replicas - c.active > MAX_ASSIGNMENTS;
    }

    function _requireVerifier() private view {
        if (msg.sender != VERIFIER) revert CallerNotVerifier(msg.sender);
    }

    function _requireElapsed(ComputationId id, Computation storage c) private view {
        if (block.timestamp <= c.phaseEndsAt) revert DeadlineOpen(id, c.phaseEndsAt, block.timestamp);
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
