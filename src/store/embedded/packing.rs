//! Bodies of records as they lie in sled: packed with zstd.
//!
//! sled keeps the pages in memory that were read lately, sixteen kilobytes each and far more of them than its cache is
//! to hold: at a hundred thousand records nearly all. What is half as large takes half the memory. Records are too
//! short to be packed well each by itself, so the first ones teach a dictionary, which all later ones are packed with.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

/// Shorter bodies gain nothing.
const PACKED_FROM: usize = 256;
/// Of zstd: without a dictionary higher ones make Chinese text hardly smaller and writing much slower.
const LEVEL: i32 = 1;
const LEVEL_WITH_DICTIONARY: i32 = 6;
/// More than any record may have; a damaged length must not ask for all memory.
const MAX_BODY: usize = 64 << 20;
const PLAIN: u8 = 0;
/// Followed by the length of the body, u32, and a zstd frame.
const ZSTD: u8 = 1;
/// The same, packed with the dictionary.
const ZSTD_WITH_DICTIONARY: u8 = 2;
/// Bodies that a dictionary is learned from.
const SAMPLES: usize = 1_500;
/// Of each only the beginning: a few long laws must not be all of it.
const SAMPLE_BYTES: usize = 4 << 10;
const DICTIONARY_BYTES: usize = 112 << 10;

/// Packs and unpacks the bodies of one tree.
#[derive(Default)]
pub(super) struct Packing {
    dictionary: OnceLock<Vec<u8>>,
    /// Bodies seen so far; `None` once there is a dictionary, or none can be made.
    samples: Mutex<Option<Vec<Vec<u8>>>>,
    /// Packs, and the kind of what it packs.
    compressor: Mutex<Option<(u8, Compressor<'static>)>>,
    plain: Decompressors,
    with_dictionary: Decompressors,
}

/// Those that wait for work: making one costs more than unpacking a record.
#[derive(Default)]
struct Decompressors(Mutex<Vec<Decompressor<'static>>>);

impl Decompressors {
    /// Unpacks with one that waits, or a new one of this dictionary, which is always the same.
    fn unpack(&self, dictionary: &[u8], frame: &[u8], len: usize) -> Option<Vec<u8>> {
        let idle = lock(&self.0).pop();
        let mut decompressor = match idle {
            Some(decompressor) => decompressor,
            None => Decompressor::with_dictionary(dictionary).ok()?,
        };
        let body = decompressor.decompress(frame, len).ok();
        lock(&self.0).push(decompressor);
        body
    }
}

impl Packing {
    /// Goes on with the dictionary that was learned, or learns one.
    pub fn new(dictionary: Option<Vec<u8>>) -> Self {
        let packing = Self::default();
        match dictionary {
            Some(dictionary) => packing.adopt(dictionary),
            None => {
                *lock(&packing.samples) = Some(Vec::new());
                *lock(&packing.compressor) = Compressor::new(LEVEL).ok().map(|plain| (ZSTD, plain));
            }
        }
        packing
    }

    /// Takes note of bodies that are about to be packed. Returns a dictionary once enough were seen, for
    /// [`adopt`](Self::adopt) when it is kept.
    pub fn learn<'b>(&self, bodies: impl Iterator<Item = &'b [u8]>) -> Option<Vec<u8>> {
        let mut slot = lock(&self.samples);
        let samples = slot.as_mut()?;
        let bodies = bodies.filter(|body| body.len() >= PACKED_FROM);
        samples.extend(bodies.map(|body| body[..body.len().min(SAMPLE_BYTES)].to_vec()));
        if samples.len() < SAMPLES {
            return None;
        }
        let samples = slot.take()?;
        match zstd::dict::from_samples(&samples, DICTIONARY_BYTES) {
            Ok(dictionary) => Some(dictionary),
            Err(error) => {
                tracing::warn!(%error, "records are packed without a dictionary");
                None
            }
        }
    }

    /// Packs with this dictionary from now on.
    pub fn adopt(&self, dictionary: Vec<u8>) {
        *lock(&self.samples) = None;
        *lock(&self.compressor) = Compressor::with_dictionary(LEVEL_WITH_DICTIONARY, &dictionary)
            .ok()
            .map(|compressor| (ZSTD_WITH_DICTIONARY, compressor));
        // There is one for the life of a tree.
        let _ = self.dictionary.set(dictionary);
    }

    pub fn pack(&self, body: &[u8]) -> Vec<u8> {
        if body.len() >= PACKED_FROM
            && let Some((kind, compressor)) = &mut *lock(&self.compressor)
            && let Ok(frame) = compressor.compress(body)
            && frame.len() + 5 < body.len()
        {
            return [&[*kind][..], &(body.len() as u32).to_le_bytes(), &frame].concat();
        }
        [&[PLAIN], body].concat()
    }

    /// Undoes [`pack`](Self::pack); `None` when it is damaged.
    pub fn unpack(&self, packed: &[u8]) -> Option<Vec<u8>> {
        let (&kind, rest) = packed.split_first()?;
        if kind == PLAIN {
            return Some(rest.to_vec());
        }
        let (len, frame) = rest.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > MAX_BODY {
            return None;
        }
        match (kind, self.dictionary.get()) {
            (ZSTD, _) => self.plain.unpack(&[], frame, len),
            (ZSTD_WITH_DICTIONARY, Some(dictionary)) => {
                self.with_dictionary.unpack(dictionary, frame, len)
            }
            _ => None,
        }
    }
}

/// Tells whether a body cannot be read without the dictionary.
pub(super) fn needs_dictionary(packed: &[u8]) -> bool {
    packed.first() == Some(&ZSTD_WITH_DICTIONARY)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the records of the sample corpus teach.
    fn learned() -> &'static Packing {
        static LEARNED: OnceLock<Packing> = OnceLock::new();
        LEARNED.get_or_init(|| {
            let packing = Packing::new(None);
            let records: Vec<&[u8]> = records().iter().map(|record| record.as_bytes()).collect();
            let dictionary = records.iter().cycle().step_by(7).take(SAMPLES);
            let dictionary = packing.learn(dictionary.copied()).expect("there were enough");
            packing.adopt(dictionary);
            packing
        })
    }

