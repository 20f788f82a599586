//! `attributes.toml` -> [`Attributes`]. A configuration without the file knows no attributes.

use std::collections::HashMap;
use std::sync::Arc;

use super::files::ConfigFiles;
use super::problem::Problems;
use super::reader::{Document, Node, Table};
use crate::record::Vocabulary;
use crate::record::attribute::{
    Attribute, AttributePeriod, AttributeType, Attributes, Audience, Changeable, CodeFormat,
    MAX_ATTRIBUTES, Near, Question, Source,
};
use crate::record::nearest::did_you_mean;

const KEYS: [&str; 17] = [
    "id",
    "label",
    "type",
    "period",
    "unit",
    "vocabulary",
    "source",
    "changeable",
    "sensitive",
    "complete",
    "derive",
    "min",
    "max",
    "doubt_below",
    "format",
    "gain",
    "note",
];

/// Reads the dictionary; what is wrong with it is reported.
///
/// Expressions and conditions in it are not read here: they are the condition language's.
pub(super) fn read_attributes(
    files: &ConfigFiles,
    vocabularies: &HashMap<String, Arc<Vocabulary>>,
    problems: &Problems,
) -> Attributes {
    if files.get(super::ATTRIBUTES).is_none() {
        return Attributes::default();
    }
    let file = files.path(super::ATTRIBUTES);
    let Some(document) = files
        .text(super::ATTRIBUTES, problems)
        .and_then(|text| Document::parse(file.clone(), text, problems))
    else {
        return Attributes::default();
    };
    let root = document.root();
    root.allow(&[
        "version",
        "region",
        "industry",
        "founded",
        "near",
        "attribute",
        "question",
        "audience",
    ]);
    root.version();
    let mut read = Attributes { file, ..Attributes::default() };
    for table in root.items("attribute").iter().filter_map(Node::table) {
        read_attribute(table, vocabularies, &mut read);
    }
    if read.list.len() > MAX_ATTRIBUTES {
        root.report(format_args!("at most {MAX_ATTRIBUTES} attributes, found {}", read.list.len()));
    }
    read.region = named(&root, "region", &read, AttributeType::Region);
    read.industry = named(&root, "industry", &read, AttributeType::Code);
    read.founded = named(&root, "founded", &read, AttributeType::Date);
    read.near = read_near(&root);
    for table in root.items("question").iter().filter_map(Node::table) {
        read_question(&table, &mut read);
    }
    for table in root.items("audience").iter().filter_map(Node::table) {
        read_audience(&table, &mut read);
    }
    read
}

