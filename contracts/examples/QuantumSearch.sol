// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "../interfaces/IComputationAllocator.sol";
import {IConsortium} from "../interfaces/IConsortium.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IOutcomesConsumer, IResultConsumer} from "../interfaces/IResultConsumer.sol";
import {IResultDelivery} from "../interfaces/IResultDelivery.sol";
import {Request} from "../libraries/Admission.sol";
import {ComputationId, ComputationStatus} from "../lifecycle/Computation.sol";

/// @title A contract that has a quantum search run, and acts on what was found
/// @notice What a consumer of QCRS needs, and no more:
/// 1. An organisation's admin invites it (Consortium.invite) and its owner lets it `join`: now it may submit.
/// 2. `search` pays for a computation and subscribes to its result and to its most frequent outcomes.
/// 3. Its owner, who made the request's secret, discloses it in time (ResultVerifier.disclose).
/// 4. `onResult` and `onOutcomes` are called once all challenges are over, by whoever delivers.
/// 5. What was not spent is `reclaim`ed.
contract QuantumSearch is IResultConsumer, IOutcomesConsumer {
    uint32 private constant CALLBACK_GAS = 100_000;
    /// Of the shots, in 1e-4, that the outcomes shown make up at least.
    uint16 private constant COVERAGE = 5_000;

    address public immutable OWNER;
    IResultDelivery public immutable DELIVERY;
    IComputationAllocator public immutable ALLOCATOR;

    mapping(ComputationId => ComputationStatus) public statusOf;
    /// What was found, plus 1; 0 when nothing was.
    mapping(ComputationId => uint256) private _found;

    event SearchEnded(ComputationId indexed computation, ComputationStatus status);
    event ItemFound(ComputationId indexed computation, uint256 item, uint256 count, uint256 shots);

    error CallerNotOwner(address account);
    error CallerNotDelivery(address account);
    error NothingFound(ComputationId computation);

    modifier onlyOwner() {
        if (msg.sender != OWNER) revert CallerNotOwner(msg.sender);
        _;
    }

    // Without this, anyone could tell the contract anything.
    modifier onlyDelivery() {
        if (msg.sender != address(DELIVERY)) revert CallerNotDelivery(msg.sender);
        _;
    }

    constructor(IResultDelivery delivery) {
        OWNER = msg.sender;
        DELIVERY = delivery;
        ALLOCATOR = delivery.ALLOCATOR();
    }

    /// @dev What `reclaim` withdraws.
    receive() external payable {}

    /// @notice Becomes an account of the organisation that invited this contract.
    function join(IConsortium consortium, uint24 organisation) external onlyOwner {
        consortium.join(organisation);
    }

    /// @notice Pays for a search, at least ALLOCATOR.quote, and asks to be told what comes of it.
    function search(Request calldata request) external payable onlyOwner returns (ComputationId id) {
        id = ALLOCATOR.submit{value: msg.value}(request);
        DELIVERY.subscribe(id, address(this), CALLBACK_GAS, true);
        DELIVERY.subscribeToOutcomes(id, address(this), CALLBACK_GAS, true, COVERAGE);
    }

    /// @inheritdoc IResultConsumer
    function onResult(ComputationId id, ComputationStatus status, bytes32, uint256) external onlyDelivery {
        statusOf[id] = status;
        emit SearchEnded(id, status);
    }

    /// @inheritdoc IOutcomesConsumer
    function onOutcomes(ComputationId id, uint256[] calldata outcomes, uint256[] calldata counts, uint256 shots)
        external
        onlyDelivery
    {
        // The delivery has made sure that the most frequent outcome of all is among those shown.
        uint256 best;
        for (uint256 i = 1; i < counts.length; ++i) {
            if (counts[i] > counts[best]) best = i;
        }
        _found[id] = outcomes[best] + 1;
        emit ItemFound(id, outcomes[best], counts[best], shots);
    }

    /// @notice What the search found.
    function found(ComputationId id) external view returns (uint256) {
        if (_found[id] == 0) revert NothingFound(id);
        return _found[id] - 1;
    }

    /// @notice Hands the owner what the allocator holds available for this contract.
    function reclaim() external onlyOwner {
        // slither-disable-next-line unused-return (what is locked cannot be had)
        (uint256 available,) = ALLOCATOR.balanceOf(address(this));
        ALLOCATOR.withdraw(available);
        uint256 amount = address(this).balance;
        (bool taken,) = OWNER.call{value: amount}("");
        if (!taken) revert IEscrow.TransferFailed(OWNER, amount);
    }
}
