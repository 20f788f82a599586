//! What differs between two versions of a record: field by field, rule by rule, clause by clause.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::rules::Validity;
use crate::record::kind::{FieldType, RuleFields};
use crate::record::value::days;
use crate::record::{Fields, RecordKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
}

/// What differs. Nothing is listed that is the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Fields that are neither rules nor long texts.
    pub fields: Vec<FieldChange>,
    /// Conditions, judgements, amounts, windows and stacking rules.
    pub rules: Vec<RuleChange>,
    /// Clauses of long texts.
    pub text: Vec<ClauseChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub label: String,
    pub change: Change,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleChange {
    pub field: String,
    /// The entry's id; a place from 1 where it has none.
    pub id: String,
    pub clause: Option<String>,
    pub change: Change,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClauseChange {
    pub field: String,
    /// The clause's heading; empty for what comes before the first one.
    pub clause: String,
    pub change: Change,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A version: its fields, and the day of which the rules are wanted; without one, all of them.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    pub fields: &'a Fields,
    pub day: Option<i32>,
}

/// Compares two versions of records of a kind.
pub fn compare(kind: &RecordKind, from: Version<'_>, to: Version<'_>) -> Difference {
    let named = kind.applicability.clone().unwrap_or_default();
    let rule_fields = rule_fields(&named);
    let mut difference = Difference::default();
    for field in &kind.fields {
        let (before, after) = (from.fields.get(&field.name), to.fields.get(&field.name));
        if rule_fields.contains(&&*field.name) {
            compare_rules(
                &field.name,
                entries(before, from.day),
                entries(after, to.day),
                &mut difference,
            );
            continue;
        }
        if before == after {
            continue;
        }
        let texts = (before.and_then(Value::as_str), after.and_then(Value::as_str));
        let is_long = |text: Option<&str>| text.is_some_and(|text| text.contains('\n'));
        if field.field_type == FieldType::Text
            && !field.multiple
            && (is_long(texts.0) || is_long(texts.1))
        {
            compare_texts(&field.name, texts.0, texts.1, &mut difference);
            continue;
        }
        difference.fields.push(FieldChange {
            field: field.name.clone(),
            label: field.label.zh.clone(),
            change: change(before.is_some(), after.is_some()),
            before: before.cloned(),
            after: after.cloned(),
        });
    }
    difference
}

fn rule_fields(named: &RuleFields) -> Vec<&str> {
    let others = [&named.judgements, &named.amounts, &named.stacking, &named.windows];
    let others = others.into_iter().filter_map(|name| name.as_deref());
    std::iter::once(&*named.conditions).chain(others).collect()
}

fn change(before: bool, after: bool) -> Change {
    match (before, after) {
        (false, _) => Change::Added,
        (_, false) => Change::Removed,
        _ => Change::Changed,
    }
}

/// The entries of an array of rules that hold on a day, each with its id.
fn entries(value: Option<&Value>, day: Option<i32>) -> Vec<(String, &Value)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| {
            let date = |key: &str| entry.get(key).and_then(Value::as_str).and_then(days);
            let validity = Validity { from: date("valid_from"), to: date("valid_to") };
            day.is_none_or(|day| validity.covers(day))
        })
        .map(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            let name = match (text("id"), text("rule"), text("opens")) {
                (Some(id), ..) => id.to_owned(),
                (None, Some(rule), _) => format!("{rule} {}", text("group").unwrap_or_default()),
                (.., opens) => opens.unwrap_or_default().to_owned(),
            };
            let place = places.entry(name.clone()).or_default();
            *place += 1;
            let name = name.trim().to_owned();
            (if *place == 1 { name } else { format!("{name} ({place})") }, entry)
        })
        .collect()
}

