use super::*;

/// An index that holds what it is said to hold, and fails as it is told to.
#[derive(Default)]
struct Stub {
    applied: AtomicU64,
    panics: bool,
    damaged: Vec<String>,
}

impl Engine for Stub {
    fn apply(&self, _: Vec<IndexChange>) -> Result<(), EngineError> {
        if self.panics {
            panic!("on purpose");
        }
        Ok(())
    }

    fn commit(&self, _: &Cursor, revision: Revision, _: u64) -> Result<(), EngineError> {
        self.applied.store(revision.0, Ordering::Relaxed);
        Ok(())
    }

    fn applied(&self) -> Option<(Cursor, Revision)> {
        Some((Cursor::default(), Revision(self.applied.load(Ordering::Relaxed))))
    }

    fn words_fingerprint(&self) -> Option<u64> {
        None
    }

    fn search(&self, _: &Search) -> Result<Found, EngineError> {
        unreachable!("not asked here")
    }

    fn like(&self, _: &Like, _: usize) -> Result<Liked, EngineError> {
        unreachable!("not asked here")
    }

    fn like_shares(&self, _: &Like, _: &[RecordId]) -> Result<(Liked, Vec<Shares>), EngineError> {
        unreachable!("not asked here")
    }

    fn like_terms(&self, _: &Like) -> Result<LikeTerms, EngineError> {
        unreachable!("not asked here")
    }

    fn words(&self) -> Result<Vec<(String, u64)>, EngineError> {
        unreachable!("not asked here")
    }

    fn num_records(&self) -> Result<u64, EngineError> {
        if self.panics {
            panic!("on purpose");
        }
        Ok(1)
    }

    fn num_with(&self, _: TokenField, _: &str) -> Result<u64, EngineError> {
        Err(EngineError::Unavailable("on purpose".into()))
    }

    fn verify(&self) -> Result<Vec<String>, EngineError> {
        Ok(self.damaged.clone())
    }
}

/// Waits until the files have been checked; tells whether the index is still asked.
fn checked(guard: &Guard) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    // Only the thread that checks has another handle.
    while Arc::strong_count(&guard.inner) > 1 {
        assert!(Instant::now() < until, "the check does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    guard.is_whole()
}

#[test]
fn nothing_is_answered_until_everything_is_in() {
    let guard = Guard::new(Box::new(Stub::default()), Revision(7));
    assert!(matches!(guard.num_records(), Err(EngineError::Filling)));
    guard.commit(&Cursor::default(), Revision(6), 0).unwrap();
    assert!(matches!(guard.num_records(), Err(EngineError::Filling)) && !guard.is_whole());
    guard.commit(&Cursor::default(), Revision(7), 0).unwrap();
    assert!(matches!(guard.num_records(), Ok(1)) && guard.is_whole());
    guard.require(Revision(8));
    assert!(matches!(guard.num_records(), Err(EngineError::Filling)));
}

#[test]
fn a_fault_of_the_program_leaves_a_sound_index_in_use() {
    let guard = Guard::new(Box::new(Stub { panics: true, ..Stub::default() }), Revision(0));
    assert!(catch_unwind(AssertUnwindSafe(|| guard.num_records())).is_err());
    assert!(checked(&guard));
    assert!(matches!(guard.apply(Vec::new()), Err(EngineError::Unavailable(_))), "no panic");
}

#[test]
fn a_damaged_index_is_no_longer_asked_once_something_fails() {
    for panics in [true, false] {
        let stub = Stub { panics, damaged: vec!["x.fast".into()], ..Stub::default() };
        let guard = Guard::new(Box::new(stub), Revision(0));
        assert!(guard.is_whole(), "nobody has looked yet");
        let asked = AssertUnwindSafe(|| match panics {
            true => guard.num_records(),
            false => guard.num_with(TokenField::Words, "x"),
        });
        assert!(!matches!(catch_unwind(asked), Ok(Ok(_))));
        assert!(!checked(&guard));
        assert!(matches!(guard.num_records(), Err(EngineError::Damaged)));
        assert!(matches!(guard.apply(Vec::new()), Err(EngineError::Damaged)));
    }
}
