use std::io::Read;

use proptest::prelude::*;

use super::super::frame::*;
use crate::record::{RecordId, Revision};
use crate::store::{Change, StoredRecord};

fn change() -> impl Strategy<Value = (RecordId, Option<Vec<u8>>)> {
    let id = ("[a-z_]{1,8}", any::<String>()).prop_map(|(kind, id)| RecordId::new(kind, id));
    (id, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)))
}

fn group() -> impl Strategy<Value = Group> {
    let batches = proptest::collection::vec(proptest::collection::vec(change(), 1..4), 1..5);
    (1..u64::MAX / 2, batches).prop_map(|(first, batches)| {
        let mut next = first;
        let mut numbered = |(id, body): (RecordId, Option<Vec<u8>>)| {
            let revision = Revision(next);
            next += 1;
            match body {
                Some(json) => Change::Put(StoredRecord { id, revision, json }),
                None => Change::Withdraw { id, revision },
            }
        };
        let mut batch = |batch: Vec<_>| batch.into_iter().map(&mut numbered).collect();
        let batches = batches.into_iter().map(&mut batch).collect();
        Group { first: Revision(first), batches }
    })
}

fn read_one(mut bytes: &[u8]) -> Frame {
    read_frame(&mut bytes).expect("memory can be read")
}

proptest! {
    #[test]
    fn a_group_reads_as_it_was_written(group in group()) {
        let frame = group.encode();
        let Frame::Whole(payload) = read_one(&frame) else { panic!("not whole") };
        prop_assert_eq!(group_first(&payload), Some(group.first));
        prop_assert_eq!(Payload::decode(&payload), Ok(Payload::Group(group)));
    }

    #[test]
    fn records_read_as_they_were_written(group in group()) {
        let changes: Vec<Change> = group.into_changes().collect();
        let mut frame = FrameWriter::records();
        changes.iter().for_each(|change| frame.push_record(change));
        let Frame::Whole(payload) = read_one(&frame.seal()) else { panic!("not whole") };
        prop_assert_eq!(Payload::decode(&payload), Ok(Payload::Records(changes)));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Frame::Whole(payload) = read_one(&bytes) {
            let _ = Payload::decode(&payload);
        }
        let _ = Payload::decode(&bytes);
        let _ = Header::decode(FileKind::Journal, &bytes);
        find_group(&bytes, Revision(0));
    }

    /// Any payload may come with a checksum that holds.
    #[test]
    fn any_payload_is_decoded_without_panic(
        start in prop_oneof![Just([1, 1]), Just([1, 2]), Just([1, 3]), any::<[u8; 2]>()],
        rest in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..80),
    ) {
        let _ = Payload::decode(&[&start[..], &rest].concat());
    }

    #[test]
    fn a_cut_or_changed_frame_is_not_whole(group in group(), at in any::<prop::sample::Index>()) {
        let frame = group.encode();
        let at = at.index(frame.len());
        let cut = read_one(&frame[..at]);
        prop_assert_eq!(cut == Frame::End, at == 0);
        prop_assert!(!matches!(cut, Frame::Whole(_)));
        let mut changed = frame;
        changed[at] ^= 1;
        prop_assert!(matches!(read_one(&changed), Frame::Broken(_)));
    }

    #[test]
    fn a_whole_group_behind_broken_bytes_is_found(
        group in group(),
        broken in proptest::collection::vec(any::<u8>(), 1..50),
    ) {
        let bytes = [&broken[..], &group.encode()].concat();
        let before = Revision(group.first.0 - 1);
        prop_assert_eq!(find_group(&bytes, before), Some(broken.len()));
        prop_assert_eq!(find_group(&bytes, group.first), None);
    }
}

/// An endless input that counts what is taken from it.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        into.fill(0xff);
        self.0 += into.len() as u64;
        Ok(into.len())
    }
}

#[test]
fn a_length_that_no_frame_has_is_not_read() {
    let mut input = Endless(0);
    assert!(matches!(read_frame(&mut input).unwrap(), Frame::Broken(_)));
    assert_eq!(input.0, FRAME_HEADER as u64);
    let claimed = [&(MAX_PAYLOAD as u32).to_le_bytes()[..], &[0; 20]].concat();
    assert_eq!(read_one(&claimed), Frame::Broken("ends within a frame"));
    assert!(matches!(read_one(&[0; 64]), Frame::Broken(_)));
}

#[test]
fn headers_name_what_is_wrong() {
    let header = Header { kind: FileKind::Journal, revision: Revision(7) };
    let check = |kind, change: fn(&mut [u8]), expected: &str| {
        let mut bytes = header.encode();
        change(&mut bytes);
        let found = match Header::decode(kind, &bytes) {
            Ok(header) => header.revision.to_string(),
            Err(why) => why,
        };
        assert_eq!(found, expected);
    };
    check(FileKind::Journal, |_| {}, "7");
    check(FileKind::Backup, |_| {}, "does not begin as a backup file does");
    check(FileKind::Journal, |bytes| bytes[15] = 1, "the header's checksum does not hold");
    check(
        FileKind::Journal,
        |bytes| {
            bytes[8] = 2;
            let crc = crc32c::crc32c(&bytes[..20]);
            bytes[20..].copy_from_slice(&crc.to_le_bytes());
        },
        "has version 2; this program reads 1",
    );
}
