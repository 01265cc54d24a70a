// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "../lifecycle/Processor.sol";

/// @notice What a processor is drawn by beside its noise class and qubits: approved, and offered.
struct Terms {
    uint8 quantumVolumeLog2;
    uint8 profile;
    uint32 twoQubitErrorPpm;
    /// Wei a qubit-shot that it asks at least.
    uint64 price;
    /// Wei that it asks for a computation at least.
    uint80 minimum;
    /// When the offer ends, unix seconds: then nothing is drawn on it.
    uint40 offerExpiresAt;
}

/// @title The offers of processors
/// @notice What they ask for their work. Who has no offer asks the policy's price, as it is when a computation is
/// submitted. All that run a computation are paid what its requester bids.
interface IOffers {
    event OfferMade(ProcessorId indexed processor, uint64 price, uint80 minimum, uint40 expiresAt);
    event OfferWithdrawn(ProcessorId indexed processor);

    /// @notice An offer has a price, and ends after `timestamp`.
    error OfferInvalid(ProcessorId processor, uint64 price, uint40 expiresAt, uint256 timestamp);

    /// @notice Asks for `price` wei a qubit-shot and at least `minimum` wei a computation, until `expiresAt`.
    /// Operator only.
    function offer(ProcessorId processor, uint64 price, uint80 minimum, uint40 expiresAt) external;

    /// @notice Asks the policy's price again. Operator only.
    function withdrawOffer(ProcessorId processor) external;

    /// @notice What `processor` is drawn by beside its noise class and qubits.
    function termsOf(ProcessorId processor) external view returns (Terms memory);
}