fn read_attribute(
    table: Table<'_>,
    vocabularies: &HashMap<String, Arc<Vocabulary>>,
    read: &mut Attributes,
) {
    let Some((node, id)) =
        table.need("id").and_then(|node| node.text().map(|id| (node.clone(), id)))
    else {
        return;
    };
    let table = table.called(format!("attribute \"{id}\""));
    table.allow(&KEYS);
    if !super::field::check_name(&node, id) {
        return;
    }
    if read.find(id).is_some() {
        table.report("is declared twice");
        return;
    }
    let (Some(attribute_type), Some(period), Some(source), Some(changeable)) = (
        table.need("type").and_then(|node| node.choice(&AttributeType::NAMES)),
        table.need("period").and_then(|node| node.choice(&AttributePeriod::NAMES)),
        table.need("source").and_then(|node| node.choice(&Source::NAMES)),
        table.need("changeable").and_then(|node| node.choice(&Changeable::NAMES)),
    ) else {
        return;
    };
    let number = |key: &str| {
        let node = table.get(key)?;
        if !attribute_type.is_number() {
            node.report(format_args!("is for numbers, found type \"{}\"", attribute_type.name()));
        }
        node.number()
    };
    let (min, max) = (number("min"), number("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        table.report(format_args!("min {min} is above max {max}"));
    }
    let derive = table.get("derive").and_then(|node| node.text().map(str::to_owned));
    if derive.is_some() != (source == Source::Computed) {
        table.report("source \"computed\" and derive belong together");
    }
    if matches!(
        attribute_type,
        AttributeType::CodeSet | AttributeType::Date | AttributeType::Region
    ) && period != AttributePeriod::Point
    {
        table.report(format_args!(
            "period must be \"point\" for type \"{}\"",
            attribute_type.name()
        ));
    }
    if table.get("complete").is_some() && attribute_type != AttributeType::CodeSet {
        table.report("complete is for type \"code_set\" alone");
    }
    let attribute = Attribute {
        id: id.into(),
        label: table.need("label").and_then(|node| node.label()).unwrap_or_default(),
        attribute_type,
        period,
        unit: table.get("unit").and_then(|node| node.text().map(str::to_owned)),
        vocabulary: read_vocabulary(&table, attribute_type, vocabularies),
        source,
        changeable,
        sensitive: table.flag("sensitive"),
        complete: table.flag("complete"),
        derive,
        min,
        max,
        doubt_below: number("doubt_below"),
        format: table.get("format").and_then(|node| node.choice(&CodeFormat::NAMES)),
        gain: table.get("gain").and_then(|node| node.label()),
        line: table.place.line.unwrap_or(1),
    };
    read.list.push(attribute);
}

/// Reads the vocabulary of an attribute: codes but identifiers need one.
fn read_vocabulary(
    table: &Table<'_>,
    attribute_type: AttributeType,
    vocabularies: &HashMap<String, Arc<Vocabulary>>,
) -> Option<Arc<Vocabulary>> {
    let Some(node) = table.get("vocabulary") else {
        if matches!(attribute_type, AttributeType::CodeSet | AttributeType::Region) {
            table.report("vocabulary is missing");
        }
        return None;
    };
    let name = node.text()?;
    if !attribute_type.has_codes() {
        node.report(format_args!("is for codes, found type \"{}\"", attribute_type.name()));
    }
    let found = vocabularies.get(name).cloned();
    if found.is_none() {
        let hint = did_you_mean(name, vocabularies.keys().map(String::as_str));
        node.report(format_args!("{name:?} is not a vocabulary{hint}"));
    }
    found
}

fn attribute_named(node: &Node<'_>, read: &Attributes) -> Option<usize> {
    find(node.text()?, node, read)
}

/// Finds an attribute, or reports at a node that there is none.
pub(super) fn find(id: &str, node: &Node<'_>, read: &Attributes) -> Option<usize> {
    let found = read.find(id);
    if found.is_none() {
        let hint = did_you_mean(id, read.list.iter().map(|attribute| &*attribute.id));
        node.report(format_args!("{id:?} is not an attribute{hint}"));
    }
    found
}

fn named(root: &Table<'_>, key: &str, read: &Attributes, wanted: AttributeType) -> Option<usize> {
    let node = root.get(key)?;
    let at = attribute_named(&node, read)?;
    let found = read.list[at].attribute_type;
    if found != wanted {
        node.report(format_args!(
            "must be of type \"{}\", found \"{}\"",
            wanted.name(),
            found.name()
        ));
    }
    Some(at)
}

fn read_near(root: &Table<'_>) -> Near {
    let mut near = Near::default();
    let Some(table) = root.get("near").and_then(|node| node.table()) else { return near };
    table.allow(&["conditions", "share", "count", "months"]);
    let number = |key: &str, most: f64, fallback: f64| match table.get(key) {
        None => fallback,
        Some(node) => {
            let found = node.number().unwrap_or(fallback);
            if !(0.0..=most).contains(&found) {
                node.report(format_args!("must be 0 to {most}, found {found}"));
            }
            found
        }
    };
    near.conditions = number("conditions", 16.0, near.conditions as f64) as usize;
    near.share = number("share", 1.0, near.share);
    near.count = number("count", 100.0, near.count);
    near.months = number("months", 120.0, f64::from(near.months)) as i32;
    near
}

fn read_question(table: &Table<'_>, read: &mut Attributes) {
    table.allow(&["id", "label", "attributes"]);
    let Some(node) = table.need("id") else { return };
    let Some(id) = node.text() else { return };
    if read.questions.iter().any(|question| &*question.id == id) {
        node.report(format_args!("{id:?} is declared twice"));
    }
    let mut attributes = Vec::new();
    for node in table.items("attributes") {
        let Some(at) = attribute_named(&node, read) else { continue };
        let other = read.questions.iter().any(|question| question.attributes.contains(&at));
        if other || attributes.contains(&at) {
            node.report(format_args!("{:?} is asked twice", &*read.list[at].id));
        }
        attributes.push(at);
    }
    if attributes.is_empty() {
        table.report("attributes must name at least one");
    }
    let label = table.need("label").and_then(|node| node.label()).unwrap_or_default();
    read.questions.push(Question { id: id.into(), label, attributes });
}

fn read_audience(table: &Table<'_>, read: &mut Attributes) {
    let Some(code) = table.need("code").and_then(|node| node.text().map(str::to_owned)) else {
        return;
    };
    let Some(mut condition) = table.json() else { return };
    condition.remove("code");
    let condition = match table.flag("anyone") {
        true => None,
        false => Some(condition),
    };
    let line = table.place.line.unwrap_or(1);
    read.audiences.push(Audience { code, condition, line });
}
