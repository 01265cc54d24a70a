// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "./Processor.sol";

/// @notice One benchmark of one processor. Ids start at 1; 0 means none.
type CertificationId is uint64;

/// @notice Where a certification stands. A round that certifiers spoil leads back to `Requested`.
enum CertificationStatus {
    Unset,
    /// The processor is ready; certifiers are to be drawn.
    Requested,
    /// Certifiers are drawn; each has a salt to reveal.
    Convened,
    /// The seed is known; the processor has circuits to run.
    Challenged,
    /// The processor has committed to its counts; each certifier has scores to commit to.
    Answered,
    /// Each certifier has its scores to reveal.
    Scoring,
    /// The measured capability is in effect.
    Certified,
    /// Too little was measured, or the processor did not answer.
    Failed,
    /// Certifiers could not be had, or did not agree; coin went back.
    Lapsed
}

/// @notice Why a processor is benchmarked.
enum CertificationCause {
    Unset,
    /// Its operator asked.
    Request,
    /// The draw of an epoch.
    Surprise,
    /// Gold rounds of settled work went badly.
    Drift
}

/// @notice Four storage slots; seats are kept beside it.
struct Certification {
    CertificationStatus status;
    CertificationCause cause;
    /// From 1.
    uint8 round;
    /// By seat: whose salt, commitment or scores are there, in the phase that runs.
    uint8 done;
    /// The capability version that is claimed.
    uint16 version;
    ProcessorId processor;
    /// Of the phase, unix seconds.
    uint40 deadlineAt;
    /// Wei held for it.
    uint96 escrow;
    /// Requested: the entropy that a draw must not rest on. Convened: that of the draw, with the salts so far. Then the seed.
    bytes32 seed;
    /// keccak256 of the processor's counts, as it stores them.
    bytes32 answer;
    /// Wei for each certifier: the terms' when it was requested.
    uint96 fee;
}

using CertificationLifecycle for Certification global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedCertificationStatus(CertificationId id, CertificationStatus actual, uint256 allowed);

/// @title The certification's state machine
/// @notice Sole writer of `Certification.status`.
library CertificationLifecycle {
    /// @notice Moves `self` along one edge into a phase that ends at `deadlineAt`, in which nobody has done anything yet.
    function advance(Certification storage self, CertificationId id, CertificationStatus to, uint256 deadlineAt)
        internal
    {
        uint256 sources = sourcesOf(to);
        CertificationStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedCertificationStatus(id, actual, sources);
        self.status = to;
        self.deadlineAt = uint40(deadlineAt);
        self.done = 0;
    }

    /// @notice Reverts unless `self` is exactly `expected`.
    function requireIs(Certification storage self, CertificationId id, CertificationStatus expected) internal view {
        if (self.status != expected) revert UnexpectedCertificationStatus(id, self.status, _bit(expected));
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(CertificationStatus to) internal pure returns (uint256) {
        uint256 certifying = _bit(CertificationStatus.Convened) | _bit(CertificationStatus.Answered)
            | _bit(CertificationStatus.Scoring);
        if (to == CertificationStatus.Requested) return _bit(CertificationStatus.Unset) | certifying;
        if (to == CertificationStatus.Convened) return _bit(CertificationStatus.Requested);
        if (to == CertificationStatus.Challenged) return _bit(CertificationStatus.Convened);
        if (to == CertificationStatus.Answered) return _bit(CertificationStatus.Challenged);
        if (to == CertificationStatus.Scoring) return _bit(CertificationStatus.Answered);
        if (to == CertificationStatus.Certified) return _bit(CertificationStatus.Scoring);
        if (to == CertificationStatus.Failed) {
            return _bit(CertificationStatus.Challenged) | _bit(CertificationStatus.Scoring);
        }
        if (to == CertificationStatus.Lapsed) return _bit(CertificationStatus.Requested) | certifying;
        return 0;
    }

    function _bit(CertificationStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
