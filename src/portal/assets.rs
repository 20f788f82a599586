//! Files that pages load: embedded, under names that change with their content.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Visitor, error};

#[derive(rust_embed::RustEmbed)]
#[folder = "portal"]
#[include = "*.css"]
#[include = "*.svg"]
struct Files;

/// A file as it is served.
struct Asset {
    bytes: Bytes,
    media_type: &'static str,
}

/// Served name -> file.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let names = Files::iter();
    names
        .filter_map(|name| {
            let bytes = Files::get(&name)?.data;
            let (stem, extension) = name.rsplit_once('.')?;
            let media_type = match extension {
                "css" => "text/css; charset=utf-8",
                _ => "image/svg+xml",
            };
            let hash: String =
                Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let asset = Asset { bytes: Bytes::from(bytes.into_owned()), media_type };
            Some((format!("{stem}.{hash}.{extension}"), asset))
        })
        .collect()
});

/// URL of the style sheet.
pub static STYLE: LazyLock<String> = LazyLock::new(|| url("style.", ".css"));
/// URL of the icon.
pub static ICON: LazyLock<String> = LazyLock::new(|| url("icon.", ".svg"));

fn url(start: &str, end: &str) -> String {
    let name = ASSETS.keys().find(|name| name.starts_with(start) && name.ends_with(end));
    format!("/assets/{}", name.expect("the file is in the folder that is embedded"))
}

/// Answers with a file that may be kept for ever, since its name changes with its content.
pub async fn get_asset(visitor: Visitor, Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.get(&name) else {
        return error::not_found_page(&visitor);
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, asset.bytes.clone()).into_response()
}
