// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Escrow in native coin
/// @notice Invariant: the sum of all `available`, all `locked`, the `treasury` and a keeper's bounty for every computation in
/// a queue equals the holding contract's accounted balance. Money enters by `credit`, leaves by `debit` or `spend`, and only moves sideways otherwise.
library Ledger {
    struct Account {
        uint128 available;
        uint128 locked;
    }

    struct Book {
        mapping(address holder => Account) accounts;
        uint112 treasury;
        /// Computations ever entered.
        uint64 entries;
        /// Wei a qubit-shot that processors without an offer ask: the policy's, beside what each submission writes anyway.
        uint64 price;
        /// To the end of this day nothing is submitted: see Pause.
        uint16 pausedThrough;
    }

    /// @notice `holder` has `available` wei free, `required` are needed.
    error InsufficientFunds(address holder, uint256 available, uint256 required);
    /// @notice The treasury holds `available` wei, `required` are needed.
    error InsufficientTreasury(uint256 available, uint256 required);

    /// @notice Adds `amount` that the contract has received.
    function credit(Book storage self, address holder, uint256 amount) internal {
        self.accounts[holder].available += uint128(amount);
    }

    /// @notice Takes out `amount` that the contract is about to send.
    function debit(Book storage self, address holder, uint256 amount) internal {
        Account storage account = self.accounts[holder];
        uint256 available = account.available;
        if (available < amount) revert InsufficientFunds(holder, available, amount);
        account.available = uint128(available - amount);
    }

    /// @notice Receives `received`, locks `amount` of what the holder then has, and takes `bounties` of it for keepers.
    function lock(Book storage self, address holder, uint256 received, uint256 amount, uint256 bounties) internal {
        Account memory account = self.accounts[holder];
        unchecked {
            // Sums of coin, which there is not 2^128 of; and of escrows of 80 bits, at most 64 at a time.
            uint256 available = account.available + received;
            uint256 required = amount + bounties;
            if (available < required) revert InsufficientFunds(holder, available, required);
            account.available = uint128(available - required);
            account.locked += uint128(amount);
        }
        self.accounts[holder] = account;
    }

    /// @notice Frees `amount` of the holder's own locked money.
    function unlock(Book storage self, address holder, uint256 amount) internal {
        Account memory account = self.accounts[holder];
        account.locked -= uint128(amount);
        account.available += uint128(amount);
        self.accounts[holder] = account;
    }

    /// @notice Takes `amount` out of the holder's locked money and gives `rest` of it back; the caller credits the
    /// difference elsewhere in the same call.
    function release(Book storage self, address holder, uint256 amount, uint256 rest) internal {
        Account memory account = self.accounts[holder];
        account.locked -= uint128(amount);
        account.available += uint128(rest);
        self.accounts[holder] = account;
    }

    /// @notice Gives seized money to the treasury.
    function endow(Book storage self, uint256 amount) internal {
        if (amount != 0) self.treasury += uint112(amount);
    }

    /// @notice Takes `amount` out of the treasury; the contract is about to send it.
    function spend(Book storage self, uint256 amount) internal {
        if (self.treasury < amount) revert InsufficientTreasury(self.treasury, amount);
        self.treasury -= uint112(amount);
    }
}
