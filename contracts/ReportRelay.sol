// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {CommitReport, IReportRelay, RevealReport} from "./interfaces/IReportRelay.sol";
import {IResultVerifier} from "./interfaces/IResultVerifier.sol";
import {RecordReader} from "./libraries/RecordReader.sol";
import {ComputationId} from "./lifecycle/Computation.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";

/// @title ReportRelay
/// @notice See IReportRelay.
/// @dev Stateless. Calls go to the suite's own contracts, which call no strangers and revert with short errors.
// slither-disable-start calls-loop,reentrancy-events
contract ReportRelay is IReportRelay, EIP712 {
    using RecordReader for IComputationAllocator;

    bytes32 private constant COMMIT_REPORT_TYPEHASH = keccak256(
        "CommitReport(uint64 computation,uint256 index,uint256 attempt,bytes24 commitment,address payee,bytes32 configDigest)"
    );
    uint256 public constant MAX_REASON_BYTES = 260;

    IResultVerifier public immutable VERIFIER;
    IComputationAllocator public immutable ALLOCATOR;
    IProcessorRegistry public immutable REGISTRY;

    constructor(IResultVerifier verifier, IComputationAllocator allocator, IProcessorRegistry registry)
        EIP712("QCRS ReportRelay", "1")
    {
        VERIFIER = verifier;
        ALLOCATOR = allocator;
        REGISTRY = registry;
    }

    /// @inheritdoc IReportRelay
    function relay(CommitReport[] calldata reports, bytes[] calldata signatures, RevealReport[] calldata reveals)
        external
        returns (uint256 taken)
    {
        if (reports.length != signatures.length) revert SignatureCountMismatch(reports.length, signatures.length);
        bytes32 config = reports.length == 0 ? bytes32(0) : configDigest();
        for (uint256 i; i < reports.length; ++i) {
            if (i != 0 && !_follows(reports[i], reports[i - 1])) revert ReportsUnordered(i);
            if (_commit(reports[i], _signerOf(digestOf(reports[i]), signatures[i]), config)) ++taken;
        }
        return taken + _revealAll(reveals);
    }

    /// @inheritdoc IReportRelay
    function configDigest() public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, VERIFIER, ALLOCATOR, REGISTRY, ALLOCATOR.policy()));
    }

    /// @inheritdoc IReportRelay
    function digestOf(CommitReport calldata report) public view returns (bytes32) {
        // The members are all of one word, so their ABI encoding is EIP-712's.
        return _hashTypedDataV4(keccak256(abi.encode(COMMIT_REPORT_TYPEHASH, report)));
    }

    /// @param daemon Who has signed the report; 0 when nobody has.
    function _commit(CommitReport calldata report, address daemon, bytes32 config) private returns (bool) {
        bytes memory reason = _faultOf(report, config);
        if (reason.length == 0) {
            if (daemon == address(0)) {
                reason = abi.encodeWithSelector(
                    ReportSignatureInvalid.selector, report.computation, report.index
                );
            } else {
                ComputationId id = ComputationId.wrap(report.computation);
                try VERIFIER.commitFor(id, report.index, report.commitment, daemon) {
                    return true;
                } catch (bytes memory thrown) {
                    reason = _cut(thrown);
                }
            }
        }
        emit CommitSkipped(report.computation, report.index, reason);
        return false;
    }

    function _revealAll(RevealReport[] calldata reveals) private returns (uint256 taken) {
        for (uint256 i; i < reveals.length; ++i) {
            if (_reveal(reveals[i])) ++taken;
        }
    }

    function _reveal(RevealReport calldata report) private returns (bool) {
        ComputationId id = ComputationId.wrap(report.computation);
        try VERIFIER.reveal(id, report.index, report.countsRoot, report.salt, report.sketch) {
            return true;
        } catch (bytes memory thrown) {
            emit RevealSkipped(report.computation, report.index, _cut(thrown));
            return false;
        }
    }

    /// @dev What is wrong with a report, whoever signed it; empty when nothing is.
    function _faultOf(CommitReport calldata report, bytes32 config) private view returns (bytes memory) {
        if (report.configDigest != config) {
            return abi.encodeWithSelector(
                ReportConfigMismatch.selector, report.computation, report.index, config, report.configDigest
            );
        }
        (uint256 attempt, ProcessorId processor) =
            ALLOCATOR.roundOf(ComputationId.wrap(report.computation), report.index);
        if (report.attempt != attempt) {
            return abi.encodeWithSelector(
                ReportAttemptMismatch.selector, report.computation, report.index, attempt, report.attempt
            );
        }
        address operator = REGISTRY.operatorOf(processor);
        if (report.payee != operator) {
            return abi.encodeWithSelector(
                ReportPayeeMismatch.selector, report.computation, report.index, operator, report.payee
            );
        }
        return "";
    }

    /// @dev 0 when it is nobody's, or in a form that has a twin.
    function _signerOf(bytes32 digest, bytes calldata signature) private pure returns (address) {
        // slither-disable-next-line unused-return (the third is the fault's argument)
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature);
        return fault == ECDSA.RecoverError.NoError ? signer : address(0);
    }

    function _follows(CommitReport calldata report, CommitReport calldata previous) private pure returns (bool) {
        if (report.computation != previous.computation) return report.computation > previous.computation;
        return report.index > previous.index;
    }

    function _cut(bytes memory reason) private pure returns (bytes memory) {
        if (reason.length > MAX_REASON_BYTES) {
            assembly ("memory-safe") {
                mstore(reason, MAX_REASON_BYTES)
            }
        }
        return reason;
    }
}
// slither-disable-end calls-loop,reentrancy-events
