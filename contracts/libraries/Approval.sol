// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Capability, IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {Reputation} from "./Reputation.sol";
import {Roster} from "./Roster.sol";
import {Succession} from "./Succession.sol";

/// @title Capability versions: declared, and approved
/// @notice Old versions stay: what a computation was drawn by can always be looked up.
/// @dev A library of its own, called by delegation, for the registry alone would be larger than chains take. Nothing that a
/// computation costs goes through it.
library Approval {
    using Reputation for Standing;
    using Roster for Roster.State;
    using Succession for Succession.Memory;

    struct Book {
        mapping(ProcessorId => mapping(uint16 version => Capability)) capabilities;
        mapping(ProcessorId => Versions) versions;
    }

    struct Versions {
        /// In effect; 0 when none.
        uint16 certified;
        uint16 newest;
    }

    /// @notice Opens a new version.
    function declare(Book storage self, ProcessorId processor, Capability calldata capability, string memory uri)
        external
        returns (uint16 version)
    {
        if (capability.qubits == 0 || capability.qubits > type(uint8).max || capability.noiseClass == 0) {
            revert IProcessorRegistry.CapabilityInvalid(capability.qubits, capability.noiseClass);
        }
        version = ++self.versions[processor].newest;
        self.capabilities[processor][version] = capability;
        emit IProcessorRegistry.CapabilityDeclared(processor, version, capability, uri);
    }

    /// @notice Makes a version the one that the processor is drawn by.
    /// @dev Who is certified for the first time takes over faults of its organisation's; who comes back from a suspension for
    /// conduct begins anew, with one proven fault.
    /// @return digest Of the decision's facts.
    function approve(
        Book storage self,
        Roster.State storage roster,
        Succession.Memory storage succession,
        ProcessorId processor,
        uint16 version,
        bytes32 evidence
    ) external returns (bytes32 digest) {
        Capability memory capability = self.capabilities[processor][version];
        if (capability.qubits == 0) revert IProcessorRegistry.CapabilityUnknown(processor, version);
        if (capability.expiresAt <= block.timestamp) {
            revert IProcessorRegistry.CapabilityExpired(processor, capability.expiresAt, block.timestamp);
        }
        Standing storage standing = roster.standings[processor];
        ProcessorStatus from = standing.status;
        if (from == ProcessorStatus.Applied) succession.inherit(roster, processor);
        else if (from == ProcessorStatus.Suspended && Reputation.isUnfit(standing)) standing.putOnProbation();
        roster.approve(processor, capability);
        self.versions[processor].certified = version;
        emit IProcessorRegistry.ProcessorCertified(
            processor, version, capability.noiseClass, capability.expiresAt, evidence
        );
        return keccak256(abi.encode(processor, version, capability, evidence));
    }

    /// @notice Whether a version is nowhere better than the one in effect, so that it is believed without a benchmark.
    /// @dev Of one noise class and profile: another one is a claim of its own. Digests are not compared; they say what the
    /// values were read from.
    function isNoBetter(Book storage self, ProcessorId processor, Capability memory next) external view returns (bool) {
        Capability memory present = self.capabilities[processor][self.versions[processor].certified];
        return next.noiseClass == present.noiseClass && next.profile == present.profile
            && next.qubits <= present.qubits && next.quantumVolumeLog2 <= present.quantumVolumeLog2
            && next.twoQubitErrorPpm >= present.twoQubitErrorPpm && next.readoutErrorPpm >= present.readoutErrorPpm
            && next.layerFidelityPpm <= present.layerFidelityPpm && next.clops <= present.clops
            && next.t1Nanoseconds <= present.t1Nanoseconds && next.t2Nanoseconds <= present.t2Nanoseconds
            && next.expiresAt <= present.expiresAt;
    }
}
