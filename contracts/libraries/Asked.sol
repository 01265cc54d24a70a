// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The first word of a computation's record: what it asks of processors, as Computation packs it.
/// @dev It goes to the registry as it is, since to encode the struct and take it apart again costs 3,000 gas.
type Asked is uint256;

using AskedReader for Asked global;

/// @title Reads that word
library AskedReader {
    /// The organisation has a list of whom it works with.
    uint256 internal constant SCREENED = 1;
    /// The price is below what processors without an offer asked when the computation was submitted.
    uint256 internal constant BELOW_POLICY = 2;
    /// Where the flags are.
    uint256 internal constant FLAGS = 112;
    /// Quantum volume and two-qubit error.
    uint256 private constant CHOICE = 0xffffff << 48;

    function replicas(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self));
    }

    function replicaCap(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 8);
    }

    function noiseClass(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 16);
    }

    function qubits(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 24);
    }

    function depthClass(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 32);
    }

    function profile(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 40);
    }

    function quantumVolumeLog2(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 48);
    }

    function twoQubitErrorPpm(Asked self) internal pure returns (uint16) {
        return uint16(Asked.unwrap(self) >> 56);
    }

    function shots(Asked self) internal pure returns (uint16) {
        return uint16(Asked.unwrap(self) >> 72);
    }

    function place(Asked self) internal pure returns (uint16) {
        return uint16(Asked.unwrap(self) >> 88);
    }

    function outcomeBits(Asked self) internal pure returns (uint8) {
        return uint8(Asked.unwrap(self) >> 104);
    }

    function isScreened(Asked self) internal pure returns (bool) {
        return (Asked.unwrap(self) >> FLAGS) & SCREENED != 0;
    }

    function isBelowPolicy(Asked self) internal pure returns (bool) {
        return (Asked.unwrap(self) >> FLAGS) & BELOW_POLICY != 0;
    }

    function organisation(Asked self) internal pure returns (uint24) {
        return uint24(Asked.unwrap(self) >> 120);
    }

    function deadlineAt(Asked self) internal pure returns (uint32) {
        return uint32(Asked.unwrap(self) >> 144);
    }

    function escrow(Asked self) internal pure returns (uint80) {
        return uint80(Asked.unwrap(self) >> 176);
    }

    /// @notice Whether more than a noise class and qubits is asked for.
    function isChoosy(Asked self) internal pure returns (bool) {
        return Asked.unwrap(self) & CHOICE != 0 || profile(self) > 1;
    }
}
