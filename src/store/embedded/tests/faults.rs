//! A disk that fails at one chosen call, and one that loses its power there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{State, assert_sound, put, small, state, withdraw, write};
use crate::record::Revision;
use crate::store::embedded::disk::{Disk, DiskFile, RealDisk};
use crate::store::embedded::{EmbeddedOptions, EmbeddedStore, History, backup};
use crate::store::{Batch, Store, StoreError};

/// How the chosen call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// That call, and none after it. A write is not begun.
    Once,
    /// A write stops half-way; other calls fail as with `Once`.
    Short,
    /// As `Once`, with the error of a full disk.
    Full,
    /// That call and all after it; then everything that was not synced is gone.
    PowerCut,
    /// The same, but some of what was not synced is there.
    TornPowerCut,
}

/// The real disk, with a memory of what a power cut would leave.
struct TestDisk {
    fault: Fault,
    /// Number of the call that fails.
    fail_at: usize,
    state: Mutex<DiskState>,
}

#[derive(Default)]
struct DiskState {
    calls: Vec<String>,
    next_file: usize,
    /// What each name means now, and what it means after a power cut.
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    synced_bytes: BTreeMap<usize, Vec<u8>>,
}

impl DiskState {
    fn path_of(&self, file: usize) -> Option<PathBuf> {
        self.names.iter().find(|(_, id)| **id == file).map(|(path, _)| path.clone())
    }
}

impl TestDisk {
    fn new(fault: Fault, fail_at: usize) -> Arc<Self> {
        Arc::new(Self { fault, fail_at, state: Mutex::default() })
    }

    /// Counts a call; fails when it is the one, or behind it and the power is off.
    fn call(&self, name: &str, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(format!("{name} {}", path.file_name().unwrap().to_string_lossy()));
        let at = state.calls.len() - 1;
        let is_power = matches!(self.fault, Fault::PowerCut | Fault::TornPowerCut);
        if at == self.fail_at || is_power && at > self.fail_at {
            let kind = match self.fault {
                Fault::Full => io::ErrorKind::StorageFull,
                _ => io::ErrorKind::Other,
            };
            return Err(io::Error::new(kind, format!("injected at {name} {}", path.display())));
        }
        Ok(())
    }

    fn num_calls(&self) -> usize {
        self.state.lock().unwrap().calls.len()
    }

    /// Leaves of the folder what a power cut leaves. sled's files stay as the process left them.
    fn cut_power(&self, dir: &Path) {
        let state = self.state.lock().unwrap();
        let mut left = BTreeMap::new();
        for (path, file) in &state.synced_names {
            let mut bytes = state.synced_bytes.get(file).cloned().unwrap_or_default();
            let written = state.path_of(*file).and_then(|path| fs::read(path).ok());
            if let Some(written) = written.filter(|_| self.fault == Fault::TornPowerCut) {
                let more = written.get(bytes.len()..).unwrap_or_default();
                bytes.extend_from_slice(&more[..more.len() * 2 / 3]);
            }
            left.insert(path.clone(), bytes);
        }
        for path in state.names.keys() {
            let _ = fs::remove_file(path);
        }
        for (path, bytes) in left {
            assert!(path.starts_with(dir));
            fs::write(path, bytes).unwrap();
        }
    }
}

