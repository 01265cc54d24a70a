// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "../../contracts/interfaces/IBonds.sol";
import {IComputationAllocator} from "../../contracts/interfaces/IComputationAllocator.sol";
import {IProcessorRegistry} from "../../contracts/interfaces/IProcessorRegistry.sol";
import {Request} from "../../contracts/libraries/Admission.sol";
import {Assignment, AssignmentStatus, UnexpectedAssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {DisputeId, DisputeKind} from "../../contracts/lifecycle/Dispute.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";

/// @notice Attacks that once worked, and the hard cases found while closing them.
contract RegressionTest is Suite {
    uint256 private constant ROUND_SECONDS = 240;

    function setUp() external {
        _deploy();
        for (uint256 i; i < 5; ++i) {
            _addProcessor();
        }
    }

    // --- the queue ---

    function test_cancelled_computations_do_not_stand_in_the_way() external {
        ComputationId first = _submit(3);
        for (uint256 i; i < 70; ++i) {
            ComputationId spam = _submit(3);
            vm.prank(REQUESTER);
            allocator.cancel(spam);
        }
        ComputationId last = _submit(3);
        (, uint256 waiting,) = allocator.queueOf(NOISE_CLASS);
        require(waiting == 2, "cancelled ones still wait");
        // 71 computations of three quarters of a bucket were charged before it.
        _requireNotDue(last, 53, 0);
        _allocate(first);
        _allocate(last);
        _requireBalanced(5);
    }

    function test_unplaceable_computations_delay_their_own_organisation_by_a_round_each() external {
        ComputationId blocked = _submitUnplaceable();
        ComputationId own = _submit(3);
        _requireNotDue(own, 95, 0);
        _pass(ROUND_SECONDS);
        vm.expectRevert(
            abi.encodeWithSelector(IComputationAllocator.DeadlineOpen.selector, blocked, clock, clock)
        );
        allocator.defer(blocked);
        _pass(1);
        allocator.defer(blocked);
        _allocate(own);
        require(_statusOf(own) == ComputationStatus.Allocated, "it is still blocked");
    }

    function test_unplaceable_computations_delay_no_other_organisation() external {
        for (uint256 i; i < 4; ++i) {
            _submitUnplaceable();
        }
        vm.prank(_operatorOf(1));
        ComputationId other = allocator.submit{value: 1 ether}(_request(3));
        _allocate(other);
        require(_statusOf(other) == ComputationStatus.Allocated, "it is blocked");
    }

    function test_a_requeued_computation_does_not_wait_again() external {
        ComputationId id = _submitAndAllocate(3);
        _submitUnplaceable();
        _submitUnplaceable();
        _refuse(id, 1);
        (, uint256 waiting,) = allocator.queueOf(NOISE_CLASS);
        require(waiting == 2, "it is in the queue again");
        _allocate(id);
        require(_statusOf(id) == ComputationStatus.Allocated, "it waits again");
    }

    // --- leases ---

    function test_the_lack_of_one_processor_ties_up_the_others_for_a_round_at_most() external {
        ComputationId id = _submitAndAllocate(5);
        for (uint256 i; i < 4; ++i) {
            _commit(id, i);
        }
        _pass(121);
        allocator.reallocate(id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IComputationAllocator.DeadlineOpen.selector, id, START + 121 + ROUND_SECONDS, clock
            )
        );
        allocator.expire(id);
        _pass(ROUND_SECONDS + 1);
        allocator.expire(id);
        for (uint32 i = 1; i <= 5; ++i) {
            require(registry.leasedQubitsOf(ProcessorId.wrap(i)) == 0, "a lease outlived its computation");
        }
        (, uint256 locked) = allocator.balanceOf(REQUESTER);
        require(locked == 0, "escrow outlived its computation");
    }

    function test_a_wait_without_processors_lasts_until_the_deadline() external {
        ComputationId id = _submit(3);
        _pass(ROUND_SECONDS + 1);
        uint40 deadlineAt = uint40(START + 1 hours);
        vm.expectRevert(
            abi.encodeWithSelector(IComputationAllocator.DeadlineOpen.selector, id, deadlineAt, clock)
        );
        allocator.expire(id);
    }

    // --- faults ---

    function test_a_late_refusal_is_no_way_out_of_silence() external {
        ComputationId id = _submitAndAllocate(3);
        uint256 endsAt = START + 120;
        _pass(121);
        address daemon = _daemonOfIndex(id, 0);
        vm.prank(daemon);
        vm.expectRevert(
            abi.encodeWithSelector(IComputationAllocator.DeadlinePassed.selector, id, endsAt, clock)
        );
        verifier.refuse(id, 0, 7);
        allocator.reallocate(id);
        require(_assignment(id, 0).status == AssignmentStatus.Silent, "silence went unpunished");
    }

    function test_refusal_of_a_seat_that_does_not_exist_says_so() external {
        ComputationId id = _submitAndAllocate(3);
        vm.expectRevert(
            abi.encodeWithSelector(
                UnexpectedAssignmentStatus.selector,
                id,
                type(uint256).max,
                AssignmentStatus.Unset,
                1 << uint8(AssignmentStatus.Assigned)
            )
        );
        verifier.refuse(id, type(uint256).max, 7);
    }

    function test_faults_in_several_computations_take_no_more_than_the_bond() external {
        ComputationId[] memory ids = new ComputationId[](7);
        vm.prank(_operatorOf(1));
        bonds.beginUnbonding(ProcessorId.wrap(1));
        _pass(601);
        vm.prank(_operatorOf(1));
        bonds.unbond(ProcessorId.wrap(1));
        vm.prank(_operatorOf(1));
        bonds.bond{value: 0.5 ether}(ProcessorId.wrap(1));
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = _submitAndAllocate(5);
        }
        _pass(121);
        for (uint256 i; i < ids.length; ++i) {
            allocator.reallocate(ids[i]);
        }
        require(bonds.bondOf(ProcessorId.wrap(1)) == 0, "five faults use up the bond");
        _requireBalanced(5);
    }

    function test_a_withheld_secret_is_charged_once_in_several_rounds() external {
        ComputationId id = _submitAndAllocate(3);
        uint256 pay = 3 * 2 * uint256(SHOTS) * 10 gwei;
        _addProcessors(4);
        for (uint256 round; round < 2; ++round) {
            _commitAll(id);
            _pass(61);
            verifier.substituteSecret(id);
            require(records.computationOf(id).escrow == pay + BOUNTY, "charged more or less than one bounty");
            if (round == 1) break;
            _reveal(id, 0, _honest(0));
            _pass(61);
            allocator.reallocate(id);
            _allocate(id);
        }
        _revealAll(id);
        _settle(id, 0);
        require(_statusOf(id) == ComputationStatus.Accepted, "no verdict");
        _requireBalanced(9);
    }

    function test_processors_run_out_before_the_panel_does() external {
        _addProcessors(31);
        ComputationId id = _submitAndAllocate(16);
        for (uint256 round; _statusOf(id) == ComputationStatus.Allocated; ++round) {
            _pass(121);
            allocator.reallocate(id);
            if (_statusOf(id) == ComputationStatus.Queued) _allocate(id);
        }
        Computation memory c = records.computationOf(id);
        require(c.status == ComputationStatus.Failed && c.tried == 32, "the panel is larger than it may be");
        require(c.escrow == 0 && c.active == 0, "a failed computation still holds something");
        _requireBalanced(36);
    }

    // --- bonds ---

    function test_a_bond_does_not_leave_before_its_answers_are_beyond_challenge() external {
        ComputationId id = _toRevealing(3);
        _revealAll(id);
        _settle(id, 0);
        (, Assignment memory a) = records.dutyOf(id, 0);
        address operator = registry.operatorOf(a.processor);
        vm.prank(operator);
        bonds.beginUnbonding(a.processor);
        uint256 endsAt = records.computationOf(id).phaseEndsAt;
        _pass(endsAt - clock);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BondNotFree.selector, a.processor, endsAt, 0, clock));
        bonds.unbond(a.processor);
        // The last moment of the window: the case holds the bond for longer.
        vm.prank(KEEPER);
        DisputeId dispute = disputes.open{value: 0.1 ether}(id, 0, DisputeKind.WrongAnswer, "evidence");
        _pass(1);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BondNotFree.selector, a.processor, endsAt, 1, clock));
        bonds.unbond(a.processor);
        disputes.rule(dispute, true, "reason");
        uint256 before = operator.balance;
        vm.prank(operator);
        bonds.unbond(a.processor);
        require(operator.balance == before + 1.9 ether, "what left is not the bond less a slash");
        _requireBalanced(5);
    }

    function test_a_bond_added_ends_an_unbonding() external {
        ProcessorId processor = ProcessorId.wrap(1);
        vm.prank(_operatorOf(1));
        bonds.beginUnbonding(processor);
        require(!registry.standingOf(processor).bonded, "an unbonding processor can be drawn");
        vm.prank(_operatorOf(1));
        bonds.bond{value: 1}(processor);
        require(registry.standingOf(processor).bonded, "a bonded processor cannot be drawn");
        _pass(601);
        vm.prank(_operatorOf(1));
        vm.expectRevert(abi.encodeWithSelector(IBonds.BondNotFree.selector, processor, 0, 0, clock));
        bonds.unbond(processor);
    }

    // --- escalation ---

    function test_an_escalation_pays_everyone_once() external {
        _addProcessors(2);
        uint256 pay = 2 * uint256(SHOTS) * 10 gwei;
        ComputationId id = _submitUpTo(3, 7);
        require(records.computationOf(id).escrow == 7 * pay + 4 * BOUNTY, "the quote is for the most replicas");
        // Three answers, three stories; then two more that agree with the honest one.
        _complete(id, uint256(Answer.Rogue) << 2 | uint256(Answer.OtherRogue) << 4);
        Computation memory c = records.computationOf(id);
        require(c.status == ComputationStatus.Queued && c.replicas == 5 && c.attempt == 2, "it did not escalate");
        require(c.commits == 7 && c.active == 3 && c.escrow == 7 * pay + 3 * BOUNTY, "wrong carry");
        _complete(id, uint256(Answer.Rogue) << 2 | uint256(Answer.OtherRogue) << 4);
        c = records.computationOf(id);
        require(c.status == ComputationStatus.Accepted && c.escrow == pay, "no verdict, or another pay");
        require(_assignment(id, 1).status == AssignmentStatus.Outlier, "the rogue is no outlier");
        require(allocator.treasury() == 0.2 ether, "the outliers' slashes are not in the treasury");
        (uint256 available, uint256 locked) = allocator.balanceOf(REQUESTER);
        require(locked == 0 && available == 500 ether - 3 * pay - 3 * BOUNTY, "the requester paid something else");
        _requireBalanced(7);
    }

    function test_an_escalation_without_more_processors_pays_those_who_could_not_tell() external {
        uint256 noise = uint256(Answer.Noise);
        uint256 pay = 2 * uint256(SHOTS) * 10 gwei;
        ComputationId id = _submitUpTo(5, 7);
        _complete(id, noise | noise << 2 | noise << 4 | noise << 6 | noise << 8);
        require(_statusOf(id) == ComputationStatus.Queued, "it did not escalate");
        _pass(ROUND_SECONDS + 1);
        vm.prank(KEEPER);
        allocator.expire(id);
        for (uint256 i = 1; i <= 5; ++i) {
            (uint256 available,) = allocator.balanceOf(_operatorOf(i));
            require(available == pay, "who answered was not paid");
        }
        (uint256 left, uint256 locked) = allocator.balanceOf(REQUESTER);
        require(locked == 0 && left == 500 ether - 5 * pay - 3 * BOUNTY, "the requester paid something else");
        _requireBalanced(5);
    }

    // --- independence ---

    function test_an_operator_cannot_serve_two_organisations() external {
        address operator = _operatorOf(100);
        consortium.admit("First", address(0xa1), 1);
        uint24 first = consortium.organisationCount();
        consortium.admit("Second", address(0xa2), 1);
        uint24 second = first + 1;
        _join(operator, address(0xa1), first);
        _register(operator, 200);
        vm.prank(operator);
        consortium.resign();
        _join(operator, address(0xa2), second);
        bytes memory signature = _registrationOf(operator, DAEMON_KEYS + 201);
        vm.prank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(IProcessorRegistry.OperatorMoved.selector, operator, second, first)
        );
        registry.register(vm.addr(DAEMON_KEYS + 201), "identity", _hardwareOf(DAEMON_KEYS + 201), signature);
    }

    function test_an_expelled_admin_can_be_admitted_again() external {
        uint24 organisation = consortium.organisationOf(REQUESTER);
        consortium.expel(organisation);
        vm.prank(REQUESTER);
        consortium.resign();
        consortium.admit("Requester again", REQUESTER, 1);
        require(consortium.organisationOf(REQUESTER) == consortium.organisationCount(), "not admitted again");
    }

    // --- steps ---

    function _requireNotDue(ComputationId id, uint256 bucket, uint256 first) private {
        vm.expectRevert(
            abi.encodeWithSelector(IComputationAllocator.ComputationNotDue.selector, id, bucket, first)
        );
        allocator.allocate(id);
    }

    function _submitUnplaceable() private returns (ComputationId) {
        Request memory request = _request(3);
        request.qubits = 255;
        return _submit(request);
    }

    function _addProcessors(uint256 count) private {
        for (uint256 i; i < count; ++i) {
            _addProcessor();
        }
    }

    function _join(address account, address admin, uint24 organisation) private {
        vm.prank(admin);
        consortium.invite(account);
        vm.prank(account);
        consortium.join(organisation);
    }

    function _register(address operator, uint256 number) private {
        bytes memory signature = _registrationOf(operator, DAEMON_KEYS + number);
        vm.prank(operator);
        registry.register(vm.addr(DAEMON_KEYS + number), "identity", _hardwareOf(DAEMON_KEYS + number), signature);
    }

    function _statusOf(ComputationId id) private view returns (ComputationStatus) {
        return records.computationOf(id).status;
    }

    function _assignment(ComputationId id, uint256 index) private view returns (Assignment memory a) {
        (, a) = records.dutyOf(id, index);
    }

    function _requireBalanced(uint256 operators) private view {
        require(_booked(operators) == address(allocator).balance, "the books do not balance");
        uint256 total;
        for (uint32 i = 1; i <= operators; ++i) {
            total += bonds.bondOf(ProcessorId.wrap(i));
        }
        require(total == address(bonds).balance, "the bonds differ from their coin");
    }
}
