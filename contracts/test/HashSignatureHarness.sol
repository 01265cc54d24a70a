// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HashSignature} from "../libraries/HashSignature.sol";

/// @title HashSignature, callable from tests
contract HashSignatureHarness {
    function verify(bytes calldata signature, bytes24 commitment, bytes32 digest) external pure returns (bool) {
        return HashSignature.verify(signature, commitment, digest);
    }

    function leafOf(bytes calldata signature) external pure returns (uint32) {
        return HashSignature.leafOf(signature);
    }

    /// @return valid As verify. @return spent Gas of that alone, without call data.
    function measure(bytes calldata signature, bytes24 commitment, bytes32 digest)
        external
        view
        returns (bool valid, uint256 spent)
    {
        spent = gasleft();
        valid = HashSignature.verify(signature, commitment, digest);
        spent -= gasleft();
    }
}
