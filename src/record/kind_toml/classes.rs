//! `classes.toml` -> [`Classification`]. A configuration without the file derives no class.

use super::files::ConfigFiles;
use super::problem::Problems;
use super::reader::{Document, Node, Table};
use crate::record::Vocabulary;
use crate::record::attribute::{
    Attribute, AttributeType, Attributes, Bounds, Branch, Classification, money_unit,
};
use crate::record::nearest::did_you_mean;

/// Reads how classes follow from numbers; what is wrong with it is reported.
pub(super) fn read_classes(
    files: &ConfigFiles,
    attributes: &Attributes,
    problems: &Problems,
) -> Vec<Classification> {
    if files.get(super::CLASSES).is_none() {
        return Vec::new();
    }
    let path = files.path(super::CLASSES);
    let Some(document) =
        files.text(super::CLASSES, problems).and_then(|text| Document::parse(path, text, problems))
    else {
        return Vec::new();
    };
    let root = document.root();
    root.allow(&["version", "class"]);
    root.version();
    let tables = root.items("class");
    tables.iter().filter_map(Node::table).filter_map(|table| read(&table, attributes)).collect()
}

fn read(table: &Table<'_>, attributes: &Attributes) -> Option<Classification> {
    table.allow(&["attribute", "by", "classes", "unit", "only", "branch"]);
    let (attribute, classes) = coded(&table.need("attribute")?, attributes)?;
    let (by, tree) = coded(&table.need("by")?, attributes)?;
    let unit = match table.get("unit") {
        None => 1.0,
        Some(node) => {
            let name = node.text()?;
            let unit = money_unit(name);
            if unit.is_none() {
                node.report(format_args!(
                    "{name:?} is no unit of money; there are 元, 千元, 万元, 亿元"
                ));
            }
            unit?
        }
    };
    let names = table.items("classes");
    let places: Vec<u32> = names.iter().filter_map(|node| place(node, classes)).collect();
    if places.len() < 2 {
        table.report("classes must name at least two, the lowest first");
        return None;
    }
    let mut only = Vec::new();
    if let Some(table) = table.get("only").and_then(|node| node.table()) {
        for name in table.keys() {
            let Some(node) = table.get(name) else { continue };
            let Some((at, vocabulary)) = named(name, &node, attributes) else { continue };
            let codes = node.items().iter().filter_map(|node| place(node, vocabulary)).collect();
            only.push((at, codes));
        }
    }
    let branches = table.items("branch");
    let branches = branches.iter().filter_map(Node::table);
    let branches = branches
        .filter_map(|branch| read_branch(&branch, attributes, tree, places.len() - 1, unit))
        .collect();
    Some(Classification { attribute, by, classes: places, only, branches })
}

fn read_branch(
    table: &Table<'_>,
    attributes: &Attributes,
    tree: &Vocabulary,
    bounds: usize,
    unit: f64,
) -> Option<Branch> {
    table.allow(&["label", "codes", "least"]);
    let label = table.need("label").and_then(|node| node.label()).unwrap_or_default();
    let codes = table.items("codes").iter().filter_map(|node| place(node, tree)).collect();
    let least = table.need("least").and_then(|node| node.table())?;
    let mut measures = Vec::new();
    for name in least.keys() {
        let Some(node) = least.get(name) else { continue };
        let Some(at) = super::attributes::find(name, &node, attributes) else { continue };
        let measured: &Attribute = &attributes.list[at];
        if !measured.attribute_type.is_number() || measured.derive.is_some() {
            node.report(format_args!("{name:?} must be a number that organizations state"));
        }
        let scale = if measured.attribute_type == AttributeType::Money { unit } else { 1.0 };
        let least: Vec<f64> =
            node.items().iter().filter_map(Node::number).map(|bound| bound * scale).collect();
        if least.len() != bounds || !least.is_sorted() {
            node.report(format_args!("must be {bounds} rising numbers, found {least:?}"));
        }
        measures.push(Bounds { attribute: at, least });
    }
    if measures.is_empty() {
        table.report("least must bound at least one attribute");
    }
    Some(Branch { label, codes, measures })
}

/// An attribute of codes, and its vocabulary.
fn coded<'a>(node: &Node<'_>, attributes: &'a Attributes) -> Option<(usize, &'a Vocabulary)> {
    named(node.text()?, node, attributes)
}

fn named<'a>(
    name: &str,
    node: &Node<'_>,
    attributes: &'a Attributes,
) -> Option<(usize, &'a Vocabulary)> {
    let at = super::attributes::find(name, node, attributes)?;
    let attribute = &attributes.list[at];
    let vocabulary = attribute.vocabulary.as_deref();
    if attribute.attribute_type != AttributeType::Code || vocabulary.is_none() {
        node.report("must be of type \"code\" with a vocabulary");
    }
    Some((at, vocabulary?))
}

fn place(node: &Node<'_>, vocabulary: &Vocabulary) -> Option<u32> {
    let code = node.text()?;
    let found = vocabulary.index(code);
    if found.is_none() {
        let codes = vocabulary.entries.iter().map(|entry| &*entry.code);
        let hint = did_you_mean(code, codes);
        node.report(format_args!(
            "{code:?} is not in the vocabulary \"{}\"{hint}",
            vocabulary.name
        ));
    }
    found.map(|at| at as u32)
}
