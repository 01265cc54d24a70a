// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IConsortium, Screen} from "./interfaces/IConsortium.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {Actor} from "./libraries/Actor.sol";
import {FairQueue, Priority} from "./libraries/FairQueue.sol";

/// @title Consortium
/// @notice See IConsortium.
contract Consortium is IConsortium, AccessManaged {
    uint256 public constant QUOTA_SECONDS = 1 days;
    /// Tags are divided by weights: with these, a computation of any size has one.
    uint256 public constant MAX_WEIGHT = 1 << 16;

    IAuditTrail public immutable AUDIT_TRAIL;
    address public immutable ALLOCATOR;
    /// Nobody else asks for it here: what submissions call stays as cheap as it is.
    IHashKeys private immutable HASH_KEYS;

    struct Member {
        uint24 organisation;
        uint32 number;
    }

    struct Quota {
        uint56 elevated;
        uint56 critical;
        uint56 elevatedUsed;
        uint56 criticalUsed;
        /// In which the used ones were used: unix seconds / QUOTA_SECONDS.
        uint32 period;
    }

    /// @inheritdoc IConsortium
    uint24 public organisationCount;
    uint32 private _accountCount;

    mapping(uint24 organisation => Organisation) private _organisations;
    mapping(address account => Member) private _members;
    /// @inheritdoc IConsortium
    mapping(uint32 number => address) public accountOf;
    mapping(address account => mapping(uint24 organisation => bool)) private _invited;
    mapping(uint24 organisation => mapping(uint256 word => uint256)) private _listed;
    mapping(uint24 organisation => Quota) private _quotas;
    /// @inheritdoc IConsortium
    mapping(uint24 organisation => mapping(uint8 noiseClass => uint96)) public finishOf;

    constructor(address authority, IAuditTrail auditTrail, address allocator, IHashKeys hashKeys)
        AccessManaged(authority)
    {
        AUDIT_TRAIL = auditTrail;
        // slither-disable-next-line missing-zero-check (with no allocator, nothing is ever charged)
        ALLOCATOR = allocator;
        HASH_KEYS = hashKeys;
    }

    /// @inheritdoc IConsortium
    function admit(string calldata name, address admin, uint32 weight)
        external
        restricted
        returns (uint24 organisation)
    {
        _requireWeight(weight);
        organisation = ++organisationCount;
        Organisation storage o = _organisations[organisation];
        o.admin = admin;
        o.weight = weight;
        o.admitted = true;
        o.name = name;
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
        _requireWeight(weight);
        _requireAdmitted(organisation);
        _organisations[organisation].weight = weight;
        emit OrganisationWeighted(organisation, weight);
    }

    /// @inheritdoc IConsortium
    function invite(address account) external {
        uint24 organisation = _administered();
        _invited[account][organisation] = true;
        emit AccountInvited(organisation, account);
    }

    /// @inheritdoc IConsortium
    function join(uint24 organisation) external {
        address account = Actor.bound(HASH_KEYS);
        if (!_invited[account][organisation]) revert AccountNotInvited(account, organisation);
        _requireAdmitted(organisation);
        delete _invited[account][organisation];
        _assign(account, organisation);
    }

    /// @inheritdoc IConsortium
    function resign() external {
        address account = Actor.bound(HASH_KEYS);
        uint24 organisation = _members[account].organisation;
        if (organisation == 0) revert AccountNotInConsortium(account);
        Organisation storage left = _organisations[organisation];
        // An expelled organisation needs no admin, whose account may be admitted anew.
        if (left.admitted && account == left.admin) revert AccountTaken(account, organisation);
        _members[account].organisation = 0;
        emit AccountLeft(organisation, account);
    }

    /// @inheritdoc IConsortium
    function chooseOrder(bool shortestFirst) external {
        uint24 organisation = _administered();
        _organisations[organisation].shortestFirst = shortestFirst;
        emit OrderChosen(organisation, shortestFirst);
    }

    /// @inheritdoc IConsortium
    function chooseScreen(Screen screen) external {
        uint24 organisation = _administered();
        _organisations[organisation].screen = screen;
        emit ScreenChosen(organisation, screen);
    }

    /// @inheritdoc IConsortium
    function list(uint24[] calldata others, bool listed) external {
        uint24 organisation = _administered();
        for (uint256 i; i < others.length; ++i) {
            uint24 other = others[i];
            uint256 bit = 1 << (other % 256);
            uint256 word = _listed[organisation][other / 256];
            _listed[organisation][other / 256] = listed ? word | bit : word & ~bit;
            emit OrganisationListed(organisation, other, listed);
        }
    }

    /// @inheritdoc IConsortium
    function grantQuota(uint24 organisation, uint56 elevated, uint56 critical) external restricted {
        _requireAdmitted(organisation);
        _quotas[organisation].elevated = elevated;
        _quotas[organisation].critical = critical;
        emit QuotaGranted(organisation, elevated, critical);
        AUDIT_TRAIL.append(
            Decision.QuotaGranted, organisation, keccak256(abi.encode(organisation, elevated, critical))
        );
    }

    /// @inheritdoc IConsortium
    function bill(
        address account,
        uint8 noiseClass,
        uint256 cost,
        Priority priority,
        uint256 virtualTime,
        bool idle
    ) external returns (uint32 number, uint24 organisation, bool screened, uint256 tag) {
        if (msg.sender != ALLOCATOR) revert CallerNotQueueKeeper(msg.sender);
        Member storage member = _members[account];
        organisation = member.organisation;
        Organisation storage o = _organisations[organisation];
        if (!o.admitted) return (0, 0, false, 0);
        number = member.number;
        screened = o.screen != Screen.Everyone;
        if (priority != Priority.Routine) _draw(organisation, priority, cost);
        mapping(uint8 => uint96) storage finish = finishOf[organisation];
        uint256 start = finish[noiseClass];
        if (idle || start < virtualTime) start = virtualTime;
        unchecked {
            // Costs have 40 bits, tags less than 80. Rounded up: whoever submits little at a time gains nothing by it.
            uint256 step = ((cost << FairQueue.COST_BITS) + o.weight - 1) / o.weight;
            if (step < FairQueue.LEAST_STEP) step = FairQueue.LEAST_STEP;
            finish[noiseClass] = uint96(start + step);
            uint256 credit = FairQueue.creditOf(priority);
            tag = start < virtualTime + credit ? virtualTime : start - credit;
        }
    }

    /// @inheritdoc IConsortium
    function organisationOf(address account) public view returns (uint24 organisation) {
        organisation = _members[account].organisation;
        if (!_organisations[organisation].admitted) organisation = 0;
    }

    /// @inheritdoc IConsortium
    function organisations(uint24 organisation) external view returns (Organisation memory) {
        return _organisations[organisation];
    }

    /// @inheritdoc IConsortium
    function quotaOf(uint24 organisation) external view returns (uint256 elevated, uint256 critical, uint256 renewsAt) {
        Quota memory quota = _quotas[organisation];
        uint256 period = block.timestamp / QUOTA_SECONDS;
        bool fresh = quota.period != period;
        elevated = _left(quota.elevated, fresh ? 0 : quota.elevatedUsed);
        critical = _left(quota.critical, fresh ? 0 : quota.criticalUsed);
        renewsAt = (period + 1) * QUOTA_SECONDS;
    }

    /// @inheritdoc IConsortium
    function isScreened(uint24 organisation, uint24 other) external view returns (bool) {
        Screen screen = _organisations[organisation].screen;
        if (screen == Screen.Everyone) return false;
        bool listed = _listed[organisation][other / 256] & (1 << (other % 256)) != 0;
        return listed == (screen == Screen.Except);
    }

    /// @inheritdoc IConsortium
    function isShortestFirst(uint24 organisation) external view returns (bool) {
        return _organisations[organisation].shortestFirst;
    }

    /// @dev Takes `cost` from the quota of the running period.
    function _draw(uint24 organisation, Priority priority, uint256 cost) private {
        Quota memory quota = _quotas[organisation];
        uint256 period = block.timestamp / QUOTA_SECONDS;
        if (quota.period != period) {
            quota.period = uint32(period);
            quota.elevatedUsed = 0;
            quota.criticalUsed = 0;
        }
        bool elevated = priority == Priority.Elevated;
        uint256 left = elevated
            ? _left(quota.elevated, quota.elevatedUsed)
            : _left(quota.critical, quota.criticalUsed);
        if (cost > left) {
            revert QuotaExhausted(organisation, priority, cost, left, (period + 1) * QUOTA_SECONDS);
        }
        if (elevated) quota.elevatedUsed += uint56(cost);
        else quota.criticalUsed += uint56(cost);
        _quotas[organisation] = quota;
    }

    /// @dev A quota can be lowered below what has been used.
    function _left(uint256 granted, uint256 used) private pure returns (uint256) {
        return granted > used ? granted - used : 0;
    }

    /// @dev The organisation of which the caller is the admin.
    function _administered() private view returns (uint24 organisation) {
        address account = Actor.bound(HASH_KEYS);
        organisation = organisationOf(account);
        if (organisation == 0) revert AccountNotInConsortium(account);
        address admin = _organisations[organisation].admin;
        if (account != admin) revert AccountNotAdmin(account, organisation, admin);
    }

    function _requireWeight(uint256 weight) private pure {
        if (weight == 0 || weight > MAX_WEIGHT) revert WeightOutOfRange(weight, MAX_WEIGHT);
    }

    function _assign(address account, uint24 organisation) private {
        Member storage member = _members[account];
        uint24 present = member.organisation;
        if (present != 0) revert AccountTaken(account, present);
        member.organisation = organisation;
        if (member.number == 0) {
            uint32 number = ++_accountCount;
            member.number = number;
            accountOf[number] = account;
        }
        emit AccountJoined(organisation, account);
    }

    function _requireAdmitted(uint24 organisation) private view {
        if (!_organisations[organisation].admitted) revert OrganisationNotAdmitted(organisation);
    }
}
