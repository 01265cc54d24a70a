// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may call what, and with what delay
/// @notice One role for each governance body. Contracts mark their privileged functions `restricted`; which role a
/// function belongs to is set here, at deployment.
/// @dev Each role is held by one body, and all are the Constitution's to change: see Committee and Constitution. A
/// devnet may give roles to plain accounts instead; trust those accordingly.
contract Authority is AccessManager {
    /// Quantum Resource Allocation Committee: prices, windows of a round, weights, quotas, treasury.
    uint64 public constant RESOURCE_ALLOCATION = 1;
    /// Processor Certification Authority: admission of organisations, approval of capability.
    uint64 public constant PROCESSOR_CERTIFICATION = 2;
    /// Quantum Security Working Group: suspension, pause of new work.
    uint64 public constant QUANTUM_SECURITY = 3;
    /// Dispute Resolution Council: rulings on what cannot be proven.
    uint64 public constant DISPUTE_RESOLUTION = 4;
    /// Verification Standards Board: times to challenge and to respond, bonds, what a fault costs.
    uint64 public constant VERIFICATION_STANDARDS = 5;

    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
