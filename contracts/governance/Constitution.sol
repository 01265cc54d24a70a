// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditTrail} from "../interfaces/IAuditTrail.sol";
import {ICommittee, Tempo, Waiver} from "../interfaces/ICommittee.sol";
import {Assembly} from "./Assembly.sol";

/// @title Constitution
/// @notice The body of bodies: its members are the committees, and four in five of them carry a motion. Each committee
/// proposes and votes by a motion of its own, which is where hash keys are asked for. It alone administers the Authority
/// (who holds which role, which function belongs to which), sets how long each body takes, and can compose a body anew
/// that no longer can or should itself. To annul what a body has carried needs no delay; all else does.
contract Constitution is Assembly {
    /// A motion is carried by at least this share of the bodies, in fifths.
    uint256 private constant FIFTHS = 4;

    constructor(IAuditTrail auditTrail, address[] memory bodies, uint8 quorum_, Tempo memory tempo_)
        Assembly("Constitution", auditTrail, address(this), false)
    {
        _setTempo(tempo_);
        Waiver[] memory waivers = new Waiver[](bodies.length);
        for (uint256 i; i < bodies.length; ++i) {
            waivers[i] = Waiver(bodies[i], ICommittee.annul.selector);
        }
        _waive(waivers);
        _compose(bodies, quorum_);
    }

    /// @dev Four fifths, rounded up.
    function leastQuorum(uint256 size) public pure override returns (uint256) {
        return (size * FIFTHS + 4) / 5;
    }

    /// @dev Committees act for themselves: their members have come through the door.
    function _actor() internal view override returns (address) {
        return msg.sender;
    }

    /// @dev Committees have none: see `_actor`.
    function _requireKey(address) internal view override {}

    function _isForbidden(address) internal pure override returns (bool) {
        return false;
    }
}