    fn records() -> Vec<&'static str> {
        include_str!("../../../sample-corpus/policy.jsonl").lines().collect()
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(body in proptest::collection::vec(any::<u8>(), 0..2_000), times in 1..4usize) {
            let body = body.repeat(times);
            for packing in [&Packing::new(None), learned()] {
                let packed = packing.pack(&body);
                prop_assert!(packed.len() <= body.len() + 1);
                prop_assert_eq!(packing.unpack(&packed).expect("it was packed a moment ago"), body.clone());
            }
        }

        #[test]
        fn damage_is_an_error(packed in proptest::collection::vec(any::<u8>(), 0..64)) {
            // Whatever it says; it must not panic, nor take more memory than it may.
            let _ = Packing::new(None).unpack(&packed);
            let _ = learned().unpack(&packed);
        }
    }

    #[test]
    fn chinese_text_is_stored_in_about_half_and_less_with_a_dictionary() {
        let body = records()[0].as_bytes();
        let alone = Packing::new(None).pack(body);
        assert!(alone.len() * 3 < body.len() * 2);
        let packed = learned().pack(body);
        assert!(packed.len() * 10 < alone.len() * 9, "{} and {}", packed.len(), alone.len());
    }

    #[test]
    fn what_was_packed_before_a_dictionary_is_read_with_it() {
        let body = records()[1].as_bytes();
        let before = Packing::new(None).pack(body);
        assert!(!needs_dictionary(&before));
        assert_eq!(learned().unpack(&before).as_deref(), Some(body));
        let after = learned().pack(body);
        assert!(needs_dictionary(&after));
        assert_eq!(Packing::new(None).unpack(&after), None);
    }

    #[test]
    fn too_little_teaches_nothing() {
        let packing = Packing::new(None);
        let records = records();
        let few = records.iter().take(100).map(|record| record.as_bytes());
        assert_eq!(packing.learn(few), None);
        assert!(lock(&packing.samples).is_some());
    }
}
