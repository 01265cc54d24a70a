// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../contracts/AuditTrail.sol";
import {Bonds} from "../../contracts/Bonds.sol";
import {Certifications} from "../../contracts/Certifications.sol";
import {Challenges} from "../../contracts/Challenges.sol";
import {Channels} from "../../contracts/Channels.sol";
import {ComputationAllocator} from "../../contracts/ComputationAllocator.sol";
import {Consortium} from "../../contracts/Consortium.sol";
import {Disputes} from "../../contracts/Disputes.sol";
import {EntanglementCoordinator} from "../../contracts/EntanglementCoordinator.sol";
import {GoldRounds} from "../../contracts/GoldRounds.sol";
import {HashKeys} from "../../contracts/HashKeys.sol";
import {Founder, IHashKeys} from "../../contracts/interfaces/IHashKeys.sol";
import {ProcessorRegistry} from "../../contracts/ProcessorRegistry.sol";
import {Records} from "../../contracts/Records.sol";
import {ReportRelay} from "../../contracts/ReportRelay.sol";
import {Reservations} from "../../contracts/Reservations.sol";
import {ResultDelivery} from "../../contracts/ResultDelivery.sol";
import {ResultVerifier} from "../../contracts/ResultVerifier.sol";
import {Authority} from "../../contracts/governance/Authority.sol";
import {IAuditTrail} from "../../contracts/interfaces/IAuditTrail.sol";
import {IBonds} from "../../contracts/interfaces/IBonds.sol";
import {CertificationTerms} from "../../contracts/interfaces/ICertifications.sol";
import {IComputationAllocator} from "../../contracts/interfaces/IComputationAllocator.sol";
import {IConsortium} from "../../contracts/interfaces/IConsortium.sol";
import {Policy} from "../../contracts/interfaces/IEscrow.sol";
import {IProcessorRegistry} from "../../contracts/interfaces/IProcessorRegistry.sol";
import {vm} from "./Vm.sol";

