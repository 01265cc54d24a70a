// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IEscrow, Policy} from "./interfaces/IEscrow.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Ledger} from "./libraries/Ledger.sol";
import {Computation, ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

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
    /// @inheritdoc IEscrow
    mapping(ProcessorId => uint256) public bondOf;

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
        _book.credit(msg.sender, msg.value);
        emit Deposited(msg.sender, msg.value);
    }

    /// @inheritdoc IEscrow
    function withdraw(uint256 amount) external {
        _book.debit(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function bond(ProcessorId processor, uint128 amount) external payable {
        _requireOperator(processor);
        _book.lock(msg.sender, msg.value, amount);
        uint256 total = bondOf[processor] + amount;
        bondOf[processor] = total;
        if (msg.value != 0) emit Deposited(msg.sender, msg.value);
        emit BondAdded(processor, msg.sender, amount);
        if (total >= _policy.minimumBond) REGISTRY.setBonded(processor, true);
    }

    /// @inheritdoc IEscrow
    function unbond(ProcessorId processor) external {
        _requireOperator(processor);
        uint256 leased = REGISTRY.leasedQubitsOf(processor);
        if (leased != 0) revert ProcessorLeased(processor, leased);
        uint256 amount = bondOf[processor];
        bondOf[processor] = 0;
        _book.unlock(msg.sender, amount);
        emit BondRemoved(processor, msg.sender, amount);
        REGISTRY.setBonded(processor, false);
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
    function quote(uint8 qubits, uint16 shots, uint8 replicas) public view returns (uint256) {
        return uint256(_policy.pricePerQubitShot) * qubits * shots * replicas + 2 * KEEPER_BOUNTY;
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

    /// @dev Takes what one fault costs out of a bond; the caller seizes the same from the operator's locked money.
    /// @return amount Wei taken. @return covered Whether the rest still covers a fault.
    function _slash(ProcessorId processor) internal returns (uint256 amount, bool covered) {
        uint256 held = bondOf[processor];
        amount = held < _policy.slash ? held : _policy.slash;
        bondOf[processor] = held - amount;
        covered = held - amount >= _policy.minimumBond;
    }

    /// @dev Divides a computation's escrow after a verdict; what was seized from bonds goes to the treasury.
    function _settle(ComputationId id, Computation storage c, address[] memory payees, address keeper, uint256 seized)
        internal
    {
        uint256 escrow = c.escrow;
        uint256 reserved = c.secretWithheld ? KEEPER_BOUNTY : 2 * KEEPER_BOUNTY;
        _book.endow(seized);
        _spend(id, c, escrow, payees, (escrow - reserved) / c.replicas, keeper, KEEPER_BOUNTY);
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
        _book.seize(requester, total);
        _book.credit(requester, _payOut(id, requester, total, payees, each, keeper, bounty));
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

    function _requireOperator(ProcessorId processor) private view {
        address operator = REGISTRY.operatorOf(processor);
        if (msg.sender != operator) revert CallerNotBondOperator(processor, msg.sender, operator);
    }

    function _setPolicy(Policy memory newPolicy) private {
        if (
            _isWindow(newPolicy.commitSeconds) && _isWindow(newPolicy.discloseSeconds)
                && _isWindow(newPolicy.revealSeconds) && newPolicy.slash <= newPolicy.minimumBond
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
