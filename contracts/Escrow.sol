// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IEscrow, Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Computation, ComputationId, ESCALATION} from "./lifecycle/Computation.sol";

/// @title Escrow
/// @notice See IEscrow.
/// @dev The money half of the allocator, which alone decides what is locked, paid and slashed.
abstract contract Escrow is IEscrow, AccessManaged {
    using Ledger for Ledger.Book;

    uint256 private constant MAX_WINDOW_SECONDS = 7 days;

    IAuditTrail public immutable AUDIT_TRAIL;
    /// @inheritdoc IEscrow
    IProcessorRegistry public immutable REGISTRY;

    /// @inheritdoc IEscrow
    /// @dev Immutable, since escrows held are divided by it.
    uint256 public immutable KEEPER_BOUNTY;

    Policy internal _policy;
    Ledger.Book internal _book;

    constructor(
        IAuditTrail auditTrail,
        IProcessorRegistry registry,
        uint256 keeperBounty,
        Policy memory initialPolicy
    ) {
        AUDIT_TRAIL = auditTrail;
        REGISTRY = registry;
        KEEPER_BOUNTY = keeperBounty;
        _setPolicy(initialPolicy);
    }

    /// @inheritdoc IEscrow
    function deposit() external payable {
        depositFor(msg.sender);
    }

    /// @inheritdoc IEscrow
    function depositFor(address holder) public payable {
        _book.credit(holder, msg.value);
        emit Deposited(holder, msg.value);
    }

    /// @inheritdoc IEscrow
    function endow() external payable {
        _book.endow(msg.value);
        emit TreasuryEndowed(msg.sender, msg.value);
    }

    /// @inheritdoc IEscrow
    function withdraw(uint256 amount) external {
        _book.debit(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function disburse(address to, uint256 amount) external restricted {
        _book.spend(amount);
        emit TreasurySpent(to, amount);
        _send(to, amount);
    }

    /// @inheritdoc IEscrow
    function setPolicy(Policy memory newPolicy) external restricted {
        _setPolicy(newPolicy);
        _record(Decision.PolicyChanged, 0, keccak256(abi.encode(newPolicy)));
    }

    /// @inheritdoc IEscrow
    function quote(uint8 qubits, uint16 shots, uint8 replicas, uint8 replicaCap) public view returns (uint256) {
        return uint256(_policy.pricePerQubitShot) * qubits * shots * replicaCap
            + KEEPER_BOUNTY * (2 + (replicaCap - replicas) / ESCALATION);
    }

    /// @inheritdoc IEscrow
    function balanceOf(address holder) external view returns (uint256 available, uint256 locked) {
        Ledger.Account storage account = _book.accounts[holder];
        return (account.available, account.locked);
    }

    /// @inheritdoc IEscrow
    function treasury() external view returns (uint256) {
        return _book.treasury;
    }

    /// @inheritdoc IEscrow
    function policy() external view returns (Policy memory) {
        return _policy;
    }

    /// @dev Divides a computation's escrow after a verdict, and notes what each paid replica earned.
    function _settle(ComputationId id, Computation storage c, address[] memory payees, address keeper) internal {
        uint256 each = _payOf(c);
        uint256 total = c.escrow;
        c.escrow = payees.length == 0 ? 0 : uint96(each);
        address requester = c.requester;
        _book.release(requester, total, _payOut(id, requester, total, payees, each, keeper, KEEPER_BOUNTY));
    }

    /// @dev What one replica of an unsettled computation is paid: the escrow less the bounties still in it, divided.
    function _payOf(Computation storage c) internal view returns (uint256) {
        uint256 bounties = (c.secretWithheld ? 1 : 2) + (c.replicaCap - c.replicas) / ESCALATION;
        return (c.escrow - bounties * KEEPER_BOUNTY) / c.replicaCap;
    }

    /// @dev Divides `total` wei of a computation's escrow; what nobody gets is the requester's again.
    function _spend(
        ComputationId id,
        Computation storage c,
        uint256 total,
        address[] memory payees,
        uint256 each,
        address keeper,
        uint256 bounty
    ) internal {
        c.escrow -= uint96(total);
        address requester = c.requester;
        _book.release(requester, total, _payOut(id, requester, total, payees, each, keeper, bounty));
    }

    /// @dev Hands out of `total` wei, which `source` has lost: `each` to the payees, `bounty` to the keeper.
    /// @return rest What is left, for the caller to book.
    function _payOut(
        ComputationId id,
        address source,
        uint256 total,
        address[] memory payees,
        uint256 each,
        address keeper,
        uint256 bounty
    ) internal returns (uint256 rest) {
        rest = total - bounty - each * payees.length;
        for (uint256 i; i < payees.length; ++i) {
            _book.credit(payees[i], each);
        }
        if (bounty != 0) _book.credit(keeper, bounty);
        emit ComputationPaid(id, source, total, payees, each, keeper, bounty);
    }

    function _record(Decision decision, uint64 subject, bytes32 digest) internal {
        AUDIT_TRAIL.append(decision, subject, digest);
    }

    /// @dev The longest that one round of commit, disclosure and reveal takes.
    function _roundSeconds() internal view returns (uint256) {
        return uint256(_policy.commitSeconds) + _policy.discloseSeconds + _policy.revealSeconds;
    }

    function _setPolicy(Policy memory newPolicy) private {
        if (
            _isWindow(newPolicy.commitSeconds) && _isWindow(newPolicy.discloseSeconds)
                && _isWindow(newPolicy.revealSeconds) && _isWindow(newPolicy.challengeSeconds)
                && _isWindow(newPolicy.responseSeconds) && newPolicy.slash <= newPolicy.minimumBond
        ) {
            _policy = newPolicy;
            emit PolicyChanged(newPolicy);
        } else {
            revert PolicyInvalid(newPolicy);
        }
    }

    function _isWindow(uint256 duration) private pure returns (bool) {
        return duration != 0 && duration <= MAX_WINDOW_SECONDS;
    }

    /// @dev Last step of its callers: the books are closed before control leaves.
    function _send(address to, uint256 amount) private {
        // The caller's own balance goes to the caller, the treasury's where the role that holds it says.
        // slither-disable-next-line arbitrary-send-eth
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert TransferFailed(to, amount);
    }
}
