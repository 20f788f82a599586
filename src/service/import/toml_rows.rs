//! Records in TOML, as people write rules by hand: the same tree as in JSON.

use std::sync::Arc;

use serde_json::Value;

use super::rows::Row;
use crate::record::Fields;
use crate::record::kind_toml::problem::{ConfigError, Problems};
use crate::record::kind_toml::reader::{Document, Node};

/// Reads the records of a file; dates become texts.
///
/// Where all that stands at its top are tables, each is a record of the kind that it is named as: `[policy]`, or
/// `[[policy]]` for several. Any other file is one record. What is no TOML spoils the whole file.
pub fn rows(text: &str) -> Result<Vec<Row>, ConfigError> {
    let problems = Problems::default();
    let mut records: Vec<(Option<usize>, Fields)> = Vec::new();
    if let Some(document) = Document::parse(Arc::from("TOML"), text, &problems) {
        let root = document.root();
        let nodes: Vec<(&str, Node<'_>)> =
            root.keys().filter_map(|key| Some((key, root.get(key)?))).collect();
        if nodes.iter().all(|(_, node)| node.is_table() || is_tables(node)) {
            for (kind, node) in nodes {
                let several = if node.is_table() { vec![node] } else { node.items() };
                for record in several {
                    let fields = record.table().and_then(|table| table.json());
                    records.extend(fields.map(|mut fields| {
                        fields.entry("kind").or_insert_with(|| Value::from(kind));
                        (record.place.line, fields)
                    }));
                }
            }
        } else {
            records.extend(root.json().map(|fields| (None, fields)));
        }
    }
    problems.into_result()?;
    let bytes = text.len() / records.len().max(1);
    let row = |(line, fields): (Option<usize>, Fields)| Row {
        line: line.unwrap_or(1) as u64,
        bytes,
        fields: Ok(fields),
    };
    Ok(records.into_iter().map(row).collect())
}

fn is_tables(node: &Node<'_>) -> bool {
    node.is_array() && node.items().iter().all(Node::is_table)
}
