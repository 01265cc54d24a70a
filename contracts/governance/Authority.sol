// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may call what, and with what delay
/// @notice One role for each governance body. Contracts mark their privileged functions `restricted`; which role a
/// function belongs to is set here, at deployment.
/// @dev In this version each role is held by the account named at deployment; trust that account accordingly.
contract Authority is AccessManager {
    /// Quantum Resource Allocation Committee: prices, time windows, weights, treasury.
    uint64 public constant RESOURCE_ALLOCATION = 1;
    /// Processor Certification Authority: admission of organisations, approval of capability.
    uint64 public constant PROCESSOR_CERTIFICATION = 2;
    /// Quantum Security Working Group: suspension.
    uint64 public constant QUANTUM_SECURITY = 3;
    /// Dispute Resolution Council: rulings on what cannot be proven.
    uint64 public constant DISPUTE_RESOLUTION = 4;

    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
