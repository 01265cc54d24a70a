// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "./interfaces/IBonds.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title Bonds
/// @notice See IBonds.
/// @dev Coin leaves as the last step of each function, to contracts of the suite or to the operator who asks for it.
contract Bonds is IBonds {
    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;
    address public immutable CHALLENGES;
    address public immutable DISPUTES;

    struct Bond {
        uint128 amount;
        /// When it can be taken back, unix seconds; 0 while it stands.
        uint40 freeAt;
        /// Open cases against the processor.
        uint32 cases;
    }

    mapping(ProcessorId => Bond) private _bonds;

    modifier onlyOperator(ProcessorId processor) {
        address operator = REGISTRY.operatorOf(processor);
        if (msg.sender != operator) revert CallerNotBondOperator(processor, msg.sender, operator);
        _;
    }

    modifier onlyCourt() {
        if (msg.sender != CHALLENGES && msg.sender != DISPUTES) revert CallerNotCourt(msg.sender);
        _;
    }

    constructor(IComputationAllocator allocator, IProcessorRegistry registry, address challenges, address disputes) {
        ALLOCATOR = allocator;
        REGISTRY = registry;
        // slither-disable-start missing-zero-check (with no courts, nothing is ever penalised)
        CHALLENGES = challenges;
        DISPUTES = disputes;
        // slither-disable-end missing-zero-check
    }

    /// @inheritdoc IBonds
    function bond(ProcessorId processor) external payable onlyOperator(processor) {
        Bond storage b = _bonds[processor];
        uint256 amount = b.amount + msg.value;
        b.amount = uint128(amount);
        b.freeAt = 0;
        emit BondAdded(processor, msg.sender, msg.value);
        if (amount >= ALLOCATOR.policy().minimumBond) REGISTRY.setBonded(processor, true);
    }

    /// @inheritdoc IBonds
    function beginUnbonding(ProcessorId processor) external onlyOperator(processor) {
        uint256 leased = REGISTRY.leasedQubitsOf(processor);
        if (leased != 0) revert ProcessorLeased(processor, leased);
        // Whatever it has answered was judged by now, and can be challenged for this long.
        uint40 freeAt = uint40(block.timestamp) + ALLOCATOR.policy().challengeSeconds;
        _bonds[processor].freeAt = freeAt;
        emit UnbondingBegun(processor, freeAt);
        REGISTRY.setBonded(processor, false);
    }

    /// @inheritdoc IBonds
    function unbond(ProcessorId processor) external onlyOperator(processor) {
        Bond storage b = _bonds[processor];
        if (b.freeAt == 0 || block.timestamp <= b.freeAt || b.cases != 0) {
            revert BondNotFree(processor, b.freeAt, b.cases, block.timestamp);
        }
        uint256 amount = b.amount;
        b.amount = 0;
        emit BondRemoved(processor, msg.sender, amount);
        _send(msg.sender, amount);
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
        // slither-disable-next-line arbitrary-send-eth (a court, or the operator who asks for its own bond)
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert BondTransferFailed(to, amount);
    }
}
