// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuditTrail} from "../interfaces/IAuditTrail.sol";
import {Tempo, Waiver} from "../interfaces/ICommittee.sol";
import {IHashKeys} from "../interfaces/IHashKeys.sol";
import {Actor} from "../libraries/Actor.sol";
import {Assembly} from "./Assembly.sol";

/// @title Committee
/// @notice See ICommittee. One contract, deployed five times: as Quantum Resource Allocation Committee, Processor
/// Certification Authority, Quantum Security Working Group, Verification Standards Board and Dispute Resolution Council. Each
/// holds one role in the Authority, and no other account does.
contract Committee is Assembly {
    /// No account alone decides in a body that is in earnest.
    uint256 private constant LEAST_QUORUM = 2;

    /// Who may call what: roles are the Constitution's to change.
    address public immutable AUTHORITY;
    /// The contract of hash keys.
    address public immutable DOOR;
    /// @notice Whether less than a majority, one vote even, may carry a motion: for development and tests. A body in
    /// earnest has this false.
    bool public immutable MINORITY_ALLOWED;

    /// @notice What a committee is deployed with. Its role is granted to its address; see the plan of deployment.
    struct Foundation {
        string title;
        IAuditTrail auditTrail;
        address authority;
        address door;
        address constitution;
        bool minorityAllowed;
        address[] members;
        uint8 quorum;
        Tempo tempo;
        Waiver[] waivers;
    }

    constructor(Foundation memory foundation)
        Assembly(foundation.title, foundation.auditTrail, foundation.constitution, foundation.minorityAllowed)
    {
        AUTHORITY = foundation.authority;
        DOOR = foundation.door;
        MINORITY_ALLOWED = foundation.minorityAllowed;
        _setTempo(foundation.tempo);
        _waive(foundation.waivers);
        for (uint256 i; i < foundation.members.length && !foundation.minorityAllowed; ++i) {
            _requireKey(foundation.members[i]);
        }
        _compose(foundation.members, foundation.quorum);
    }

    /// @dev A majority, and never one alone.
    function leastQuorum(uint256 size) public view override returns (uint256) {
        if (MINORITY_ALLOWED) return 1;
        uint256 majority = size / 2 + 1;
        return majority < LEAST_QUORUM ? LEAST_QUORUM : majority;
    }

    function _actor() internal view override returns (address) {
        return Actor.proven(DOOR);
    }

    function _requireKey(address member) internal view override {
        // slither-disable-next-line calls-loop (a view of the suite; a composition has at most MAX_MEMBERS)
        if (IHashKeys(DOOR).wordOf(member) == 0) revert MemberKeyMissing(member);
    }

    function _isForbidden(address target) internal view override returns (bool) {
        return target == AUTHORITY;
    }
}
