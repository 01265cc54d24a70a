// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {Dispute, DisputeId, DisputeKind} from "../lifecycle/Dispute.sol";

/// @title Disputes: what nothing on chain can prove
/// @notice 1. Within a verdict's challenge window anyone puts up a bond of one slash and names an answer as false, or
///    an operator names its processor's punishment as undeserved, each with the digest of its evidence.
/// 2. The other side may put its own evidence on record.
/// 3. The Dispute Resolution Council's role rules until `endsAt`; after that anyone may end it without a ruling.
/// @dev The rule of compensation. What a verdict has paid stays paid, withdrawn or not: no third party ever pays for
/// another's fault. An answer found false costs its processor one slash: half is burned; of the rest the requester
/// gets back what the replica earned, the opener half of what is left, the treasury the remainder. The accepted
/// answer is overturned when fewer than a quorum remain behind it: once, for there is no way back from there. A fault
/// found undeserved is made good by whoever caused it: by the requester's stake if its gold rounds were false (half of
/// that is burned), else by the treasury, where the slash went, as far as it reaches. A dispute that is dismissed costs
/// its opener the bond: half is burned, half goes to the accused operator, the requester, or the treasury. Each
/// assignment is disputed once. All coin here is bonds of open disputes.
interface IDisputes {
    event DisputeOpened(
        DisputeId indexed dispute,
        ComputationId indexed computation,
        uint256 indexed index,
        DisputeKind kind,
        address opener,
        uint256 bond,
        bytes32 evidence,
        uint40 endsAt
    );
    event DisputeAnswered(DisputeId indexed dispute, address indexed account, bytes32 evidence);
    event DisputeRuled(DisputeId indexed dispute, ComputationId indexed computation, bool upheld, bytes32 reason);
    /// @notice What a ruling did with the losing bond: `burned` wei left circulation, `restitution` went to the
    /// requester, `award` to the opener (its bond not counted), `compensation` to the operator, `endowment` to the
    /// treasury.
    event DisputeDivided(
        DisputeId indexed dispute,
        uint256 burned,
        uint256 restitution,
        uint256 award,
        uint256 compensation,
        uint256 endowment
    );
    event DisputeLapsed(DisputeId indexed dispute, ComputationId indexed computation);

    /// @notice The computation can be disputed while it has a verdict and until `endsAt`; it is now `timestamp`.
    error DisputeWindowClosed(ComputationId computation, uint40 endsAt, uint256 timestamp);
    /// @notice A dispute takes a bond of exactly `expected` wei; `actual` were sent.
    error DisputeBondMismatch(uint256 expected, uint256 actual);
    /// @notice A complaint of this kind cannot be about an assignment that is `actual`.
    error NotDisputable(ComputationId computation, uint256 index, DisputeKind kind, AssignmentStatus actual);
    /// @notice Assignment `index` is the subject of `dispute`.
    error AlreadyDisputed(ComputationId computation, uint256 index, DisputeId dispute);
    /// @notice `account` is not the `expected` one, whose right it is.
    error CallerNotParty(DisputeId dispute, address account, address expected);
    /// @notice The ruling is due by `endsAt`; it is now `timestamp`.
    error RulingOverdue(DisputeId dispute, uint40 endsAt, uint256 timestamp);
    /// @notice The council may rule until `endsAt`; it is now `timestamp`.
    error RulingOpen(DisputeId dispute, uint40 endsAt, uint256 timestamp);
    /// @notice Coin comes here from bonds only, not from `account`.
    error PaymentUnexpected(address account);

    /// @notice Opens a dispute, with a bond of one slash. Anyone; the processor's operator for WrongFault.
    /// @param evidence Digest of what shows it, for the council to fetch.
    function open(ComputationId computation, uint256 index, DisputeKind kind, bytes32 evidence)
        external
        payable
        returns (DisputeId dispute);

    /// @notice Puts the other side's evidence on record: the accused operator's, or, where gold rounds are in
    /// question, the requester's.
    function answer(DisputeId dispute, bytes32 evidence) external;

    /// @notice Rules. Role: Dispute Resolution Council.
    /// @param reason Digest of the ruling's reasons.
    function rule(DisputeId dispute, bool upheld, bytes32 reason) external;

    /// @notice Ends a dispute that nobody ruled on in time. Anyone.
    function lapse(DisputeId dispute) external;

    /// @notice The record of a dispute.
    function disputeOf(DisputeId dispute) external view returns (Dispute memory);

    /// @notice The dispute about an assignment; 0 when there was none.
    function disputeAbout(ComputationId computation, uint256 index) external view returns (DisputeId);

    /// @notice Disputes ever opened; ids run from 1.
    function disputeCount() external view returns (uint64);

    /// @notice Time that the council has to rule.
    function RULING_SECONDS() external view returns (uint40);
}
