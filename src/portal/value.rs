//! Values of records as a person reads them.

use serde_json::{Map, Value};

use super::text::{Lang, Texts, grouped};
use crate::record::kind::{Facet, Label};
use crate::record::{Field, FieldType, Vocabulary};

/// A piece of text, a link where it leads somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub href: Option<String>,
    /// Leads to another site.
    pub external: bool,
    /// What the link does, where its text does not say it.
    pub hint: Option<String>,
    /// A level and the highest one.
    pub level: Option<(i64, i64)>,
}

impl Piece {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// The value of a field on the detail page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Short values, in order.
    Pieces(Vec<Piece>),
    Paragraphs(Vec<String>),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<Option<Piece>>>,
    },
    Rules(Vec<Rule>),
    /// Something is there only for others.
    Withheld(&'static str),
}

/// One entry of an open object, told in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub text: String,
    pub notes: Vec<Note>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub label: &'static str,
    pub text: String,
}

/// A whole number that goes up to no more than this is a level.
const MAX_LEVELS: f64 = 20.0;
/// Most values of one field that a page shows.
const MAX_SHOWN: usize = 200;

/// Finds what values lead to.
pub trait Links {
    /// Address of the records that have `value` in the field.
    fn same_value(&self, path: &str, value: &str) -> Option<String>;
    /// Title and address of a record that can be seen: `ID` of the same kind, or `KIND/ID`.
    fn record(&self, name: &str) -> Option<(String, String)>;
}

/// Shows the value of a field; `None` when there is nothing to show.
pub fn show(field: &Field, value: &Value, lang: Lang, links: &dyn Links) -> Option<Shown> {
    let values: &[Value] = match value {
        Value::Array(values) => &values[..values.len().min(MAX_SHOWN)],
        Value::Null => return None,
        value => std::slice::from_ref(value),
    };
    let shown = match field.field_type {
        FieldType::Text if !field.multiple => {
            let lines = value.as_str()?.lines().map(str::trim).filter(|line| !line.is_empty());
            Shown::Paragraphs(lines.map(str::to_owned).collect())
        }
        FieldType::Object if field.open => {
            Shown::Rules(values.iter().filter_map(|value| rule(value, lang.texts())).collect())
        }
        FieldType::Object => table(field, values, lang, links),
        _ => Shown::Pieces(
            values.iter().filter_map(|value| piece(field, value, lang, links)).collect(),
        ),
    };
    let empty = match &shown {
        Shown::Pieces(pieces) => pieces.is_empty(),
        Shown::Paragraphs(paragraphs) => paragraphs.is_empty(),
        Shown::Table { rows, .. } => rows.is_empty(),
        Shown::Rules(rules) => rules.is_empty(),
        Shown::Withheld(_) => false,
    };
    (!empty).then_some(shown)
}

fn piece(field: &Field, value: &Value, lang: Lang, links: &dyn Links) -> Option<Piece> {
    match field.field_type {
        FieldType::Url => {
            let url = https(value.as_str()?)?;
            Some(Piece { text: url.clone(), href: Some(url), external: true, ..Piece::default() })
        }
        FieldType::File => {
            let url = https(value.get("url")?.as_str()?)?;
            let name = value.get("name").and_then(Value::as_str).unwrap_or(&url);
            let size = value.get("bytes").and_then(Value::as_u64).map(|bytes| match bytes {
                0..1_024 => format!(" ({bytes} B)"),
                1_024..1_048_576 => format!(" ({} KB)", bytes.div_ceil(1_024)),
                _ => format!(" ({:.1} MB)", bytes as f64 / 1_048_576.0),
            });
            let text = format!("{name}{}", size.unwrap_or_default());
            Some(Piece { text, href: Some(url), external: true, ..Piece::default() })
        }
        FieldType::Term | FieldType::Tree => {
            let code = value.as_str()?;
            let text = match &field.vocabulary {
                Some(vocabulary) => path_of(vocabulary, code, lang),
                None => code.to_owned(),
            };
            let href = field.facet.is_some().then(|| links.same_value(&field.path, code)).flatten();
            let hint =
                href.as_ref().map(|_| (lang.texts().records_with)(lang.pick(&field.label), &text));
            Some(Piece { text, href, hint, ..Piece::default() })
        }
        FieldType::Code => {
            let code = value.as_str()?;
            let may_be_record = field.name == "id" || code.contains('/');
            let record = may_be_record.then(|| links.record(code)).flatten();
            Some(match record {
                Some((title, href)) => Piece { text: title, href: Some(href), ..Piece::default() },
                None => Piece::plain(code),
            })
        }
        FieldType::Integer => {
            let mut piece = Piece::plain(plain(field, value, lang)?);
            if let (Some(_), Some(most @ 1.0..=MAX_LEVELS)) = (field.min, field.max) {
                piece.text = format!("{} / {most}", piece.text);
                piece.level = value.as_i64().map(|level| (level, most as i64));
            }
            Some(piece)
        }
        _ => plain(field, value, lang).map(Piece::plain),
    }
}