/// @notice The whole suite on a fresh chain, with a requester that has money, and a clock.
abstract contract Deployment {
    uint256 internal constant BOUNTY = 0.001 ether;
    uint256 internal constant START = 1_800_000_000;
    uint40 internal constant HEARTBEAT_SECONDS = 30 days;
    uint64 internal constant PRICE = 10 gwei;
    address internal constant REQUESTER = address(0xc11e);
    address internal constant KEEPER = address(0x4ee4);

    /// @dev The suite in the order of its deployment, as in qcrs/chain/deployment.py, but without the libraries,
    /// which Foundry links by itself. To add a contract, add its name here, a variable below and a line in `_create`.
    enum Part {
        Authority,
        AuditTrail,
        Consortium,
        HashKeys,
        ProcessorRegistry,
        Bonds,
        ComputationAllocator,
        Records,
        GoldRounds,
        ResultVerifier,
        Challenges,
        Disputes,
        ResultDelivery,
        ReportRelay,
        Reservations,
        Certifications,
        Channels,
        EntanglementCoordinator
    }

    Authority internal authority;
    AuditTrail internal auditTrail;
    Consortium internal consortium;
    HashKeys internal hashKeys;
    ProcessorRegistry internal registry;
    Bonds internal bonds;
    ComputationAllocator internal allocator;
    Records internal records;
    GoldRounds internal goldRounds;
    ResultVerifier internal verifier;
    Challenges internal challenges;
    Disputes internal disputes;
    ResultDelivery internal resultDelivery;
    ReportRelay internal reportRelay;
    Reservations internal reservations;
    Certifications internal certifications;
    Channels internal channels;
    EntanglementCoordinator internal coordinator;
    /// The time as the tests set it: the compiler takes block.timestamp for constant within a transaction.
    uint256 internal clock;

    uint256 private _firstNonce;

    function _deploy() internal {
        _pass(START);
        _firstNonce = vm.getNonce(address(this));
        _create();
        uint256 created = vm.getNonce(address(this)) - _firstNonce;
        require(created == uint256(type(Part).max) + 1, "a part is missing, or its contract");
        // This contract administers the authority and takes every role, by the default of AccessManager.
        consortium.admit("Requester", REQUESTER, 1);
        vm.deal(REQUESTER, 1000 ether);
        vm.deal(KEEPER, 1000 ether);
        vm.prank(REQUESTER);
        allocator.deposit{value: 500 ether}();
    }

    function _create() private {
        address root = _at(Part.Authority);
        IAuditTrail trail = IAuditTrail(_at(Part.AuditTrail));
        authority = new Authority(address(this));
        address[6] memory bodies; // roles are this contract's here
        auditTrail = new AuditTrail(
            _at(Part.Consortium),
            _at(Part.ProcessorRegistry),
            _at(Part.ComputationAllocator),
            _at(Part.Disputes),
            _at(Part.Reservations),
            _at(Part.Channels),
            _at(Part.EntanglementCoordinator),
            bodies
        );
        consortium = new Consortium(
            root, trail, _at(Part.ComputationAllocator), IHashKeys(_at(Part.HashKeys))
        );
        hashKeys = new HashKeys(root, new Founder[](0));
        registry = new ProcessorRegistry(
            root,
            trail,
            consortium,
            _at(Part.ComputationAllocator),
            _at(Part.Bonds),
            _at(Part.Reservations),
            _at(Part.Certifications),
            hashKeys,
            HEARTBEAT_SECONDS
        );
        bonds = new Bonds(
            IComputationAllocator(_at(Part.ComputationAllocator)), registry, _at(Part.Challenges), _at(Part.Disputes)
        );
        allocator = new ComputationAllocator(_wiring(), BOUNTY, bytes24(keccak256("genesis")), _initialPolicy());
        records = new Records(allocator);
        goldRounds = new GoldRounds(allocator, _at(Part.Disputes));
        verifier = new ResultVerifier(allocator, goldRounds, _at(Part.ReportRelay));
        challenges = new Challenges(trail, allocator);
        disputes = new Disputes(root, trail, allocator, goldRounds);
        resultDelivery = new ResultDelivery(allocator, bonds);
        reportRelay = new ReportRelay(verifier, allocator, registry);
        reservations = new Reservations(trail, consortium, allocator);
        certifications = new Certifications(root, allocator, goldRounds, _initialTerms());
        channels = new Channels(trail, consortium, allocator, _at(Part.EntanglementCoordinator));
        coordinator = new EntanglementCoordinator(trail, consortium, allocator, channels);
        require(address(coordinator) == _at(Part.EntanglementCoordinator), "the parts are out of order");
    }

    function _wiring() private view returns (ComputationAllocator.Wiring memory) {
        return ComputationAllocator.Wiring({
            authority: _at(Part.Authority),
            auditTrail: IAuditTrail(_at(Part.AuditTrail)),
            consortium: IConsortium(_at(Part.Consortium)),
            registry: IProcessorRegistry(_at(Part.ProcessorRegistry)),
            bonds: IBonds(_at(Part.Bonds)),
            verifier: _at(Part.ResultVerifier),
            challenges: _at(Part.Challenges),
            disputes: _at(Part.Disputes)
        });
    }

    function _at(Part part) private view returns (address) {
        return vm.computeCreateAddress(address(this), _firstNonce + uint256(part));
    }

    function _pass(uint256 duration) internal {
        clock += duration;
        vm.warp(clock);
    }

    function _initialPolicy() internal pure returns (Policy memory) {
        return Policy({
            pricePerQubitShot: PRICE,
            commitSeconds: 120,
            discloseSeconds: 60,
            revealSeconds: 60,
            challengeSeconds: 600,
            responseSeconds: 300,
            minimumBond: 0.5 ether,
            slash: 0.1 ether
        });
    }

    function _initialTerms() internal pure returns (CertificationTerms memory) {
        return CertificationTerms({
            fee: 0.002 ether,
            stake: 0.1 ether,
            deposit: 0.1 ether,
            windowSeconds: 120,
            answerSeconds: 600,
            validSeconds: 30 days,
            cadenceSeconds: 1 days,
            surprisePpm: 50_000,
            tolerancePpm: 20_000,
            driftPpm: 500_000
        });
    }
}
