// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {ILinks} from "./interfaces/ILinks.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {Actor} from "./libraries/Actor.sol";
import {Payout} from "./libraries/Payout.sol";
import {Link, LinkId} from "./lifecycle/Channel.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title Links
/// @notice See ILinks.
/// @dev Who makes pairs, and what processors put down for them. What happens to that is the business of channels.
abstract contract Links is ILinks {
    using Payout for IComputationAllocator;

    IConsortium public immutable CONSORTIUM;
    IProcessorRegistry public immutable REGISTRY;
    IComputationAllocator public immutable ALLOCATOR;
    IHashKeys public immutable HASH_KEYS;
    address public immutable COORDINATOR;
    /// @dev What a deposit has beyond the price of the pairs: silence costs something where they are free.
    uint256 internal immutable MARGIN;

    /// @inheritdoc ILinks
    uint32 public linkCount;
    /// @inheritdoc ILinks
    mapping(ProcessorId => uint256) public purseOf;

    mapping(LinkId => Link) internal _links;

    constructor(IConsortium consortium, IComputationAllocator allocator, address coordinator) {
        CONSORTIUM = consortium;
        ALLOCATOR = allocator;
        IProcessorRegistry registry = allocator.REGISTRY();
        REGISTRY = registry;
        HASH_KEYS = registry.HASH_KEYS();
        // slither-disable-next-line missing-zero-check (nobody calls from the zero address)
        COORDINATOR = coordinator;
        MARGIN = 10 * allocator.KEEPER_BOUNTY();
    }

    modifier onlyCoordinator() {
        if (msg.sender != COORDINATOR) revert CallerNotCoordinator(msg.sender);
        _;
    }

    /// @inheritdoc ILinks
    function openLink(bytes32 descriptorDigest, bytes32 endpointDigest, uint64 pricePerPair)
        external
        payable
        returns (LinkId link)
    {
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert LinkOperatorNotInConsortium(msg.sender);
        link = LinkId.wrap(++linkCount);
        Link storage l = _links[link];
        (l.operator, l.pricePerPair, l.stake) = (msg.sender, pricePerPair, uint96(msg.value));
        emit LinkOpened(
            link, msg.sender, organisation, pricePerPair, msg.value, descriptorDigest, endpointDigest
        );
    }

    /// @inheritdoc ILinks
    function stake(LinkId link) external payable {
        Link storage l = _openLink(link);
        l.stake += uint96(msg.value);
        emit LinkStaked(link, l.stake);
    }

    /// @inheritdoc ILinks
    function unstake(LinkId link, uint96 amount) external {
        Link storage l = _ownLink(link);
        uint256 free = l.stake - l.reserved;
        if (amount > free) revert LinkStakeTooSmall(link, free, amount);
        l.stake -= amount;
        emit LinkStaked(link, l.stake);
        ALLOCATOR.pay(msg.sender, amount);
    }

    /// @inheritdoc ILinks
    function closeLink(LinkId link) external {
        Link storage l = _ownLink(link);
        if (l.reserved != 0) revert LinkInUse(link, l.reserved);
        uint256 refund = l.stake;
        l.stake = 0;
        l.closed = true;
        emit LinkClosed(link, refund);
        ALLOCATOR.pay(msg.sender, refund);
    }

    /// @inheritdoc ILinks
    function fund(ProcessorId processor) external payable {
        _spend(processor, 0);
    }

    /// @inheritdoc ILinks
    function withdraw(ProcessorId processor, uint256 amount) external {
        address operator = REGISTRY.operatorOf(processor);
        (address account, bool proven) = Actor.behind(address(HASH_KEYS));
        if (account != operator) revert CallerNotOfProcessor(processor, account, address(0), operator);
        _requireProven(account, proven);
        _spend(processor, amount);
        emit PurseEmptied(processor, operator, amount);
        ALLOCATOR.pay(operator, amount);
    }

    /// @inheritdoc ILinks
    function draw(ProcessorId processor, uint256 amount) external onlyCoordinator {
        _spend(processor, amount);
        Payout.handOver(COORDINATOR, amount);
    }

    /// @inheritdoc ILinks
    function depositOf(LinkId link, uint256 pairs) external view returns (uint256) {
        return _links[link].pricePerPair * pairs + MARGIN;
    }

    /// @inheritdoc ILinks
    function linkOf(LinkId link) external view returns (Link memory) {
        return _links[link];
    }

    function _credit(ProcessorId processor, uint256 amount) internal {
        purseOf[processor] += amount;
    }

    /// @dev Puts what was sent into a purse and takes `amount` out of it.
    function _spend(ProcessorId processor, uint256 amount) internal {
        uint256 available = purseOf[processor] + msg.value;
        if (available < amount) revert PurseTooSmall(processor, available, amount);
        purseOf[processor] = available - amount;
        if (msg.value != 0) emit PurseFunded(processor, msg.sender, msg.value);
    }

    /// @dev Reverts unless the caller is the daemon or the operator of `processor`, by its hash key if it has one.
    function _requireParty(ProcessorId processor) internal view {
        (address account, bool proven) = Actor.behind(address(HASH_KEYS));
        (address daemon, bool keyed) = REGISTRY.reporterOf(processor);
        if (account == daemon) {
            if (keyed && !proven) revert Actor.HashSignatureRequired(account, address(HASH_KEYS));
            return;
        }
        address operator = REGISTRY.operatorOf(processor);
        if (account != operator) revert CallerNotOfProcessor(processor, account, daemon, operator);
        _requireProven(account, proven);
    }

    function _requireProven(address operator, bool proven) internal view {
        if (!proven && HASH_KEYS.wordOf(operator) != 0) {
            revert Actor.HashSignatureRequired(operator, address(HASH_KEYS));
        }
    }

    /// @dev The link `link`, over which channels can be had.
    function _openLink(LinkId link) internal view returns (Link storage l) {
        l = _links[link];
        if (l.operator == address(0) || l.closed) revert LinkNotOpen(link);
    }

    function _ownLink(LinkId link) internal view returns (Link storage l) {
        l = _openLink(link);
        if (msg.sender != l.operator) revert CallerNotLinkOperator(link, msg.sender, l.operator);
    }
}
