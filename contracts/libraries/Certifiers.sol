// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {Reputation} from "./Reputation.sol";

/// @notice A processor whose daemon scores others.
struct Certifier {
    /// In the pool, from 1; 0 when not in it.
    uint32 place;
    /// Sits on a certification: one at a time, so that the next salt is that one's.
    bool busy;
    /// Wei that a fault costs.
    uint96 stake;
    /// keccak256 of its next salt, which is the next tip: a chain of salts, fixed when it enlisted.
    bytes32 tip;
}

/// @title Who scores: the pool of certifiers, and the draw from it
/// @notice Drawn at random, with replacement, and taken with a chance of their weight: see Reputation. Of different
/// organisations, none the processor's own. Should MAX_DRAWS find too few, the pool is gone through from a random place on,
/// MAX_STEPS entries at most.
library Certifiers {
    uint256 internal constant MAX_DRAWS = 64;
    uint256 internal constant MAX_STEPS = 128;

    struct Pool {
        ProcessorId[] list;
        mapping(ProcessorId => Certifier) known;
    }

    /// @notice `processor` is no certifier, or sits on a certification.
    error CertifierNotFree(ProcessorId processor);
    /// @notice `found` of `required` independent certifiers are free.
    error TooFewCertifiers(uint256 required, uint256 found);

    /// @notice Puts `processor` into the pool, with a stake and a chain of salts of its own choice.
    function enlist(Pool storage self, ProcessorId processor, uint256 stake, bytes32 tip) internal {
        Certifier storage c = self.known[processor];
        if (c.place != 0 || c.busy) revert CertifierNotFree(processor);
        self.list.push(processor);
        self.known[processor] = Certifier(uint32(self.list.length), false, uint96(stake), tip);
    }

    /// @notice Takes `processor` out, with what it has at stake.
    function strike(Pool storage self, ProcessorId processor) internal returns (uint256 stake) {
        Certifier storage c = self.known[processor];
        uint32 place = c.place;
        if (place == 0) revert CertifierNotFree(processor);
        stake = c.stake;
        ProcessorId last = self.list[self.list.length - 1];
        self.list[place - 1] = last;
        self.known[last].place = place;
        self.list.pop();
        delete self.known[processor];
    }

    /// @notice Draws `count` independent certifiers, who are busy from then on.
    /// @param organisation Of the processor to be scored.
    function draw(Pool storage self, IProcessorRegistry registry, bytes32 seed, uint24 organisation, uint256 count)
        internal
        returns (ProcessorId[] memory drawn)
    {
        uint256 size = self.list.length;
        drawn = new ProcessorId[](count);
        uint24[] memory engaged = new uint24[](count);
        uint256 found;
        uint256 hash;
        for (uint256 i; size != 0 && i < MAX_DRAWS + MAX_STEPS && found < count; ++i) {
            bool isRandom = i < MAX_DRAWS;
            if (isRandom) hash = uint256(keccak256(abi.encode(seed, i)));
            else if (i - MAX_DRAWS >= size) break;
            ProcessorId candidate = self.list[isRandom ? hash % size : (hash % size + i) % size];
            if (self.known[candidate].busy) continue;
            // slither-disable-next-line calls-loop (a view of the suite; at most MAX_DRAWS + MAX_STEPS)
            Standing memory s = registry.standingOf(candidate);
            uint256 chance = isRandom ? (hash >> 128) % Reputation.FULL_WEIGHT : 0;
            if (!_isFit(s, organisation, engaged, found) || _weightOf(s) <= chance) continue;
            self.known[candidate].busy = true;
            engaged[found] = s.organisation;
            drawn[found++] = candidate;
        }
        if (found < count) revert TooFewCertifiers(count, found);
    }

    /// @dev Applicants may score: somebody has to be the first.
    function _isFit(Standing memory s, uint24 organisation, uint24[] memory engaged, uint256 found)
        private
        pure
        returns (bool)
    {
        if (s.status != ProcessorStatus.Applied && s.status != ProcessorStatus.Certified) return false;
        if (s.organisation == organisation) return false;
        for (uint256 i; i < found; ++i) {
            if (engaged[i] == s.organisation) return false;
        }
        return true;
    }

    function _weightOf(Standing memory s) private pure returns (uint256) {
        return Reputation.weightOf(s.accepted, s.outliers, s.silent, s.refused, s.failed);
    }
}
