//! Settings: from a TOML file and the environment. The only place that reads either.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::record::kind::Label;
use crate::service::alerts::AlertsConfig;
use crate::service::vectors::VectorsConfig;

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
    /// Whose pages these are.
    pub site: SiteConfig,
    pub alerts: AlertsConfig,
    pub vectors: VectorsConfig,
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

/// The marks of a site: names, numbers and links that its pages carry. What is left out is not shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteConfig {
    /// Public address, `https://sti.example.gov.cn`; left out: the one that each request came to.
    pub url: Option<String>,
    pub name: Option<Label>,
    pub tagline: Option<Label>,
    pub color: SiteColor,
    /// 主办单位 and 承办单位.
    pub organizer: Option<String>,
    pub operator: Option<String>,
    /// 联系方式, as one line.
    pub contact: Option<String>,
    /// 网站标识码, ten digits.
    pub identification_code: Option<String>,
    /// ICP 备案号.
    pub icp: Option<String>,
    /// 公网安备号.
    pub police: Option<String>,
    /// Address of 我为政府网站找错.
    pub report_error_url: Option<String>,
    /// Searches that the first page offers until people have searched enough.
    pub suggested_searches: Vec<String>,
    /// Origins that may show `/embed/search` in a frame; none: every origin.
    pub frame_ancestors: Vec<String>,
}

/// The colour of headers and buttons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteColor {
    #[default]
    Blue,
    Red,
}

impl SiteConfig {
    /// Checks what ends up in addresses and headers.
    fn check(&self) -> Result<(), BadConfig> {
        let origin = |text: &str| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            rest.is_some_and(|host| {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-.:*[]".contains(&byte))
            })
        };
        let wrong = |key: &str, found: &str, expected: &str| {
            Err(BadConfig(format!("site.{key}: {found:?} is not {expected}")))
        };
        if let Some(url) = self.url.as_deref().filter(|url| !origin(url)) {
            return wrong("url", url, "an origin such as https://sti.example.gov.cn");
        }
        if let Some(ancestor) = self.frame_ancestors.iter().find(|ancestor| !origin(ancestor)) {
            return wrong(
                "frame_ancestors",
                ancestor,
                "an origin such as https://www.example.gov.cn",
            );
        }
        match self.report_error_url.as_deref() {
            Some(url) if !url.starts_with("https://") => {
                wrong("report_error_url", url, "an https address")
            }
            _ => Ok(()),
        }
    }
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
            site: SiteConfig::default(),
            alerts: AlertsConfig::default(),
            vectors: VectorsConfig::default(),
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
        config.site.check()?;
        config.vectors.key = std::env::var("KECHUANG_VECTORS_KEY").ok().or(config.vectors.key);
        if !(-12..=14).contains(&config.utc_offset_hours) {
            return Err(BadConfig(format!(
                "utc_offset_hours: {} is out of range; allowed: -12 to 14",
                config.utc_offset_hours
            )));
        }
        Ok(config)
    }
}
