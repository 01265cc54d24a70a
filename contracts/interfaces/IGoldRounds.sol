// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reveal} from "../libraries/Commitment.sol";
import {Opening, RoundKind} from "../libraries/GoldList.sol";
import {Answer} from "../libraries/GoldScore.sol";
import {Binding} from "../libraries/Histogram.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {IComputationAllocator} from "./IComputationAllocator.sol";

/// @notice One round of a replica's histogram, and what it is scored against.
struct RoundProof {
    /// From 0.
    uint256 round;
    RoundKind kind;
    /// Not read of a target.
    Answer answer;
    /// Siblings of the round's leaf in the gold list: see GoldList.requireMember.
    bytes32[] goldProof;
    /// What the counts root binds.
    Binding binding;
    /// Number of the first of `leaves`.
    uint256 first;
    /// All the round's leaves and the neighbour on either side, unless the histogram begins or ends there.
    uint256[] leaves;
    /// See Histogram.requireRun.
    bytes32[] siblings;
}

/// @notice What was proven of one replica.
struct Tally {
    /// Gold rounds scored.
    uint16 goldRounds;
    uint16 goldFailures;
    uint16 trapFailures;
    /// Sum over the gold rounds scored, in 1e-4.
    int64 fidelity;
}

/// @title Gold rounds: answers that the requester knew all along
/// @notice A computation with `gold` set is a sweep: R circuits, each run with shots / R shots; the leading bits of an
/// outcome, as few as number R rounds, tell its round. Some rounds are gold or traps, whose answers the requester knows.
/// 1. Before submission the requester binds the gold list and how many failures it tolerates inside the last secret of
///    its secret chain.
/// 2. `open`: once all have revealed, it shows the list. Not sooner, for who joins later must not know it; not at all
///    when the beacon stands in for its secret.
/// 3. `score`: it proves rounds that a replica failed, each by a run of the leaves of that replica's histogram. Rounds
///    that pass need no proof, and inform the estimate of fidelity only.
/// 4. `close`: it accuses those beyond tolerance, and stakes twice the slash for each. The verifier then ends them
///    as GoldFailed or TrapFailed and compares the others. Who has no failure to prove may `acquit`: one transaction.
/// 5. `reclaim` (anyone): after the challenge window the stake returns, unless a dispute finds an answer false:
///    `forfeit`.
/// All of it must happen until discloseSeconds after the reveals end; then the verdict needs no list, and nothing that
/// was proven but not staked counts.
/// @dev Trust: whether answers are right is not checked here. They follow from the circuits by simulation, so anyone who
/// fetches the document under `documentDigest` can tell, and dispute. Nothing here is looped over but one round's leaves
/// and one answer's entries.
interface IGoldRounds {
    /// @notice `documentDigest` is the keccak256, in the consortium's store, of what it takes to recompute all answers.
    event GoldListOpened(ComputationId indexed computation, Opening opening, bytes32 documentDigest);
    /// @notice `counts` has 8 bytes an outcome, as an answer's entries: outcome within the round, count. `fidelity` is in
    /// 1e-4, 0 for counts that do not add up and for targets.
    event RoundScored(
        ComputationId indexed computation,
        uint256 indexed index,
        uint256 indexed round,
        RoundKind kind,
        bool passed,
        int256 fidelity,
        Answer answer,
        bytes counts
    );
    /// @notice Bitmaps by assignment index; `stakeEach` wei are staked on each bit of either.
    event GoldListClosed(ComputationId indexed computation, uint256 goldFailed, uint256 trapFailed, uint256 stakeEach);
    event StakeReclaimed(ComputationId indexed computation, address indexed requester, uint256 amount);
    /// @notice The accusation of assignment `index` was false: `burned` wei are gone, `paid` wei are `operator`'s.
    event StakeForfeited(
        ComputationId indexed computation, uint256 indexed index, address indexed operator, uint256 burned, uint256 paid
    );

