// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "./interfaces/IBonds.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";
import {Actor} from "./libraries/Actor.sol";

/// @title Bonds
/// @notice See IBonds.
/// @dev Coin leaves as the last step of each function, to contracts of the suite or where the operator asks for it.
contract Bonds is IBonds {
    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    address public immutable CHALLENGES;
    address public immutable DISPUTES;
    IHashKeys public immutable HASH_KEYS;

    struct Bond {
        uint128 amount;
        /// When it can be taken back, unix seconds; 0 while it stands.
        uint40 freeAt;
        /// Open cases against the processor.
        uint32 cases;
    }

    mapping(ProcessorId => Bond) private _bonds;

    modifier onlyCourt() {
        if (msg.sender != CHALLENGES && msg.sender != DISPUTES) revert CallerNotCourt(msg.sender);
        _;
    }

    constructor(IComputationAllocator allocator, IProcessorRegistry registry, address challenges, address disputes) {
        ALLOCATOR = allocator;
        REGISTRY = registry;
        HASH_KEYS = registry.HASH_KEYS();
        // slither-disable-start missing-zero-check (with no courts, nothing is ever penalised)
        CHALLENGES = challenges;
        DISPUTES = disputes;
        // slither-disable-end missing-zero-check
    }

    /// @inheritdoc IBonds
    function bond(ProcessorId processor) external payable {
        Bond storage b = _bonds[processor];
        (address operator, bool proven) = _operatorOf(processor);
        // The door carries no coin, and more of it harms nobody; but what an unbonding has begun, only its owner ends.
        if (b.freeAt != 0 && !proven) Actor.requireKeyless(HASH_KEYS, operator);
        uint256 amount = b.amount + msg.value;
        b.amount = uint128(amount);
        b.freeAt = 0;
        emit BondAdded(processor, operator, msg.value);
        if (amount >= ALLOCATOR.policy().minimumBond) REGISTRY.setBonded(processor, true);
    }

    /// @inheritdoc IBonds
    function beginUnbonding(ProcessorId processor) external {
        _requireOperator(processor);
        uint256 leased = REGISTRY.leasedQubitsOf(processor);
        if (leased != 0) revert ProcessorLeased(processor, leased);
        // Whatever it has answered was judged by now, and can be challenged for this long.
        uint40 freeAt = uint40(block.timestamp) + ALLOCATOR.policy().challengeSeconds;
        _bonds[processor].freeAt = freeAt;
        emit UnbondingBegun(processor, freeAt);
        REGISTRY.setBonded(processor, false);
    }

    /// @inheritdoc IBonds
    function unbond(ProcessorId processor) external {
        address operator = _requireOperator(processor);
        _release(processor, operator, operator);
    }

    /// @inheritdoc IBonds
    function unbondTo(ProcessorId processor, address to) external {
        _release(processor, _requireOperator(processor), to);
    }

    /// @inheritdoc IBonds
    function slash(ComputationId id, ProcessorId[] calldata processors) external returns (uint256 total) {
        if (msg.sender != address(ALLOCATOR)) revert CallerNotCourt(msg.sender);
        Policy memory policy = ALLOCATOR.policy();
        for (uint256 i; i < processors.length; ++i) {
            if (ProcessorId.unwrap(processors[i]) != 0) total += _take(id, processors[i], policy);
        }
        ALLOCATOR.endow{value: total}();
    }

    /// @inheritdoc IBonds
    function penalise(ComputationId id, ProcessorId processor) external onlyCourt returns (uint256 amount) {
        amount = _take(id, processor, ALLOCATOR.policy());
        _send(msg.sender, amount);
    }

    /// @inheritdoc IBonds
    function hold(ProcessorId processor) external onlyCourt {
        ++_bonds[processor].cases;
    }

    /// @inheritdoc IBonds
    function letGo(ProcessorId processor) external onlyCourt {
        --_bonds[processor].cases;
    }

    /// @inheritdoc IBonds
    function bondOf(ProcessorId processor) external view returns (uint256) {
        return _bonds[processor].amount;
    }

    /// @inheritdoc IBonds
    function unbondingOf(ProcessorId processor) external view returns (uint40 freeAt, uint32 cases) {
        return (_bonds[processor].freeAt, _bonds[processor].cases);
    }

    /// @dev Who calls, which is to be the operator, and whether by its hash key too.
    function _operatorOf(ProcessorId processor) private view returns (address account, bool proven) {
        (account, proven) = Actor.behind(address(HASH_KEYS));
        address operator = REGISTRY.operatorOf(processor);
        if (account != operator) revert CallerNotBondOperator(processor, account, operator);
    }

    /// @dev Checks that the operator calls, by its hash key if it has one.
    function _requireOperator(ProcessorId processor) private view returns (address operator) {
        bool proven;
        (operator, proven) = _operatorOf(processor);
        if (!proven) Actor.requireKeyless(HASH_KEYS, operator);
    }

    /// @dev Sends a whole bond that is free.
    function _release(ProcessorId processor, address operator, address to) private {
        Bond storage b = _bonds[processor];
        if (b.freeAt == 0 || block.timestamp <= b.freeAt || b.cases != 0) {
            revert BondNotFree(processor, b.freeAt, b.cases, block.timestamp);
        }
        uint256 amount = b.amount;
        b.amount = 0;
        emit BondRemoved(processor, operator, amount);
        _send(to, amount);
    }

    function _take(ComputationId id, ProcessorId processor, Policy memory policy) private returns (uint256 amount) {
        Bond storage b = _bonds[processor];
        uint256 held = b.amount;
        amount = held < policy.slash ? held : policy.slash;
        b.amount = uint128(held - amount);
        emit BondSlashed(id, processor, amount);
        // slither-disable-next-line calls-loop (a contract of the suite, which calls nobody; at most MAX_ASSIGNMENTS)
        if (held - amount < policy.minimumBond) REGISTRY.setBonded(processor, false);
    }

    function _send(address to, uint256 amount) private {
        // slither-disable-next-line arbitrary-send-eth (a court, or where the operator wants its own bond)
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert BondTransferFailed(to, amount);
    }
}