/// Shows one value as a line of text, without links; codes by their own label.
pub fn plain(field: &Field, value: &Value, lang: Lang) -> Option<String> {
    let texts = lang.texts();
    Some(match field.field_type {
        FieldType::Text | FieldType::Code | FieldType::Url => value.as_str()?.to_owned(),
        FieldType::Term | FieldType::Tree => {
            let code = value.as_str()?;
            match &field.vocabulary {
                Some(vocabulary) => near_path(vocabulary, code, lang),
                None => code.to_owned(),
            }
        }
        FieldType::Date => value.as_str()?.to_owned(),
        FieldType::Money => money(value.as_i64()?, lang),
        FieldType::Integer | FieldType::Decimal => match field.unit.as_deref() {
            None => number(value)?,
            Some(unit) => {
                let number = value.as_u64().map(grouped).or_else(|| number(value))?;
                format!("{number} {}", (texts.unit)(unit))
            }
        },
        FieldType::Quantity => quantity(value)?,
        FieldType::Bool => if value.as_bool()? { texts.yes } else { texts.no }.to_owned(),
        FieldType::Geo => {
            format!("{}, {}", value.get("lat")?.as_f64()?, value.get("lon")?.as_f64()?)
        }
        FieldType::File => value.get("name")?.as_str()?.to_owned(),
        FieldType::Object => return None,
    })
}

fn table(field: &Field, values: &[Value], lang: Lang, links: &dyn Links) -> Shown {
    let present = |member: &Field| values.iter().any(|value| value.get(&member.name).is_some());
    let members: Vec<&Field> = field.fields.iter().filter(|member| present(member)).collect();
    let cell = |member: &Field, value: &Value| -> Option<Piece> {
        match value.get(&member.name)? {
            Value::Array(values) => {
                let texts: Vec<String> =
                    values.iter().filter_map(|value| plain(member, value, lang)).collect();
                Some(Piece::plain(texts.join(lang.texts().list_comma)))
            }
            value => piece(member, value, lang, links),
        }
    };
    Shown::Table {
        head: members.iter().map(|member| lang.pick(&member.label).to_owned()).collect(),
        rows: values
            .iter()
            .map(|value| members.iter().map(|member| cell(member, value)).collect::<Vec<_>>())
            .filter(|row| row.iter().any(Option::is_some))
            .collect(),
    }
}

/// Members of an open object that say what it is, the best first.
const MAIN_MEMBERS: [&str; 5] = ["text", "label", "title", "name", "clause"];

/// Tells an open object in words: what it says, and beside it what a reader can use. Members meant for machines are
/// left out.
fn rule(value: &Value, texts: &Texts) -> Option<Rule> {
    let members = match value {
        Value::String(text) => {
            return Some(Rule { text: text.clone(), notes: Vec::new() });
        }
        value => value.as_object()?,
    };
    let main = MAIN_MEMBERS.iter().find(|name| text_of(members, name).is_some())?;
    let shown = [
        ("value", texts.value),
        ("rate", texts.rate),
        ("base_text", texts.base),
        ("floor", texts.floor),
        ("cap", texts.cap),
        ("cap_text", texts.cap),
        ("who", texts.who),
        ("note", texts.note),
        ("clause", texts.clause),
    ];
    let notes = shown
        .into_iter()
        .filter(|(name, _)| name != main)
        .filter_map(|(name, label)| Some(Note { label, text: note(members, name)? }))
        .collect();
    Some(Rule { text: text_of(members, main)?.to_owned(), notes })
}

