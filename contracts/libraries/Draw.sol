// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "../interfaces/IConsortium.sol";
import {Terms} from "../interfaces/IOffers.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {Asked} from "./Asked.sol";
import {ProcessorIndex} from "./ProcessorIndex.sol";
import {Reputation} from "./Reputation.sol";
import {Roster} from "./Roster.sol";

/// @title The draw of independent processors
/// @notice Candidates come at random, with replacement, from the lists of their noise class that can have enough qubits
/// free. One that does not fit is passed over; one that cannot work at all leaves the index until it says that it is there
/// again. One that fits is taken with a chance of its weight. Should MAX_DRAWS find too few, the lists are gone through from a
/// random place on, MAX_STEPS entries at most, and whoever fits is taken.
/// Anyone who has followed the events repeats every draw.
/// @dev The index changes only after the last candidate: places stay what they were while they are drawn. Standings are
/// read as the words that they are stored in: see Standing for what is where.
library Draw {
    using ProcessorIndex for ProcessorIndex.Index;

    uint256 internal constant MAX_DRAWS = 64;
    uint256 internal constant MAX_STEPS = 128;
    /// Entries that one draw takes out of the index because they cannot work.
    uint256 private constant MAX_LAPSED = 16;

    /// Status, noise class, bonded, draining.
    uint256 private constant FITNESS = 0xffff | (0xffff << 64);

    /// @notice What is asked for beside the record's own word.
    struct Wish {
        Asked asked;
        uint256 count;
        /// Out of turn: the most and the least qubits that those ahead ask for; 0 in turn.
        uint256 most;
        uint256 least;
        /// Wei that one replica is paid.
        uint256 pay;
        /// Earliest heartbeat that still counts, unix seconds.
        uint256 beatenSince;
        IConsortium consortium;
    }

    struct Draft {
        uint256 lengths;
        uint256 lowest;
        uint256 size;
        uint256 found;
        ProcessorId[] drawn;
        /// Of those on duty already, then of those drawn.
        uint256 engaged;
        uint256[] organisations;
        /// Bit o % 256 is set for each organisation o of these: most candidates need no closer look.
        uint256 marks;
        uint256 lapsed;
        ProcessorId[] leaving;
    }

    /// @notice Only `found` of `required` independent, available processors fit.
    error TooFewEligibleProcessors(uint8 noiseClass, uint8 qubits, uint256 required, uint256 found);

    /// @notice Draws and leases.
    /// @param tried Processors that have been tried already. @param onDuty Those of them that are still on duty.
    function draw(
        Roster.State storage self,
        bytes32 seed,
        Wish memory wish,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) internal returns (ProcessorId[] memory) {
        Draft memory d = find(self, seed, wish, tried, onDuty);
        if (d.found < wish.count) {
            revert TooFewEligibleProcessors(wish.asked.noiseClass(), wish.asked.qubits(), wish.count, d.found);
        }
        _lease(self, self.indices[wish.asked.noiseClass()], d, wish.asked.qubits());
        return d.drawn;
    }

    /// @notice What a draw would find; changes nothing.
    function find(
        Roster.State storage self,
        bytes32 seed,
        Wish memory wish,
        ProcessorId[] calldata tried,
        ProcessorId[] calldata onDuty
    ) internal view returns (Draft memory d) {
        ProcessorIndex.Index storage index = self.indices[wish.asked.noiseClass()];
        d.lengths = index.lengths;
        d.lowest = ProcessorIndex.levelOf(wish.asked.qubits());
        d.drawn = new ProcessorId[](wish.count);
        d.organisations = new uint256[](wish.count + onDuty.length);
        unchecked {
            for (uint256 rest = d.lengths >> (32 * d.lowest); rest != 0; rest >>= 32) {
                d.size += uint32(rest);
            }
            for (uint256 i; i < onDuty.length; ++i) {
                _engage(d, self.standings[onDuty[i]].organisation);
            }
            if (d.size != 0) _search(self, index, d, seed, wish, tried);
        }
    }

    function _search(
        Roster.State storage self,
        ProcessorIndex.Index storage index,
        Draft memory d,
        bytes32 seed,
        Wish memory wish,
        ProcessorId[] calldata tried
    ) private view {
        unchecked {
            uint256 hash;
            for (uint256 i; i < MAX_DRAWS && d.found < wish.count; ++i) {
                hash = uint256(_hashOf(seed, i));
                _consider(self, index, d, wish, tried, hash % d.size, (hash >> 128) % Reputation.FULL_WEIGHT);
            }
            // `hash` is the last draw's: it has not been used up, since that draw failed.
            for (uint256 i; i < MAX_STEPS && i < d.size && d.found < wish.count; ++i) {
                _consider(self, index, d, wish, tried, (hash + i) % d.size, 0);
            }
        }
    }

    /// @dev Takes the candidate at `position` when it fits and its weight is above `chance`.
    function _consider(
        Roster.State storage self,
        ProcessorIndex.Index storage index,
        Draft memory d,
        Wish memory wish,
        ProcessorId[] calldata tried,
        uint256 position,
        uint256 chance
    ) private view {
        unchecked {
            uint256 level = d.lowest;
            for (uint256 rest = d.lengths >> (32 * level); position >= uint32(rest); (rest >>= 32, ++level)) {
                position -= uint32(rest);
            }
            ProcessorId candidate = ProcessorId.wrap(index.processorAt(level, position));
            uint256 s = Roster.wordOf(self.standings[candidate]);
            if (!_isFit(s, wish)) {
                _noteLapsed(d, candidate);
                return;
            }
            uint256 qubits = wish.asked.qubits();
            uint256 free = Roster.freeOf(uint8(s >> 16), uint8(s >> 24), uint8(s >> 32));
            if (free < qubits) return;
            // Out of turn, nobody is taken whom those ahead may need: neither now nor when other leases end.
            if (wish.most != 0 && free < qubits + wish.most && uint8(s >> 16) >= wish.least) return;
            uint256 organisation = uint24(s >> 88);
            if (organisation == wish.asked.organisation() || _isEngaged(d, organisation)) return;
            for (uint256 i; i < tried.length; ++i) {
                if (ProcessorId.unwrap(tried[i]) == ProcessorId.unwrap(candidate)) return;
            }
            if (Reputation.weightIn(s) <= chance || !_isWanted(self, wish, candidate, s, organisation)) return;
            _engage(d, organisation);
            d.drawn[d.found++] = candidate;
        }
    }

    function _engage(Draft memory d, uint256 organisation) private pure {
        unchecked {
            d.organisations[d.engaged++] = organisation;
            d.marks |= 1 << (organisation & 0xff);
        }
    }

    function _isEngaged(Draft memory d, uint256 organisation) private pure returns (bool) {
        if (d.marks & (1 << (organisation & 0xff)) == 0) return false;
        for (uint256 i; i < d.engaged; ++i) {
            if (d.organisations[i] == organisation) return true;
        }
        return false;
    }

    /// @dev What costs more to find out than whether there is room.
    function _isWanted(
        Roster.State storage self,
        Wish memory wish,
        ProcessorId processor,
        uint256 s,
        uint256 organisation
    ) private view returns (bool) {
        bool offered = uint8(s >> 80) != 0;
        if (wish.asked.isChoosy() || offered) {
            Terms memory t = self.terms[processor];
            if (t.profile < wish.asked.profile() || t.quantumVolumeLog2 < wish.asked.quantumVolumeLog2()) return false;
            uint256 most = wish.asked.twoQubitErrorPpm();
            if (most != 0 && t.twoQubitErrorPpm > most) return false;
            if (offered) {
                uint256 bid = wish.pay / (uint256(wish.asked.qubits()) * wish.asked.shots());
                if (t.offerExpiresAt <= block.timestamp || t.price > bid || t.minimum > wish.pay) return false;
            }
        }
        if (!offered && wish.asked.isBelowPolicy()) return false;
        // slither-disable-next-line calls-loop (a view of the suite; at most MAX_DRAWS + MAX_STEPS)
        return !wish.asked.isScreened() || !wish.consortium.isScreened(wish.asked.organisation(), uint24(organisation));
    }

    /// @dev Takes out who cannot work, leases qubits of the drawn, and puts each in the list of what it has free now.
    function _lease(Roster.State storage self, ProcessorIndex.Index storage index, Draft memory d, uint8 qubits) private {
        uint256 lengths = d.lengths;
        for (uint256 i; i < d.lapsed; ++i) {
            lengths = index.remove(self.standings, lengths, d.leaving[i]);
        }
        for (uint256 i; i < d.found; ++i) {
            ProcessorId processor = d.drawn[i];
            Standing storage standing = self.standings[processor];
            uint256 s = Roster.wordOf(standing);
            unchecked {
                s += uint256(qubits) << 24; // leased, up to its qubits: they were free
                assembly ("memory-safe") {
                    sstore(standing.slot, s)
                }
                uint256 free = Roster.freeOf(uint8(s >> 16), uint8(s >> 24), uint8(s >> 32));
                if (free >> ProcessorIndex.levelIn(uint24(s >> 40)) != 0) continue;
                lengths = index.remove(self.standings, lengths, processor);
                if (free == 0) continue;
                lengths = index.push(self.standings, lengths, ProcessorIndex.levelOf(free), processor);
            }
        }
        if (lengths != d.lengths) index.lengths = lengths;
    }

    function _noteLapsed(Draft memory d, ProcessorId processor) private pure {
        if (d.lapsed == MAX_LAPSED) return;
        if (d.lapsed == 0) d.leaving = new ProcessorId[](MAX_LAPSED);
        for (uint256 i; i < d.lapsed; ++i) {
            if (ProcessorId.unwrap(d.leaving[i]) == ProcessorId.unwrap(processor)) return;
        }
        d.leaving[d.lapsed++] = processor;
    }

    function _isFit(uint256 s, Wish memory wish) private view returns (bool) {
        uint256 fit = uint256(ProcessorStatus.Certified) | uint256(wish.asked.noiseClass()) << 8 | 1 << 64;
        return s & FITNESS == fit && uint32(s >> 144) > block.timestamp && uint32(s >> 112) >= wish.beatenSince;
    }

    function _hashOf(bytes32 seed, uint256 draw_) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, seed)
            mstore(0x20, draw_)
            hash := keccak256(0x00, 0x40)
        }
    }
}
