// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title Bonds: what processors stand to lose
/// @notice A processor is drawn only while its bond covers the policy's minimum; each fault costs the policy's slash.
/// A bond outlasts the answers it stands for: it leaves in two steps, and neither while qubits are leased, nor before
/// a challenge window has passed since the processor left the draw, nor while a case against it is open.
/// @dev The coin here equals the sum of all bonds. What the allocator slashes goes to its treasury at once, what a
/// court (Challenges, Disputes) takes goes to that court, which divides it.
interface IBonds {
    event BondAdded(ProcessorId indexed processor, address indexed operator, uint256 amount);
    /// @notice From `freeAt`, unix seconds, the bond can be taken back.
    event UnbondingBegun(ProcessorId indexed processor, uint40 freeAt);
    event BondRemoved(ProcessorId indexed processor, address indexed operator, uint256 amount);
    event BondSlashed(ComputationId indexed computation, ProcessorId indexed processor, uint256 amount);

    /// @notice `account` is not the operator `operator`.
    error CallerNotBondOperator(ProcessorId processor, address account, address operator);
    /// @notice `leased` qubits of `processor` are in use.
    error ProcessorLeased(ProcessorId processor, uint256 leased);
    /// @notice The bond is free from `freeAt` (0: unbonding has not begun), with no open case; there are `cases`.
    error BondNotFree(ProcessorId processor, uint40 freeAt, uint256 cases, uint256 timestamp);
    /// @notice `account` is not a court, the contract of challenges or of disputes; nor, for slashes, the allocator.
    error CallerNotCourt(address account);
    /// @notice `to` did not take `amount` wei.
    error BondTransferFailed(address to, uint256 amount);

    /// @notice Adds the coin sent to a processor's bond, and ends an unbonding that has begun. Operator only; to end an
    /// unbonding it comes through the door, if it has a hash key.
    function bond(ProcessorId processor) external payable;

    /// @notice Takes a processor out of the draw, so that its bond becomes free. Operator only, through the door if it has
    /// a hash key, with no qubits leased.
    function beginUnbonding(ProcessorId processor) external;

    /// @notice Sends the whole bond to the operator. Operator only, through the door if it has a hash key, once it is free.
    function unbond(ProcessorId processor) external;

    /// @notice The same, to `to`: an account that nobody else has the key of.
    function unbondTo(ProcessorId processor, address to) external;

    /// @notice Takes what one fault costs from each bond, as far as it reaches, into the treasury. Allocator only.
    /// @param processors At fault; entries that are 0 are passed over.
    /// @return total Wei taken.
    function slash(ComputationId computation, ProcessorId[] calldata processors) external returns (uint256 total);

    /// @notice Takes what one fault costs from a bond and sends it to the caller. Courts only.
    function penalise(ComputationId computation, ProcessorId processor) external returns (uint256 amount);

    /// @notice Keeps a bond from leaving while a case against its processor is open. Courts only.
    function hold(ProcessorId processor) external;

    /// @notice Ends one `hold`. Courts only.
    function letGo(ProcessorId processor) external;

    /// @notice Wei behind `processor`.
    function bondOf(ProcessorId processor) external view returns (uint256);

    /// @notice When the bond becomes free, unix seconds (0: unbonding has not begun), and how many cases hold it.
    function unbondingOf(ProcessorId processor) external view returns (uint40 freeAt, uint32 cases);
}
