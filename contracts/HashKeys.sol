// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Action, Call, Founder, IHashKeys} from "./interfaces/IHashKeys.sol";
import {HashSignature} from "./libraries/HashSignature.sol";

/// @title HashKeys
/// @notice See IHashKeys.
/// @dev Leaves are burnt before anything is called, so that a target that calls back finds them burnt; events follow calls,
/// for they tell the outcome.
// slither-disable-start reentrancy-events,calls-loop
contract HashKeys is IHashKeys, AccessManaged, EIP712 {
    bytes32 private constant ACTION_TYPEHASH =
        keccak256("Action(address account,address target,bytes data,uint32 leaf)");
    bytes32 private constant CALL_TYPEHASH = keccak256("Call(address target,bytes data)");
    bytes32 private constant BATCH_TYPEHASH = keccak256(
        "Batch(address account,Call[] calls,uint256 gasEach,uint32 leaf)Call(address target,bytes data)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("Attestation(address account,address asker,bytes32 digest,uint32 leaf)");
    bytes32 private constant POSSESSION_TYPEHASH =
        keccak256("KeyPossession(address account,bytes24 commitment,uint32 leaf)");
    bytes32 private constant ROTATION_TYPEHASH =
        keccak256("KeyRotation(address account,bytes24 commitment,uint32 leaf)");
    bytes32 private constant OBJECTION_TYPEHASH =
        keccak256("RecoveryObjection(address account,bytes24 commitment,uint32 leaf)");

    uint256 public constant RESERVED_LEAVES = 8;
    uint256 private constant ACTION_LEAVES = HashSignature.LEAVES - RESERVED_LEAVES;
    /// More than any call of the suite for one computation takes.
    uint256 public constant CALL_GAS = 500_000;
    uint256 public constant MAX_CALLS = 64;
    uint256 public constant MAX_RESULT_BYTES = 1024;
    uint40 public constant RECOVERY_SECONDS = 7 days;
    uint256 private constant RECOVERING = 1 << 32;
    /// What happens between the look at the gas and the call: an account's first access, and stack.
    uint256 private constant CALL_OVERHEAD = 5_000;

    struct Proposal {
        bytes24 commitment;
        uint16 next;
        uint40 opensAt;
    }

    /// @inheritdoc IHashKeys
    mapping(address account => bytes32) public wordOf;
    /// @inheritdoc IHashKeys
    mapping(bytes24 commitment => bool) public isUsed;
    mapping(address account => Proposal) private _proposals;

    /// @param founders Accounts that have their keys from the start: see Founder.
    constructor(address authority, Founder[] memory founders) AccessManaged(authority) EIP712("QCRS HashKeys", "1") {
        for (uint256 i; i < founders.length; ++i) {
            (address account, bytes24 commitment) = (founders[i].account, founders[i].commitment);
            if (commitment == 0) revert KeyMissing(account);
            _install(account, commitment, 0);
        }
    }

    /// @inheritdoc IHashKeys
    function install(bytes24 commitment, bytes calldata possession) external {
        _install(msg.sender, commitment, _requirePossession(msg.sender, commitment, possession));
    }

    /// @inheritdoc IHashKeys
    function rotate(
        address account,
        bytes24 commitment,
        bytes calldata possession,
        bytes calldata ecdsaSignature,
        bytes calldata hashSignature
    ) external {
        bytes32 digest = _keyDigest(ROTATION_TYPEHASH, account, commitment, hashSignature);
        _requireAccount(account, digest, ecdsaSignature);
        // slither-disable-next-line unused-return (with its tree, the leaf is gone)
        _burn(account, digest, hashSignature, HashSignature.LEAVES);
        bytes32 word = _wordOf(commitment, _requirePossession(account, commitment, possession));
        emit KeyRotated(account, wordOf[account], word);
        _use(account, commitment, word);
    }

    /// @inheritdoc IHashKeys
    function perform(Action calldata action, bytes calldata ecdsaSignature, bytes calldata hashSignature)
        external
        returns (bool succeeded, bytes memory result)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                ACTION_TYPEHASH,
                action.account,
                action.target,
                keccak256(action.data),
                HashSignature.leafOf(hashSignature)
            )
        );
        uint32 leaf = _admit(action.account, structHash, ecdsaSignature, hashSignature);
        return _call(action.account, leaf, action.target, action.data, CALL_GAS);
    }

    /// @inheritdoc IHashKeys
    function performMany(
        address account,
        Call[] calldata calls,
        uint256 gasEach,
        bytes calldata ecdsaSignature,
        bytes calldata hashSignature
    ) external returns (uint256 succeeded) {
        if (calls.length == 0 || calls.length > MAX_CALLS) revert CallCountInvalid(calls.length);
        bytes32 structHash = keccak256(
            abi.encode(
                BATCH_TYPEHASH, account, _hashOf(calls), gasEach, HashSignature.leafOf(hashSignature)
            )
        );
        uint32 leaf = _admit(account, structHash, ecdsaSignature, hashSignature);
        for (uint256 i; i < calls.length; ++i) {
            // slither-disable-next-line unused-return (the event has it)
            (bool taken,) = _call(account, leaf, calls[i].target, calls[i].data, gasEach);
            if (taken) succeeded |= 1 << i;
        }
    }

    /// @inheritdoc IHashKeys
    function attest(address account, bytes32 digest, bytes calldata hashSignature) external {
        bytes32 structHash = keccak256(
            abi.encode(ATTESTATION_TYPEHASH, account, msg.sender, digest, HashSignature.leafOf(hashSignature))
        );
        uint32 leaf = _burn(account, _hashTypedDataV4(structHash), hashSignature, ACTION_LEAVES);
        emit Attested(account, leaf, msg.sender, digest);
    }

    /// @inheritdoc IHashKeys
    function proposeRecovery(address account, bytes24 commitment, bytes calldata possession) external restricted {
        bytes32 word = wordOf[account];
        if (word == 0) revert KeyMissing(account);
        if (isUsed[commitment]) revert CommitmentUsed(commitment);
        uint256 next = _requirePossession(account, commitment, possession);
        uint40 opensAt = uint40(block.timestamp) + RECOVERY_SECONDS;
        _proposals[account] = Proposal(commitment, uint16(next), opensAt);
        wordOf[account] = word | bytes32(RECOVERING);
        emit RecoveryProposed(account, commitment, opensAt);
    }

    /// @inheritdoc IHashKeys
    function object(address account, bytes calldata ecdsaSignature, bytes calldata hashSignature) external {
        bytes24 commitment = _proposalOf(account).commitment;
        bytes32 digest = _keyDigest(OBJECTION_TYPEHASH, account, commitment, hashSignature);
        _requireAccount(account, digest, ecdsaSignature);
        // slither-disable-next-line unused-return (the event has it)
        _burn(account, digest, hashSignature, HashSignature.LEAVES);
    }

    /// @inheritdoc IHashKeys
    function recover(address account) external {
        Proposal memory proposal = _proposalOf(account);
        if (block.timestamp <= proposal.opensAt) {
            revert RecoveryOpen(account, proposal.opensAt, block.timestamp);
        }
        bytes32 word = _wordOf(proposal.commitment, proposal.next);
        emit KeyRecovered(account, wordOf[account], word);
        _use(account, proposal.commitment, word);
    }

    /// @dev Checks both signatures of something done for `account`, and burns the leaf.
    function _admit(
        address account,
        bytes32 structHash,
        bytes calldata ecdsaSignature,
        bytes calldata hashSignature
    ) private returns (uint32 leaf) {
        bytes32 digest = _hashTypedDataV4(structHash);
        _requireAccount(account, digest, ecdsaSignature);
        return _burn(account, digest, hashSignature, ACTION_LEAVES);
    }

    /// @dev Burns the leaf that signed `digest`, and all below it. Who can sign has the key, so no recovery goes on.
    function _burn(address account, bytes32 digest, bytes calldata hashSignature, uint256 end)
        private
        returns (uint32 leaf)
    {
        bytes32 word = wordOf[account];
        // slither-disable-next-line incorrect-equality (a record, not coin)
        if (word == 0) revert KeyMissing(account);
        leaf = HashSignature.leafOf(hashSignature);
        uint32 next = uint32(uint256(word));
        if (leaf < next) revert LeafBurnt(account, leaf, next);
        if (leaf >= end) revert LeafReserved(account, leaf, end);
        if (!HashSignature.verify(hashSignature, bytes24(word), digest)) revert HashSignatureInvalid(account, leaf);
        wordOf[account] = _wordOf(bytes24(word), leaf + 1);
        if (uint256(word) & RECOVERING != 0) emit RecoveryObjected(account, leaf);
    }

    /// @dev Gives an account its first key, whose leaves from `next` on are not burnt.
    function _install(address account, bytes24 commitment, uint256 next) private {
        bytes32 word = wordOf[account];
        if (word != 0) revert KeyPresent(account, word);
        word = _wordOf(commitment, next);
        _use(account, commitment, word);
        emit KeyInstalled(account, word);
    }

    /// @dev Makes a key the account's. A tree never comes back: its leaves have signed.
    function _use(address account, bytes24 commitment, bytes32 word) private {
        if (isUsed[commitment]) revert CommitmentUsed(commitment);
        isUsed[commitment] = true;
        wordOf[account] = word;
    }

    /// @dev Calls `target` with the account at the end of its call data, and tells how it went.
    function _call(address account, uint32 leaf, address target, bytes calldata data, uint256 gasLeast)
        private
        returns (bool succeeded, bytes memory result)
    {
        // As its own caller this contract would act for itself.
        if (target == address(this) || target.code.length == 0) revert TargetInvalid(target);
        bytes memory input = abi.encodePacked(data, account);
        // A call is given at most 63 of 64 parts of what is left (EIP-150).
        uint256 required = gasLeast + gasLeast / 63 + CALL_OVERHEAD;
        if (gasleft() < required) revert GasInsufficient(gasleft(), required);
        assembly ("memory-safe") {
            succeeded := call(gas(), target, 0, add(input, 32), mload(input), 0, 0)
            let size := returndatasize()
            if gt(size, MAX_RESULT_BYTES) { size := MAX_RESULT_BYTES }
            result := mload(0x40)
            mstore(0x40, add(result, and(add(size, 63), not(31))))
            mstore(result, size)
            returndatacopy(add(result, 32), 0, size)
        }
        if (succeeded) emit ActionPerformed(account, leaf, target, result);
        else emit ActionFailed(account, leaf, target, result);
    }

    function _requireAccount(address account, bytes32 digest, bytes calldata ecdsaSignature) private view {
        if (msg.sender == account) return;
        address signer = ECDSA.recover(digest, ecdsaSignature);
        if (signer != account) revert AccountSignatureInvalid(account, signer);
    }

    /// @return next Leaf of the new key after the one that has signed.
    function _requirePossession(address account, bytes24 commitment, bytes calldata possession)
        private
        view
        returns (uint256 next)
    {
        bytes32 digest = _keyDigest(POSSESSION_TYPEHASH, account, commitment, possession);
        uint32 leaf = HashSignature.leafOf(possession);
        if (!HashSignature.verify(possession, commitment, digest)) revert HashSignatureInvalid(account, leaf);
        return leaf + 1;
    }

    function _proposalOf(address account) private view returns (Proposal memory) {
        // slither-disable-next-line incorrect-equality (a record, not coin)
        if (uint256(wordOf[account]) & RECOVERING == 0) revert RecoveryMissing(account);
        return _proposals[account];
    }

    function _keyDigest(bytes32 typeHash, address account, bytes24 commitment, bytes calldata hashSignature)
        private
        view
        returns (bytes32)
    {
        uint32 leaf = HashSignature.leafOf(hashSignature);
        return _hashTypedDataV4(keccak256(abi.encode(typeHash, account, commitment, leaf)));
    }

    function _hashOf(Call[] calldata calls) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            hashes[i] = keccak256(abi.encode(CALL_TYPEHASH, calls[i].target, keccak256(calls[i].data)));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _wordOf(bytes24 commitment, uint256 next) private pure returns (bytes32) {
        return bytes32(commitment) | bytes32(next);
    }
}
// slither-disable-end reentrancy-events,calls-loop
