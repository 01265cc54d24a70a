// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Certification, CertificationId, CertificationLifecycle, CertificationStatus
} from "../lifecycle/Certification.sol";

/// @title CertificationLifecycle, callable from tests
contract CertificationLifecycleHarness {
    Certification private _certification;

    /// @notice Tries the edge from `from` to `to`.
    function advance(CertificationId id, CertificationStatus from, CertificationStatus to)
        external
        returns (CertificationStatus)
    {
        _certification.status = from;
        _certification.advance(id, to, 0);
        return _certification.status;
    }

    function sourcesOf(CertificationStatus to) external pure returns (uint256) {
        return CertificationLifecycle.sourcesOf(to);
    }
}
