// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Escrow} from "./Escrow.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IComputationAllocator, Pledge} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Admission, Request} from "./libraries/Admission.sol";
import {Agreement} from "./libraries/Agreement.sol";
import {Asked, AskedReader} from "./libraries/Asked.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Desk} from "./libraries/Desk.sol";
import {FairQueue} from "./libraries/FairQueue.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Panel} from "./libraries/Panel.sol";
import {Pause} from "./libraries/Pause.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Round} from "./libraries/Round.sol";
import {Waiting} from "./libraries/Waiting.sol";
import {AssignmentLifecycle, AssignmentStatus} from "./lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationLifecycle, ComputationStatus} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ComputationAllocator
/// @notice See IComputationAllocator. Here is the way of a computation on which all goes well; the rest is in Waiting and Recovery.
/// @dev Calls go to the registry, the consortium, the trail and the bonds alone; of those only the bonds call back, to
/// put what they slash into the treasury.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events
contract ComputationAllocator is IComputationAllocator, Escrow {
    using Desk for Desk.State;
    using FairQueue for FairQueue.Queue;
    using Ledger for Ledger.Book;
    using Panel for Panel.Seats;
    using Recovery for Desk.State;
    using Round for Desk.State;
    using Waiting for Desk.State;

    /// Most computations of one `submitMany`.
    uint256 public constant MAX_BATCH = 64;

    IConsortium public immutable CONSORTIUM;
    /// @inheritdoc IComputationAllocator
    IProcessorRegistry public immutable REGISTRY;
    /// @inheritdoc IComputationAllocator
    IBonds public immutable BONDS;
    address public immutable VERIFIER;
    address public immutable CHALLENGES;
    address public immutable DISPUTES;

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

    modifier onlyVerifier() {
        if (msg.sender != VERIFIER) revert CallerNotVerifier(msg.sender);
        _;
    }

    /// @param genesisEntropy First value of the beacon; predictable, as every beacon is before its first settlement.
    constructor(Wiring memory wiring, uint256 keeperBounty, bytes24 genesisEntropy, Policy memory initialPolicy)
        AccessManaged(wiring.authority)
        Escrow(wiring.auditTrail, keeperBounty, initialPolicy)
    {
        CONSORTIUM = wiring.consortium;
        REGISTRY = wiring.registry;
        BONDS = wiring.bonds;
        VERIFIER = wiring.verifier;
        CHALLENGES = wiring.challenges;
        DISPUTES = wiring.disputes;
        _desk.beacon = genesisEntropy;
    }

    /// @inheritdoc IComputationAllocator
    function submit(Request calldata request) external payable returns (ComputationId id) {
        uint256 escrow;
        (id, escrow) = _enter(request);
        _take(escrow, KEEPER_BOUNTY);
    }

    /// @inheritdoc IComputationAllocator
    function submitMany(Request[] calldata requests) external payable returns (ComputationId first) {
        uint256 count = requests.length;
        if (count == 0 || count > MAX_BATCH) revert BatchSizeInvalid(count, MAX_BATCH);
        first = ComputationId.wrap(computationCount() + 1);
        uint256 total;
        for (uint256 i; i < count; ++i) {
            (, uint256 escrow) = _enter(requests[i]);
            total += escrow;
        }
        _take(total, count * KEEPER_BOUNTY);
    }

    /// @inheritdoc IComputationAllocator
    function allocate(ComputationId id) external {
        Computation storage c = _desk.computations[id];
        c.requireStatus(id, ComputationStatus.Queued);
        (Asked asked, uint8 tried) = (c.asked(), c.tried);
        if (tried == 0) {
            FairQueue.Queue storage queue = _desk.queues[asked.noiseClass()];
            FairQueue.State memory s = queue.state;
            uint16 place = asked.place();
            if (!FairQueue.isFirst(s, place)) revert ComputationNotDue(id, FairQueue.bucketOf(s, place), s.first);
            queue.depart(s, place, true);
        }
        _allocate(id, c, asked, tried, 0);
    }

    /// @inheritdoc IComputationAllocator
    function backfill(ComputationId id, ComputationId[] calldata ahead) external {
        (uint8 most, uint8 least) = _desk.pass(id, ahead);
        Computation storage c = _desk.computations[id];
        _allocate(id, c, c.asked(), 0, uint256(most) << 8 | uint256(least) << 16);
    }

    /// @inheritdoc IComputationAllocator
    function defer(ComputationId id) external {
        _desk.defer(_suite(), id);
    }

    /// @inheritdoc IComputationAllocator
    function exchange(ComputationId shorter, ComputationId longer) external {
        _desk.exchange(_suite(), shorter, longer);
    }

    /// @inheritdoc IComputationAllocator
    function reallocate(ComputationId id) external {
        _desk.reallocate(_suite(), id);
    }

    /// @inheritdoc IComputationAllocator
    function expire(ComputationId id) external {
        _desk.expire(_suite(), id);
    }

    /// @inheritdoc IComputationAllocator
    function cancel(ComputationId id) external {
        _desk.cancel(_suite(), id);
    }

    /// @inheritdoc IComputationAllocator
    function noteCommit(ComputationId id, uint256 index, bytes24 commitment)
        external
        onlyVerifier
        returns (ProcessorId processor)
    {
        return _desk.commit(id, index, commitment);
    }

    /// @inheritdoc IComputationAllocator
    function noteBound(ComputationId id, uint256 index, ProcessorId processor, bytes24 commitment)
        external
        onlyVerifier
        returns (uint8 attempt)
    {
        return _desk.bind(id, index, processor, commitment);
    }

    /// @inheritdoc IComputationAllocator
    function recordRefusal(ComputationId id, uint256 index, bool excused)
        external
        onlyVerifier
        returns (ProcessorId processor)
    {
        return _desk.refuse(_suite(), id, index, excused);
    }

    /// @inheritdoc IComputationAllocator
    function openReveals(ComputationId id, bytes24 secret)
        external
        onlyVerifier
        returns (bytes24 commitment, bytes32 seed, uint8 attempt)
    {
        commitment = _desk.computations[id].secret;
        (seed, attempt) = _desk.openReveals(id, secret);
    }

    /// @inheritdoc IComputationAllocator
    function openRevealsFromBeacon(ComputationId id, address keeper)
        external
        onlyVerifier
        returns (bytes24 secret, bytes32 seed, uint8 attempt)
    {
        secret = _desk.withhold(_suite(), id, keeper);
        (seed, attempt) = _desk.openReveals(id, secret);
    }

    /// @inheritdoc IComputationAllocator
    function noteReveal(ComputationId id, uint256 index, bytes24 digest)
        external
        onlyVerifier
        returns (Pledge memory pledge)
    {
        return _desk.reveal(id, index, digest);
    }

    /// @inheritdoc IComputationAllocator
    function seal(
        ComputationId id,
        Agreement.Verdict verdict,
        AssignmentStatus[] memory fates,
        bytes32 entropy,
        bytes32 answerDigest,
        address keeper
    ) external {
        Computation storage c = _requireRevealed(id);
        ComputationStatus status = ComputationLifecycle.statusOf(verdict);
        uint40 endsAt = uint40(block.timestamp) + _desk.challengeSeconds;
        c.advance(id, status);
        c.phaseEndsAt = uint32(endsAt);
        Desk.Suite memory suite = _suite();
        // slither-disable-next-line unused-return (what is slashed stays in the treasury)
        (address[] memory operators,) = _desk.dismiss(suite, id, c, fates);
        // Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
        AssignmentStatus paid = AssignmentStatus.Accepted;
        if (verdict != Agreement.Verdict.Accepted && verdict != Agreement.Verdict.Rejected) {
            paid = AssignmentStatus.Released;
        }
        _desk.settle(suite, id, c, AssignmentLifecycle.select(operators, fates, paid), keeper);
        bytes24 turned = _desk.turnBeacon(entropy);
        emit ComputationConcluded(id, status, turned, endsAt);
        bytes32 digest = keccak256(abi.encode(id, status, fates, answerDigest, turned));
        Desk.record(suite, Decision.ComputationSettled, id, digest);
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
        _requireRevealed(id);
        _desk.escalate(_suite(), id, verdict, fates, commitments, entropy, keeper);
    }

    /// @inheritdoc IComputationAllocator
    function disprove(ComputationId id, uint256 index)
        external
        returns (ProcessorId processor, uint256 earned, bool overturned)
    {
        _requireCourt(CHALLENGES);
        return _desk.disprove(_suite(), id, index);
    }

    /// @inheritdoc IComputationAllocator
    function vindicate(ComputationId id, uint256 index, uint256 amount) external returns (uint256 paid) {
        _requireCourt(DISPUTES);
        return _desk.vindicate(_suite(), id, index, amount);
    }

    /// @inheritdoc IComputationAllocator
    function recordOf(ComputationId id) public view returns (bytes32[3] memory words) {
        Computation storage c = _desk.computations[id];
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
        return _desk.panels[id].wordOf(_desk.computations[id], index);
    }

    /// @inheritdoc IComputationAllocator
    function seatsOf(ComputationId id) public view returns (bytes32[] memory words) {
        Computation storage c = _desk.computations[id];
        words = new bytes32[](c.tried);
        for (uint256 i; i < words.length; ++i) {
            words[i] = _desk.panels[id].wordOf(c, i);
        }
    }

    /// @inheritdoc IComputationAllocator
    function requesterOf(ComputationId id) external view returns (address) {
        return CONSORTIUM.accountOf(_desk.computations[id].requester);
    }

    /// @inheritdoc IComputationAllocator
    function queueOf(uint8 noiseClass) external view returns (uint48 first, uint32 waiting, uint40 stalledSince) {
        FairQueue.Queue storage queue = _desk.queues[noiseClass];
        return (queue.state.first, queue.waiting(), queue.state.stalledSince);
    }

    /// @inheritdoc IComputationAllocator
    function computationCount() public view returns (uint64) {
        return _desk.book.entries;
    }

    /// @inheritdoc IComputationAllocator
    function beacon() external view returns (bytes24) {
        return _desk.beacon;
    }

    /// @dev Lets one computation wait for its turn; the caller takes the money.
    function _enter(Request calldata request) private returns (ComputationId id, uint256 escrow) {
        Asked asked = Admission.requireSound(request);
        uint256 price = request.price;
        escrow = _escrowOf(price, asked.qubits(), asked.shots(), asked.replicas(), asked.replicaCap());
        if (escrow > type(uint80).max) revert FeeTooHigh(escrow, type(uint80).max);
        unchecked {
            uint256 fee = escrow + KEEPER_BOUNTY; // of 80 bits, and far less than that
            if (request.maxFee < fee) revert FeeTooLow(request.maxFee, fee);
        }
        Ledger.Book storage book = _desk.book;
        uint256 flags = price < book.price ? AskedReader.BELOW_POLICY : 0;
        uint64 entries = book.entries;
        Pause.requireOver(book.pausedThrough);
        unchecked {
            ++entries; // 2^64 submissions are not to be had
        }
        book.entries = entries;
        id = ComputationId.wrap(entries);
        (uint256 bucket, uint32 account, uint24 organisation, bool screened) =
            _desk.place(CONSORTIUM, asked, request.priority);
        if (screened) flags |= AskedReader.SCREENED;
        Admission.enter(_desk.computations[id], request, asked, account, organisation, flags, uint16(bucket), escrow);
        Admission.announce(id, organisation, escrow, bucket, request);
    }

    function _take(uint256 escrow, uint256 bounties) private {
        _desk.book.lock(msg.sender, msg.value, escrow, bounties);
        if (msg.value != 0) emit Deposited(msg.sender, msg.value);
    }

    /// @dev Draws what a computation lacks, and pays the keeper.
    /// @param passed What those ahead of it ask for, as the registry takes it.
    function _allocate(ComputationId id, Computation storage c, Asked asked, uint8 tried, uint256 passed) private {
        if (block.timestamp > asked.deadlineAt()) revert DeadlinePassed(id, asked.deadlineAt(), block.timestamp);
        uint8 attempt = tried == 0 ? 1 : c.attempt;
        Pause.requireOver(_desk.pausedThrough);
        bytes32 seed = Commitment.drawSeedOf(_desk.beacon, id, tried);
        uint40 endsAt = uint40(block.timestamp) + _desk.commitSeconds;
        ProcessorId[] memory drawn = _draw(id, c, seed, asked, tried, passed);
        _desk.seat(id, c, asked, tried, drawn, endsAt);
        // Who waits in the queue has paid for it; who was replaced has paid whoever replaced it.
        uint256 bounty = tried == 0 ? KEEPER_BOUNTY : 0;
        if (bounty != 0) _desk.book.credit(msg.sender, bounty);
        emit ComputationAllocated(id, attempt, tried, drawn, seed, endsAt, msg.sender, bounty);
        bytes32 digest = keccak256(abi.encode(id, attempt, tried, drawn, seed));
        AUDIT_TRAIL.append(Decision.ComputationAllocated, ComputationId.unwrap(id), digest);
    }

    function _draw(
        ComputationId id,
        Computation storage c,
        bytes32 seed,
        Asked asked,
        uint256 tried,
        uint256 passed
    ) private returns (ProcessorId[] memory) {
        // slither-disable-start uninitialized-local (empty while nobody has been tried)
        ProcessorId[] memory processors;
        ProcessorId[] memory onDuty;
        bool withheld;
        // slither-disable-end uninitialized-local
        uint256 shape = asked.replicas() | passed;
        if (tried != 0) {
            (processors, onDuty) = _desk.panels[id].taken(c, tried);
            shape -= c.active;
            withheld = c.secretWithheld;
        }
        return REGISTRY.appoint(seed, asked, shape, Desk.payOf(asked, withheld, KEEPER_BOUNTY), processors, onDuty);
    }

    /// @dev Reverts unless all on duty have revealed, or the time is up and a quorum has. Verifier only.
    function _requireRevealed(ComputationId id) private view onlyVerifier returns (Computation storage c) {
        c = _desk.computations[id];
        c.requireStatus(id, ComputationStatus.Revealing);
        if (c.revealed == c.active) return c;
        Desk.requireElapsed(id, c);
        uint256 quorum = Agreement.quorumOf(c.replicas);
        if (c.revealed < quorum) revert TooFewRevealed(id, c.revealed, quorum);
    }

    /// @dev Disputes may do what challenges do.
    function _requireCourt(address court) private view {
        if (msg.sender != court && msg.sender != DISPUTES) revert IBonds.CallerNotCourt(msg.sender);
    }

    function _suite() internal view override returns (Desk.Suite memory) {
        return Desk.Suite(AUDIT_TRAIL, CONSORTIUM, REGISTRY, BONDS, KEEPER_BOUNTY);
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events
