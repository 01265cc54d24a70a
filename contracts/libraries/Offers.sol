// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOffers, Terms} from "../interfaces/IOffers.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Roster} from "./Roster.sol";

/// @title What processors ask for their work
/// @notice That there is an offer stands in the Standing, which a draw reads anyway; what it is, in the Terms, which it
/// reads of no other processor for the price. One that has expired stays, and is not drawn on.
library Offers {
    /// @notice Makes an offer in place of the one before.
    function offer(Roster.State storage self, ProcessorId processor, uint64 price, uint80 minimum, uint40 expiresAt)
        internal
    {
        if (price == 0 || expiresAt <= block.timestamp) {
            revert IOffers.OfferInvalid(processor, price, expiresAt, block.timestamp);
        }
        self.standings[processor].offered = true;
        Terms storage terms = self.terms[processor];
        terms.price = price;
        terms.minimum = minimum;
        terms.offerExpiresAt = expiresAt;
        emit IOffers.OfferMade(processor, price, minimum, expiresAt);
    }

    /// @notice Takes the offer back, if there is one.
    function withdrawOffer(Roster.State storage self, ProcessorId processor) internal {
        self.standings[processor].offered = false;
        emit IOffers.OfferWithdrawn(processor);
    }
}
