// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "../interfaces/IConsortium.sol";
import {Requirement, Terms} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {ProcessorIndex} from "./ProcessorIndex.sol";
import {Reputation} from "./Reputation.sol";
import {Sortition} from "./Sortition.sol";

/// @title The draw of independent processors
/// @notice Candidates come in a random order from the lists of their noise class that can have enough qubits free. One that
/// does not fit is passed over; one that cannot work at all is taken out of its list, until it says that it is there
/// again. One that fits is taken with a chance of its weight; who is not taken so is in reserve, in case that too few are.
/// Anyone who has followed the events repeats every draw.
/// @dev The index changes only after the last candidate: places stay what they were while they are drawn.
library Draw {
    using ProcessorIndex for ProcessorIndex.Index;
    using Sortition for Sortition.Lottery;

    /// Entries that one draw takes out of the index because they cannot work, and candidates that it keeps in reserve.
    uint256 private constant MAX_LAPSED = 16;
    uint256 private constant MAX_RESERVE = 16;

    /// @dev Candidates are words: processor (32 bits), level << 32, place << 40, organisation << 72.
    struct Draft {
        Sortition.Lottery lottery;
        uint256 found;
        uint256[] chosen;
        uint256 reserved;
        uint256[] reserve;
        /// Entries to take out, as level << 32 | place.
        uint256 leaving;
        uint256[] exits;
    }

    /// @dev What the registry lets a draw see and change.
    struct Field {
        mapping(ProcessorId => Standing) standings;
        mapping(ProcessorId => Terms) terms;
        mapping(uint8 noiseClass => ProcessorIndex.Index) indices;
    }

    enum Fit {
        None,
        Lapsed,
        Full
    }

    /// @notice Only `found` of `required` independent, available processors fit; `drawn` were looked at.
    error TooFewEligibleProcessors(uint8 noiseClass, uint8 qubits, uint256 required, uint256 found, uint256 drawn);

    /// @notice Draws and leases.
    /// @param tried Processors that have been tried already.
    /// @param engaged Organisations that already have a processor on the computation.
    /// @param beatenSince Earliest heartbeat that still counts, unix seconds.
    function draw(
        Field storage self,
        IConsortium consortium,
        bytes32 seed,
        Requirement calldata r,
        ProcessorId[] calldata tried,
        uint24[] memory engaged,
        uint256 beatenSince
    ) internal returns (ProcessorId[] memory drawn) {
        ProcessorIndex.Index storage index = self.indices[r.noiseClass];
        uint256 lengths = index.lengths;
        uint256 lowest = ProcessorIndex.levelOf(r.qubits);
        Draft memory d;
        d.lottery = Sortition.open(seed, ProcessorIndex.sizeFrom(lengths, lowest));
        d.chosen = new uint256[](r.count);
        d.reserve = new uint256[](MAX_RESERVE);
        d.exits = new uint256[](MAX_LAPSED + r.count);
        while (d.found < r.count && d.lottery.isOpen()) {
            (uint256 position, uint256 hash) = d.lottery.draw();
            (uint256 level, uint256 place) = ProcessorIndex.locate(lengths, lowest, position);
            uint256 candidate = index.entryOf(level, place) | (level << 32) | (place << 40);
            Standing memory s = self.standings[_idOf(candidate)];
            Fit fit = _fitOf(s, r, beatenSince);
            if (fit == Fit.Lapsed && d.leaving < MAX_LAPSED) {
                self.standings[_idOf(candidate)].listed = 0;
                d.exits[d.leaving++] = _entryOf(candidate);
            }
            if (fit != Fit.Full || _isEngaged(d, engaged, s.organisation)) continue;
            if (!_isWanted(self, consortium, r, tried, _idOf(candidate), s)) continue;
            candidate |= uint256(s.organisation) << 72;
            if ((hash >> 128) % Reputation.FULL_WEIGHT < Reputation.weightOf(s)) d.chosen[d.found++] = candidate;
            else if (d.reserved < MAX_RESERVE) d.reserve[d.reserved++] = candidate;
        }
        for (uint256 i; i < d.reserved && d.found < r.count; ++i) {
            uint256 candidate = d.reserve[i];
            if (!_isEngaged(d, engaged, uint24(candidate >> 72))) d.chosen[d.found++] = candidate;
        }
        if (d.found < r.count) {
            revert TooFewEligibleProcessors(r.noiseClass, r.qubits, r.count, d.found, d.lottery.draws);
        }
        return _lease(self, index, lengths, d, r.qubits);
    }

    /// @notice Qubits of `s` that nobody has and nobody is promised.
    function freeOf(Standing memory s) internal pure returns (uint256) {
        uint256 used = uint256(s.leasedQubits) + s.heldQubits;
        return s.qubits > used ? s.qubits - used : 0;
    }

    /// @notice Whether `s` can be drawn at all.
    function isOpen(Standing memory s, uint256 beatenSince) internal view returns (bool) {
        return s.status == ProcessorStatus.Certified && s.bonded && !s.draining && s.expiresAt > block.timestamp
            && s.lastBeatAt >= beatenSince;
    }

    /// @dev Leases qubits of the chosen, and puts each in the list of what it has free now.
    function _lease(
        Field storage self,
        ProcessorIndex.Index storage index,
        uint256 lengths,
        Draft memory d,
        uint8 qubits
    ) private returns (ProcessorId[] memory drawn) {
        uint256 was = lengths;
        drawn = new ProcessorId[](d.found);
        uint256[] memory arrivals = new uint256[](d.found);
        for (uint256 i; i < drawn.length; ++i) {
            drawn[i] = _idOf(d.chosen[i]);
            Standing storage standing = self.standings[drawn[i]];
            Standing memory s = standing;
            s.leasedQubits += qubits;
            uint256 free = freeOf(s);
            uint256 listed = free == 0 ? 0 : ProcessorIndex.levelOf(free) + 1;
            if (listed != s.listed) {
                s.listed = uint8(listed);
                arrivals[i] = listed;
                d.exits[d.leaving++] = _entryOf(d.chosen[i]);
            }
            _write(standing, s);
        }
        if (d.leaving == 0) return drawn;
        _sortDescending(d.exits, d.leaving);
        for (uint256 i; i < d.leaving; ++i) {
            lengths = index.remove(lengths, d.exits[i] >> 32, uint32(d.exits[i]));
        }
        for (uint256 i; i < drawn.length; ++i) {
            if (arrivals[i] != 0) lengths = index.push(lengths, arrivals[i] - 1, ProcessorId.unwrap(drawn[i]));
        }
        if (lengths != was) index.lengths = lengths;
    }

    /// @dev Only what a lease changes.
    function _write(Standing storage standing, Standing memory s) private {
        standing.leasedQubits = s.leasedQubits;
        standing.listed = s.listed;
    }

    function _fitOf(Standing memory s, Requirement calldata r, uint256 beatenSince) private view returns (Fit) {
        if (s.noiseClass != r.noiseClass || !isOpen(s, beatenSince)) return Fit.Lapsed;
        uint256 free = freeOf(s);
        if (free < r.qubits || s.organisation == r.requester) return Fit.None;
        // Out of turn, nobody is taken whom those ahead may need: neither now nor when other leases end.
        if (r.most != 0 && free < uint256(r.qubits) + r.most && s.qubits >= r.least) return Fit.None;
        return Fit.Full;
    }

    /// @dev What costs more to find out than whether there is room.
    function _isWanted(
        Field storage self,
        IConsortium consortium,
        Requirement calldata r,
        ProcessorId[] calldata tried,
        ProcessorId processor,
        Standing memory s
    ) private view returns (bool) {
        for (uint256 i; i < tried.length; ++i) {
            if (ProcessorId.unwrap(tried[i]) == ProcessorId.unwrap(processor)) return false;
        }
        bool choosy = r.profile > 1 || r.quantumVolumeLog2 != 0 || r.twoQubitErrorPpm != 0;
        if (choosy || s.offered) {
            Terms memory t = self.terms[processor];
            if (t.profile < r.profile || t.quantumVolumeLog2 < r.quantumVolumeLog2) return false;
            if (r.twoQubitErrorPpm != 0 && t.twoQubitErrorPpm > r.twoQubitErrorPpm) return false;
            if (s.offered && (t.offerExpiresAt <= block.timestamp || t.price > r.bid || t.minimum > r.pay)) return false;
        }
        if (!s.offered && r.bid < r.ask) return false;
        // slither-disable-next-line calls-loop (a view of the suite; at most MAX_DRAWS)
        return !r.screened || !consortium.isScreened(r.requester, s.organisation);
    }

    function _isEngaged(Draft memory d, uint24[] memory engaged, uint24 organisation) private pure returns (bool) {
        for (uint256 i; i < d.found; ++i) {
            if (uint24(d.chosen[i] >> 72) == organisation) return true;
        }
        for (uint256 i; i < engaged.length; ++i) {
            if (engaged[i] == organisation) return true;
        }
        return false;
    }

    /// @dev In place, by insertion: mostly there are none or three. From the last place on, what fills a gap is not itself
    /// to go.
    function _sortDescending(uint256[] memory entries, uint256 length) private pure {
        for (uint256 i = 1; i < length; ++i) {
            uint256 entry = entries[i];
            uint256 j = i;
            for (; j != 0 && entries[j - 1] < entry; --j) {
                entries[j] = entries[j - 1];
            }
            entries[j] = entry;
        }
    }

    function _idOf(uint256 candidate) private pure returns (ProcessorId) {
        return ProcessorId.wrap(uint32(candidate));
    }

    function _entryOf(uint256 candidate) private pure returns (uint256) {
        return (uint256(uint8(candidate >> 32)) << 32) | uint32(candidate >> 40);
    }
}
