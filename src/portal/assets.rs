//! Files that pages load: embedded, under names that change with their content.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256, Sha384};

use super::error;
use super::visitor::Visitor;

#[derive(rust_embed::RustEmbed)]
#[folder = "portal"]
#[include = "*.css"]
#[include = "*.svg"]
#[include = "*.js"]
struct Files;

/// What other sites load.
#[derive(rust_embed::RustEmbed)]
#[folder = "widget"]
#[include = "*.js"]
struct Widgets;

/// Version of the widgets: with it, an address names one content for ever.
pub const WIDGET_VERSION: &str = "1.0.0";
/// The channel that moves with releases.
const WIDGET_CHANNEL: &str = "v1";

/// A file as it is served.
struct Asset {
    bytes: Bytes,
    media_type: &'static str,
}

impl Asset {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let media_type = match name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        Self { bytes: Bytes::from(bytes), media_type }
    }
}

/// Served name -> file.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let files = Files::iter().filter_map(|name| Some((Files::get(&name)?.data, name)));
    files
        .filter_map(|(bytes, name)| {
            let (stem, extension) = name.rsplit_once('.')?;
            let hash: String =
                Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let asset = Asset::new(&name, bytes.into_owned());
            Some((format!("{stem}.{hash}.{extension}"), asset))
        })
        .collect()
});

/// Name -> file that other sites load.
static WIDGETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let files = Widgets::iter().filter_map(|name| Some((Widgets::get(&name)?.data, name)));
    files.map(|(bytes, name)| (name.to_string(), Asset::new(&name, bytes.into_owned()))).collect()
});

/// URL of the style sheet.
pub static STYLE: LazyLock<String> = LazyLock::new(|| url("style.", ".css"));
/// URL of the style sheet of forms, results of checks and charts.
pub static TASKS_STYLE: LazyLock<String> = LazyLock::new(|| url("tasks.", ".css"));
/// URL of the style sheet of the console.
pub static ADMIN_STYLE: LazyLock<String> = LazyLock::new(|| url("admin.", ".css"));
/// URL of the icon.
pub static ICON: LazyLock<String> = LazyLock::new(|| url("icon.", ".svg"));
/// URL of the pages' own script.
pub static SCRIPT: LazyLock<String> = LazyLock::new(|| url("portal.", ".js"));
/// URL of the script of the page that other sites show in a frame.
pub static FRAME_SCRIPT: LazyLock<String> = LazyLock::new(|| url("frame.", ".js"));
/// URL of the search box that the pages share with other sites.
pub static WIDGET: LazyLock<String> = LazyLock::new(|| widget_path("kechuang-search.js"));

fn url(start: &str, end: &str) -> String {
    let name = ASSETS.keys().find(|name| name.starts_with(start) && name.ends_with(end));
    format!("/assets/{}", name.expect("the file is in the folder that is embedded"))
}

/// Path of a widget at its present version.
pub fn widget_path(name: &str) -> String {
    format!("/widget/{WIDGET_VERSION}/{name}")
}

/// Hash of a widget for the attribute `integrity`; `None` for another file.
pub fn integrity(name: &str) -> Option<String> {
    let asset = WIDGETS.get(name)?;
    Some(format!("sha384-{}", STANDARD.encode(Sha384::digest(&asset.bytes))))
}

/// Bytes of a widget.
pub fn widget_bytes(name: &str) -> Option<&'static [u8]> {
    WIDGETS.get(name).map(|asset| asset.bytes.as_ref())
}

/// Answers with a file that may be kept for ever, since its name changes with its content.
pub async fn get_asset(visitor: Visitor, Path(name): Path<String>) -> Response {
    match ASSETS.get(&name) {
        Some(asset) => file(asset, "public, max-age=31536000, immutable"),
        None => error::not_found_page(&visitor),
    }
}

/// Answers with a widget: for ever under its version, for ten minutes under its channel.
pub async fn get_widget(
    visitor: Visitor,
    Path((version, name)): Path<(String, String)>,
) -> Response {
    let keep = match version.as_str() {
        WIDGET_VERSION => "public, max-age=31536000, immutable",
        WIDGET_CHANNEL => "public, max-age=600, stale-while-revalidate=86400",
        _ => return error::not_found_page(&visitor),
    };
    match WIDGETS.get(&name) {
        Some(asset) => file(asset, keep),
        None => error::not_found_page(&visitor),
    }
}

fn file(asset: &Asset, keep: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Other sites load widgets with a hash, which browsers check only where they may read.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
    ];
    (headers, asset.bytes.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_pages_stay_below_8_kb_together() {
        let of = |name: &str| Files::get(name).map(|file| file.data);
        let own = Files::iter().filter(|name| name.ends_with(".js")).filter_map(|name| of(&name));
        // The box of every page is the one that others embed.
        let all = own.chain(Widgets::get("kechuang-search.js").map(|file| file.data));
        let compressed = |bytes: &[u8]| {
            let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut zip, bytes).expect("memory takes everything");
            zip.finish().expect("memory takes everything").len()
        };
        let sizes: Vec<usize> = all.map(|bytes| compressed(&bytes)).collect();
        assert!(sizes.len() > 2 && sizes.iter().sum::<usize>() <= 8_000, "{sizes:?}");
    }
}
