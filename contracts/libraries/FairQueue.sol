// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice How a computation is placed among those of other organisations.
enum Priority {
    Routine,
    Elevated,
    Critical
}

/// @title Start-time fair queueing over organisations, in buckets
/// @notice Each waiting computation has a start tag, in which the cost that its organisation asked for before it, divided by
/// the organisation's weight, adds up: see IConsortium.bill. They are served in the order of their tags, to the
/// bucket: whoever is in the first bucket is in turn. The first bucket is the virtual time, from which idle organisations
/// start; it never goes back.
///
/// Fairness (after Goyal, Vin and Cheng 1996, for any capacity, with buckets and backfill): in any time in which two
/// organisations f and g both wait, what they are served, each divided by its weight, differs by at most
///   largest cost of f / weight of f + largest cost of g / weight of g
///   + (2 * (1 + REACH) * 2^23 + credit of f + credit of g) / 2^8 + what is displaced, per weight.
/// For what f is served has tags from the first bucket at the beginning to REACH after the first at the end, and g is served
/// at least what it has from REACH after the first at the beginning to the first at the end; credit counts likewise.
/// Starvation is bounded: between the moment at which a computation enters bucket b, when `first` is the first bucket, and
/// that at which it is in turn, every other organisation g is served at most
///   weight of g * ((b + 1 - first) * 2^23 + CRITICAL_CREDIT) / 2^8 + its largest cost + what it has displaced
/// in turn, and with backfill, which takes nothing that those ahead could have, as if b were later by REACH. Displaced are the
/// costs of those that were cancelled, sent back, exchanged (by MAX_LEAP buckets at most, MAX_PASSES times each), or found
/// their bucket full. Costs are in qubit-shots times replicas times depth class: see costOf.
/// @dev Only counts are kept, eight bits a bucket in a ring, so that to enter and to leave rewrites two slots whatever waits.
/// Who stands where is in the computations' own records. The caller sees to it that each leaves the bucket in which it is.
library FairQueue {
    /// Computations ahead of which one that is not in turn may be allocated: fewer than these.
    uint256 internal constant WINDOW = 4;
    /// Buckets after the first up to which that may be: so that what is served out of turn makes no organisation richer
    /// by more, however long the head cannot be placed.
    uint256 internal constant REACH = 64;
    /// Times that a shorter computation may take the place of a longer one, and buckets by which it gets ahead so: else
    /// those passed would stand together far later, as if service could be saved up.
    uint256 internal constant MAX_PASSES = 8;
    uint256 internal constant MAX_LEAP = 16;
    /// Rounds for which an organisation that had to be sent back is not waited for again.
    uint256 internal constant DISTRUST_ROUNDS = 10;
    /// Tags have 2^8 units for one unit of cost per weight, and a bucket 2^23 units.
    uint256 internal constant COST_BITS = 8;
    uint256 internal constant BUCKET_BITS = 23;
    /// Least that a computation is charged, in tag units: so that no organisation, whatever its weight, fills a bucket.
    uint256 internal constant LEAST_STEP = 1 << 17;
    /// Buckets that an elevated computation is placed ahead of its tag; its organisation is charged all the same.
    uint256 internal constant ELEVATED_CREDIT = 16 << BUCKET_BITS;
    uint256 internal constant CRITICAL_CREDIT = 64 << BUCKET_BITS;

    uint256 private constant LANES = 31;
    uint256 private constant WORDS = 128;
    /// Buckets from the first on in which computations may wait.
    uint256 internal constant BUCKETS = LANES * WORDS;
    uint256 private constant FULL = 0xff;
    /// Buckets that are looked at when one is full.
    uint256 private constant MAX_SPILL = 16;
    uint256 private constant COUNTS = (1 << (8 * LANES)) - 1;
    /// Set in every word ever used, so that a word which empties need not be paid for as new.
    uint256 private constant USED = 1 << 255;

    /// @dev One slot, which callers read once and write once.
    struct State {
        /// Bit i is set when word i of the ring counts somebody.
        uint128 occupied;
        /// Absolute number of the first bucket; somebody waits in it unless nobody waits at all.
        uint48 first;
        /// When somebody was last served in turn, or began to wait for it, unix seconds.
        uint40 stalledSince;
    }

    struct Queue {
        State state;
        mapping(uint256 word => uint256) counts;
    }

    /// @notice Bucket `bucket` is `ahead` of the first, or so are all free ones from it on: `limit` is the most. Wait until
    /// the organisation's earlier computations have been served.
    error BacklogFull(uint256 bucket, uint256 ahead, uint256 limit);

    /// @notice What a computation costs: in qubit-shots, times replicas, times depth class.
    function costOf(uint256 qubits, uint256 shots, uint256 replicas, uint256 depthClass)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            return qubits * shots * replicas * depthClass; // of 40 bits together
        }
    }

    /// @notice Tag units by which a computation is placed ahead.
    function creditOf(Priority priority) internal pure returns (uint256) {
        if (priority == Priority.Routine) return 0;
        return priority == Priority.Elevated ? ELEVATED_CREDIT : CRITICAL_CREDIT;
    }

    /// @notice The virtual time, in tag units.
    function virtualTime(State memory s) internal pure returns (uint256) {
        return uint256(s.first) << BUCKET_BITS;
    }

    /// @notice Whether nobody waits.
    function isIdle(State memory s) internal pure returns (bool) {
        return s.occupied == 0;
    }

    /// @notice How many wait: for those who look on, since it reads every word in which somebody does.
    function waiting(Queue storage self) internal view returns (uint32 count) {
        uint256 occupied = self.state.occupied;
        for (uint256 index; occupied >> index != 0; ++index) {
            if (occupied & (1 << index) == 0) continue;
            for (uint256 word = self.counts[index] & COUNTS; word != 0; word >>= 8) {
                count += uint32(word & FULL);
            }
        }
    }

    /// @notice Lets one more wait with the tag `tag`, which is not below the virtual time.
    /// @param s What is stored; changed, and stored again.
    /// @return bucket Its bucket's number.
    function enter(Queue storage self, State memory s, uint256 tag) internal returns (uint256 bucket) {
        bucket = tag >> BUCKET_BITS;
        uint256 index;
        uint256 shift;
        uint256 word;
        unchecked {
            for (uint256 tries;; ++tries) {
                if (bucket - s.first >= BUCKETS || tries == MAX_SPILL) {
                    revert BacklogFull(bucket, bucket - s.first, BUCKETS - 1);
                }
                (index, shift) = _positionOf(bucket);
                word = self.counts[index];
                if ((word >> shift) & FULL != FULL) break;
                ++bucket;
            }
            self.counts[index] = (word | USED) + (1 << shift); // it is not full
            if (isIdle(s)) {
                s.stalledSince = uint40(block.timestamp);
                s.first = uint48(bucket);
            }
            s.occupied |= uint128(1 << index);
        }
        self.state = s;
    }

    /// @notice Takes one out of its bucket. `served` says that it was served in turn.
    /// @param s What is stored; changed, and stored again.
    function depart(Queue storage self, State memory s, uint16 place, bool served) internal {
        uint256 bucket = bucketOf(s, place);
        (uint256 index, uint256 shift) = _positionOf(bucket);
        uint256 word = self.counts[index] - (1 << shift);
        self.counts[index] = word;
        if (word & COUNTS == 0) s.occupied &= ~uint128(1 << index);
        if (!isIdle(s) && bucket == s.first && (word >> shift) & FULL == 0) {
            s.first = uint48(_next(self, s.occupied, bucket, word));
        }
        if (served) s.stalledSince = uint40(block.timestamp);
        self.state = s;
    }

    /// @notice Lets one that waits in `place` wait in the bucket of `tag` instead: after the first, and where there is room.
    /// @return bucket Its bucket's number.
    function move(Queue storage self, uint16 place, uint256 tag) internal returns (uint256 bucket) {
        State memory s = self.state;
        uint256 later = uint256(s.first) + 1;
        depart(self, s, place, true);
        bucket = tag >> BUCKET_BITS;
        if (bucket < later) bucket = later;
        // The first bucket may have moved meanwhile; and the organisation's line may be longer than the ring.
        if (bucket < s.first) bucket = s.first;
        uint256 last = uint256(s.first) + BUCKETS - MAX_SPILL;
        return enter(self, s, (bucket > last ? last : bucket) << BUCKET_BITS);
    }

    /// @notice The number of the bucket with the lowest bits `place`, in which somebody waits.
    function bucketOf(State memory s, uint16 place) internal pure returns (uint256) {
        unchecked {
            return uint256(s.first) + uint16(place - uint16(s.first));
        }
    }

    /// @notice Whether those in `place` are in turn.
    function isFirst(State memory s, uint16 place) internal pure returns (bool) {
        return place == uint16(s.first);
    }

    /// @notice How many wait in buckets before `place`; counts no further than `limit`.
    function ahead(Queue storage self, State memory s, uint16 place, uint256 limit)
        internal
        view
        returns (uint256 count)
    {
        uint256 own = bucketOf(s, place);
        for (uint256 bucket = s.first; bucket < own && count < limit;) {
            (uint256 index, uint256 shift) = _positionOf(bucket);
            uint256 word = self.counts[index];
            count += (word >> shift) & FULL;
            bucket = _next(self, s.occupied, bucket, word);
        }
    }

    /// @dev The next bucket after `bucket`, whose word is `word`, in which somebody waits; there is one.
    function _next(Queue storage self, uint256 occupied, uint256 bucket, uint256 word) private view returns (uint256) {
        (uint256 index, uint256 shift) = _positionOf(bucket);
        unchecked {
            uint256 base = bucket - shift / 8;
            uint256 later = (word & COUNTS) >> (shift + 8) << (shift + 8);
            if (later != 0) return base + _lowestLane(later);
            // Words after this one, in the ring's order; this one comes last, with the buckets before its own.
            uint256 turn = index + 1;
            uint256 rotated = ((occupied >> turn) | (occupied << (WORDS - turn))) & type(uint128).max;
            uint256 steps = 1 + _lowestBit(rotated);
            return base + steps * LANES + _lowestLane(self.counts[(index + steps) % WORDS] & COUNTS);
        }
    }

    function _positionOf(uint256 bucket) private pure returns (uint256 index, uint256 shift) {
        unchecked {
            index = (bucket / LANES) % WORDS;
            shift = (bucket % LANES) * 8;
        }
    }

    function _lowestLane(uint256 word) private pure returns (uint256) {
        return _lowestBit(word) / 8;
    }

    function _lowestBit(uint256 word) private pure returns (uint256) {
        unchecked {
            return Math.log2(word & (~word + 1));
        }
    }
}
