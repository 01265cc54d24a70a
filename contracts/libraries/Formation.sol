// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IChannels, Use} from "../interfaces/IChannels.sol";
import {Run, SessionRequest} from "../interfaces/IEntanglementCoordinator.sol";
import {ChannelId} from "../lifecycle/Channel.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Admission} from "./Admission.sol";

/// @title What a group of sessions must be like
/// @notice Limits bound every loop over a group; the order of members and of channels shows that none is named twice.
library Formation {
    uint256 internal constant MAX_RUNS = 5;
    uint256 internal constant MIN_MEMBERS = 2;
    uint256 internal constant MAX_MEMBERS = 12;
    uint256 internal constant MAX_USES = 16;
    uint256 internal constant MAX_PHASES = 64;
    uint256 internal constant MAX_SECONDS = 7 days;

    /// @notice A group has 1 to 5 runs; or phases, shots, width or a window is out of its range: see SessionRequest.
    error SessionRequestInvalid(SessionRequest request, uint256 runs);
    /// @notice A run has 2 to 12 members in ascending order, a fragment for each, and at most 16 channels.
    error RunShapeInvalid(uint256 run, uint256 members, uint256 fragments, uint256 uses);
    /// @notice `processor` serves in two runs.
    error MemberRepeated(ProcessorId processor, uint256 run, uint256 other);
    /// @notice The ends of `channel` are not members, it is named twice or out of order, or no pairs of it are asked
    /// for.
    error UseInvalid(uint256 run, ChannelId channel, uint256 pairs);

    /// @notice Reverts unless `runs` such runs can be asked for.
    function requireValid(SessionRequest calldata request, uint256 runs) internal pure {
        if (
            runs == 0 || runs > MAX_RUNS || request.phases == 0 || request.phases > MAX_PHASES || request.shots == 0
                || request.outcomeBits == 0 || request.outcomeBits > Admission.MAX_OUTCOME_BITS
                || !_isWindow(request.joinSeconds) || !_isWindow(request.phaseSeconds)
                || !_isWindow(request.reportSeconds)
        ) revert SessionRequestInvalid(request, runs);
    }

    /// @notice Reverts unless run `index` is well formed, and shares no processor with those before it.
    function requireShape(IChannels channels, Run[] calldata runs, uint256 index) internal view {
        Run calldata run = runs[index];
        uint256 count = run.members.length;
        bool shaped = count >= MIN_MEMBERS && count <= MAX_MEMBERS && run.fragmentDigests.length == count
            && run.uses.length <= MAX_USES && ProcessorId.unwrap(run.members[0]) != 0;
        for (uint256 i = 1; shaped && i < count; ++i) {
            shaped = ProcessorId.unwrap(run.members[i - 1]) < ProcessorId.unwrap(run.members[i]);
        }
        if (!shaped) revert RunShapeInvalid(index, count, run.fragmentDigests.length, run.uses.length);
        for (uint256 other; other < index; ++other) {
            for (uint256 i; i < count; ++i) {
                if (_isIn(runs[other].members, run.members[i])) revert MemberRepeated(run.members[i], index, other);
            }
        }
        _requireUses(channels, run, index);
    }

    function _requireUses(IChannels channels, Run calldata run, uint256 index) private view {
        uint64 before;
        for (uint256 i; i < run.uses.length; ++i) {
            Use calldata use = run.uses[i];
            uint64 id = ChannelId.unwrap(use.channel);
            // slither-disable-next-line calls-loop (a view of the suite; at most MAX_USES a run)
            (ProcessorId first, ProcessorId second) = channels.endsOf(use.channel);
            if (use.pairs == 0 || id <= before || !_isIn(run.members, first) || !_isIn(run.members, second)) {
                revert UseInvalid(index, use.channel, use.pairs);
            }
            before = id;
        }
    }

    function _isWindow(uint256 duration) private pure returns (bool) {
        return duration != 0 && duration <= MAX_SECONDS;
    }

    function _isIn(ProcessorId[] calldata members, ProcessorId processor) private pure returns (bool) {
        for (uint256 i; i < members.length; ++i) {
            if (ProcessorId.unwrap(members[i]) == ProcessorId.unwrap(processor)) return true;
        }
        return false;
    }
}