    /// @notice The computation was submitted without gold rounds.
    error ComputationNotGold(ComputationId computation);
    /// @notice The beacon stood in for the requester's secret, which alone could bind a gold list.
    error GoldListUnbound(ComputationId computation);
    /// @notice Neither is the opening's secret `disclosed`, nor does a chain lead from it there.
    error OpeningMismatch(ComputationId computation, bytes24 openingSecret, bytes24 disclosed);
    /// @notice `shots` must divide by `rounds`, at least 2, and of `outcomeBits` 1 to 32 must remain within a round.
    error SweepInvalid(ComputationId computation, uint256 rounds, uint256 shots, uint256 outcomeBits);
    /// @notice The list is opened once, before rounds are scored and before it is closed.
    error GoldListNotOpen(ComputationId computation, bool opened, bool closed);
    /// @notice A run has at most `maximum` leaves.
    error RunTooLong(uint256 length, uint256 maximum);
    /// @notice The run must be `round` without a gap: its leaves, and a leaf of another round on either side unless the
    /// histogram ends there.
    error RoundNotCovered(ComputationId computation, uint256 index, uint256 round);
    /// @notice Targets have no answer; they fail only by another total of shots than `shots`.
    error RoundIsTarget(ComputationId computation, uint256 round, uint256 shots);
    /// @notice Assignment `index` has its score for `round`.
    error RoundAlreadyScored(ComputationId computation, uint256 index, uint256 round);
    /// @notice The stake is `required` wei, not `actual`.
    error StakeMismatch(ComputationId computation, uint256 required, uint256 actual);
    /// @notice Nothing is staked (any more) on the assignments `seats`, a bitmap.
    error StakeMissing(ComputationId computation, uint256 seats);
    /// @notice The stake stays until a verdict's challenge window ends at `endsAt` and no dispute of `cases` is open.
    error StakeHeld(ComputationId computation, uint40 endsAt, uint256 cases, uint256 timestamp);
    /// @notice `account` is not the contract that disputes are ruled in.
    error CallerNotDisputes(address account);

    /// @notice Shows the gold list that was bound. Requester only, once all on duty have revealed, or a quorum has and
    /// the time to reveal is over.
    function open(ComputationId computation, Opening calldata opening, bytes32 documentDigest) external;

    /// @notice Scores one round of assignment `index`. Requester only, between opening and closing.
    /// @param opening As it was opened. @param reveal What the assignment revealed.
    /// @return passed Whether it is no failure. @return fidelity In 1e-4.
    function score(
        ComputationId computation,
        uint256 index,
        Opening calldata opening,
        Reveal calldata reveal,
        RoundProof calldata proof
    ) external returns (bool passed, int256 fidelity);

    /// @notice Accuses every assignment with more failures proven than tolerated, sending 2 * policy.slash wei for each;
    /// or none, sending nothing. Requester only.
    function close(ComputationId computation) external payable;

    /// @notice Opens and closes at once, accusing nobody. Requester only.
    function acquit(ComputationId computation, Opening calldata opening, bytes32 documentDigest) external;

    /// @notice Returns what is left of the stake to the requester's available balance. Anyone, after the challenge window.
    function reclaim(ComputationId computation) external;

    /// @notice Keeps the stake here while a dispute is open. Disputes only.
    function hold(ComputationId computation) external;

    /// @notice Ends one `hold`. Disputes only.
    function letGo(ComputationId computation) external;

    /// @notice Takes the stake on assignment `index`: half is burned, half is `operator`'s available balance. Disputes
    /// only. A hold is ended by `letGo`.
    function forfeit(ComputationId computation, uint256 index, address operator) external;

    /// @notice What a settlement has to know.
    /// @return closed Whether the requester has had its say.
    /// @return goldFailed Assignments accused of failed gold rounds, a bitmap; 0 unless closed.
    /// @return trapFailed Likewise of failed traps.
    /// @return waitUntil Until when, unix seconds, the requester may still close; 0 when there is nothing to wait for.
    function findingOf(ComputationId computation)
        external
        view
        returns (bool closed, uint256 goldFailed, uint256 trapFailed, uint40 waitUntil);

    /// @notice What was proven of assignment `index`.
    function tallyOf(ComputationId computation, uint256 index) external view returns (Tally memory);

    /// @notice The mean fidelity of assignment `index` in 1e-4, towards zero, over the gold `rounds` scored. Biased
    /// unless all were.
    function fidelityOf(ComputationId computation, uint256 index) external view returns (int256 fidelity, uint256 rounds);

    /// @notice Wei still staked on assignment `index`.
    function stakeOn(ComputationId computation, uint256 index) external view returns (uint256);

    /// @notice Where computations are recorded.
    function ALLOCATOR() external view returns (IComputationAllocator);
}
