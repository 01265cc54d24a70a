// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";
import {BundledCommit} from "../libraries/Bundle.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title The result verifier: commit, reveal, agreement, verdict
/// @notice Replicas bind themselves to an answer before anyone can know how answers will be compared, and the
/// contract itself compares them:
/// 1. `commit`: each assigned daemon posts a salted digest of its histogram's Merkle root; or, for several computations at
///    once, `commitBundle`.
/// 2. `disclose`: once all have committed, the requester's secret and the commits together seed the count sketch.
///    A requester that stays silent is replaced by the beacon (`substituteSecret`, anyone).
/// 3. `reveal`: each posts root, salt and sketch; totals are checked at once.
/// 4. `settle` (anyone): the sketches come back as call data, are checked against the reveals, and are judged by
///    Agreement, whatever the number of outcomes. The allocator pays and slashes accordingly. Who failed the requester's
///    gold rounds (see IGoldRounds) has no vote. A committee that is split, cannot tell, or is not credible enough
///    escalates while it may: more join, and all reveal again under another seed.
/// @dev What a verdict means: a quorum of independent processors agrees within the noise of its class. A colluding
/// majority is caught by gold rounds only; a sketch that does not belong to its root, an answer replayed or copied, by
/// IChallenges. Not caught is what a requester achieves that tells its secret to a processor before the last commit:
/// that processor can choose the seed by its salt.
interface IResultVerifier {
    event ResultCommitted(
        ComputationId indexed computation, uint256 indexed index, ProcessorId indexed processor, bytes24 commitment
    );
    /// @notice Of a bundle, this commit was not taken: the assignment is not the processor's, or no commit of it is due.
    event CommitPassedOver(
        ComputationId indexed computation, uint256 indexed index, ProcessorId indexed processor
    );
    /// @notice The last `commits` commits of this transaction are bound by `root`.
    event CommitsBundled(ProcessorId processor, uint8 lane, uint256 commits, bytes32 root);
    event PayloadRefused(
        ComputationId indexed computation, uint256 indexed index, ProcessorId indexed processor, uint16 code
    );
    event SeedFixed(ComputationId indexed computation, uint8 attempt, bytes24 secret, bytes32 seed, bool withheld);
    event ResultRevealed(
        ComputationId indexed computation,
        uint256 indexed index,
        ProcessorId indexed processor,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] sketch
    );
    /// @notice `accepted` has a bit for each assignment whose answer `answerDigest` binds: the agreeing ones if the
    /// verdict is Accepted, the only one if it is Unverified, else none. Escalated is no verdict: more replicas join.
    event ComputationSettled(
        ComputationId indexed computation, Agreement.Verdict verdict, uint256 accepted, bytes32 answerDigest
    );

    /// @notice Assignment `index` belongs to a processor whose daemon is `daemon`, not `account`.
    error CallerNotAssigned(ComputationId computation, uint256 index, address account, address daemon);
    /// @notice `account` is not the relay.
    error CallerNotRelay(address account);
    /// @notice A bundle of `processor` has from 1 to `most` commits.
    error BundleSizeInvalid(ProcessorId processor, uint256 commits, uint256 most);
    /// @notice In `lane` of `processor` lies `actual`, not what is to give way: `expected`.
    error LaneTaken(ProcessorId processor, uint8 lane, bytes32 expected, bytes32 actual);
    /// @notice Of the `commits` commits in a bundle of `processor`, none was taken.
    error NoCommitDue(ProcessorId processor, uint256 commits);
    /// @notice Assignment `index` was committed to by itself: reveal it so.
    error CommitmentNotBundled(ComputationId computation, uint256 index, bytes24 commitment);
    /// @notice What assignment `index` reveals leads to `actual`; in lane `lane` its processor has bundled `expected`.
    error BundleMismatch(ComputationId computation, uint256 index, uint8 lane, bytes32 expected, bytes32 actual);
    /// @notice A refusal names its reason by a code from 1.
    error RefusalCodeMissing(ComputationId computation);
    /// @notice The secret's commitment is `actual`, not the `expected` one.
    error SecretMismatch(ComputationId computation, bytes24 expected, bytes24 actual);
    /// @notice What assignment `index` reveals hashes to `actual`, it committed to `expected`.
    error CommitmentMismatch(ComputationId computation, uint256 index, bytes24 expected, bytes24 actual);
    /// @notice What the settlement says assignment `index` revealed hashes to `actual`, it revealed `expected`.
    error RevealMismatch(ComputationId computation, uint256 index, bytes24 expected, bytes24 actual);
    /// @notice The requester may open and close its gold rounds until `waitUntil`; it is now `timestamp`.
    error GoldRoundsOpen(ComputationId computation, uint40 waitUntil, uint256 timestamp);
    /// @notice The settlement must carry `expected` roots, as many salts, and `words` sketch words.
    error SettlementLengthMismatch(ComputationId computation, uint256 expected, uint256 words);

    /// @notice Posts the commitment of assignment `index`. Its processor's daemon only; one with a hash key through its
    /// door: see IHashKeys.
    function commit(ComputationId computation, uint256 index, bytes24 commitment) external;

    /// @notice Posts a commitment that `daemon` has signed: see IReportRelay. Relay only, which has checked that.
    function commitFor(ComputationId computation, uint256 index, bytes24 commitment, address daemon) external;

    /// @notice Posts the commitments of several assignments of `processor` in one word, which takes the place of `before` in
    /// `lane`. Its daemon only; one with a hash key through its door, where one signature covers all.
    /// @dev One that cannot be taken does not spoil the others. The processor chooses the lane, and loses by its own choice
    /// alone: what is bound by a root that is gone can no longer be revealed, and nothing else can be revealed instead.
    /// That it names what gives way keeps a transaction that was thought lost, and one sent in its place, from doing so.
    /// @param before The root in the lane by now, 0 if there was none. @return taken How many commits were taken.
    function commitBundle(ProcessorId processor, uint8 lane, bytes32 before, BundledCommit[] calldata commits)
        external
        returns (uint256 taken);

    /// @notice Refuses the payload of assignment `index`. Its processor's daemon only, before committing; one with a hash key
    /// through its door.
    /// @param code Why, as in the daemon's documented list. That no key was given, 106, or one that does not open, 107, is no
    /// part of its conduct: the requester decides whom to give one. Nor is anything that a quorum refuses.
    function refuse(ComputationId computation, uint256 index, uint16 code) external;

    /// @notice Discloses the requester's secret. Anyone who knows it, once all have committed.
    function disclose(ComputationId computation, bytes24 secret) external;

    /// @notice Lets the beacon stand in for a secret that is overdue. Anyone.
    function substituteSecret(ComputationId computation) external;

    /// @notice Opens the commitment of assignment `index`. Anyone who knows the salt.
    /// @param countsRoot Digest of the whole histogram.
    /// @param sketch Wire form: see CountSketch.
    function reveal(
        ComputationId computation,
        uint256 index,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] calldata sketch
    ) external;

    /// @notice The same for an assignment that a bundle binds. Anyone who knows the salt.
    /// @param lane Where its processor keeps the bundle. @param proof The siblings from the commitment's leaf up: see Bundle.
    function revealBundled(
        ComputationId computation,
        uint256 index,
        bytes32 countsRoot,
        bytes32 salt,
        uint256[] calldata sketch,
        uint8 lane,
        bytes32[] calldata proof
    ) external;

    /// @notice Judges a computation once all have revealed, or the time is up and a quorum has. Anyone.
    /// @param countsRoots Of the assignments that revealed, by ascending index.
    /// @param salts Likewise. @param sketches Likewise, one after the other.
    function settle(
        ComputationId computation,
        bytes32[] calldata countsRoots,
        bytes32[] calldata salts,
        uint256[] calldata sketches
    ) external;

    /// @notice The root of the bundle that `processor` keeps in `lane`; 0 when there was none.
    function bundleOf(ProcessorId processor, uint8 lane) external view returns (bytes32);
}
