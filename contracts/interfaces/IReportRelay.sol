// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A commit that a daemon has signed instead of sent. EIP-712, domain "QCRS ReportRelay", version "1".
struct CommitReport {
    uint64 computation;
    /// Of the assignment.
    uint256 index;
    /// The round that it is for.
    uint256 attempt;
    bytes24 commitment;
    /// Who is paid for it: the processor's operator.
    address payee;
    /// The rules under which it was made: see IReportRelay.configDigest.
    bytes32 configDigest;
}

/// @notice A reveal as ResultVerifier.reveal takes it. It is not signed: who knows the salt may reveal.
struct RevealReport {
    uint64 computation;
    uint256 index;
    bytes32 countsRoot;
    bytes32 salt;
    uint256[] sketch;
}

/// @title The report relay: many processors' reports in one transaction
/// @notice Daemons sign their commits, and anyone posts them together, of many processors, or of one for many
/// computations: a transaction's fixed cost and the records that they share are paid for once. Daemons that have
/// nobody to post for them go on committing themselves.
/// @dev Trust: nobody's word. A report says what is committed, for which assignment and round, who is paid, and under
/// which rules, and only the processor's daemon can have signed it: whoever posts can leave reports out or be late, as
/// anyone who forwards anything can, and no more. Reports are taken in one order, by computation and assignment: the
/// order of commits goes into the sketch's seed, and a relayer that knew the requester's secret must not choose it
/// within a batch. Between transactions whoever orders those does.
/// An item that is refused does not spoil the others; one that is posted twice is refused the second time.
interface IReportRelay {
    /// @notice The report was not taken; `reason` is what a call of its own would have reverted with, cut off at
    /// MAX_REASON_BYTES.
    event CommitSkipped(uint64 indexed computation, uint256 indexed index, bytes reason);
    event RevealSkipped(uint64 indexed computation, uint256 indexed index, bytes reason);

    /// @notice There are `reports` reports and `signatures` signatures.
    error SignatureCountMismatch(uint256 reports, uint256 signatures);
    /// @notice The report at `position` does not come after the one before it, by computation and index.
    error ReportsUnordered(uint256 position);
    /// @notice The report was made under other rules: `actual` instead of `expected`.
    error ReportConfigMismatch(uint64 computation, uint256 index, bytes32 expected, bytes32 actual);
    /// @notice The report is for round `actual`; the computation is in round `expected`.
    error ReportAttemptMismatch(uint64 computation, uint256 index, uint256 expected, uint256 actual);
    /// @notice The report wants `actual` paid; the processor's operator is `expected`.
    error ReportPayeeMismatch(uint64 computation, uint256 index, address expected, address actual);
    /// @notice What is said to be the report's signature is none, or one in a form that has a twin.
    error ReportSignatureInvalid(uint64 computation, uint256 index);

    /// @notice Posts commits and reveals. Anyone.
    /// @param reports Ascending by computation, then by index. @param signatures Theirs, 65 bytes each.
    /// @param reveals In any order. @return taken How many of all were taken.
    function relay(CommitReport[] calldata reports, bytes[] calldata signatures, RevealReport[] calldata reveals)
        external
        returns (uint256 taken);

    /// @notice Digest of the rules in force: chain, verifier, allocator, registry and policy. It changes with the
    /// policy, and reports that were signed before are refused then: daemons sign them again.
    function configDigest() external view returns (bytes32);

    /// @notice What a daemon signs.
    function digestOf(CommitReport calldata report) external view returns (bytes32);
}
