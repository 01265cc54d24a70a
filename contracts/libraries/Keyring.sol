// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IHashKeys} from "../interfaces/IHashKeys.sol";
import {IProcessorRegistry} from "../interfaces/IProcessorRegistry.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";
import {Actor} from "./Actor.sol";

/// @title Who stands behind a processor, and by which keys they act
/// @notice An account is keyed once its hash key has been noted: from then on it acts through the door of hash keys, and
/// its ECDSA key alone does nothing. Each of the two accounts' flags lies in the account's own slot, which every check of
/// it reads anyway.
library Keyring {
    struct Identity {
        address operator;
        bool operatorKeyed;
        address daemon;
        bool keyed;
    }

    bytes32 private constant REGISTRATION_TYPEHASH = keccak256(
        "ProcessorRegistration(address operator,address daemon,bytes32 identityDigest,bytes32 hardwareDigest)"
    );
    uint256 private constant ECDSA_BYTES = 65;

    /// @notice Checks that the operator calls, in the way it is bound to.
    function requireOperator(Identity storage self, IHashKeys door, ProcessorId processor) internal view {
        (address account, bool isProven) = Actor.behind(address(door));
        address operator = self.operator;
        if (account != operator) revert IProcessorRegistry.CallerNotOperator(processor, account, operator);
        _require(door, account, isProven || !self.operatorKeyed);
    }

    /// @notice Checks that the operator or the daemon calls, in the way it is bound to.
    function requireEither(Identity storage self, IHashKeys door, ProcessorId processor) internal view {
        (address account, bool isProven) = Actor.behind(address(door));
        address operator = self.operator;
        if (account == operator) {
            _require(door, account, isProven || !self.operatorKeyed);
        } else if (account == self.daemon) {
            _require(door, account, isProven || !self.keyed);
        } else {
            revert IProcessorRegistry.CallerNotOperator(processor, account, operator);
        }
    }

    /// @notice Enters the accounts of a new processor, and checks that its daemon consents.
    /// @param isRequired Whether hash keys are required of everybody.
    /// @param digest What the daemon has signed. @param signature By ECDSA, and after that, of a daemon with a hash key,
    /// or when the operator has come through the door, the hash key's attestation of the same digest.
    function enter(
        Identity storage self,
        IHashKeys door,
        address operator,
        bool isProven,
        bool isRequired,
        address daemon,
        bytes32 digest,
        bytes calldata signature
    ) internal {
        _require(door, operator, isProven || (!isRequired && !_hasKey(door, operator)));
        self.operator = operator;
        self.operatorKeyed = isProven;
        self.daemon = daemon;
        self.keyed = isProven || _hasKey(door, daemon);
        requireConsent(self, door, digest, signature);
    }

    /// @notice Checks that the daemon has signed `digest`, by both its keys if it is keyed: see `enter`.
    function requireConsent(Identity storage self, IHashKeys door, bytes32 digest, bytes calldata signature) internal {
        (address daemon, bool keyed) = (self.daemon, self.keyed);
        _require(door, daemon, !keyed || signature.length > ECDSA_BYTES);
        address signer = ECDSA.recover(digest, keyed ? signature[:ECDSA_BYTES] : signature);
        if (signer != daemon) revert IProcessorRegistry.DaemonSignatureInvalid(daemon, signer);
        if (keyed) door.attest(daemon, digest, signature[ECDSA_BYTES:]);
    }

    /// @notice Notes which of the two accounts have a hash key by now.
    function adopt(Identity storage self, IHashKeys door) internal returns (bool operatorKeyed, bool keyed) {
        operatorKeyed = self.operatorKeyed || _hasKey(door, self.operator);
        keyed = self.keyed || _hasKey(door, self.daemon);
        self.operatorKeyed = operatorKeyed;
        self.keyed = keyed;
    }

    /// @notice What a daemon signs, in the registry's EIP-712 domain, to serve a processor.
    function consentOf(address operator, address daemon, bytes32 identityDigest, bytes32 hardwareDigest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(REGISTRATION_TYPEHASH, operator, daemon, identityDigest, hardwareDigest));
    }

    function _require(IHashKeys door, address account, bool isAllowed) private pure {
        if (!isAllowed) revert Actor.HashSignatureRequired(account, address(door));
    }

    function _hasKey(IHashKeys door, address account) private view returns (bool) {
        return door.wordOf(account) != 0;
    }
}
