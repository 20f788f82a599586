//! The page that hands out the widget, and the page that other sites show in a frame.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::assets::{self, WIDGET_VERSION, integrity, widget_bytes, widget_path};
use super::embed_reference::{self, Group};
use super::error::Failure;
use super::links::address;
use super::text::{IntegratorTexts, Lang};
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::AppState;

/// Colour of the button unless another is chosen.
const COLOR: &str = "#0d4f94";
/// Least contrast of text that WCAG 2.2 AA allows.
const LEAST_CONTRAST: f64 = 4.5;

#[derive(Template)]
#[template(path = "embed.html")]
struct EmbedPage {
    frame: Frame,
    t: &'static IntegratorTexts,
    tasks_style: &'static str,
    modes: [(&'static str, &'static str); 4],
    mode: &'static str,
    kind: String,
    division: String,
    color: String,
    to_lang: &'static str,
    warnings: Vec<String>,
    frame_src: String,
    matches: bool,
    matches_src: String,
    /// The pair of kinds of the sample of recommendations.
    from: String,
    to: String,
    sample_text: String,
    code: String,
    csp: String,
    /// Address, hash and size of each widget.
    files: Vec<(String, String, String)>,
    reference: Vec<Group>,
}

#[derive(Template)]
#[template(path = "embed_frame.html")]
struct FramePage {
    frame: Frame,
    script: &'static str,
}

pub async fn get_embed(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

/// What was chosen, as the snippets need it.
struct Choice<'a> {
    origin: &'a str,
    kind: &'a str,
    division: &'a str,
    color: &'a str,
    lang: Lang,
    from: &'a str,
    to: &'a str,
}

fn make(_: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let t = IntegratorTexts::of(visitor.lang);
    let modes = [
        ("element", t.mode_element),
        ("frame", t.mode_frame),
        ("form", t.mode_form),
        ("matches", t.mode_matches),
    ];
    let mode = visitor.param("mode").unwrap_or_default();
    let mode = modes.iter().find(|(name, _)| *name == mode).map_or("element", |(name, _)| name);
    let mut warnings = Vec::new();
    let kind = visitor.param("kind").and_then(|name| visitor.catalog.kind(name));
    let kind = kind.map(|kind| kind.name.to_string()).unwrap_or_default();
    let division = visitor.param("division").unwrap_or_default();
    let is_division = division.len() == 6 && division.bytes().all(|byte| byte.is_ascii_digit());
    if !division.is_empty() && !is_division {
        warnings.push(t.bad_division.to_owned());
    }
    let color = visitor.param("color").unwrap_or(COLOR);
    let color = match rgb(color) {
        Some(rgb) => {
            let contrast = 1.05 / (luminance(rgb) + 0.05);
            if contrast < LEAST_CONTRAST {
                warnings.push((t.low_contrast)(&format!("{contrast:.1}")));
            }
            color.to_ascii_lowercase()
        }
        None => {
            warnings.push(t.bad_color.to_owned());
            COLOR.to_owned()
        }
    };
    let lang = visitor.param("to_lang").and_then(Lang::named).unwrap_or(Lang::Zh);
    let (from, to) = pair(visitor);
    let choice = Choice {
        origin: &visitor.origin,
        kind: &kind,
        division: if is_division { division } else { "" },
        color: &color,
        lang,
        from: &from,
        to: &to,
    };
    let (code, csp) = snippet(mode, &choice);
    let template = EmbedPage {
        frame: visitor.frame(visitor.texts().embed),
        t,
        tasks_style: &assets::TASKS_STYLE,
        modes,
        mode,
        division: choice.division.to_owned(),
        to_lang: lang.tag(),
        warnings,
        frame_src: frame_path(&kind, lang),
        matches: mode == "matches",
        matches_src: widget_path("kechuang-matches.js"),
        sample_text: visitor.texts().example_demand.to_owned(),
        code,
        csp,
        files: files(),
        reference: embed_reference::groups(visitor.lang),
        from: from.clone(),
        to: to.clone(),
        kind: kind.clone(),
        color,
    };
    Ok(page(StatusCode::OK, &template))
}

/// A kind that is posted, and what is recommended for it.
fn pair(visitor: &Visitor) -> (String, String) {
    let kinds = &visitor.catalog.kinds;
    let posted = kinds.iter().find_map(|kind| Some((kind, kind.form.as_ref()?.recommend.first()?)));
    match posted {
        Some((from, to)) => (from.name.to_string(), to.clone()),
        None => Default::default(),
    }
}

fn frame_path(kind: &str, lang: Lang) -> String {
    let kind = Some(("kind", kind)).filter(|(_, kind)| !kind.is_empty());
    address("/embed/search", kind.into_iter().chain([("lang", lang.name())]))
}

