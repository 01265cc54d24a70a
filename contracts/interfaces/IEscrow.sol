// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";

/// @notice Prices, time windows and what faults cost. The first four are the Quantum Resource Allocation Committee's, the
/// others the Verification Standards Board's.
struct Policy {
    /// Wei for one shot of one qubit that a processor without an offer asks.
    uint64 pricePerQubitShot;
    uint32 commitSeconds;
    uint32 discloseSeconds;
    uint32 revealSeconds;
    /// How long after a verdict it can be challenged or disputed.
    uint32 challengeSeconds;
    /// Time for each step of an answer to a challenge.
    uint32 responseSeconds;
    /// Wei that a processor's bond must hold for it to be drawn. Compared whenever the bond is added to or slashed:
    /// a raise does not put out those who were bonded before it.
    uint128 minimumBond;
    /// Wei of the bond that one fault costs.
    uint128 slash;
}

/// @title Escrow: the money of the consortium
/// @notice Native coin, pull payments only. At every moment the sum of all available and all locked balances, the
/// treasury, and one KEEPER_BOUNTY for every computation in a queue, equals the coin that came in through deposits,
/// submissions and endowments less what left by withdrawals and disbursements.
/// @dev Coin forced onto the contract outside its functions belongs to nobody and is not accounted.
interface IEscrow {
    event Deposited(address indexed holder, uint256 amount);
    event Withdrawn(address indexed holder, address to, uint256 amount);
    /// @notice `amount` wei of slashed bonds, or given, came into the treasury.
    event TreasuryEndowed(address indexed from, uint256 amount);
    event TreasurySpent(address indexed to, uint256 amount);
    /// @notice `total` wei of one computation were divided: `each` to every payee, `bounty` to `keeper`, the rest to
    /// `source`, whose locked money it was; or, when `source` is zero, to the treasury, which gave it.
    event ComputationPaid(
        ComputationId indexed computation,
        address indexed source,
        uint256 total,
        address[] payees,
        uint256 each,
        address keeper,
        uint256 bounty
    );
    event PolicyChanged(Policy policy);
    /// @notice No new work is taken until `endsAt`.
    event WorkPaused(uint40 endsAt, bytes32 reason);
    event WorkResumed(bytes32 reason);

    /// @notice Windows last 1 second to 7 days, slash is at most the minimum bond.
    error PolicyInvalid(Policy policy);
    /// @notice `to` did not take `amount` wei.
    error TransferFailed(address to, uint256 amount);

    /// @notice Adds to the caller's available balance.
    function deposit() external payable;

    /// @notice Sends `amount` of the caller's available balance to the caller, which comes through the door of
    /// hash keys if it has one.
    function withdraw(uint256 amount) external;

    /// @notice The same, to `to`: an account that nobody else has the key of.
    function withdrawTo(address to, uint256 amount) external;

    /// @notice Adds what is sent to the available balance of `holder`. Anyone.
    function depositFor(address holder) external payable;

    /// @notice Adds what is sent to the treasury. Anyone.
    function endow() external payable;

    /// @notice Spends from the treasury. Role: Quantum Resource Allocation Committee.
    function disburse(address to, uint256 amount) external;

    /// @notice Sets the price and the windows of a round. Role: Quantum Resource Allocation Committee.
    function setMarket(
        uint64 pricePerQubitShot,
        uint32 commitSeconds,
        uint32 discloseSeconds,
        uint32 revealSeconds
    ) external;

    /// @notice Sets how verdicts can be challenged, and what stands behind them. Role: Verification Standards Board.
    function setStandards(uint32 challengeSeconds, uint32 responseSeconds, uint128 minimumBond, uint128 slash) external;

    /// @notice Stops new work to the end of a day (UTC) `length` days from now, today counted as the first of 1 to 3:
    /// submissions, allocations, reservations, registrations. What is under way goes on, and so do settlements, refunds
    /// and withdrawals. The next pause can begin three days after the end of this one, whenever it is resumed.
    /// Role: Quantum Security Working Group.
    function pause(uint256 length, bytes32 reason) external;

    /// @notice Ends a pause early. Role: Quantum Security Working Group.
    function resume(bytes32 reason) external;

    /// @notice When the running pause ends, unix seconds; 0 when there is none.
    function pausedUntil() external view returns (uint256);

    /// @notice Money of `holder`: free, and behind computations.
    function balanceOf(address holder) external view returns (uint256 available, uint256 locked);

    /// @notice Wei from slashes, at the disposal of the Quantum Resource Allocation Committee's role.
    function treasury() external view returns (uint256);

    /// @notice Wei that a submission takes: the pay of as many replicas as escalation may reach, at `price` wei a
    /// qubit-shot; a keeper's bounty for the settlement, one for each escalation and one for a secret that is overdue; and
    /// one for the allocation, which is set aside at once. What is not needed returns.
    function quote(uint64 price, uint8 qubits, uint16 shots, uint8 replicas, uint8 replicaCap)
        external
        view
        returns (uint256);

    /// @notice Wei for whoever allocates, enforces a deadline, or settles.
    function KEEPER_BOUNTY() external view returns (uint256);

    /// @notice The rules in force.
    function policy() external view returns (Policy memory);
}
