// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One quantum node. Ids start at 1; 0 means none.
type ProcessorId is uint32;

/// @notice Where a processor stands. Only `Certified` ones can be drawn.
enum ProcessorStatus {
    Unset,
    /// Registered by its operator, capability not yet approved.
    Applied,
    /// A capability version is approved and indexed by noise class.
    Certified,
    /// Taken out of the draw by a body; keeps its duties in running computations.
    Suspended,
    /// Left for good.
    Retired
}

/// @notice Everything a draw and a settlement touch, in one storage slot. Draw and Reputation read its word.
struct Standing {
    ProcessorStatus status;
    uint8 noiseClass;
    uint8 qubits;
    /// Qubits held by running computations and reservations; never above `qubits`.
    uint8 leasedQubits;
    /// Qubits promised to reservations that are about to begin: nobody new gets them.
    uint8 heldQubits;
    /// Where it is indexed; 0 when in no list: see ProcessorIndex.
    uint24 entry;
    /// Whether the operator's bond covers the next fault.
    bool bonded;
    /// Finishes what it has, and takes nothing new.
    bool draining;
    /// Has an offer of its own; others ask the policy's price.
    bool offered;
    uint24 organisation;
    /// Unix seconds.
    uint32 lastBeatAt;
    /// When the approved capability stops being valid, unix seconds.
    uint32 expiresAt;
    /// Conduct in settled work; each stops at its maximum.
    uint24 accepted;
    uint16 outliers;
    uint8 silent;
    uint16 refused;
    /// Gold rounds or traps failed.
    uint16 failed;
}

using ProcessorLifecycle for Standing global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedProcessorStatus(ProcessorId id, ProcessorStatus actual, uint256 allowed);

/// @title The processor's state machine
/// @notice Sole writer of `Standing.status`.
library ProcessorLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Standing storage self, ProcessorId id, ProcessorStatus to) internal {
        uint256 sources = sourcesOf(to);
        ProcessorStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedProcessorStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(ProcessorStatus to) internal pure returns (uint256) {
        if (to == ProcessorStatus.Applied) return _bit(ProcessorStatus.Unset);
        if (to == ProcessorStatus.Certified) return _bit(ProcessorStatus.Applied) | _bit(ProcessorStatus.Suspended);
        if (to == ProcessorStatus.Suspended) return _bit(ProcessorStatus.Certified);
        if (to == ProcessorStatus.Retired) {
            return _bit(ProcessorStatus.Applied) | _bit(ProcessorStatus.Certified) | _bit(ProcessorStatus.Suspended);
        }
        return 0;
    }

    function _bit(ProcessorStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
