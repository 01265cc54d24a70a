// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certifier} from "../libraries/Certifiers.sol";
import {Measured} from "../libraries/Measurement.sol";
import {Certification, CertificationCause, CertificationId, CertificationStatus} from "../lifecycle/Certification.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId, ProcessorStatus} from "../lifecycle/Processor.sol";

/// @notice What benchmarks cost and how long their steps take, set by the Processor Certification Authority's role.
struct CertificationTerms {
    /// Wei that each certifier of a round that counts is paid.
    uint96 fee;
    /// Wei that a certifier puts up, and loses when it is silent or far from the others.
    uint96 stake;
    /// Wei that an operator puts up, and loses when its processor does not answer.
    uint96 deposit;
    /// For each step of the certifiers, and how long the beacon is waited for.
    uint32 windowSeconds;
    /// For the processor to run its circuits.
    uint32 answerSeconds;
    /// Of a certificate.
    uint32 validSeconds;
    /// Length of an epoch, in which a processor is surprised once at most.
    uint32 cadenceSeconds;
    /// Share of the processors that each epoch surprises.
    uint32 surprisePpm;
    /// How far a score may be from the median, of that.
    uint32 tolerancePpm;
    /// Mean fidelity of gold rounds below which a processor is benchmarked anew.
    uint32 driftPpm;
}

/// @title Certification by benchmark
/// @notice One certification, in order:
/// 1. `request`: the operator claims a capability version and says that its processor is ready (Requested). Or, of a processor
///    that is certified, `surprise` by the draw of an epoch, or `recheck` by gold rounds that went badly.
/// 2. `convene`: three certifiers are drawn, once the beacon has turned, or after a window on a chain where nothing else
///    happens (Convened).
/// 3. `revealSalt`: each opens the salt that it has been bound to since before the request. All three and the beacon of the
///    draw make the seed of the circuits (Challenged).
/// 4. `answer`: the processor commits to its counts for all circuits, and stores them (Answered).
/// 5. `commitScores`, `revealScores`: each certifier derives the circuits from the seed and scores the counts (Scoring).
/// 6. The last reveal decides. When all scores are near the median, it is the measurement: enough for the claim (Certified:
///    the registry has a new version with the values measured) or not (Failed). Otherwise the far ones lose their stake and
///    another round begins; after MAX_ROUNDS, Lapsed.
/// Who lets a deadline pass loses stake or deposit to `enforce`, which anyone may call for a bounty.
/// @dev Trust: of three certifiers of different organisations one may lie and changes nothing but the round. Two that lie
/// together can move a value by the tolerance, and drive an honest third out. Nobody chooses the seed: salts are bound before
/// the draw, the draw's entropy is fixed before they are opened, and the processor has no part in it. To withhold one costs
/// the stake and has everything drawn anew. On a chain without other traffic the draw itself can be foreseen by whoever
/// requests, so it may wait for a moment that suits it.
/// What is certified is a service that answers correctly and as well as measured at that time. A classical simulator with the
/// right noise would be certified as well: quantumness is not shown.
interface ICertifications {
    event CertifierEnlisted(ProcessorId indexed certifier, uint256 stake, bytes32 tip);
    event CertifierDelisted(ProcessorId indexed certifier, uint256 stake);
    /// @notice `funded` wei came in; `reserve` wei are then kept for the processor's next benchmark.
    event CertificationRequested(
        CertificationId indexed certification,
        ProcessorId indexed processor,
        uint16 version,
        CertificationCause cause,
        bytes32 entropy,
        uint40 deadlineAt,
        uint256 escrow,
        uint256 reserve,
        address by
    );
    event CertificationConvened(
        CertificationId indexed certification, ProcessorId[] certifiers, bytes32 entropy, uint40 deadlineAt, address keeper
    );
    event SaltRevealed(CertificationId indexed certification, uint256 seat, bytes32 salt);
    event CertificationChallenged(CertificationId indexed certification, bytes32 seed, uint40 deadlineAt);
    event CertificationAnswered(CertificationId indexed certification, bytes32 answer, uint40 deadlineAt);
    event ScoresCommitted(CertificationId indexed certification, uint256 seat, bytes32 commitment);
    event CertificationScoring(CertificationId indexed certification, uint40 deadlineAt);
    event ScoresRevealed(
        CertificationId indexed certification, uint256 seat, Measured measured, bytes32 report, bytes32 salt
    );
    /// @notice `keeper` has ended a phase that was overdue.
    event CertificationEnforced(CertificationId indexed certification, address keeper);
    event CertifierSlashed(CertificationId indexed certification, ProcessorId indexed certifier, uint256 amount);
    event CertificationRepeated(CertificationId indexed certification, uint8 round, bytes32 entropy, uint40 deadlineAt);
    /// @notice `evidence` binds seed, answer, reports and median; 0 without a median.
    event CertificationEnded(
        CertificationId indexed certification,
        CertificationStatus status,
        Measured measured,
        bytes32 evidence,
        uint256 refund,
        uint256 reserve
    );
    event EpochOpened(uint256 indexed epoch, bytes32 entropy);
    event ReserveWithdrawn(ProcessorId indexed processor, uint256 amount);
    event CertificationTermsChanged(CertificationTerms terms);

