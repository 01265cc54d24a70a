// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Escrow} from "./Escrow.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {FailureReason, IComputationAllocator, Pledge} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IProcessorRegistry, Requirement} from "./interfaces/IProcessorRegistry.sol";
import {Admission, Request} from "./libraries/Admission.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {ArrivalQueue} from "./libraries/ArrivalQueue.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Panel} from "./libraries/Panel.sol";
import {Assignment, AssignmentLifecycle, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {
    Computation,
    ComputationId,
    ComputationLifecycle,
    ComputationStatus,
    ESCALATION,
    MAX_ASSIGNMENTS,
    MAX_ATTEMPTS
} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ComputationAllocator
/// @notice See IComputationAllocator.
/// @dev Calls go to the registry, the consortium, the trail and the bonds alone; of those only the bonds call back, to
/// put what they slash into the treasury.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract ComputationAllocator is IComputationAllocator, Escrow {
    using ArrivalQueue for ArrivalQueue.Queue;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;

    IConsortium public immutable CONSORTIUM;
    /// @inheritdoc IComputationAllocator
    IBonds public immutable BONDS;
    address public immutable VERIFIER;
    address public immutable CHALLENGES;
    address public immutable DISPUTES;

    /// @inheritdoc IComputationAllocator
    uint64 public computationCount;
    /// @inheritdoc IComputationAllocator
    bytes32 public beacon;

    mapping(ComputationId => Computation) private _computations;
    mapping(ComputationId => Panel.Seats) private _panels;
    mapping(uint8 noiseClass => ArrivalQueue.Queue) private _queues;

    /// @notice The suite around the allocator.
    struct Wiring {
        address authority;
        IAuditTrail auditTrail;
        IConsortium consortium;
        IProcessorRegistry registry;
        IBonds bonds;
        address verifier;
        address challenges;
        address disputes;
    }

    /// @param genesisEntropy First value of the beacon; predictable, as every beacon is before its first settlement.
    constructor(Wiring memory wiring, uint256 keeperBounty, bytes32 genesisEntropy, Policy memory initialPolicy)
        AccessManaged(wiring.authority)
        Escrow(wiring.auditTrail, wiring.registry, keeperBounty, initialPolicy)
    {
        CONSORTIUM = wiring.consortium;
        BONDS = wiring.bonds;
        VERIFIER = wiring.verifier;
        CHALLENGES = wiring.challenges;
        DISPUTES = wiring.disputes;
        beacon = genesisEntropy;
    }

    /// @inheritdoc IComputationAllocator
    function submit(Request calldata request) external payable returns (ComputationId id) {
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert SubmitterNotInConsortium(msg.sender);
        Admission.requireSound(request);
        uint256 escrow = quote(request.qubits, request.shots, request.replicas, request.replicaCap);
        if (request.maxFee < escrow) revert FeeTooLow(request.maxFee, escrow);

        id = ComputationId.wrap(++computationCount);
        Computation storage c = _computations[id];
        c.advance(id, ComputationStatus.Queued);
        Admission.enter(c, request, uint40(block.timestamp + _roundSeconds()));
        c.organisation = organisation;
        c.requester = msg.sender;
        c.escrow = uint96(escrow);
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
        uint40 endsAt = uint40(block.timestamp) + _policy.commitSeconds;
        c.advance(id, ComputationStatus.Allocated);
        c.tried = tried + uint8(drawn.length);
        c.active = c.replicas;
        c.phaseEndsAt = endsAt;
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
            c.tried, AssignmentStatus.Silent, ifCommitted, AssignmentStatus.Released
        );
        (address[] memory operators, uint256 seized) = _dismiss(id, c, fates);
        // Those who revealed worked in vain through no fault of their own: the silent ones' bonds are theirs.
        address[] memory payees = AssignmentLifecycle.select(operators, fates, AssignmentStatus.Released);
        uint256 bounty = seized < KEEPER_BOUNTY ? seized : KEEPER_BOUNTY;
        uint256 each = payees.length == 0 ? 0 : (seized - bounty) / payees.length;
        _book.spend(seized);
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
        processor = a.processor;
        a.advance(id, index, AssignmentStatus.Committed);
        a.digest = commitment;
        bytes9 commitsDigest = Commitment.extend(c.commitsDigest, index, commitment);
        uint8 committed = c.committed + 1;
        c.commitsDigest = commitsDigest;
        c.committed = committed;
        if (committed < c.replicas) return processor;
        uint40 endsAt = uint40(block.timestamp) + _policy.discloseSeconds;
        c.advance(id, ComputationStatus.Committed);
        c.phaseEndsAt = endsAt;
        emit ComputationCommitted(id, endsAt);
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
        AssignmentStatus[] memory fates,
        bytes32 entropy,
        bytes32 answerDigest,
        address keeper
    ) external {
        Computation storage c = _requireRevealed(id);
        ComputationStatus status = ComputationLifecycle.statusOf(verdict);
        uint40 endsAt = uint40(block.timestamp) + _policy.challengeSeconds;
        c.advance(id, status);
        c.phaseEndsAt = endsAt;
        (address[] memory operators,) = _dismiss(id, c, fates);
        // Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
        AssignmentStatus paid = AssignmentStatus.Accepted;
        if (verdict != Agreement.Verdict.Accepted && verdict != Agreement.Verdict.Rejected) {
            paid = AssignmentStatus.Released;
        }
        _settle(id, c, AssignmentLifecycle.select(operators, fates, paid), keeper);
        bytes32 turned = _turnBeacon(entropy);
        emit ComputationConcluded(id, status, turned, endsAt);
        bytes32 digest = keccak256(abi.encode(id, status, fates, answerDigest, turned));
        _record(Decision.ComputationSettled, ComputationId.unwrap(id), digest);
    }

    /// @inheritdoc IComputationAllocator
    function escalate(
        ComputationId id,
        Agreement.Verdict verdict,
        AssignmentStatus[] memory fates,
        bytes24[] calldata commitments,
        bytes32 entropy,
        address keeper
    ) external {
        Computation storage c = _requireRevealed(id);
        _dismiss(id, c, fates);
        c.restart();
        c.committed = _panels[id].rebind(id, commitments);
        c.carried = verdict == Agreement.Verdict.Inconclusive ? c.tried : 0;
        c.replicas += uint8(ESCALATION);
        _spend(id, c, KEEPER_BOUNTY, new address[](0), 0, keeper, KEEPER_BOUNTY);
        bytes32 turned = _turnBeacon(entropy);
        emit ComputationEscalated(id, verdict, c.replicas, turned);
        bytes32 digest = keccak256(abi.encode(id, verdict, fates, commitments, turned));
        _record(Decision.ComputationEscalated, ComputationId.unwrap(id), digest);
        _requeue(id, c);
    }

    /// @inheritdoc IComputationAllocator
    function disprove(ComputationId id, uint256 index)
        external
        returns (ProcessorId processor, uint256 earned, bool overturned)
    {
        Computation storage c = _computations[id];
        (processor,) = _revise(CHALLENGES, id, index, AssignmentStatus.Disproven);
        earned = c.escrow;
        overturned = c.status == ComputationStatus.Unverified
            || (c.status == ComputationStatus.Accepted
                && _panels[id].count(c.tried, AssignmentStatus.Accepted) < Agreement.quorumOf(c.replicas));
        if (overturned) {
            c.advance(id, ComputationStatus.Overturned);
            emit ComputationOverturned(id);
        }
        _recordRevision(Decision.AnswerDisproven, id, index, processor, overturned ? 1 : 0);
    }

    /// @inheritdoc IComputationAllocator
    function vindicate(ComputationId id, uint256 index, uint256 amount) external returns (uint256 paid) {
        (ProcessorId processor, address operator) = _revise(DISPUTES, id, index, AssignmentStatus.Vindicated);
        paid = amount < _book.treasury ? amount : _book.treasury;
        _book.spend(paid);
        _book.credit(operator, paid);
        emit FaultVindicated(id, index, processor, operator, paid);
        _recordRevision(Decision.FaultVindicated, id, index, processor, paid);
    }

    /// @inheritdoc IComputationAllocator
    function recordOf(ComputationId id) public view returns (bytes32[3] memory words) {
        Computation storage c = _computations[id];
        assembly ("memory-safe") {
            mstore(words, sload(c.slot))
            mstore(add(words, 0x20), sload(add(c.slot, 1)))
            mstore(add(words, 0x40), sload(add(c.slot, 2)))
        }
    }

    /// @inheritdoc IComputationAllocator
    function sessionOf(ComputationId id) external view returns (bytes32[3] memory record, bytes32[] memory seats) {
        return (recordOf(id), seatsOf(id));
    }

    /// @inheritdoc IComputationAllocator
    function seatOf(ComputationId id, uint256 index) external view returns (bytes32) {
        return _panels[id].wordOf(index);
    }

    /// @inheritdoc IComputationAllocator
    function seatsOf(ComputationId id) public view returns (bytes32[] memory words) {
        words = new bytes32[](_computations[id].tried);
        for (uint256 i; i < words.length; ++i) {
            words[i] = _panels[id].wordOf(i);
        }
    }

    /// @inheritdoc IComputationAllocator
    function queueOf(uint8 noiseClass, uint256 limit) external view returns (ComputationId[] memory) {
        return _queues[noiseClass].list(limit);
    }

    function _openReveals(ComputationId id, Computation storage c, bytes24 secret)
        private
        returns (bytes32 seed, uint8 attempt)
    {
        uint40 endsAt = uint40(block.timestamp) + _policy.revealSeconds;
        c.advance(id, ComputationStatus.Revealing);
        c.phaseEndsAt = endsAt;
        c.secret = secret;
        attempt = c.attempt;
        seed = Commitment.seedOf(id, attempt, secret, c.commitsDigest);
        emit ComputationRevealing(id, endsAt);
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

    /// @dev Changes, after the verdict, how an assignment ended. For `court` and for Disputes, who see to it that there
    /// is a verdict.
    function _revise(address court, ComputationId id, uint256 index, AssignmentStatus fate)
        private
        returns (ProcessorId processor, address operator)
    {
        if (msg.sender != court && msg.sender != DISPUTES) revert IBonds.CallerNotCourt(msg.sender);
        Panel.Seats storage panel = _panels[id];
        AssignmentStatus was = panel.assignments[index].status;
        processor = panel.end(id, index, fate);
        operator = REGISTRY.reconsider(processor, was, fate);
        emit AssignmentEnded(id, index, processor, fate);
    }

    function _recordRevision(Decision decision, ComputationId id, uint256 index, ProcessorId processor, uint256 fact)
        private
    {
        _record(decision, ComputationId.unwrap(id), keccak256(abi.encode(id, index, processor, fact)));
    }

    /// @dev Ends the assignments that have a fate: status, bond, lease, conduct.
    /// @return operators By assignment index. @return seized Wei taken from bonds, now in the treasury.
    function _dismiss(ComputationId id, Computation storage c, AssignmentStatus[] memory fates)
        private
        returns (address[] memory operators, uint256 seized)
    {
        ProcessorId[] memory processors = new ProcessorId[](fates.length);
        bool faulty;
        uint8 ended;
        for (uint256 i; i < fates.length; ++i) {
            AssignmentStatus fate = fates[i];
            if (fate == AssignmentStatus.Unset) continue;
            ++ended;
            if (AssignmentLifecycle.isFault(fate)) faulty = true;
            processors[i] = _panels[id].end(id, i, fate);
            emit AssignmentEnded(id, i, processors[i], fate);
        }
        c.active -= ended;
        operators = REGISTRY.release(processors, fates, c.qubits);
        if (!faulty) return (operators, 0);
        for (uint256 i; i < fates.length; ++i) {
            if (!AssignmentLifecycle.isFault(fates[i])) processors[i] = ProcessorId.wrap(0);
        }
        seized = BONDS.slash(id, processors);
    }

    /// @dev Ends a computation without a verdict and refunds it, less a bounty when a keeper had to end it, and less the
    /// pay of those whose answers are known since an escalation: they were to be paid then.
    function _fail(ComputationId id, Computation storage c, FailureReason reason, address keeper) private {
        if (c.status == ComputationStatus.Queued) _queues[c.noiseClass].remove(id);
        AssignmentStatus released = AssignmentStatus.Released;
        AssignmentStatus[] memory fates = _panels[id].fatesOf(c.tried, released, released, released);
        (address[] memory operators,) = _dismiss(id, c, fates);
        for (uint256 i = c.carried; i < fates.length; ++i) {
            fates[i] = AssignmentStatus.Unset;
        }
        c.advance(id, ComputationStatus.Failed);
        address[] memory payees = AssignmentLifecycle.select(operators, fates, released);
        _spend(id, c, c.escrow, payees, _payOf(c), keeper, keeper == address(0) ? 0 : KEEPER_BOUNTY);
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

    /// @dev Reverts unless all on duty have revealed, or the time is up and a quorum has. Verifier only.
    function _requireRevealed(ComputationId id) private view returns (Computation storage c) {
        _requireVerifier();
        c = _computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        if (c.revealed == c.active) return c;
        _requireElapsed(id, c);
        uint256 quorum = Agreement.quorumOf(c.replicas);
        if (c.revealed < quorum) revert TooFewRevealed(id, c.revealed, quorum);
    }

    function _turnBeacon(bytes32 entropy) private returns (bytes32 turned) {
        turned = keccak256(abi.encode(beacon, entropy));
        beacon = turned;
    }

    function _requireVerifier() private view {
        if (msg.sender != VERIFIER) revert CallerNotVerifier(msg.sender);
    }

    function _requireElapsed(ComputationId id, Computation storage c) private view {
        if (block.timestamp <= c.phaseEndsAt) revert DeadlineOpen(id, c.phaseEndsAt, block.timestamp);
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
