// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Capability, IProcessorRegistry, Terms} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {ProcessorIndex} from "./ProcessorIndex.sol";

/// @title Who is where: processors, what they have free, and the lists in which draws look for them
/// @notice A processor that can work is in the list for the qubits that it has free, and nowhere else.
/// @dev Standings are read as the words that they are stored in where every candidate of a draw pays for it: see Standing for
/// what is where.
library Roster {
    using ProcessorIndex for ProcessorIndex.Index;

    struct State {
        mapping(ProcessorId => Standing) standings;
        mapping(ProcessorId => Terms) terms;
        mapping(uint8 noiseClass => ProcessorIndex.Index) indices;
    }

    /// @notice Indexes a processor that is in no list and has qubits free, if it can work; it must be heard of to be drawn.
    function list(State storage self, ProcessorId processor) internal {
        Standing storage standing = self.standings[processor];
        if (standing.entry != 0 || !isOpen(standing, 0)) return;
        uint256 free = freeOf(standing.qubits, standing.leasedQubits, standing.heldQubits);
        if (free == 0) return;
        ProcessorIndex.Index storage index = self.indices[standing.noiseClass];
        index.lengths = index.push(self.standings, index.lengths, ProcessorIndex.levelOf(free), processor);
    }

    /// @notice Takes a processor out of its list, if it is in one.
    function unlist(State storage self, ProcessorId processor) internal {
        Standing storage standing = self.standings[processor];
        if (standing.entry == 0) return;
        ProcessorIndex.Index storage index = self.indices[standing.noiseClass];
        index.lengths = index.remove(self.standings, index.lengths, processor);
    }

    /// @notice Indexes a processor anew when it is not, or no longer, where it belongs.
    function relist(State storage self, ProcessorId processor) internal {
        Standing storage standing = self.standings[processor];
        if (standing.entry != 0) {
            uint256 s = wordOf(standing);
            uint256 free = freeOf(uint8(s >> 16), uint8(s >> 24), uint8(s >> 32));
            bool takesWork = uint8(s >> 64) != 0 && uint8(s >> 72) == 0;
            if (takesWork && free >> ProcessorIndex.levelIn(uint24(s >> 40)) == 1) return;
            unlist(self, processor);
        }
        list(self, processor);
    }

    /// @notice Makes `capability` what a processor is drawn by from now on.
    function approve(State storage self, ProcessorId processor, Capability memory capability) internal {
        Standing storage standing = self.standings[processor];
        if (uint256(standing.leasedQubits) + standing.heldQubits > capability.qubits) {
            revert IProcessorRegistry.CapabilityBelowLeases(processor, capability.qubits, standing.leasedQubits);
        }
        unlist(self, processor);
        // A certified processor moves to its new version without leaving the status.
        if (standing.status != ProcessorStatus.Certified) standing.advance(processor, ProcessorStatus.Certified);
        standing.noiseClass = capability.noiseClass;
        standing.qubits = uint8(capability.qubits);
        standing.expiresAt = uint32(capability.expiresAt);
        Terms storage terms = self.terms[processor];
        terms.quantumVolumeLog2 = capability.quantumVolumeLog2;
        terms.profile = capability.profile;
        terms.twoQubitErrorPpm = capability.twoQubitErrorPpm;
        list(self, processor);
    }

    /// @notice Whether `s` can be drawn at all.
    function isOpen(Standing memory s, uint256 beatenSince) internal view returns (bool) {
        return s.status == ProcessorStatus.Certified && s.bonded && !s.draining && s.expiresAt > block.timestamp
            && s.lastBeatAt >= beatenSince;
    }

    /// @notice Qubits that nobody has and nobody is promised.
    function freeOf(uint256 qubits, uint256 leased, uint256 held) internal pure returns (uint256) {
        unchecked {
            return qubits > leased + held ? qubits - leased - held : 0;
        }
    }

    function wordOf(Standing storage standing) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(standing.slot)
        }
    }
}