    /// @notice `account` does not operate `processor`.
    error CallerNotCertificationOperator(ProcessorId processor, address account, address operator);
    /// @notice `account` is not the daemon of `processor`, whose turn it is.
    error CallerNotCertificationDaemon(ProcessorId processor, address account, address daemon);
    /// @notice `processor` is benchmarked already.
    error CertificationOpen(ProcessorId processor, CertificationId present);
    /// @notice `processor` has no claim of version `version` to be benchmarked, or has no bond, or is `status`.
    error NotCertifiable(ProcessorId processor, uint16 version, ProcessorStatus status, bool bonded);
    /// @notice It takes `required` wei, `sent` came.
    error CertificationPriceMismatch(uint256 required, uint256 sent);
    /// @notice The phase ends at `deadlineAt`; it is now `timestamp`.
    error CertificationNotDue(CertificationId certification, uint256 deadlineAt, uint256 timestamp);
    /// @notice The phase ended at `deadlineAt`; it is now `timestamp`.
    error CertificationOverdue(CertificationId certification, uint256 deadlineAt, uint256 timestamp);
    /// @notice The salt does not open `tip`.
    error SaltMismatch(CertificationId certification, uint256 seat, bytes32 tip);
    /// @notice The scores do not open `commitment`.
    error ScoresMismatch(CertificationId certification, uint256 seat, bytes32 commitment);
    /// @notice Seat `seat` has done its part, or there is no such seat.
    error SeatNotDue(CertificationId certification, uint256 seat, uint256 done);
    /// @notice `processor` is not drawn in `epoch`, which may have to be opened first, or has been benchmarked in it.
    error NotDrawn(ProcessorId processor, uint256 epoch, bytes32 entropy);
    /// @notice `epoch` has been opened.
    error EpochKnown(uint256 epoch, bytes32 entropy);
    /// @notice The work shown has `rounds` gold rounds with a mean fidelity of `fidelityPpm`.
    error DriftNotShown(ProcessorId processor, uint256 rounds, int256 fidelityPpm);
    /// @notice Shares are up to a million; windows last from 1 second to 7 days; a certificate's and an epoch's length is not 0.
    error CertificationTermsInvalid(CertificationTerms terms);

    /// @notice Puts a processor into the pool of certifiers, for a stake. Its operator.
    /// @param tip keccak256 of its first salt, that of the second, and so on: a chain, from its end.
    function enlist(ProcessorId certifier, bytes32 tip) external payable;

    /// @notice Takes it out again; the stake goes into the operator's balance. Its operator, through the door if it has
    /// a hash key, when it does not sit.
    function delist(ProcessorId certifier) external;

    /// @notice Has a processor benchmarked for capability version `version`. Its operator, sending `requestPriceOf`.
    function request(ProcessorId processor, uint16 version) external payable returns (CertificationId certification);

    /// @notice Fixes the entropy by which this epoch's processors are drawn, as soon as it has begun. Anyone.
    function openEpoch() external;

    /// @notice Has a processor benchmarked that the epoch draws. Anyone, sending what its reserve lacks; a bounty is paid.
    function surprise(ProcessorId processor) external payable returns (CertificationId certification);

    /// @notice Has a processor benchmarked whose gold rounds since its last benchmark went badly. Anyone, as `surprise`.
    /// @param computations Ascending. @param indices The processor's assignment in each.
    function recheck(ProcessorId processor, ComputationId[] calldata computations, uint256[] calldata indices)
        external
        payable
        returns (CertificationId certification);

    /// @notice Draws the certifiers. Anyone, for a bounty.
    function convene(CertificationId certification) external;

    /// @notice Opens the certifier's next salt. Daemon of the seat's certifier.
    function revealSalt(CertificationId certification, uint256 seat, bytes32 salt) external;

    /// @notice Commits to the counts of all circuits. Daemon of the processor.
    function answer(CertificationId certification, bytes32 digest) external;

    /// @notice Commits to scores: see `commitmentOf`. Daemon of the seat's certifier.
    function commitScores(CertificationId certification, uint256 seat, bytes32 commitment) external;

    /// @notice Opens the scores. Daemon of the seat's certifier. The last one decides.
    /// @param report Digest of the certifier's evidence.
    function revealScores(
        CertificationId certification,
        uint256 seat,
        Measured calldata measured,
        bytes32 report,
        bytes32 salt
    ) external;

    /// @notice Ends a phase whose deadline has passed. Anyone, for a bounty from who was late.
    function enforce(CertificationId certification) external;

    /// @notice Pays what is kept for benchmarks of a retired processor into its operator's balance. Its operator,
    /// through the door if it has a hash key.
    function withdrawReserve(ProcessorId processor) external;

    /// @notice Role: Processor Certification Authority.
    function setTerms(CertificationTerms calldata newTerms) external;

    /// @notice keccak256(domain, chain, contract, certification, round, seat's certifier, measured, report, salt).
    function commitmentOf(
        CertificationId certification,
        uint256 seat,
        Measured calldata measured,
        bytes32 report,
        bytes32 salt
    ) external view returns (bytes32);

    /// @notice Wei that `request` takes: the deposit, this benchmark and the next.
    function requestPriceOf(ProcessorId processor) external view returns (uint256);

    function certificationCount() external view returns (uint64);
    function certificationOf(CertificationId certification)
        external
        view
        returns (Certification memory, ProcessorId[] memory seated);
    function certifierOf(ProcessorId certifier) external view returns (Certifier memory);
    function certifiers() external view returns (ProcessorId[] memory);
    /// @notice The one that is open for a processor; 0 when none.
    function openOf(ProcessorId processor) external view returns (CertificationId);
    /// @notice Wei kept for the next benchmark of a processor.
    function reserveOf(ProcessorId processor) external view returns (uint256);
    function entropyOf(uint256 epoch) external view returns (bytes32);
    function terms() external view returns (CertificationTerms memory);
}