fn note(members: &Map<String, Value>, name: &str) -> Option<String> {
    let value = members.get(name)?;
    if let Value::String(text) = value {
        return Some(text.clone()).filter(|text| !text.trim().is_empty());
    }
    let amount = value.as_f64()?;
    if name == "rate" {
        return Some(format!("{} %", trimmed(amount * 100.0)));
    }
    match text_of(members, "unit") {
        Some("元") | None => Some(money(value.as_i64()?, Lang::Zh)),
        Some(unit) => Some(format!("{}{unit}", number(value)?)),
    }
}

fn text_of<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str().filter(|text| !text.trim().is_empty())
}

/// Returns an address only when it is `https`.
fn https(url: &str) -> Option<String> {
    let scheme = url.get(..8)?;
    scheme.eq_ignore_ascii_case("https://").then(|| url.to_owned())
}

/// `山东省 › 青岛市 › 崂山区`: everything above the code, without a root that everything is below.
fn path_of(vocabulary: &Vocabulary, code: &str, lang: Lang) -> String {
    let mut labels: Vec<&str> =
        vocabulary.path(code).map(|entry| lang.pick(&entry.label)).collect();
    if labels.is_empty() {
        return code.to_owned();
    }
    if labels.len() > 1 && has_one_root(vocabulary) {
        labels.pop();
    }
    labels.reverse();
    labels.join(" › ")
}

/// The code's label, and the one above it where the tree is deep.
fn near_path(vocabulary: &Vocabulary, code: &str, lang: Lang) -> String {
    let labels: Vec<&str> = vocabulary.path(code).map(|entry| lang.pick(&entry.label)).collect();
    match labels.as_slice() {
        [] => code.to_owned(),
        [label, above, _, _, ..] => format!("{above} › {label}"),
        [label, ..] => (*label).to_owned(),
    }
}

fn has_one_root(vocabulary: &Vocabulary) -> bool {
    vocabulary.entries.iter().filter(|entry| entry.parent.is_none()).take(2).count() == 1
}

/// Looks up the label of a value or bucket key of a facet.
pub fn facet_label<'a>(
    facet: Option<&'a Facet>,
    vocabulary: Option<&'a Vocabulary>,
    value: &str,
) -> Option<&'a Label> {
    match facet {
        Some(Facet::Ranges { buckets }) => {
            buckets.iter().find(|bucket| bucket.key == value).map(|bucket| &bucket.label)
        }
        Some(Facet::RelativeDates { buckets }) => {
            buckets.iter().find(|bucket| bucket.key == value).map(|bucket| &bucket.label)
        }
        _ => vocabulary?.get(value).map(|entry| &entry.label),
    }
}

/// `600万元`, `1.2亿元`, `9,800元`.
pub fn money(yuan: i64, lang: Lang) -> String {
    let sign = if yuan < 0 { "−" } else { "" };
    let yuan = yuan.unsigned_abs();
    match (lang, yuan) {
        (Lang::En, _) => format!("{sign}¥{}", grouped(yuan)),
        (Lang::Zh, 0..10_000) => format!("{sign}{}元", grouped(yuan)),
        (Lang::Zh, 10_000..100_000_000) => format!("{sign}{}万元", parts(yuan, 10_000)),
        (Lang::Zh, _) => format!("{sign}{}亿元", parts(yuan, 100_000_000)),
    }
}