/// What a page pastes, and what its policy must allow.
fn snippet(mode: &str, choice: &Choice<'_>) -> (String, String) {
    let Choice { origin, kind, division, color, lang, from, to } = choice;
    let texts = lang.texts();
    let mut fields = String::new();
    if !kind.is_empty() {
        write!(fields, "\n  <input type=\"hidden\" name=\"kind\" value=\"{kind}\">")
            .expect("a string");
    }
    if !division.is_empty() {
        write!(
            fields,
            "\n  <input type=\"hidden\" name=\"select\" value=\"division_code:{division}\">"
        )
        .expect("a string");
    }
    let form = format!(
        "<form action=\"{origin}/search\" method=\"get\" role=\"search\">\n  <label>{label} <input \
         type=\"search\" name=\"q\"></label>{fields}\n  <button>{button}</button>\n</form>",
        label = texts.search,
        button = texts.search,
    );
    let tag = |name: &str| {
        format!(
            "<script defer crossorigin=\"anonymous\" src=\"{origin}{}\"\n        integrity=\"{}\"></script>",
            widget_path(name),
            integrity(name).unwrap_or_default()
        )
    };
    match mode {
        "form" => (form, format!("form-action {origin}")),
        "frame" => (
            format!(
                "<iframe src=\"{origin}{}\" title=\"{}\"\n        width=\"100%\" height=\"420\"></iframe>\n{}",
                frame_path(kind, *lang).replace('&', "&amp;"),
                texts.search,
                tag("kechuang-frame.js"),
            ),
            format!("frame-src {origin}; script-src {origin}"),
        ),
        "matches" => (
            format!(
                "<textarea id=\"problem\"></textarea>\n<kechuang-matches src=\"{origin}\" from=\"{from}\" \
                 to=\"{to}\" for=\"problem\" lang=\"{}\"></kechuang-matches>\n{}",
                lang.tag(),
                tag("kechuang-matches.js"),
            ),
            format!("script-src {origin}; connect-src {origin}"),
        ),
        _ => {
            let attributes = [("kind", kind), ("division", division)];
            let attributes: String = attributes
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!(" {name}=\"{value}\""))
                .collect();
            // A plain form is lower than the box that takes its place: what follows must not move.
            let color = match *color {
                COLOR => String::new(),
                color => format!(" --kechuang-accent: {color};"),
            };
            let style = format!(
                "\n\n/* style sheet */\nkechuang-search {{ display: block; min-height: 44px;{color} }}"
            );
            let inner = form.replace('\n', "\n  ");
            (
                format!(
                    "<kechuang-search{attributes} lang=\"{}\">\n  {inner}\n</kechuang-search>\n{}{style}",
                    lang.tag(),
                    tag("kechuang-search.js"),
                ),
                format!("script-src {origin}; connect-src {origin}; form-action {origin}"),
            )
        }
    }
}

fn files() -> Vec<(String, String, String)> {
    let names = ["kechuang-search.js", "kechuang-matches.js", "kechuang-frame.js"];
    let describe = |name: &str| {
        let kb = widget_bytes(name)?.len() as f64 / 1_000.0;
        let path = format!("/widget/{WIDGET_VERSION}/{name}");
        Some((path, integrity(name)?, format!("{kb:.1} KB")))
    };
    names.into_iter().filter_map(describe).collect()
}

/// Reads `#RRGGBB`.
fn rgb(color: &str) -> Option<[u8; 3]> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Relative luminance in [0, 1]. Source: WCAG 2.2.
fn luminance(rgb: [u8; 3]) -> f64 {
    let [r, g, b] = rgb.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// The box alone, for a frame on another site.
pub async fn get_frame(State(state): State<AppState>, visitor: Visitor) -> Response {
    let mut frame = visitor.frame("");
    let kind = visitor.param("kind").and_then(|name| visitor.catalog.kind(name));
    frame.kinds = kind.map(|kind| kind.name.to_string()).unwrap_or_default();
    let mut response = page(StatusCode::OK, &FramePage { frame, script: &assets::FRAME_SCRIPT });
    let ancestors = match state.site.frame_ancestors.as_slice() {
        [] => "*".to_owned(),
        origins => format!("'self' {}", origins.join(" ")),
    };
    let policy =
        super::POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors {ancestors}"));
    let policy = HeaderValue::from_str(&policy).expect("origins are checked when they are read");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widgets_stay_small_and_keep_to_themselves() {
        for (name, most) in [
            ("kechuang-search.js", 6_000),
            ("kechuang-matches.js", 3_000),
            ("kechuang-frame.js", 600),
        ] {
            let bytes = widget_bytes(name).unwrap();
            let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut zip, bytes).unwrap();
            let size = zip.finish().unwrap().len();
            assert!(size <= most, "{name} is {size} bytes, compressed; at most {most}");
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(text.lines().count() <= 700, "{name}");
            // One file, which keeps nothing and makes no HTML of text.
            for word in [
                "import ",
                "import(",
                "require(",
                "eval(",
                "innerHTML",
                ".cookie",
                "localStorage",
                "sessionStorage",
            ] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        let against_white = |color: &str| 1.05 / (luminance(rgb(color).unwrap()) + 0.05);
        assert!((against_white("#000000") - 21.0).abs() < 1e-9);
        assert!((against_white("#767676") - 4.54).abs() < 0.01);
        assert!(against_white(COLOR) > LEAST_CONTRAST);
        for bad in ["", "#fff", "red", "#gggggg", "#12345é"] {
            assert_eq!(rgb(bad), None, "{bad}");
        }
    }
}
