//! Settings: from a TOML file and the environment. The only place that reads either.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Settings of the service. Every key may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the records and the index.
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// Folder with kind files instead of the ones in the binary.
    pub index_config: Option<PathBuf>,
    /// Folder with dictionaries instead of the ones in the binary.
    pub dictionaries: Option<PathBuf>,
    pub search: SearchConfig,
    pub store: StoreConfig,
    /// Hours east of UTC; decides which day is today.
    pub utc_offset_hours: i8,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// Threads that search; 0: one a core.
    pub threads: usize,
    /// Searches that may wait for a thread; more are refused with 503.
    pub queue: usize,
    /// Times that a query must have been asked before it is suggested to others.
    pub popular_min_count: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    pub cache_mb: u64,
    /// Days that the change log is kept behind a checkpoint.
    pub retention_days: u32,
    /// Space kept in reserve for recovering from a full disk. Left out: 64 when serving, else none.
    pub ballast_mb: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "data".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            index_config: None,
            dictionaries: None,
            search: SearchConfig::default(),
            store: StoreConfig::default(),
            utc_offset_hours: 8,
        }
    }
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { threads: 0, queue: 256, popular_min_count: 5 }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { cache_mb: 32, retention_days: 30, ballast_mb: None }
    }
}

/// A setting that cannot be used; names file, key and what is allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadConfig(pub String);

impl Config {
    /// Reads `file` if there is one, then the environment: `KECHUANG_INDEX_CONFIG` and `KECHUANG_DICTIONARIES` name
    /// folders.
    pub fn read(file: Option<&Path>) -> Result<Self, BadConfig> {
        let mut config = match file {
            None => Config::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    BadConfig(format!("{} cannot be read: {error}", path.display()))
                })?;
                toml::from_str(&text)
                    .map_err(|error| BadConfig(format!("{}: {error}", path.display())))?
            }
        };
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
        config.index_config = folder("KECHUANG_INDEX_CONFIG").or(config.index_config);
        config.dictionaries = folder("KECHUANG_DICTIONARIES").or(config.dictionaries);
        if !(-12..=14).contains(&config.utc_offset_hours) {
            return Err(BadConfig(format!(
                "utc_offset_hours: {} is out of range; allowed: -12 to 14",
                config.utc_offset_hours
            )));
        }
        Ok(config)
    }
}
