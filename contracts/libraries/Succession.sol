// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";
import {Reputation} from "./Reputation.sol";
import {Roster} from "./Roster.sol";

/// @title What a processor takes over from those before it
/// @notice Conduct cannot be washed off by registering again:
///  - hardware is registered once in an organisation; when its processor has retired, the next one of the same hardware
///    takes over the whole conduct, the good with the bad;
///  - an organisation whose processor was suspended or retired with faults on record has that processor's faults carried
///    over to each other one that is certified for the first time, whoever operates it and whatever hardware it names.
/// @dev The second does not believe the hardware's digest, which nobody on chain can check. It is read when a processor is
/// first certified, so that spares registered beforehand help nobody.
library Succession {
    using Reputation for Standing;

    struct Memory {
        /// For which an operator registers, for good.
        mapping(address operator => uint24) organisations;
        /// Of an organisation's hardware.
        mapping(bytes32 hardware => ProcessorId) processors;
        /// Who left with most faults.
        mapping(uint24 organisation => ProcessorId) disgraced;
    }

    /// @notice The hardware is that of `former`, which is `status` and would first have to retire.
    error HardwareTaken(bytes32 hardwareDigest, ProcessorId former, ProcessorStatus status);

    /// @notice Binds an operator to one organisation for life, so that processors of different organisations have
    /// different operators.
    function bind(Memory storage self, address operator, uint24 organisation) internal {
        uint24 first = self.organisations[operator];
        if (first == 0) self.organisations[operator] = organisation;
        else if (first != organisation) revert IProcessorRegistry.OperatorMoved(operator, organisation, first);
    }

    /// @notice Enters the hardware of `processor`, which takes over the conduct of the one that it was before.
    function enter(Memory storage self, Roster.State storage roster, ProcessorId processor, bytes32 hardwareDigest)
        internal
    {
        Standing storage standing = roster.standings[processor];
        // By organisation: nobody can keep others from registering what is theirs.
        bytes32 key = keccak256(abi.encode(standing.organisation, hardwareDigest));
        ProcessorId former = self.processors[key];
        self.processors[key] = processor;
        if (ProcessorId.unwrap(former) == 0) return;
        Standing memory before = roster.standings[former];
        if (before.status != ProcessorStatus.Retired) revert HardwareTaken(hardwareDigest, former, before.status);
        standing.accepted = before.accepted;
        standing.inheritFaults(before);
        emit IProcessorRegistry.ConductInherited(processor, former);
    }

    /// @notice Remembers a processor that was suspended or retired, when it has most faults of its organisation's.
    function part(Memory storage self, Roster.State storage roster, ProcessorId processor) internal {
        Standing memory standing = roster.standings[processor];
        uint256 most = roster.standings[self.disgraced[standing.organisation]].faultsOf();
        if (standing.faultsOf() > most) self.disgraced[standing.organisation] = processor;
    }

    /// @notice Lets `processor`, certified for the first time, take over the faults that are remembered.
    function inherit(Memory storage self, Roster.State storage roster, ProcessorId processor) internal {
        Standing storage standing = roster.standings[processor];
        ProcessorId from = self.disgraced[standing.organisation];
        if (ProcessorId.unwrap(from) == 0) return;
        standing.inheritFaults(roster.standings[from]);
        emit IProcessorRegistry.ConductInherited(processor, from);
    }
}
