// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title CheckpointAnchor: append-only checkpoints of Merkle tree logs, with the date at which each became known
/// @author OpenSeal
/// @notice Keeps, for any number of logs, the root hash of the newest anchored tree and, for ever, the time of every (size, root) that was
/// anchored. A tree is accepted only with a consistency proof from the tree anchored before it (RFC 9162 §2.1.4), checked here with
/// SHA-256. So within one log nobody, the holders of its keys included, can anchor a history that leaves out or changes what was anchored
/// earlier.
///
/// Trees are those of RFC 6962 §2.1: leaf hash SHA-256(0x00 ‖ entry), node hash SHA-256(0x01 ‖ left ‖ right). Sizes are at most 2^53-1.
///
/// What this contract does NOT do:
/// - It does not know what the entries say. It shows that a tree existed at a time and grew by appending, never that a record is true.
/// - It does not check checkpoint signatures or witnesses. The publisher's transaction is the only authority for what is appended.
/// - It does not see the entries, so it cannot tell that a leaf is well formed, or that the tree's data is available to anyone.
/// - It does not check a log's first checkpoint against anything: there is no earlier one. What that tree holds is for readers to audit.
/// - It does not stop an owner from opening a second log for the same origin from another address. Readers pin the log id.
/// - It does not count leaves. Some roots fit the proof for two sizes (from 1 leaf, a tree of 3 also passes as one of 4), so `newSize` is
///   the publisher's word like `newRoot`. A wrong one convinces nobody who holds the log's signed checkpoint.
/// - It does not take back an anchor. After a stolen publisher key, `closeLog` names the last good size, and readers must look at `logOf`.
/// - It has no administrator, no upgrade, no pause and no fee, and holds no ether.
///
/// Times are block times in seconds, as honest as the chain's block producers. Whether a block is final is for the reader to find out.
/// Reads never revert on well-formed calldata: for what is not known they answer zero or false.
contract CheckpointAnchor {
    /// @dev The three words that anchoring touches are kept apart from the rest: `publisher`, `closed` and `size` share the first one,
    /// `root` is the second, and the third is the new slot in `_anchoredAt`. The time of the head is not repeated here: `_anchoredAt` has
    /// it.
    struct Log {
        address publisher; // may anchor; never zero in a log that exists
        bool closed; // once true, nothing in this struct changes again
        uint64 size; // of the newest anchored tree; 0 before the first anchor
        bytes32 root; // of the newest anchored tree
        address owner; // may change the publisher, hand over, close; never zero in a log that exists
        address pendingOwner; // may accept ownership; zero when no transfer is open
        uint64 lastGoodSize; // set when closed
        bytes32 successor; // set when closed; zero when none was named
    }

    /// @dev The largest size that every JSON reader holds exactly.
    uint64 private constant _MAX_SIZE = 2 ** 53 - 1;

    /// @dev All logs ever opened. Logs are never deleted.
    mapping(bytes32 logId => Log) private _logs;

    /// @dev Block time at which a root was anchored for a log at a size. Written once: a log's size only grows.
    mapping(bytes32 logId => mapping(uint64 size => mapping(bytes32 root => uint64 time))) private _anchoredAt;

    /// @notice A log was opened. `logId` is `logIdOf(owner, origin)`.
    event LogOpened(bytes32 indexed logId, address indexed owner, address indexed publisher, string origin);

    /// @notice The tree of `size` leaves with root hash `root` was anchored at block time `time` (seconds).
    event CheckpointAnchored(bytes32 indexed logId, uint64 size, bytes32 root, uint64 time);

    /// @notice The owner offered the log to `pendingOwner`, or withdrew an offer when that is zero.
    event OwnershipTransferStarted(bytes32 indexed logId, address indexed owner, address indexed pendingOwner);

    /// @notice The log has a new owner.
    event OwnershipTransferred(bytes32 indexed logId, address indexed previousOwner, address indexed owner);

    /// @notice From now on only `publisher` can anchor.
    event PublisherChanged(bytes32 indexed logId, address indexed previousPublisher, address indexed publisher);

    /// @notice Nothing is anchored in this log any more. Checkpoints above `lastGoodSize` are disowned by the owner.
    event LogClosed(bytes32 indexed logId, uint64 lastGoodSize, bytes32 indexed successor);

    /// @notice No log has this id.
    error CheckpointAnchorUnknownLog(bytes32 logId);

    /// @notice This sender has opened a log for this origin before.
    error CheckpointAnchorLogExists(bytes32 logId);

    /// @notice The log was closed for good.
    error CheckpointAnchorLogClosed(bytes32 logId, uint64 lastGoodSize, bytes32 successor);

    /// @notice Only the log's owner may do this.
    error CheckpointAnchorNotOwner(bytes32 logId, address sender, address owner);

    /// @notice Only the address that ownership was offered to may accept it.
    error CheckpointAnchorNotPendingOwner(bytes32 logId, address sender, address pendingOwner);

    /// @notice Only the log's publisher may anchor.
    error CheckpointAnchorNotPublisher(bytes32 logId, address sender, address publisher);

    /// @notice The zero address cannot be a publisher.
    error CheckpointAnchorZeroPublisher(bytes32 logId);

    /// @notice A new checkpoint must be of a larger tree than the last one.
    error CheckpointAnchorSizeNotLarger(uint64 newSize, uint64 size);

    /// @notice Tree sizes end at 2^53-1.
    error CheckpointAnchorSizeTooLarge(uint64 newSize, uint64 maxSize);

    /// @notice A consistency proof between these two sizes has exactly `expected` hashes.
    error CheckpointAnchorProofLength(uint256 length, uint256 expected);

    /// @notice The proof does not start from the tree anchored last.
    error CheckpointAnchorOldRootMismatch(bytes32 rebuilt, bytes32 root);

    /// @notice The proof does not lead to the new root.
    error CheckpointAnchorNewRootMismatch(bytes32 rebuilt, bytes32 newRoot);

    /// @notice The last good size cannot be above the size anchored last.
    error CheckpointAnchorLastGoodSize(uint64 lastGoodSize, uint64 size);

    /// @notice A successor must be another log of this contract that is open.
    error CheckpointAnchorBadSuccessor(bytes32 logId, bytes32 successor);

    /// @notice The SHA-256 precompile did not answer: the call ran out of gas, or the chain does not have it and cannot hold checkpoints.
    error CheckpointAnchorNoSha256();

    // --- opening and anchoring -------------------------------------------------------------------------------------------------------

    /// @notice Opens a log that the sender owns. The id depends on the sender, so nobody can take another's name.
    /// @dev Does NOT check the origin, which is opaque here, and does NOT check that the publisher has agreed to anything.
    /// @param origin The log's name as its checkpoints carry it.
    /// @param publisher Who may anchor. A key of its own, so that the owner's key can stay offline.
    /// @return logId `logIdOf(msg.sender, origin)`.
    function openLog(string calldata origin, address publisher) external returns (bytes32 logId) {
        logId = logIdOf(msg.sender, origin);
        Log storage log = _logs[logId];
        if (log.owner != address(0)) revert CheckpointAnchorLogExists(logId);
        if (publisher == address(0)) revert CheckpointAnchorZeroPublisher(logId);

        log.owner = msg.sender;
        log.publisher = publisher;
        emit LogOpened(logId, msg.sender, publisher, origin);
    }

    /// @notice Anchors a larger tree that provably begins with the one anchored last.
    /// @dev The same call again reverts (the size does not grow), so a transaction sent twice does no harm. Does NOT check a first
    /// checkpoint's root against anything, and does NOT check signatures.
    /// @param logId The log, of which the sender must be the publisher.
    /// @param newSize Leaves of the new tree: more than anchored so far, at least 1, at most 2^53-1.
    /// @param newRoot Root hash of the new tree.
    /// @param proof Consistency proof of RFC 9162 §2.1.4.1 from the anchored size to `newSize`; empty for the first anchor. Its length must
    /// be exact, and it must rebuild both the stored root and `newRoot`.
    function anchor(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external {
        Log storage log = _logs[logId];
        (address publisher, bool closed, uint64 size) = (log.publisher, log.closed, log.size);
        if (publisher == address(0)) revert CheckpointAnchorUnknownLog(logId);
        if (msg.sender != publisher) revert CheckpointAnchorNotPublisher(logId, msg.sender, publisher);
        if (closed) revert CheckpointAnchorLogClosed(logId, log.lastGoodSize, log.successor);
        if (newSize <= size) revert CheckpointAnchorSizeNotLarger(newSize, size);
        if (newSize > _MAX_SIZE) revert CheckpointAnchorSizeTooLarge(newSize, _MAX_SIZE);
        _requireConsistent(size, log.root, newSize, newRoot, proof);

        uint64 time = uint64(block.timestamp);
        log.size = newSize;
        log.root = newRoot;
        _anchoredAt[logId][newSize][newRoot] = time;
        emit CheckpointAnchored(logId, newSize, newRoot, time);
    }

    // --- ownership -------------------------------------------------------------------------------------------------------------------

    /// @notice Offers the log to another owner, who must accept. A second offer replaces the first; the zero address takes it back.
    /// @param logId The log, of which the sender must be the owner.
    /// @param newOwner Who may accept.
    function transferOwnership(bytes32 logId, address newOwner) external {
        Log storage log = _ownOpenLog(logId);
        log.pendingOwner = newOwner;
        emit OwnershipTransferStarted(logId, msg.sender, newOwner);
    }

    /// @notice Takes over a log that was offered to the sender. The publisher stays as it is.
    /// @param logId The log.
    function acceptOwnership(bytes32 logId) external {
        _requireKnown(logId);
        _requireOpen(logId);
        Log storage log = _logs[logId];
        if (msg.sender != log.pendingOwner) revert CheckpointAnchorNotPendingOwner(logId, msg.sender, log.pendingOwner);

        address previousOwner = log.owner;
        log.owner = msg.sender;
        log.pendingOwner = address(0);
        emit OwnershipTransferred(logId, previousOwner, msg.sender);
    }

    /// @notice Changes who may anchor. The old publisher's key is without power from this transaction on.
    /// @dev Does NOT undo what the old publisher has anchored: see `closeLog`.
    /// @param logId The log, of which the sender must be the owner.
    /// @param publisher The new publisher.
    function setPublisher(bytes32 logId, address publisher) external {
        Log storage log = _ownOpenLog(logId);
        if (publisher == address(0)) revert CheckpointAnchorZeroPublisher(logId);

        address previousPublisher = log.publisher;
        log.publisher = publisher;
        emit PublisherChanged(logId, previousPublisher, publisher);
    }

    /// @notice Ends a log for good: nothing in it can change afterwards. For the day a publisher key was stolen and used.
    /// @dev Does NOT erase anchors above `lastGoodSize`: `anchoredAt` and `verifyInclusion` go on answering as before, so that no owner has
    /// power over the past. Whoever relies on a checkpoint looks at `logOf` too. Does NOT check that `lastGoodSize` itself was anchored.
    /// @param logId The log, of which the sender must be the owner.
    /// @param lastGoodSize The largest size the owner vouches for: at most the size anchored last; 0 for none.
    /// @param successor Id of the log that goes on, or zero. It must be open in this contract, so successors can form no loop.
    function closeLog(bytes32 logId, uint64 lastGoodSize, bytes32 successor) external {
        Log storage log = _ownOpenLog(logId);
        if (lastGoodSize > log.size) revert CheckpointAnchorLastGoodSize(lastGoodSize, log.size);
        if (successor != bytes32(0)) {
            Log storage next = _logs[successor];
            if (successor == logId || next.owner == address(0) || next.closed) revert CheckpointAnchorBadSuccessor(logId, successor);
        }

        log.closed = true;
        log.lastGoodSize = lastGoodSize;
        log.successor = successor;
        log.pendingOwner = address(0);
        emit LogClosed(logId, lastGoodSize, successor);
    }

    // --- views -----------------------------------------------------------------------------------------------------------------------

    /// @notice When a root was anchored for a log at a size.
    /// @dev Does NOT tell whether the log was closed, or disowned at that size, since.
    /// @return time Block time in seconds; 0 when it was not anchored.
    function anchoredAt(bytes32 logId, uint64 size, bytes32 root) external view returns (uint64 time) {
        return _anchoredAt[logId][size][root];
    }

    /// @notice The checkpoint anchored last.
    /// @return size Leaves of the tree; 0 when nothing was anchored or there is no such log.
    /// @return root Its root hash; zero when there is none.
    /// @return time Block time in seconds at which it was anchored; 0 when there is none.
    function latest(bytes32 logId) external view returns (uint64 size, bytes32 root, uint64 time) {
        Log storage log = _logs[logId];
        size = log.size;
        root = log.root;
        time = _anchoredAt[logId][size][root];
    }

    /// @notice Who may do what in a log, and how it ended. All zero when there is no such log.
    /// @return owner May change the publisher, hand over and close; zero when there is no such log.
    /// @return pendingOwner May accept ownership; zero when no transfer is open.
    /// @return publisher May anchor, unless closed.
    /// @return closed True when nothing can change any more.
    /// @return lastGoodSize When closed, the largest size the owner vouches for; 0 before.
    /// @return successor When closed, the log that goes on, or zero.
    function logOf(bytes32 logId)
        external
        view
        returns (address owner, address pendingOwner, address publisher, bool closed, uint64 lastGoodSize, bytes32 successor)
    {
        Log storage log = _logs[logId];
        return (log.owner, log.pendingOwner, log.publisher, log.closed, log.lastGoodSize, log.successor);
    }

    /// @notice Whether a leaf is in a tree that was anchored: for contracts that act only on what is on the record.
    /// @dev Inclusion proof of RFC 9162 §2.1.3. False, never a revert, when (size, root) was not anchored in this log, the index is outside
    /// the tree, or the proof has another length or does not rebuild the root. The caller must itself compute the leaf hash from the entry,
    /// SHA-256(0x00 ‖ entry): this function does NOT know whether a hash handed in is that of any entry. It does NOT look at closing: see
    /// `closeLog`.
    /// @param logId The log.
    /// @param size Leaves of the anchored tree.
    /// @param root Root hash of the anchored tree.
    /// @param index Position of the leaf, from 0.
    /// @param leafHash Hash of the leaf.
    /// @param proof Inclusion proof, from the leaf's sibling up.
    /// @return included True only when the leaf is at that index of that anchored tree.
    function verifyInclusion(bytes32 logId, uint64 size, bytes32 root, uint64 index, bytes32 leafHash, bytes32[] calldata proof)
        external
        view
        returns (bool included)
    {
        if (_anchoredAt[logId][size][root] == 0 || index >= size) return false;

        // `place` and `last` are where the leaf's subtree and the tree's right edge stand on the current level. Where both meet, the
        // subtree is the rightmost one, which rises without a sibling until it becomes a right child.
        uint256 place = index;
        uint256 last = size - 1;
        bytes32 hash = leafHash;
        uint256 used = 0;
        for (; last != 0; (place, last) = (place >> 1, last >> 1)) {
            bool right = place & 1 == 1;
            if (!right && place == last) continue;
            if (used == proof.length) return false;
            hash = right ? _hashNode(proof[used], hash) : _hashNode(hash, proof[used]);
            unchecked {
                ++used; // at most 53
            }
        }
        return used == proof.length && hash == root;
    }

    /// @notice The id of the log that `opener` opens, or would open, for `origin`: keccak256(abi.encode(opener, origin)).
    /// @dev Ownership may have passed on since. Does NOT tell whether the log exists.
    function logIdOf(address opener, string calldata origin) public pure returns (bytes32 logId) {
        return keccak256(abi.encode(opener, origin));
    }

    // --- checks ----------------------------------------------------------------------------------------------------------------------

    /// @dev The log, when it is known, open and the sender's.
    function _ownOpenLog(bytes32 logId) private view returns (Log storage log) {
        _requireKnown(logId);
        log = _logs[logId];
        if (msg.sender != log.owner) revert CheckpointAnchorNotOwner(logId, msg.sender, log.owner);
        _requireOpen(logId);
    }

    /// @dev Reverts unless the log was opened once.
    function _requireKnown(bytes32 logId) private view {
        if (_logs[logId].owner == address(0)) revert CheckpointAnchorUnknownLog(logId);
    }

    /// @dev Reverts when the log was closed.
    function _requireOpen(bytes32 logId) private view {
        Log storage log = _logs[logId];
        if (log.closed) revert CheckpointAnchorLogClosed(logId, log.lastGoodSize, log.successor);
    }

    /// @dev Reverts unless `proof` shows that the tree (newSize, newRoot) begins with the tree (size, root): RFC 9162 §2.1.4.2.
    function _requireConsistent(uint256 size, bytes32 root, uint256 newSize, bytes32 newRoot, bytes32[] calldata proof) private view {
        if (size == 0) {
            if (proof.length != 0) revert CheckpointAnchorProofLength(proof.length, 0);
            return;
        }
        (bytes32 oldHash, bytes32 newHash, uint256 expected) = _rebuild(size, root, newSize, proof);
        if (proof.length != expected) revert CheckpointAnchorProofLength(proof.length, expected);
        if (oldHash != root) revert CheckpointAnchorOldRootMismatch(oldHash, root);
        if (newHash != newRoot) revert CheckpointAnchorNewRootMismatch(newHash, newRoot);
    }

    /// @dev Both roots as the proof has them, and how many hashes such a proof has. Requires 0 < size < newSize <= 2^53-1. The hashes mean
    /// something only when the proof has exactly `expected` of them: the walk goes by the sizes alone, past the end of a short proof.
    ///
    /// Take the largest perfect subtree that ends at leaf `size - 1`. It is a node of both trees, and both roots are rebuilt from it. When
    /// it is the whole old tree (size a power of two) its hash is the stored root and not in the proof; otherwise it is the proof's first
    /// hash. `place` is where it stands on its level, counted from the left, and `last` where the new tree's right edge does. Shifting both
    /// right goes up one level, until the edge is the root. On each level,
    /// - where `place` is odd, the sibling is on the left and so in both trees;
    /// - where `place` is even and the edge is further right, the sibling is on the right and so in the new tree only;
    /// - where `place` is even and is the edge, there is no sibling: the node rises as it is.
    ///
    /// The loop is assembly: in Solidity, with only the hashing in assembly, an anchor of a million records took 85,600 gas. It reads
    /// calldata, which cannot fail, writes 130 bytes behind the free memory pointer, which it leaves where it is, and calls only the
    /// SHA-256 precompile, at address 2, each time on 65 bytes: 0x01, left, right. Between two levels both trees' hashes are in the right
    /// half of their buffer: there the old tree's is always needed next, and the new tree's is where the sibling is on the left.
    ///
    /// Only the last call's answer is looked at; there is always one, since the new tree is larger. That is enough: the calls all cost the
    /// same and the gas at hand only falls, so when one of them fails, the last one does; and on a chain without the precompile none
    /// answers.
    function _rebuild(uint256 size, bytes32 root, uint256 newSize, bytes32[] calldata proof)
        private
        view
        returns (bytes32 oldHash, bytes32 newHash, uint256 expected)
    {
        uint256 place;
        uint256 last;
        unchecked {
            (place, last) = (size - 1, newSize - 1);
        }
        while (place & 1 == 1) (place, last) = (place >> 1, last >> 1);

        bool answered;
        assembly ("memory-safe") {
            let next := proof.offset
            let seed := root
            if place {
                seed := calldataload(next)
                next := add(next, 0x20)
            }
            let older := mload(0x40) // 0x01, left, right: the old tree's hash is on the right
            let newer := add(older, 0x41) // 0x01, left, right: the new tree's is there between two levels
            mstore8(older, 1)
            mstore(add(older, 0x21), seed)
            mstore8(newer, 1)
            mstore(add(newer, 0x21), seed)

            for {} last {} {
                switch and(place, 1)
                case 0 {
                    if xor(place, last) {
                        mstore(add(newer, 0x01), mload(add(newer, 0x21)))
                        mstore(add(newer, 0x21), calldataload(next))
                        next := add(next, 0x20)
                        pop(staticcall(gas(), 2, newer, 0x41, add(newer, 0x21), 0x20))
                    }
                }
                default {
                    mstore(add(older, 0x01), calldataload(next))
                    mstore(add(newer, 0x01), calldataload(next))
                    next := add(next, 0x20)
                    pop(staticcall(gas(), 2, older, 0x41, add(older, 0x21), 0x20))
                    pop(staticcall(gas(), 2, newer, 0x41, add(newer, 0x21), 0x20))
                }
                place := shr(1, place)
                last := shr(1, last)
            }

            answered := eq(returndatasize(), 0x20)
            oldHash := mload(add(older, 0x21))
            newHash := mload(add(newer, 0x21))
            expected := shr(5, sub(next, proof.offset))
        }
        if (!answered) revert CheckpointAnchorNoSha256();
    }

    /// @dev SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1. `sha256(abi.encodePacked(…))` does the same for about three times the gas. The
    /// block writes 65 bytes behind the free memory pointer, which it leaves where it is, and calls the precompile on them.
    function _hashNode(bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        bool answered;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            mstore(add(buffer, 0x01), left)
            mstore(add(buffer, 0x21), right)
            pop(staticcall(gas(), 2, buffer, 0x41, buffer, 0x20))
            answered := eq(returndatasize(), 0x20)
            hash := mload(buffer)
        }
        if (!answered) revert CheckpointAnchorNoSha256();
    }
}
