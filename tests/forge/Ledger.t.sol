// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ledger} from "../../contracts/libraries/Ledger.sol";
import {vm} from "./Vm.sol";

/// @notice Whatever is done with a book, its money is what came in less what went out.
contract LedgerTest {
    using Ledger for Ledger.Book;

    uint256 private constant HOLDERS = 3;

    Ledger.Book private _book;
    /// Bounties that were taken and are nobody's yet.
    uint256 private _bounties;

    /// @dev `moves` is a program: each step is an operation, a holder and an amount.
    function testFuzz_money_is_conserved(uint256[24] calldata moves) external {
        uint256 received;
        uint256 sent;
        for (uint256 i; i < moves.length; ++i) {
            address holder = address(uint160(1 + (moves[i] >> 8) % HOLDERS));
            uint256 amount = (moves[i] >> 16) % 1000;
            uint256 kind = moves[i] % 8;
            // A refused move must change nothing; the revert sees to it.
            try this.move(kind, holder, amount) {
                if (kind < 2) received += amount;
                else if (kind == 2 || kind == 6) sent += amount;
            } catch {}
            require(_total() == received - sent, "money appeared or vanished");
        }
    }

    /// @dev Only what the ledger's callers do in one call: what is taken out is credited or endowed.
    function move(uint256 kind, address holder, uint256 amount) external {
        if (kind == 0) _book.credit(holder, amount);
        else if (kind == 1) _lock(holder, amount, amount / 2, amount / 7);
        else if (kind == 2) _book.debit(holder, amount);
        else if (kind == 3) _lock(holder, 0, amount, amount / 9);
        else if (kind == 4) _book.unlock(holder, amount);
        else if (kind == 5) _seize(holder, amount);
        else if (kind == 6) _book.spend(amount);
        else _pay(holder, amount);
    }

    function _lock(address holder, uint256 received, uint256 amount, uint256 bounties) private {
        _book.lock(holder, received, amount, bounties);
        _bounties += bounties;
    }

    function _pay(address holder, uint256 bounty) private {
        _bounties -= bounty;
        _book.credit(holder, bounty);
    }

    function _seize(address holder, uint256 amount) private {
        _book.release(holder, amount, amount / 5);
        _book.credit(address(1), amount / 3);
        _book.endow(amount - amount / 5 - amount / 3);
    }

    function test_debit_reverts_beyond_what_is_available() external {
        _book.credit(address(1), 5);
        _book.lock(address(1), 0, 2, 1);
        vm.expectRevert(abi.encodeWithSelector(Ledger.InsufficientFunds.selector, address(1), 2, 3));
        this.move(2, address(1), 3);
    }

    function test_lock_reverts_beyond_what_is_available() external {
        _book.credit(address(1), 5);
        // A ninth of it is for bounties.
        vm.expectRevert(abi.encodeWithSelector(Ledger.InsufficientFunds.selector, address(1), 5, 20));
        this.move(3, address(1), 18);
    }

    function test_spend_reverts_beyond_the_treasury() external {
        _book.endow(5);
        vm.expectRevert(abi.encodeWithSelector(Ledger.InsufficientTreasury.selector, 5, 6));
        this.move(6, address(0), 6);
    }

    function _total() private view returns (uint256 total) {
        total = _book.treasury + _bounties;
        for (uint160 i = 1; i <= HOLDERS; ++i) {
            Ledger.Account storage account = _book.accounts[address(i)];
            total += uint256(account.available) + account.locked;
        }
    }
}
