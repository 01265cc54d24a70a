// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";

/// @title Consortium
/// @notice See IConsortium.
contract Consortium is IConsortium, AccessManaged {
    IAuditTrail public immutable AUDIT_TRAIL;

    /// @inheritdoc IConsortium
    uint24 public organisationCount;

    mapping(uint24 organisation => Organisation) private _organisations;
    mapping(address account => uint24) private _organisationOf;
    mapping(address account => mapping(uint24 organisation => bool)) private _invited;

    constructor(address authority, IAuditTrail auditTrail) AccessManaged(authority) {
        AUDIT_TRAIL = auditTrail;
    }

    /// @inheritdoc IConsortium
    function admit(string calldata name, address admin, uint32 weight)
        external
        restricted
        returns (uint24 organisation)
    {
        if (weight == 0) revert WeightZero();
        organisation = ++organisationCount;
        _organisations[organisation] = Organisation({admin: admin, weight: weight, admitted: true, name: name});
        emit OrganisationAdmitted(organisation, admin, name, weight);
        _assign(admin, organisation);
        AUDIT_TRAIL.append(
            Decision.OrganisationAdmitted, organisation, keccak256(abi.encode(organisation, admin, name, weight))
        );
    }

    /// @inheritdoc IConsortium
    function expel(uint24 organisation) external restricted {
        _requireAdmitted(organisation);
        _organisations[organisation].admitted = false;
        emit OrganisationExpelled(organisation);
        AUDIT_TRAIL.append(Decision.OrganisationExpelled, organisation, keccak256(abi.encode(organisation)));
    }

    /// @inheritdoc IConsortium
    function setWeight(uint24 organisation, uint32 weight) external restricted {
        if (weight == 0) revert WeightZero();
        _requireAdmitted(organisation);
        _organisations[organisation].weight = weight;
        emit OrganisationWeighted(organisation, weight);
    }

    /// @inheritdoc IConsortium
    function invite(address account) external {
        uint24 organisation = organisationOf(msg.sender);
        if (organisation == 0) revert AccountNotInConsortium(msg.sender);
        address admin = _organisations[organisation].admin;
        if (msg.sender != admin) revert AccountNotAdmin(msg.sender, organisation, admin);
        _invited[account][organisation] = true;
        emit AccountInvited(organisation, account);
    }

    /// @inheritdoc IConsortium
    function join(uint24 organisation) external {
        if (!_invited[msg.sender][organisation]) revert AccountNotInvited(msg.sender, organisation);
        _requireAdmitted(organisation);
        delete _invited[msg.sender][organisation];
        _assign(msg.sender, organisation);
    }

    /// @inheritdoc IConsortium
    function resign() external {
        uint24 organisation = _organisationOf[msg.sender];
        if (organisation == 0) revert AccountNotInConsortium(msg.sender);
        Organisation storage left = _organisations[organisation];
        // An expelled organisation needs no admin, whose account may be admitted anew.
        if (left.admitted && msg.sender == left.admin) revert AccountTaken(msg.sender, organisation);
        delete _organisationOf[msg.sender];
        emit AccountLeft(organisation, msg.sender);
    }

    /// @inheritdoc IConsortium
    function organisationOf(address account) public view returns (uint24 organisation) {
        organisation = _organisationOf[account];
        if (!_organisations[organisation].admitted) organisation = 0;
    }

    /// @inheritdoc IConsortium
    function organisations(uint24 organisation) external view returns (Organisation memory) {
        return _organisations[organisation];
    }

    function _assign(address account, uint24 organisation) private {
        uint24 present = _organisationOf[account];
        if (present != 0) revert AccountTaken(account, present);
        _organisationOf[account] = organisation;
        emit AccountJoined(organisation, account);
    }

    function _requireAdmitted(uint24 organisation) private view {
        if (!_organisations[organisation].admitted) revert OrganisationNotAdmitted(organisation);
    }
}
