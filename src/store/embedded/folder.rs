//! The data folder: whose it is, who holds it, and where unreadable things go.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::disk::{Disk, write_whole};
use crate::record::Revision;
use crate::store::StoreError;

const FORMAT_NAME: &str = "kechuang store";
const FORMAT_VERSION: u32 = 1;
/// How long a folder that is held is asked for again.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// Names that do not make a folder a foreign one.
const IGNORED: [&str; 3] = ["LOCK", "FORMAT.tmp", "lost+found"];

/// The paths inside a data folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub root: PathBuf,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub fn format(&self) -> PathBuf {
        self.root.join("FORMAT")
    }

    pub fn ballast(&self) -> PathBuf {
        self.root.join("BALLAST")
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub fn segment(&self, first: Revision) -> PathBuf {
        self.journal().join(format!("{:020}.log", first.0))
    }

    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    pub fn checkpoint(&self, revision: Revision) -> PathBuf {
        self.checkpoints().join(format!("{:020}.ckpt", revision.0))
    }

    pub fn sled(&self) -> PathBuf {
        self.root.join("sled")
    }

    /// Lists the journal's segments by their first revision.
    pub fn list_segments(&self) -> Result<Vec<(Revision, PathBuf)>, StoreError> {
        list_numbered(&self.journal(), "log")
    }

    /// Lists the checkpoints by the revision that they reach.
    pub fn list_checkpoints(&self) -> Result<Vec<(Revision, PathBuf)>, StoreError> {
        list_numbered(&self.checkpoints(), "ckpt")
    }

    /// Refuses a folder that is not ours. Changes nothing; a missing or empty folder passes.
    pub fn check_format(&self) -> Result<(), StoreError> {
        let root = self.root.display();
        if self.root.exists() && !self.root.is_dir() {
            return Err(StoreError::Foreign(format!(
                "{root} is a file; a folder is expected, or the name of one to make. \
                 Nothing was changed."
            )));
        }
        match fs::read_to_string(self.format()) {
            Ok(text) => check_format_text(&text).map_err(|found| {
                StoreError::Foreign(format!(
                    "{root} cannot be opened: {found}. Nothing was changed."
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.foreign_entry()? {
                None => Ok(()),
                Some(name) => Err(StoreError::Foreign(format!(
                    "{root} is no kechuang data folder: it holds {name:?} and no FORMAT file. \
                     Choose an empty folder. Nothing was changed."
                ))),
            },
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(StoreError::Foreign(format!(
                    "{root} is no kechuang data folder: its FORMAT file is not text. \
                     Choose an empty folder. Nothing was changed."
                )))
            }
            Err(error) => Err(io_error("reading", &self.format())(error)),
        }
    }

    /// Names something that we did not put there.
    pub fn foreign_entry(&self) -> Result<Option<String>, StoreError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("reading", &self.root)(error)),
        };
        for entry in entries {
            let name = entry.map_err(io_error("reading", &self.root))?.file_name();
            let name = name.to_string_lossy();
            if !IGNORED.contains(&&*name) {
                return Ok(Some(name.into_owned()));
            }
        }
        Ok(None)
    }

    /// Declares the folder ours.
    pub fn write_format(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let text = format!("{FORMAT_NAME}\nversion {FORMAT_VERSION}\n");
        write_whole(disk, &self.format(), text.as_bytes())
            .map_err(io_error("writing", &self.format()))
    }

    /// Takes the folder for this process until the file is dropped. Waits a moment for one that is about to end, and for
    /// a process that was started a moment ago and has not closed the files of the one that started it.
    pub fn lock(&self) -> Result<File, StoreError> {
        let path = self.root.join("LOCK");
        let io = |error| io_error("locking", &path)(error);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let started = Instant::now();
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && started.elapsed() < LOCK_WAIT {
            std::thread::sleep(Duration::from_millis(10));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The number helps a person; without it the message says enough.
                let _ = (&file).take(20).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => String::new(),
                    number => format!(" (process {number})"),
                };
                return Err(StoreError::InUse(format!(
                    "the data folder {} is in use by another process{holder}: stop it first, or \
                     choose another folder",
                    self.root.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(file)
    }

    /// Moves something that cannot be used to `aside/`, under a name with the time.
    pub fn set_aside(&self, disk: &dyn Disk, path: &Path, why: &str) -> Result<(), StoreError> {
        let to = self.aside_path(disk, path)?;
        disk.rename(path, &to).map_err(io_error("moving aside", path))?;
        for folder in [path.parent(), to.parent()].into_iter().flatten() {
            disk.sync_dir(folder).map_err(io_error("syncing", folder))?;
        }
        tracing::warn!(from = %path.display(), to = %to.display(), why, "moved aside");
        Ok(())
    }

    /// Keeps bytes that are about to be cut off.
    pub fn keep_aside(
        &self,
        disk: &dyn Disk,
        path: &Path,
        bytes: &[u8],
        why: &str,
    ) -> Result<(), StoreError> {
        let to = self.aside_path(disk, path)?;
        write_whole(disk, &to, bytes).map_err(io_error("writing", &to))?;
        tracing::warn!(from = %path.display(), to = %to.display(), why, "copied aside");
        Ok(())
    }

    fn aside_path(&self, disk: &dyn Disk, path: &Path) -> Result<PathBuf, StoreError> {
        let aside = self.root.join("aside");
        disk.create_dir(&aside).map_err(io_error("creating", &aside))?;
        disk.sync_dir(&self.root).map_err(io_error("syncing", &self.root))?;
        let name = path.file_name().expect("never a root").to_string_lossy();
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        Ok((1..)
            .map(|nth| aside.join(format!("{now}-{nth}-{name}")))
            .find(|to| !to.exists())
            .expect("some number is free"))
    }

    /// Removes what a crash left half-written under a name that is never read.
    pub fn remove_unfinished(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        for folder in [self.root.clone(), self.journal(), self.checkpoints()] {
            for entry in fs::read_dir(&folder).map_err(io_error("reading", &folder))? {
                let path = entry.map_err(io_error("reading", &folder))?.path();
                if path.extension().is_some_and(|extension| extension == "tmp") {
                    disk.remove(&path).map_err(io_error("removing", &path))?;
                    tracing::info!(path = %path.display(), "removed an unfinished file");
                }
            }
        }
        Ok(())
    }

    /// Reserves space that [`Self::release_ballast`] gives back when the disk is full.
    ///
    /// Only when as much again is free, so that the ballast never is what fills the disk.
    pub fn reserve_ballast(&self, disk: &dyn Disk, len: u64) {
        let path = self.ballast();
        if len == 0 || path.exists() {
            return;
        }
        let reserve = || {
            let zeros = vec![0; 1 << 20];
            let mut file = disk.create(&path)?;
            let mut written = 0;
            while written < 2 * len {
                let part = zeros.len().min((2 * len - written) as usize);
                file.write_at(written, &zeros[..part])?;
                written += part as u64;
            }
            file.truncate(len)?;
            file.sync()
        };
        if let Err(error) = reserve() {
            tracing::warn!(path = %path.display(), %error, "no room for the ballast file");
            self.release_ballast(disk);
        }
    }

    /// Deletes the ballast; tells whether there was one.
    pub fn release_ballast(&self, disk: &dyn Disk) -> bool {
        let path = self.ballast();
        let released = path.exists() && disk.remove(&path).is_ok();
        if released {
            tracing::error!(path = %path.display(), "the disk is full: the ballast was deleted");
        }
        released
    }
}

fn check_format_text(text: &str) -> Result<(), String> {
    let mut lines = text.lines();
    let version = match (lines.next(), lines.next()) {
        (Some(FORMAT_NAME), Some(line)) => line.strip_prefix("version "),
        _ => None,
    };
    match version.and_then(|version| version.trim().parse::<u32>().ok()) {
        None => Err(format!(
            "its FORMAT file is not the one of a {FORMAT_NAME}. Choose an empty folder"
        )),
        Some(FORMAT_VERSION) => Ok(()),
        Some(version) => Err(format!(
            "its format is version {version} and this program reads version {FORMAT_VERSION}. \
             Run the newer kechuang"
        )),
    }
}

/// Lists the files named by twenty digits and `extension`, in order.
fn list_numbered(folder: &Path, extension: &str) -> Result<Vec<(Revision, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(io_error("reading", folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(io_error("reading", folder))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(extension)?.strip_suffix('.'))
            .filter(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|stem| stem.parse().ok());
        if let Some(number) = number {
            found.push((Revision(number), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Puts what was done, and to what, before an I/O error.
pub(super) fn io_error(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let context = format!("{doing} {}", path.display());
    move |source| StoreError::Io { context, source }
}
