// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {AuditEntry, AuditProof, Inclusion} from "./libraries/AuditProof.sol";
import {MountainRange} from "./libraries/MountainRange.sol";

/// @title AuditTrail
/// @notice See IAuditTrail.
contract AuditTrail is IAuditTrail {
    using MountainRange for MountainRange.Range;

    // Contracts that may append. In code, not in storage: every decision pays for looking them up.
    address private immutable CONSORTIUM;
    address private immutable REGISTRY;
    address private immutable ALLOCATOR;
    address private immutable DISPUTES;
    address private immutable RESERVATIONS;
    address private immutable CHANNELS;
    address private immutable COORDINATOR;
    address private immutable FIRST_BODY;
    address private immutable SECOND_BODY;
    address private immutable THIRD_BODY;
    address private immutable FOURTH_BODY;
    address private immutable FIFTH_BODY;
    address private immutable CONSTITUTION;

    MountainRange.Range private _pages;
    bytes24 private _head;
    uint64 private _size;

    /// @param bodies The committees and the Constitution; the zero address for each that there is not.
    constructor(
        address consortium,
        address registry,
        address allocator,
        address disputes,
        address reservations,
        address channels,
        address coordinator,
        address[6] memory bodies
    ) {
        // slither-disable-start missing-zero-check (nobody calls from the zero address)
        CONSORTIUM = consortium;
        REGISTRY = registry;
        ALLOCATOR = allocator;
        DISPUTES = disputes;
        RESERVATIONS = reservations;
        CHANNELS = channels;
        COORDINATOR = coordinator;
        FIRST_BODY = bodies[0];
        SECOND_BODY = bodies[1];
        THIRD_BODY = bodies[2];
        FOURTH_BODY = bodies[3];
        FIFTH_BODY = bodies[4];
        CONSTITUTION = bodies[5];
        // slither-disable-end missing-zero-check
    }

    /// @inheritdoc IAuditTrail
    function append(Decision decision, uint64 subject, bytes32 digest) external {
        if (!isRecorder(msg.sender)) revert RecorderUnknown(msg.sender);
        uint64 index = _size;
        bytes32 link = AuditProof.linkOf(_head, AuditProof.leafOf(index, decision, subject, msg.sender, digest));
        _head = bytes24(link);
        uint64 size = index + 1;
        _size = size;
        if (size % AuditProof.PAGE == 0) _pages.append(index / AuditProof.PAGE, link);
        emit EntryAppended(index, decision, subject, msg.sender, digest);
    }

    /// @notice Whether `account` is a contract that may append.
    function isRecorder(address account) public view returns (bool) {
        return account == ALLOCATOR || account == REGISTRY || account == CONSORTIUM || account == DISPUTES
            || account == RESERVATIONS || account == CHANNELS || account == COORDINATOR || _isBody(account);
    }

    /// @dev Asked last: what computations cost does not include it.
    function _isBody(address account) private view returns (bool) {
        return account == FIRST_BODY || account == SECOND_BODY || account == THIRD_BODY || account == FOURTH_BODY
            || account == FIFTH_BODY || account == CONSTITUTION;
    }

    /// @inheritdoc IAuditTrail
    function head() external view returns (bytes24 digest, uint64 size) {
        return (_head, _size);
    }

    /// @inheritdoc IAuditTrail
    function root() public view returns (bytes32) {
        return _pages.root(_size / AuditProof.PAGE, AuditProof.sealOf(_size, _head));
    }

    /// @inheritdoc IAuditTrail
    function contains(AuditEntry calldata entry, Inclusion calldata inclusion) external view returns (bool) {
        return AuditProof.includes(root(), entry, inclusion);
    }
}
