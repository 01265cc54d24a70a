// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Priority} from "../libraries/FairQueue.sol";

/// @notice Whom an organisation lets run its computations.
enum Screen {
    /// Every processor.
    Everyone,
    /// Those of all organisations but the listed ones.
    Except,
    /// Those of the listed organisations alone.
    Only
}

/// @title The consortium: organisations and the accounts that act for them
/// @notice An organisation is the unit of membership, independence and fair share. An account belongs to one
/// organisation at most, and only by its own consent, so nobody can claim a rival's account.
/// Here is also what each has asked of each noise class: `bill` gives every submission its start tag (see FairQueue)
/// and takes what is not routine from the organisation's quota.
/// @dev Trust: the Processor Certification Authority's role admits and expels, and is trusted to name as admin only
/// an account that has consented; the admin decides whom it invites. Whether two organisations are truly distinct is judged at admission, not here.
interface IConsortium {
    event OrganisationAdmitted(uint24 indexed organisation, address indexed admin, string name, uint32 weight);
    event OrganisationExpelled(uint24 indexed organisation);
    event OrganisationWeighted(uint24 indexed organisation, uint32 weight);
    event AccountInvited(uint24 indexed organisation, address indexed account);
    event AccountJoined(uint24 indexed organisation, address indexed account);
    event AccountLeft(uint24 indexed organisation, address indexed account);
    event OrderChosen(uint24 indexed organisation, bool shortestFirst);
    event ScreenChosen(uint24 indexed organisation, Screen screen);
    /// @notice `other` is on the list of `organisation`, or no longer.
    event OrganisationListed(uint24 indexed organisation, uint24 indexed other, bool listed);
    /// @notice Cost units that may be submitted at each priority in a period of QUOTA_SECONDS.
    event QuotaGranted(uint24 indexed organisation, uint56 elevated, uint56 critical);

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
    /// @notice A fair-share weight is 1 to 2^16.
    error WeightOutOfRange(uint256 weight, uint256 maximum);
    /// @notice `account` is not the allocator.
    error CallerNotQueueKeeper(address account);
    /// @notice `organisation` has `left` cost units of its quota at `priority` until the period ends at `renewsAt`;
    /// `cost` are needed. The Quantum Resource Allocation Committee grants quotas.
    error QuotaExhausted(
        uint24 organisation, Priority priority, uint256 cost, uint256 left, uint256 renewsAt
    );

    struct Organisation {
        address admin;
        /// Relative claim on the consortium's capacity.
        uint32 weight;
        bool admitted;
        /// Whether shorter computations of its own may take the place of longer ones.
        bool shortestFirst;
        Screen screen;
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

    /// @notice Chooses the order among an organisation's own computations. Its admin only.
    function chooseOrder(bool shortestFirst) external;

    /// @notice Chooses whom an organisation lets run its computations; holds for what is submitted from then on, as far as
    /// it had a list before. Its admin only.
    function chooseScreen(Screen screen) external;

    /// @notice Puts organisations on the list of the caller's, or takes them off. Its admin only.
    function list(uint24[] calldata others, bool listed) external;

    /// @notice Grants cost units for each period; what is not used expires with it.
    /// Role: Quantum Resource Allocation Committee.
    function grantQuota(uint24 organisation, uint56 elevated, uint56 critical) external;

    /// @notice Charges the organisation of `account` with `cost` in a noise class, and places the computation. Allocator
    /// only.
    /// @param virtualTime Of the queue, in tag units. @param idle Whether nobody waits in it: then nobody is owed anything.
    /// @return number Of the account: see accountOf.
    /// @return organisation 0 when the account belongs to none, and nothing was charged.
    /// @return screened Whether the organisation has a list of whom it works with.
    /// @return tag Effective start tag: see FairQueue.
    function bill(
        address account,
        uint8 noiseClass,
        uint256 cost,
        Priority priority,
        uint256 virtualTime,
        bool idle
    ) external returns (uint32 number, uint24 organisation, bool screened, uint256 tag);

    /// @notice Where the next computation of `organisation` in a noise class starts at the earliest, in tag units.
    function finishOf(uint24 organisation, uint8 noiseClass) external view returns (uint96);

    /// @notice Cost units left of the running period's quota, and when the next begins, unix seconds.
    function quotaOf(uint24 organisation) external view returns (uint256 elevated, uint256 critical, uint256 renewsAt);

    /// @notice Whether `organisation` does not let processors of `other` run its computations.
    function isScreened(uint24 organisation, uint24 other) external view returns (bool);

    /// @notice Whether shorter computations of `organisation` may take the place of longer ones.
    function isShortestFirst(uint24 organisation) external view returns (bool);

    /// @notice The account with a number. Accounts keep theirs for good.
    function accountOf(uint32 number) external view returns (address);

    /// @notice Organisation that `account` acts for; 0 when none or expelled.
    function organisationOf(address account) external view returns (uint24);

    /// @notice The record of `organisation`.
    function organisations(uint24 organisation) external view returns (Organisation memory);

    /// @notice Organisations ever admitted; ids run from 1.
    function organisationCount() external view returns (uint24);
}
