//! `kinds/<kind>.toml` -> [`RecordKind`], and what one kind must keep to.

use std::collections::HashSet;

use super::field::{FieldReader, Fields, check_name};
use super::files::ConfigFiles;
use super::problem::Place;
use super::reader::{Document, Node, Table};
use crate::record::kind::{
    Card, Direction, Field, FieldType, RecordKind, Role, Section, Sort, Visibility, field_at,
};
use crate::record::nearest::did_you_mean;

const KEYS: [&str; 14] = [
    "version",
    "kind",
    "label",
    "description",
    "order",
    "boost",
    "applicability",
    "card",
    "section",
    "sort",
    "page",
    "closed",
    "form",
    "field",
];

/// A kind, and what is needed to compare it with others.
pub(super) struct ReadKind {
    pub kind: RecordKind,
    pub fields: Fields,
    /// Where `order` stands.
    pub order_place: Option<Place>,
}

/// Reads a kind. `None` when its file cannot be read at all; everything wrong is reported.
///
/// Without `common`, whose problems are reported already, what refers to fields is not checked.
pub(super) fn read_kind(
    files: &ConfigFiles,
    name: &str,
    reader: &FieldReader<'_>,
    common: Option<&Fields>,
) -> Option<ReadKind> {
    let file = format!("{}{name}.toml", super::KINDS);
    let text = files.text(&file, reader.problems)?;
    let document = Document::parse(files.path(&file), text, reader.problems)?;
    let root = document.root();
    root.allow(&KEYS);
    root.version();
    if let Some(node) = root.need("kind")
        && let Some(found) = node.text()
        && check_name(&node, found)
        && found != name
    {
        node.report(format_args!("{found:?} must be the name of the file, {name:?}"));
    }
    let fields = reader.read(&root, common.unwrap_or(&Fields::default()));
    let references = References { fields: &fields, complete: common.is_some() };
    let order = root.need("order");
    let label = |key: &str| root.need(key).and_then(|node| node.label()).unwrap_or_default();
    let kind = RecordKind {
        name: name.into(),
        label: label("label"),
        description: label("description"),
        order: order.as_ref().and_then(Node::whole).unwrap_or_default(),
        boost: read_boost(&root),
        card: references.card(&root),
        sections: references.sections(&root),
        sorts: references.sorts(&root),
        page: references.page(&root),
        closed: references.closed(&root),
        form: references.form(&root),
        fields: fields.fields.clone(),
        applicability: references.applicability(&root),
    };
    if common.is_some() {
        check_title(&root, &fields);
    }
    Some(ReadKind { kind, fields, order_place: order.map(|node| node.place) })
}

fn read_boost(root: &Table<'_>) -> f32 {
    let Some(node) = root.get("boost") else {
        return 1.0;
    };
    let Some(boost) = node.number() else {
        return 1.0;
    };
    if !(0.1..=10.0).contains(&boost) {
        node.report(format_args!("must be 0.1 to 10, found {boost}"));
    }
    boost as f32
}

/// Checks that records of the kind have the title that every result shows.
fn check_title(root: &Table<'_>, fields: &Fields) {
    let is_title = |field: &Field| {
        field.field_type == FieldType::Text
            && field.role == Some(Role::Title)
            && field.required
            && !field.multiple
            && field.visibility == Visibility::Public
    };
    let title = fields.fields.iter().find(|field| field.name == "title");
    if !title.is_some_and(|field| fields.broken.contains(&field.path) || is_title(field)) {
        root.report(
            "every kind needs a field \"title\": a public, required text with the role title",
        );
    }
}

/// Checks the parts of a file that name its fields.
pub(super) struct References<'a> {
    fields: &'a Fields,
    /// Whether all fields are known, so that a name can be told to be wrong.
    complete: bool,
}

