// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an account does through a hash key: call `target` with `data`, as the action of its leaf `leaf`.
struct Action {
    address account;
    address target;
    bytes data;
}

/// @notice One of many calls under one signature.
struct Call {
    address target;
    bytes data;
}

/// @notice Whose key is there from the start: a founder of a body. Were it installed later, a thief of the founder's ECDSA
/// key could come first.
/// @dev No proof of possession is asked: it would have to name a contract that is yet to be. Whoever deploys names the founders
/// anyway; and who finds another commitment than its own in `wordOf` cannot act, which shows before anything depends on the
/// suite. A tree is still one contract's alone: its signer refuses to serve a second one.
struct Founder {
    address account;
    bytes24 commitment;
}

/// @title The door that asks for a hash-based signature beside the account's own
/// @notice Each account may install one key: the root of a Merkle tree of one-time keys (see HashSignature). Whoever calls
/// through the door shows the account's ECDSA signature, or is the account, and a signature by the next leaf of its tree. A
/// valid signature always burns its leaf: when the call fails, the event ActionFailed tells so and the leaf stays burnt, since
/// a one-time key that has signed twice is worth nothing. Targets see this contract as their caller and the account in
/// the last 20 bytes of their call data: see Actor.
/// Everything that is signed is EIP-712 typed data of the domain "QCRS HashKeys", version "1", and names the leaf that
/// signs; so it is worth nothing at another contract, on another chain, or a second time. A signature burns all leaves below
/// its own, too: whoever signs several actions has them posted in order.
/// @dev Trust: in who deploys, for the keys of founders. Any other key is installed by its account, with a proof of possession;
/// it is replaced by a signature of the present key, or, when that is lost, by the Processor Certification Authority after
/// RECOVERY_SECONDS in which the present key can object, which every signature by it does. No tree is installed twice, by
/// anyone. The last RESERVED_LEAVES of a tree sign rotations and objections alone, so that a key in use can always be replaced.
/// What the contract cannot see is a leaf that signs twice before either is posted: that is the signer's to prevent.
interface IHashKeys {
    event KeyInstalled(address indexed account, bytes32 word);
    event KeyRotated(address indexed account, bytes32 before, bytes32 word);
    event ActionPerformed(address indexed account, uint32 indexed leaf, address indexed target, bytes result);
    event ActionFailed(address indexed account, uint32 indexed leaf, address indexed target, bytes reason);
    event Attested(address indexed account, uint32 indexed leaf, address indexed asker, bytes32 digest);
    /// @notice The key of `account` is to be replaced by that with `commitment`, from `opensAt` on, if it does not object.
    event RecoveryProposed(address indexed account, bytes24 commitment, uint40 opensAt);
    /// @notice The present key has signed, so it is not lost.
    event RecoveryObjected(address indexed account, uint32 indexed leaf);
    event KeyRecovered(address indexed account, bytes32 before, bytes32 word);

    /// @notice `account` has no key.
    error KeyMissing(address account);
    /// @notice `account` has a key already: rotate it.
    error KeyPresent(address account, bytes32 word);
    /// @notice This tree has been installed before.
    error CommitmentUsed(bytes24 commitment);
    /// @notice The ECDSA signature is `signer`'s, not the account's.
    error AccountSignatureInvalid(address account, address signer);
    /// @notice The hash-based signature is not one of this message by the account's key.
    error HashSignatureInvalid(address account, uint32 leaf);
    /// @notice The lowest leaf of the account that is not burnt is `next`.
    error LeafBurnt(address account, uint32 leaf, uint32 next);
    /// @notice Actions are signed by leaves below `end`.
    error LeafReserved(address account, uint32 leaf, uint256 end);
    /// @notice Nothing can be called at `target`: no code, or this contract itself, which acts for nobody.
    error TargetInvalid(address target);
    /// @notice There are `left` gas; before a call there are to be `required`, so that who posts cannot make it fail.
    error GasInsufficient(uint256 left, uint256 required);
    /// @notice A signature covers at most MAX_CALLS calls, and at least one.
    error CallCountInvalid(uint256 calls);
    /// @notice No recovery of the account's key is under way.
    error RecoveryMissing(address account);
    /// @notice The present key can object until `opensAt`; now it is `timestamp`.
    error RecoveryOpen(address account, uint40 opensAt, uint256 timestamp);

    /// @notice Gives the caller its first key. The caller's own ECDSA key alone decides which.
    /// @param possession The new key's signature of KeyPossession(address account,bytes24 commitment,uint32 leaf).
    function install(bytes24 commitment, bytes calldata possession) external;

    /// @notice Replaces the key of `account`. Anyone may post it.
    /// @param possession As in `install`, by the new key.
    /// @param ecdsaSignature Of KeyRotation(address account,bytes24 commitment,uint32 leaf); empty when the caller is the
    /// account. @param hashSignature Of the same, by the present key.
    function rotate(
        address account,
        bytes24 commitment,
        bytes calldata possession,
        bytes calldata ecdsaSignature,
        bytes calldata hashSignature
    ) external;

    /// @notice Calls `action.target` for `action.account`, and burns the leaf that signed this. Anyone may post it.
    /// @dev Signed is Action(address account,address target,bytes data,uint32 leaf). The call is given at least CALL_GAS.
    /// @param ecdsaSignature The account's EIP-712 signature of the action; empty when the caller is the account.
    /// @param hashSignature The account's hash-based signature of the same digest.
    /// @return succeeded Whether the target took the call. @return result What it returned, or why it did not, cut off at
    /// MAX_RESULT_BYTES.
    function perform(Action calldata action, bytes calldata ecdsaSignature, bytes calldata hashSignature)
        external
        returns (bool succeeded, bytes memory result);

    /// @notice Makes many calls for `account` under one signature. One that fails does not spoil the others.
    /// @dev Signed is Batch(address account,Call[] calls,uint256 gasEach,uint32 leaf)Call(address target,bytes data).
    /// @param gasEach Least gas that each call is given.
    /// @return succeeded Bit i is set when call i was taken.
    function performMany(
        address account,
        Call[] calldata calls,
        uint256 gasEach,
        bytes calldata ecdsaSignature,
        bytes calldata hashSignature
    ) external returns (uint256 succeeded);

    /// @notice Burns the leaf of `account` that has signed `digest` for the caller, a contract that asks for it.
    /// @dev Signed is Attestation(address account,address asker,bytes32 digest,uint32 leaf), by the hash key alone: who asks
    /// has seen the account's ECDSA signature itself.
    function attest(address account, bytes32 digest, bytes calldata hashSignature) external;

    /// @notice Proposes another key for an account that has lost its own. Processor Certification Authority only.
    function proposeRecovery(address account, bytes24 commitment, bytes calldata possession) external;

    /// @notice Ends the recovery of the account's key by a signature of that key. Any other signature by it does, too.
    /// @dev Signed is RecoveryObjection(address account,bytes24 commitment,uint32 leaf), of the proposed commitment.
    function object(address account, bytes calldata ecdsaSignature, bytes calldata hashSignature) external;

    /// @notice Installs the proposed key of an account whose present one has kept silent. Anyone.
    function recover(address account) external;

    /// @notice The key of `account` and its next leaf, in one word; 0 when it has none. From the left: commitment 24, zero 3,
    /// whether a recovery is under way 1, next leaf 4.
    function wordOf(address account) external view returns (bytes32);

    /// @notice Whether a tree has been installed.
    function isUsed(bytes24 commitment) external view returns (bool);
}