fn compare_rules(
    field: &str,
    before: Vec<(String, &Value)>,
    after: Vec<(String, &Value)>,
    difference: &mut Difference,
) {
    let of = |list: &[(String, &Value)], id: &str| {
        list.iter().find(|(known, _)| known == id).map(|(_, entry)| (*entry).clone())
    };
    let added = after.iter().filter(|(id, _)| of(&before, id).is_none());
    for (id, _) in before.iter().chain(added) {
        let (before, after) = (of(&before, id), of(&after, id));
        if before == after {
            continue;
        }
        let clause = after.as_ref().or(before.as_ref()).and_then(|entry| entry.get("clause"));
        difference.rules.push(RuleChange {
            field: field.to_owned(),
            id: id.clone(),
            clause: clause.and_then(Value::as_str).map(str::to_owned),
            change: change(before.is_some(), after.is_some()),
            before,
            after,
        });
    }
}

fn compare_texts(
    field: &str,
    before: Option<&str>,
    after: Option<&str>,
    difference: &mut Difference,
) {
    let (before, after) = (clauses(before.unwrap_or("")), clauses(after.unwrap_or("")));
    let of = |list: &[(String, String)], clause: &str| {
        list.iter().find(|(known, _)| known == clause).map(|(_, text)| text.clone())
    };
    let added = after.iter().filter(|(clause, _)| of(&before, clause).is_none());
    for (clause, _) in before.iter().chain(added) {
        let (before, after) = (of(&before, clause), of(&after, clause));
        if before != after {
            difference.text.push(ClauseChange {
                field: field.to_owned(),
                clause: clause.clone(),
                change: change(before.is_some(), after.is_some()),
                before,
                after,
            });
        }
    }
}

/// Cuts a text at its clauses: lines that begin with 第…条 or 一、. A heading that comes again gets a number.
pub fn clauses(text: &str) -> Vec<(String, String)> {
    let mut cut: Vec<(String, String)> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for line in text.lines() {
        match (heading(line.trim_start()), cut.last_mut()) {
            (None, Some((_, text))) => {
                text.push('\n');
                text.push_str(line);
            }
            (heading, _) => {
                let heading = heading.unwrap_or("");
                let times = seen.entry(heading).or_default();
                *times += 1;
                let name =
                    if *times == 1 { heading.to_owned() } else { format!("{heading} ({times})") };
                cut.push((name, line.to_owned()));
            }
        }
    }
    cut
}

fn heading(line: &str) -> Option<&str> {
    let is_numeral = |c: char| "零〇一二三四五六七八九十百千0123456789".contains(c);
    if let Some(rest) = line.strip_prefix('第') {
        let number = rest.find(|c| !is_numeral(c)).filter(|&end| end > 0)?;
        let unit = rest[number..].chars().next().filter(|unit| matches!(unit, '条' | '章'))?;
        return Some(&line[..'第'.len_utf8() + number + unit.len_utf8()]);
    }
    let number = line.find(|c| !is_numeral(c)).filter(|&end| end > 0)?;
    line[number..].starts_with('、').then(|| &line[..number])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_their_clauses() {
        let text = "总则\n第一条 甲。\n（一）子；\n第十二条 乙。\n三、丙\n附则\n三、丁";
        let cut = clauses(text);
        let found: Vec<(&str, &str)> = cut.iter().map(|(name, text)| (&**name, &**text)).collect();
        assert_eq!(
            found,
            [
                ("", "总则"),
                ("第一条", "第一条 甲。\n（一）子；"),
                ("第十二条", "第十二条 乙。"),
                ("三", "三、丙\n附则"),
                ("三 (2)", "三、丁"),
            ]
        );
        assert_eq!(clauses(""), []);
    }

    #[test]
    fn joining_the_clauses_gives_the_text() {
        for text in ["第一条 甲\n\n乙", "无标题", "一、\n二、\n第三条"] {
            let joined: Vec<String> = clauses(text).into_iter().map(|(_, text)| text).collect();
            assert_eq!(joined.join("\n"), text);
        }
    }
}