impl<'a> References<'a> {
    /// Reads the path of a field. The field is `None` when it is not known, which is reported.
    pub(super) fn field<'d>(&self, node: &Node<'d>) -> Option<(&'d str, Option<&'a Field>)> {
        let path = node.text()?;
        if !self.complete || self.fields.broken.contains(path) {
            return Some((path, None));
        }
        let found = field_at(&self.fields.fields, path);
        if found.is_none() && !self.is_within_broken(path) {
            let mut paths: Vec<&str> = self.fields.places.keys().map(|path| &**path).collect();
            paths.sort_unstable();
            let hint = did_you_mean(path, paths);
            node.report(format_args!("{path:?} is not a field of the kind{hint}"));
        }
        Some((path, found))
    }

    /// Tells whether the path leads through a field of which something is wrong.
    fn is_within_broken(&self, path: &str) -> bool {
        path.match_indices('.').any(|(dot, _)| self.fields.broken.contains(&path[..dot]))
    }

    /// Reads an array of paths, each of which may come once among `seen`.
    pub(super) fn paths<'d>(
        &self,
        node: Option<Node<'d>>,
        seen: &mut HashSet<&'d str>,
    ) -> Vec<String> {
        let mut paths = Vec::new();
        for item in node.iter().flat_map(Node::items) {
            let Some((path, _)) = self.field(&item) else {
                continue;
            };
            if !seen.insert(path) {
                item.report(format_args!("{path:?} is named twice"));
            }
            paths.push(path.to_owned());
        }
        paths
    }

    fn card(&self, root: &Table<'_>) -> Card {
        let Some(table) = root.get("card").and_then(|node| node.table()) else {
            return Card::default();
        };
        table.allow(&["fields", "badge"]);
        let badge = table.get("badge").and_then(|node| {
            let (path, field) = self.field(&node)?;
            if let Some(field) = field
                && (field.field_type != FieldType::Term || field.multiple)
            {
                let multiple = if field.multiple { "multiple " } else { "" };
                let found = field.field_type.name();
                node.report(format_args!(
                    "{path:?} must be a single term, found {multiple}{found}"
                ));
            }
            Some(path.to_owned())
        });
        Card { fields: self.paths(table.get("fields"), &mut HashSet::new()), badge }
    }

    fn sections(&self, root: &Table<'_>) -> Vec<Section> {
        self.groups(root, "section")
    }

    /// Reads labelled groups of fields; a field may stand in one of them only.
    pub(super) fn groups(&self, table: &Table<'_>, key: &str) -> Vec<Section> {
        let mut seen = HashSet::new();
        let mut sections = Vec::new();
        for table in table.items(key).iter().filter_map(Node::table) {
            table.allow(&["label", "fields"]);
            let fields = table.need("fields");
            sections.push(Section {
                label: table.need("label").and_then(|node| node.label()).unwrap_or_default(),
                fields: self.paths(fields.clone(), &mut seen),
            });
            if let Some(node) = fields
                && sections.last().is_some_and(|section| section.fields.is_empty())
            {
                node.report("must name at least one field");
            }
        }
        sections
    }

    fn sorts(&self, root: &Table<'_>) -> Vec<Sort> {
        let mut seen = HashSet::new();
        let mut sorts = Vec::new();
        for table in root.items("sort").iter().filter_map(Node::table) {
            table.allow(&["field", "order", "label"]);
            let field = table.need("field").and_then(|node| {
                let (path, field) = self.field(&node)?;
                if field.is_some_and(|field| !field.sortable) {
                    node.report(format_args!("{path:?} needs sortable = true"));
                }
                Some(path.to_owned())
            });
            let order = table.need("order").and_then(|node| node.choice(&Direction::NAMES));
            let label = table.need("label").and_then(|node| node.label());
            let (Some(field), Some(order), Some(label)) = (field, order, label) else {
                continue;
            };
            if !seen.insert((field.clone(), order)) {
                table.report(format_args!("{field:?} is offered twice in this order"));
            }
            sorts.push(Sort { field, order, label });
        }
        sorts
    }
}
