// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Link, LinkId} from "../lifecycle/Channel.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title Links, and the purses of those that use them
/// @notice A link is a service that makes entangled pairs between processors. Its operator puts a stake down, of which
/// so much is behind each channel until its money is divided, and to which it adds what it earns.
/// A processor has a purse: anyone may `fund` it, its operator alone takes out of it, and channels and sessions take
/// deposits and fees from it, and return them to it. What is sent along with a call goes into the purse first; so calls
/// through the door of hash keys, which carry no coin, can be made as well.
interface ILinks {
    event LinkOpened(
        LinkId indexed link,
        address indexed operator,
        uint24 indexed organisation,
        uint64 pricePerPair,
        uint256 stake,
        bytes32 descriptorDigest,
        bytes32 endpointDigest
    );
    /// @notice Somebody has put in, or the operator taken out, so that the stake is now `stake` wei.
    event LinkStaked(LinkId indexed link, uint256 stake);
    event LinkClosed(LinkId indexed link, uint256 refund);
    event PurseFunded(ProcessorId indexed processor, address indexed from, uint256 amount);
    event PurseEmptied(ProcessorId indexed processor, address indexed operator, uint256 amount);

    /// @notice `account` belongs to no admitted organisation.
    error LinkOperatorNotInConsortium(address account);
    /// @notice `account` is not the link's operator `operator`.
    error CallerNotLinkOperator(LinkId link, address account, address operator);
    /// @notice No channel can be had over the link: it is closed, or was never opened.
    error LinkNotOpen(LinkId link);
    /// @notice `reserved` wei of the link's stake are behind channels.
    error LinkInUse(LinkId link, uint256 reserved);
    /// @notice Of the link's stake `free` wei are behind nothing, `needed` are asked for.
    error LinkStakeTooSmall(LinkId link, uint256 free, uint256 needed);
    /// @notice `account` is neither the daemon `daemon` nor the operator `operator` of `processor`.
    error CallerNotOfProcessor(ProcessorId processor, address account, address daemon, address operator);
    /// @notice The purse of `processor` has `available` wei, `needed` are asked for.
    error PurseTooSmall(ProcessorId processor, uint256 available, uint256 needed);
    /// @notice `account` is not the contract of sessions.
    error CallerNotCoordinator(address account);

    /// @notice Opens a link, with what is sent as its stake. An account of an admitted organisation.
    /// @param descriptorDigest Of the link file: rate, fidelity, loss, memory time, and whether it is emulated.
    /// @param endpointDigest Of the document that tells where the service is reached.
    function openLink(bytes32 descriptorDigest, bytes32 endpointDigest, uint64 pricePerPair)
        external
        payable
        returns (LinkId link);

    /// @notice Adds what is sent to the link's stake. Anyone.
    function stake(LinkId link) external payable;

    /// @notice Takes wei that are behind nothing out of the link's stake. Its operator only.
    function unstake(LinkId link, uint96 amount) external;

    /// @notice Ends a link of whose stake nothing is behind a channel, and returns it. Its operator only.
    function closeLink(LinkId link) external;

    /// @notice Adds what is sent to the purse of a processor. Anyone.
    function fund(ProcessorId processor) external payable;

    /// @notice Takes wei out of the purse, into the operator's balance in the escrow. Its operator only.
    function withdraw(ProcessorId processor, uint256 amount) external;

    /// @notice Takes a deposit for a session out of the purse. Contract of sessions only, which gets it.
    function draw(ProcessorId processor, uint256 amount) external;

    /// @notice Wei that each end of a channel puts down for `pairs` over a link, and that the link's operator has at
    /// stake for it: their price and ten keeper's bounties.
    function depositOf(LinkId link, uint256 pairs) external view returns (uint256);

    /// @notice The record of a link.
    function linkOf(LinkId link) external view returns (Link memory);

    /// @notice Wei of a processor here that are free.
    function purseOf(ProcessorId processor) external view returns (uint256);

    /// @notice Links ever opened; ids run from 1.
    function linkCount() external view returns (uint32);
}
