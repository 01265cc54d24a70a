// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The consortium: organisations and the accounts that act for them
/// @notice An organisation is the unit of membership, independence and fair share. An account belongs to one
/// organisation at most, and only by its own consent, so nobody can claim a rival's account.
/// @dev Trust: the Processor Certification Authority's role admits and expels, and is trusted to name as admin only
/// an account that has consented; the admin decides whom it invites. Whether two organisations are truly distinct is judged at admission, not here.
interface IConsortium {
    event OrganisationAdmitted(uint24 indexed organisation, address indexed admin, string name, uint32 weight);
    event OrganisationExpelled(uint24 indexed organisation);
    event OrganisationWeighted(uint24 indexed organisation, uint32 weight);
    event AccountInvited(uint24 indexed organisation, address indexed account);
    event AccountJoined(uint24 indexed organisation, address indexed account);
    event AccountLeft(uint24 indexed organisation, address indexed account);

    /// @notice `account` already belongs to `organisation`.
    error AccountTaken(address account, uint24 organisation);
    /// @notice `account` has no invitation to `organisation`.
    error AccountNotInvited(address account, uint24 organisation);
    /// @notice `account` belongs to no admitted organisation.
    error AccountNotInConsortium(address account);
    /// @notice `account` is not the admin `admin` of `organisation`.
    error AccountNotAdmin(address account, uint24 organisation, address admin);
    /// @notice `organisation` was never admitted, or has been expelled.
    error OrganisationNotAdmitted(uint24 organisation);
    /// @notice A fair-share weight is at least 1.
    error WeightZero();

    struct Organisation {
        address admin;
        /// Relative claim on the consortium's capacity.
        uint32 weight;
        bool admitted;
        string name;
    }

    /// @notice Admits an organisation whose first account is `admin`. Role: Processor Certification Authority.
    function admit(string calldata name, address admin, uint32 weight) external returns (uint24 organisation);

    /// @notice Ends membership: the organisation's accounts can no longer submit or register. Its processors are
    /// suspended separately, so that running computations end in order. Role: Processor Certification Authority.
    function expel(uint24 organisation) external;

    /// @notice Sets a fair-share weight. Role: Quantum Resource Allocation Committee.
    function setWeight(uint24 organisation, uint32 weight) external;

    /// @notice Invites `account` into the caller's organisation. Its admin only.
    function invite(address account) external;

    /// @notice Accepts an invitation. The invited account only.
    function join(uint24 organisation) external;

    /// @notice Leaves the organisation. Any member, but the admin only after its expulsion.
    function resign() external;

    /// @notice Organisation that `account` acts for; 0 when none or expelled.
    function organisationOf(address account) external view returns (uint24);

    /// @notice The record of `organisation`.
    function organisations(uint24 organisation) external view returns (Organisation memory);

    /// @notice Organisations ever admitted; ids run from 1.
    function organisationCount() external view returns (uint24);
}