/// Divides exactly, without trailing zeros.
fn parts(yuan: u64, unit: u64) -> String {
    let width = unit.ilog10() as usize;
    let rest = format!("{:0width$}", yuan % unit);
    match rest.trim_end_matches('0') {
        "" => grouped(yuan / unit),
        rest => format!("{}.{rest}", grouped(yuan / unit)),
    }
}

/// Prints a JSON number; whole numbers from five digits on are grouped: what has four may be a year.
fn number(value: &Value) -> Option<String> {
    match value.as_u64() {
        Some(whole) if whole >= 10_000 => Some(grouped(whole)),
        _ => value.as_number().map(ToString::to_string),
    }
}

/// Prints up to four decimals, without trailing zeros.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `稳定脱盐率 ≥ 99.8 %`.
fn quantity(value: &Value) -> Option<String> {
    let sign = match value.get("operator").and_then(Value::as_str) {
        Some("ge") => "≥",
        Some("gt") => ">",
        Some("le") => "≤",
        Some("lt") => "<",
        Some("approx") => "≈",
        Some("between") => "",
        _ => "=",
    };
    let mut parts = Vec::new();
    parts.extend(value.get("name").and_then(Value::as_str).map(str::to_owned));
    if !sign.is_empty() && (sign != "=" || !parts.is_empty()) {
        parts.push(sign.to_owned());
    }
    let low = number(value.get("value")?)?;
    parts.push(match value.get("value_to").and_then(number) {
        Some(high) => format!("{low} – {high}"),
        None => low,
    });
    parts.extend(value.get("unit").and_then(Value::as_str).map(str::to_owned));
    Some(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prints_money() {
        for (yuan, zh, en) in [
            (0, "0元", "¥0"),
            (9_800, "9,800元", "¥9,800"),
            (10_000, "1万元", "¥10,000"),
            (12_345, "1.2345万元", "¥12,345"),
            (6_000_000, "600万元", "¥6,000,000"),
            (50_005_000, "5,000.5万元", "¥50,005,000"),
            (120_000_000, "1.2亿元", "¥120,000,000"),
            (-10_000, "−1万元", "−¥10,000"),
            (i64::MIN, "−92,233,720,368.54775808亿元", "−¥9,223,372,036,854,775,808"),
        ] {
            assert_eq!((money(yuan, Lang::Zh).as_str(), money(yuan, Lang::En).as_str()), (zh, en));
        }
    }

    #[test]
    fn prints_quantities() {
        fn check(value: Value, expected: &str) {
            assert_eq!(quantity(&value).as_deref(), Some(expected), "{value}");
        }
        check(json!({"operator": "ge", "value": 1.38, "unit": "MPa"}), "≥ 1.38 MPa");
        check(json!({"name": "强度", "operator": "eq", "value": 5}), "强度 = 5");
        check(json!({"operator": "eq", "value": 5, "unit": "mm"}), "5 mm");
        check(
            json!({"name": "pH", "operator": "between", "value": 2, "value_to": 12}),
            "pH 2 – 12",
        );
        assert_eq!(quantity(&json!({"operator": "ge"})), None);
        assert_eq!(quantity(&json!("≥ 3")), None);
    }

    #[test]
    fn tells_open_objects_in_words() {
        let texts = Lang::Zh.texts();
        let told = rule(
            &json!({"id": "a", "label": "奖励", "value": 100_000, "unit": "元", "rate": 0.15,
                    "clause": "四", "when": {"attr": "x"}}),
            texts,
        )
        .unwrap();
        let notes: Vec<&str> = told.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!((told.text.as_str(), notes), ("奖励", vec!["10万元", "15 %", "四"]));
        assert_eq!(rule(&json!({"clause": "原文"}), texts).unwrap().text, "原文");
        assert_eq!(rule(&json!({"attr": "x", "op": "ge"}), texts), None);
        assert_eq!(rule(&json!([1, 2]), texts), None);
    }

    #[test]
    fn only_https_becomes_a_link() {
        assert!(https("https://example.org/").is_some());
        for url in ["http://example.org/", "javascript:alert(1)", "//x", "", "数据"] {
            assert_eq!(https(url), None, "{url}");
        }
    }
}
