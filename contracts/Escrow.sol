// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IEscrow, Policy} from "./interfaces/IEscrow.sol";
import {Actor} from "./libraries/Actor.sol";
import {Desk} from "./libraries/Desk.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Pause} from "./libraries/Pause.sol";
import {Regulation} from "./libraries/Regulation.sol";
import {ESCALATION} from "./lifecycle/Computation.sol";

/// @title Escrow
/// @notice See IEscrow.
/// @dev The money's door: how coin comes and goes. What is locked, paid and slashed between is the allocator's business.
abstract contract Escrow is IEscrow, AccessManaged {
    using Ledger for Ledger.Book;
    using Regulation for Desk.State;

    IAuditTrail public immutable AUDIT_TRAIL;

    /// @inheritdoc IEscrow
    /// @dev Immutable, since escrows held are divided by it.
    uint256 public immutable KEEPER_BOUNTY;

    Desk.State internal _desk;

    constructor(IAuditTrail auditTrail, uint256 keeperBounty, Policy memory initialPolicy) {
        AUDIT_TRAIL = auditTrail;
        KEEPER_BOUNTY = keeperBounty;
        _desk.setPolicy(initialPolicy);
    }

    /// @inheritdoc IEscrow
    function deposit() external payable {
        depositFor(msg.sender);
    }

    /// @inheritdoc IEscrow
    function depositFor(address holder) public payable {
        _desk.book.credit(holder, msg.value);
        emit Deposited(holder, msg.value);
    }

    /// @inheritdoc IEscrow
    function endow() external payable {
        _desk.book.endow(msg.value);
        emit TreasuryEndowed(msg.sender, msg.value);
    }

    /// @inheritdoc IEscrow
    function withdraw(uint256 amount) external {
        address holder = _holder();
        _withdraw(holder, holder, amount);
    }

    /// @inheritdoc IEscrow
    function withdrawTo(address to, uint256 amount) external {
        _withdraw(_holder(), to, amount);
    }

    /// @inheritdoc IEscrow
    function disburse(address to, uint256 amount) external restricted {
        _desk.book.spend(amount);
        emit TreasurySpent(to, amount);
        _send(to, amount);
    }

    /// @inheritdoc IEscrow
    function setMarket(
        uint64 pricePerQubitShot,
        uint32 commitSeconds,
        uint32 discloseSeconds,
        uint32 revealSeconds
    ) external restricted {
        Policy memory p = _desk.policy;
        p.pricePerQubitShot = pricePerQubitShot;
        (p.commitSeconds, p.discloseSeconds, p.revealSeconds) = (commitSeconds, discloseSeconds, revealSeconds);
        _setPolicy(p);
    }

    /// @inheritdoc IEscrow
    function setStandards(uint32 challengeSeconds, uint32 responseSeconds, uint128 minimumBond, uint128 slash)
        external
        restricted
    {
        Policy memory p = _desk.policy;
        (p.challengeSeconds, p.responseSeconds) = (challengeSeconds, responseSeconds);
        (p.minimumBond, p.slash) = (minimumBond, slash);
        _setPolicy(p);
    }

    /// @inheritdoc IEscrow
    function pause(uint256 length, bytes32 reason) external restricted {
        _desk.pause(_suite(), length, reason);
    }

    /// @inheritdoc IEscrow
    function resume(bytes32 reason) external restricted {
        _desk.resume(_suite(), reason);
    }

    /// @inheritdoc IEscrow
    function quote(uint64 price, uint8 qubits, uint16 shots, uint8 replicas, uint8 replicaCap)
        external
        view
        returns (uint256)
    {
        return _escrowOf(price, qubits, shots, replicas, replicaCap) + KEEPER_BOUNTY;
    }

    /// @inheritdoc IEscrow
    function balanceOf(address holder) external view returns (uint256 available, uint256 locked) {
        Ledger.Account storage account = _desk.book.accounts[holder];
        return (account.available, account.locked);
    }

    /// @inheritdoc IEscrow
    function treasury() external view returns (uint256) {
        return _desk.book.treasury;
    }

    /// @inheritdoc IEscrow
    function policy() external view returns (Policy memory) {
        return _desk.policy;
    }

    /// @inheritdoc IEscrow
    function pausedUntil() external view returns (uint256) {
        uint256 endsAt = Pause.endOf(_desk.pausedThrough);
        return block.timestamp < endsAt ? endsAt : 0;
    }

    /// @dev The contracts around the escrow.
    function _suite() internal view virtual returns (Desk.Suite memory);

    /// @dev What is locked: the pay of as many replicas as escalation may reach, and the bounties but the allocation's.
    function _escrowOf(uint256 price, uint256 qubits, uint256 shots, uint256 replicas, uint256 replicaCap)
        internal
        view
        returns (uint256)
    {
        uint256 bounties = KEEPER_BOUNTY * (2 + (replicaCap - replicas) / ESCALATION);
        unchecked {
            return price * qubits * shots * replicaCap + bounties; // the first of 96 bits, by the types of a request
        }
    }

    function _setPolicy(Policy memory newPolicy) private {
        _desk.setPolicy(newPolicy);
        AUDIT_TRAIL.append(Decision.PolicyChanged, 0, keccak256(abi.encode(newPolicy)));
    }

    function _withdraw(address holder, address to, uint256 amount) private {
        _desk.book.debit(holder, amount);
        emit Withdrawn(holder, to, amount);
        _send(to, amount);
    }

    /// @dev Last step of its callers: the books are closed before control leaves.
    function _send(address to, uint256 amount) private {
        // A holder's balance goes where its holder says, the treasury's where the role that holds it says.
        // slither-disable-next-line arbitrary-send-eth
        (bool taken,) = to.call{value: amount}("");
        if (to == address(0) || !taken) revert TransferFailed(to, amount);
    }

    /// @dev The account that acts for its own balance.
    function _holder() private view returns (address) {
        return Actor.bound(_suite().registry.HASH_KEYS());
    }
}
