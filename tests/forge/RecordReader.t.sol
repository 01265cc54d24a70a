// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IComputationAllocator} from "../../contracts/interfaces/IComputationAllocator.sol";
import {Priority} from "../../contracts/libraries/FairQueue.sol";
import {RecordReader} from "../../contracts/libraries/RecordReader.sol";
import {Assignment, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";

/// @notice What the compiler writes, the reader reads: whole records with every member at random. This contract plays
/// the allocator, and hands out its own storage words as that does.
contract RecordReaderTest {
    using RecordReader for IComputationAllocator;

    uint256 private constant SEATS = 3;
    ComputationId private constant ID = ComputationId.wrap(7);

    Computation private _computation;
    mapping(uint256 index => Assignment) private _assignments;

    /// Where the next random number comes from.
    uint256 private _state;

    function testFuzz_reads_what_the_compiler_wrote(uint256 seed) external {
        _state = seed;
        Computation memory c = _randomComputation();
        _computation = c;
        Assignment[] memory assignments = new Assignment[](SEATS);
        for (uint256 i; i < SEATS; ++i) {
            assignments[i] = _randomAssignment();
            _assignments[i] = assignments[i];
        }

        IComputationAllocator allocator = IComputationAllocator(address(this));
        require(_digestOf(allocator.computationOf(ID)) == _digestOf(c), "another computation");
        for (uint256 i; i < SEATS; ++i) {
            (Computation memory read, Assignment memory a) = allocator.dutyOf(ID, i);
            require(_digestOf(read) == _digestOf(c) && _digestOf(a) == _digestOf(assignments[i]), "another duty");
        }
        Assignment[] memory seats = allocator.assignmentsOf(ID);
        require(keccak256(abi.encode(seats)) == keccak256(abi.encode(assignments)), "other assignments");
    }

    /// @dev No member lies beyond the words that are handed out.
    function test_a_record_has_three_words_and_a_seat_one() external view {
        Computation[2] storage records;
        Assignment[2] storage seats;
        assembly ("memory-safe") {
            records.slot := 0
            seats.slot := 0
        }
        Computation storage record = records[1];
        Assignment storage seat = seats[1];
        uint256 words;
        uint256 seatWords;
        assembly ("memory-safe") {
            words := record.slot
            seatWords := seat.slot
        }
        require(words == 3 && seatWords == 1, "the layout has grown");
    }

    /// @dev As the allocator's.
    function recordOf(ComputationId) external view returns (bytes32[3] memory words) {
        Computation storage c = _computation;
        for (uint256 i; i < 3; ++i) {
            bytes32 word;
            assembly ("memory-safe") {
                word := sload(add(c.slot, i))
            }
            words[i] = word;
        }
    }

    /// @dev As the allocator's.
    function seatOf(ComputationId, uint256 index) public view returns (bytes32 word) {
        Assignment storage a = _assignments[index];
        assembly ("memory-safe") {
            word := sload(a.slot)
        }
    }

    /// @dev As the allocator's.
    function seatsOf(ComputationId id) external view returns (bytes32[] memory words) {
        words = new bytes32[](SEATS);
        for (uint256 i; i < SEATS; ++i) {
            words[i] = seatOf(id, i);
        }
    }

    function _randomComputation() private returns (Computation memory c) {
        c.status = ComputationStatus(_random() % (uint256(type(ComputationStatus).max) + 1));
        c.replicas = uint8(_random());
        c.replicaCap = uint8(_random());
        c.noiseClass = uint8(_random());
        c.qubits = uint8(_random());
        c.depthClass = uint8(_random());
        c.profile = uint8(_random());
        c.quantumVolumeLog2 = uint8(_random());
        c.twoQubitErrorPpm = uint16(_random());
        c.shots = uint16(_random());
        c.place = uint16(_random());
        c.passed = uint8(_random());
        c.flags = uint8(_random());
        c.organisation = uint24(_random());
        c.deadlineAt = uint32(_random());
        c.escrow = uint72(_random());
        c.secret = bytes24(uint192(_random()));
        c.requester = uint32(_random());
        c.outcomeBits = uint8(_random());
        c.trust = uint8(_random());
        c.gold = _random() % 2 == 0;
        c.priority = Priority(_random() % (uint256(type(Priority).max) + 1));
        c.attempt = uint8(_random());
        c.active = uint8(_random());
        c.commits = uint32(_random());
        c.revealed = uint8(_random());
        c.refused = uint8(_random());
        c.tried = uint8(_random());
        c.carried = uint8(_random());
        c.secretWithheld = _random() % 2 == 0;
        c.phaseEndsAt = uint32(_random());
        c.commitsDigest = bytes4(uint32(_random()));
        c.drawn = uint96(_random());
    }

    function _randomAssignment() private returns (Assignment memory a) {
        a.digest = bytes24(uint192(_random()));
        a.processor = ProcessorId.wrap(uint32(_random()));
        a.status = AssignmentStatus(_random() % (uint256(type(AssignmentStatus).max) + 1));
    }

    function _random() private returns (uint256) {
        _state = uint256(keccak256(abi.encode(_state)));
        return _state;
    }

    function _digestOf(Computation memory c) private pure returns (bytes32) {
        return keccak256(abi.encode(c));
    }

    function _digestOf(Assignment memory a) private pure returns (bytes32) {
        return keccak256(abi.encode(a));
    }
}
