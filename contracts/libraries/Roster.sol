// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../interfaces/IOffers.sol";
import {Capability, IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {ProcessorIndex} from "./ProcessorIndex.sol";
import {Reputation} from "./Reputation.sol";

/// @title Who is where: processors, what they have free, and the lists in which draws look for them
/// @notice A processor that can work is in the list for the qubits that it has free, and nowhere else.
/// @dev Standings are read as the words that they are stored in where every candidate of a draw pays for it: see Standing for
/// what is where.
library Roster {
    using ProcessorIndex for ProcessorIndex.Index;
    using Reputation for Standing;

    struct State {
        mapping(ProcessorId => Standing) standings;
        mapping(ProcessorId => Terms) terms;
        mapping(uint8 noiseClass => ProcessorIndex.Index) indices;
    }

    /// @notice Enters a processor, which has yet to be approved.
    function enter(State storage self, ProcessorId processor, uint24 organisation) internal {
        Standing storage standing = self.standings[processor];
        standing.organisation = organisation;
        standing.advance(processor, ProcessorStatus.Applied);
    }

    /// @notice Notes that a processor is heard of.
    function hear(State storage self, ProcessorId processor) internal {
        self.standings[processor].lastBeatAt = uint32(block.timestamp);
        list(self, processor);
    }

    /// @notice Lets a processor take nothing new, or again.
    function drain(State storage self, ProcessorId processor, bool draining) internal {
        self.standings[processor].draining = draining;
        relist(self, processor);
    }

    /// @notice Notes whether a bond covers a processor's next fault.
    function bond(State storage self, ProcessorId processor, bool bonded) internal {
        self.standings[processor].bonded = bonded;
        relist(self, processor);
    }

    /// @notice Ends a computation's lease of qubits, and counts how its assignment ended.
    function release(State storage self, ProcessorId processor, uint8 qubits, AssignmentStatus fate) internal {
        Standing storage standing = self.standings[processor];
        standing.leasedQubits -= qubits;
        standing.note(fate);
        relist(self, processor);
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

    /// @notice Takes a processor out of the draw: `to` is Suspended or Retired.
    function dismiss(State storage self, ProcessorId processor, ProcessorStatus to) internal {
        self.standings[processor].advance(processor, to);
        unlist(self, processor);
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