/// A handle that knows its disk.
struct TestFile {
    disk: Arc<TestDisk>,
    id: usize,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

/// [`Disk`] is implemented on the shared disk, so that its files can keep it.
struct Shared(Arc<TestDisk>);

impl Shared {
    fn file(&self, path: &Path, id: usize, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(TestFile { disk: self.0.clone(), id, path: path.to_owned(), file })
    }
}

impl Disk for Shared {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.call("create", path)?;
        let file = RealDisk.create(path)?;
        let mut state = self.0.state.lock().unwrap();
        let id = state.next_file;
        state.next_file += 1;
        state.names.insert(path.to_owned(), id);
        drop(state);
        Ok(self.file(path, id, file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.call("open", path)?;
        let id = self.0.state.lock().unwrap().names[path];
        Ok(self.file(path, id, RealDisk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.call("rename", from)?;
        RealDisk.rename(from, to)?;
        let mut state = self.0.state.lock().unwrap();
        if let Some(id) = state.names.remove(from) {
            state.names.insert(to.to_owned(), id);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.call("remove", path)?;
        self.0.state.lock().unwrap().names.remove(path);
        RealDisk.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.call("create_dir", path)?;
        RealDisk.create_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.call("sync_dir", dir)?;
        let mut state = self.0.state.lock().unwrap();
        let is_inside = |path: &Path| path.parent() == Some(dir);
        state.synced_names.retain(|path, _| !is_inside(path));
        let names = state.names.clone().into_iter().filter(|(path, _)| is_inside(path));
        state.synced_names.extend(names);
        Ok(())
    }
}

impl DiskFile for TestFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let called = self.disk.call("write", &self.path);
        if called.is_err() && !matches!(self.disk.fault, Fault::Once | Fault::Full) {
            self.file.write_at(offset, &bytes[..bytes.len() / 2])?;
        }
        called?;
        self.file.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.call("sync", &self.path)?;
        let mut state = self.disk.state.lock().unwrap();
        // A file that was removed meanwhile leaves nothing.
        if let Some(path) = state.path_of(self.id) {
            let bytes = fs::read(path)?;
            state.synced_bytes.insert(self.id, bytes);
        }
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.call("truncate", &self.path)?;
        self.file.truncate(len)
    }
}

/// What a run was told.
#[derive(Default)]
struct Run {
    acknowledged: State,
    /// The batch that got no answer: all of it may be there, or nothing.
    unanswered: Option<State>,
}

impl Run {
    fn write(&mut self, store: &dyn Store, batch: Batch) {
        let mut after = self.acknowledged.clone();
        for (write, revision) in batch.iter().zip(store.head().0 + 1..) {
            match &write.body {
                Some(body) => {
                    after.insert(write.id.clone(), (Revision(revision), body.clone()));
                }
                None => drop(after.remove(&write.id)),
            }
        }
        match store.append(vec![batch]) {
            Ok(answers) => {
                assert!(answers[0].is_ok());
                assert!(self.unanswered.is_none(), "a write was taken after an error");
                self.acknowledged = after;
            }
            Err(StoreError::Stopped(_)) if self.unanswered.is_some() => {}
            Err(error) => {
                assert!(matches!(error, StoreError::Stopped(_)), "{error}");
                self.unanswered = Some(after);
            }
        }
    }

    /// Opens, writes over several segments, checkpoints, closes, and once more.
    fn go(&mut self, disk: &Arc<TestDisk>, dir: &Path) {
        for round in 0..2 {
            let options =
                EmbeddedOptions { segment_bytes: 250, retention: Duration::ZERO, ..small() };
            let Ok(store) = EmbeddedStore::open_on(Arc::new(Shared(disk.clone())), dir, options)
            else {
                return;
            };
            for nth in 0..6 {
                let body = format!("{round}.{nth}");
                let id = format!("p{nth}");
                self.write(&store, vec![put("hot", &body), put(&id, &body)]);
                if nth == 3 {
                    self.write(&store, vec![withdraw("p1")]);
                    let _ = store.checkpoint();
                }
            }
            if self.unanswered.is_some() {
                // Reading goes on.
                assert_eq!(state(&store), self.acknowledged);
            }
            let _ = store.close();
            if self.unanswered.is_some() {
                return;
            }
        }
    }
}

/// Runs with a fault at call `fail_at`; gives the number of calls and the one that failed.
fn check(fault: Fault, fail_at: usize) -> (usize, String) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let disk = TestDisk::new(fault, fail_at);
    let mut run = Run::default();
    run.go(&disk, &dir);
    let call = disk.state.lock().unwrap().calls.get(fail_at).cloned().unwrap_or_default();
    let context = format!("{fault:?} at call {fail_at}: {call}");
    if matches!(fault, Fault::PowerCut | Fault::TornPowerCut) && dir.exists() {
        disk.cut_power(&dir);
    }
    // Before the first write is acknowledged, a power cut may leave folders without a FORMAT.
    let store = match EmbeddedStore::open(&dir, small()) {
        Ok(store) => store,
        Err(error) => panic!("{context}: {error}"),
    };
    let found = state(&store);
    assert!(
        found == run.acknowledged || run.unanswered.as_ref() == Some(&found),
        "{context}: {found:?} instead of {:?}",
        run.acknowledged
    );
    assert_sound(&store);
    write(&store, vec![put("after", "{}")]);
    drop(store);
    (disk.num_calls(), call)
}

/// Runs faults at every call, or at each `step`th.
fn check_all(faults: &[Fault]) {
    let (num_calls, _) = check(Fault::Once, usize::MAX);
    assert!(num_calls > 80, "{num_calls} calls only");
    let mut sites = BTreeMap::<String, usize>::new();
    for fail_at in 0..num_calls {
        let (_, call) = check(faults[fail_at % faults.len()], fail_at);
        *sites.entry(call.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    for call in ["create", "open", "write", "sync", "rename", "remove", "create_dir", "sync_dir"] {
        assert!(sites.contains_key(call), "{call} never failed: {sites:?}");
    }
}

#[test]
fn an_error_at_any_call_loses_nothing_acknowledged() {
    check_all(&[Fault::Once, Fault::Short, Fault::Once]);
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_acknowledged() {
    check_all(&[Fault::PowerCut, Fault::TornPowerCut, Fault::PowerCut]);
}

#[test]
fn writing_stays_stopped_and_a_backup_is_still_taken() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let disk = TestDisk::new(Fault::Once, usize::MAX);
    let store =
        EmbeddedStore::open_on(Arc::new(Shared(disk.clone())), &dir, small()).expect("it opens");
    write(&store, vec![put("a", "1")]);
    let before = state(&store);
    let num_calls = disk.num_calls();
    drop(store);

    // The call behind those of opening and one write is a write; the one after it a sync.
    for nth in 0..2 {
        let again = TestDisk::new(Fault::Once, num_calls + nth);
        let dir = parent.path().join(nth.to_string());
        let store = EmbeddedStore::open_on(Arc::new(Shared(again)), &dir, small()).unwrap();
        write(&store, vec![put("a", "1")]);
        for _ in 0..3 {
            let error = store.append(vec![vec![put("a", "2")]]).unwrap_err();
            assert!(error.to_string().contains("injected"), "{error}");
        }
        assert_eq!(state(&store), before);
        assert_eq!(store.head(), Revision(1));
        backup(&dir, &parent.path().join(format!("{nth}.backup")), History::All).unwrap();
        assert!(matches!(store.close(), Err(StoreError::Stopped(_))));
    }
}

#[test]
fn a_full_disk_gives_the_ballast_back() {
    let parent = tempfile::tempdir().unwrap();
    let options = || EmbeddedOptions { ballast_bytes: 100_000, ..small() };
    let open = |disk: Arc<TestDisk>, dir: &Path| {
        EmbeddedStore::open_on(Arc::new(Shared(disk)), dir, options()).unwrap()
    };
    let disk = TestDisk::new(Fault::Full, usize::MAX);
    drop(open(disk.clone(), &parent.path().join("a")));
    let num_calls = disk.num_calls();

    let dir = parent.path().join("b");
    let store = open(TestDisk::new(Fault::Full, num_calls), &dir);
    assert!(dir.join("BALLAST").exists());
    assert!(store.append(vec![vec![put("a", "1")]]).is_err());
    assert!(!dir.join("BALLAST").exists());
    drop(store);
    let store = EmbeddedStore::open(&dir, options()).unwrap();
    write(&store, vec![put("a", "1")]);
    assert!(dir.join("BALLAST").exists());
}
