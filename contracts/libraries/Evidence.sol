// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation} from "../lifecycle/Computation.sol";
import {BucketHash} from "./BucketHash.sol";
import {CountSketch} from "./CountSketch.sol";
import {Binding, Histogram, Run} from "./Histogram.sol";

/// @notice How far an answer to a demand has come. The contract keeps its digest; whoever goes on gives it back.
struct Progress {
    bytes32 countsRoot;
    /// keccak256 of the words of the revealed sketch.
    bytes32 sketchDigest;
    /// Number of the leaf that is due.
    uint256 next;
    /// Shots in the leaves so far.
    uint256 shots;
    /// The last leaf shown, packed.
    uint256 last;
    /// Sketch of the leaves so far, wire form.
    uint256[] sketch;
}

/// @title Evidence: what the leaves under a root say about the answer that was revealed
library Evidence {
    /// @notice A sketch has `rows` rows of `buckets` buckets.
    error BucketOutOfRange(uint256 row, uint256 bucket, uint256 rows, uint256 buckets);
    /// @notice Runs must ascend: leaf number `first` is before `next`.
    error RunsOverlap(uint256 first, uint256 next);

    /// @notice Whether so many leaves can hold so many shots.
    function isPlausible(Binding calldata binding, uint256 shots) internal pure returns (bool) {
        return binding.shots == shots && binding.leafCount != 0 && binding.leafCount <= shots;
    }

    /// @notice The first leaf without shots, else the last if it is too wide. Leaves ascend.
    function firstUnfit(uint256[] calldata leaves, uint256 outcomeBits) internal pure returns (bool, uint256) {
        for (uint256 i; i < leaves.length; ++i) {
            if (leaves[i] & 0xffff == 0) return (true, leaves[i]);
        }
        return isTooWide(leaves, outcomeBits) ? (true, leaves[leaves.length - 1]) : (false, 0);
    }

    /// @notice Whether some outcome has more than `outcomeBits` bits. Leaves ascend, there is one at least.
    function isTooWide(uint256[] calldata leaves, uint256 outcomeBits) internal pure returns (bool) {
        return leaves[leaves.length - 1] >> (16 + outcomeBits) != 0;
    }

    /// @notice The shots that a sketch has in one bucket.
    function bucketIn(uint256[] calldata sketch, uint256 row, uint256 bucket, uint256 outcomeBits)
        internal
        pure
        returns (uint256)
    {
        (uint256 rows, uint256 buckets) = CountSketch.dimensions(outcomeBits);
        if (row >= rows || bucket >= buckets) revert BucketOutOfRange(row, bucket, rows, buckets);
        uint256 lane = row * buckets + bucket;
        return (sketch[lane / 16] >> (16 * (lane % 16))) & 0xffff;
    }

    /// @notice Shots and leaves, of those shown, that fall into a bucket.
    function collect(
        uint256[] memory parameters,
        uint256 row,
        uint256 bucket,
        uint256 outcomeBits,
        Binding calldata binding,
        Run[] calldata runs
    ) internal pure returns (uint256 shown, uint256[] memory leaves) {
        uint256 count;
        for (uint256 i; i < runs.length; ++i) {
            count += runs[i].leaves.length;
        }
        leaves = new uint256[](count);
        count = 0;
        uint256 next;
        for (uint256 i; i < runs.length; ++i) {
            Run calldata run = runs[i];
            if (run.first < next) revert RunsOverlap(run.first, next);
            Histogram.requireRunUnder(binding, run.first, run.leaves, run.siblings);
            next = run.first + run.leaves.length;
            for (uint256 j; j < run.leaves.length; ++j) {
                uint256 leaf = run.leaves[j];
                if (BucketHash.bucketOf(parameters, row, leaf >> 16, outcomeBits) != bucket) continue;
                leaves[count++] = leaf;
                shown += leaf & 0xffff;
            }
        }
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
    }

    /// @notice Adds leaves to what has been shown.
    /// @param complete Whether these are the last.
    /// @return sound Whether nothing contradicts what was revealed. @return next Digest of the progress then.
    function proceed(
        Progress calldata progress,
        Computation memory c,
        bytes32 seed,
        Binding calldata binding,
        uint256[] calldata leaves,
        bool complete
    ) internal pure returns (bool sound, bytes32 next) {
        if (isTooWide(leaves, c.outcomeBits) || !isPlausible(binding, c.shots)) return (false, 0);
        Progress memory then = progress;
        uint256[] memory parameters = BucketHash.parametersOf(seed, c.outcomeBits);
        (uint256 shots, uint256 empty) = BucketHash.fold(then.sketch, parameters, leaves, c.outcomeBits);
        if (empty != 0) return (false, 0);
        then.shots += shots;
        then.next += leaves.length;
        then.last = leaves[leaves.length - 1];
        if (complete) sound = then.shots == c.shots && digestOf(then.sketch) == then.sketchDigest;
        else sound = then.shots <= c.shots;
        next = keccak256(abi.encode(then));
    }

    /// @notice The progress of an answer that has not begun.
    function startOf(bytes32 countsRoot, uint256[] calldata sketch) internal pure returns (bytes32) {
        Progress memory progress;
        progress.countsRoot = countsRoot;
        progress.sketchDigest = digestOf(sketch);
        progress.sketch = new uint256[](sketch.length);
        return keccak256(abi.encode(progress));
    }

    /// @notice Digest of a sketch's words.
    function digestOf(uint256[] memory sketch) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(sketch));
    }

    /// @notice Whether assignment `index`, which has revealed, did so in the round that was judged.
    /// @param revealed How many did.
    /// @dev Answers of earlier rounds were sketched under other seeds. A round that fails ends all its seats and the
    /// next takes higher ones: an answer is of the last round when fewer than all of that round's come after it.
    function isOfLastRound(Assignment[] memory assignments, uint256 index, uint256 revealed)
        internal
        pure
        returns (bool)
    {
        uint256 later;
        for (uint256 i = index + 1; i < assignments.length; ++i) {
            AssignmentStatus status = assignments[i].status;
            bool endedEarly = status == AssignmentStatus.Silent || status == AssignmentStatus.Refused
                || status == AssignmentStatus.Excused;
            if (!endedEarly) ++later;
        }
        return later < revealed;
    }
}
