//! An enterprise's profile, read as if it were a record: its attributes are the fields.

use std::sync::Arc;

use crate::record::Catalog;
use crate::record::kind::{Card, Field, FieldType, Label, RecordKind, Visibility};
use crate::record::kind_toml::problem::Problems;
use crate::record::kind_toml::reader::{Document, Table};
use crate::record::kind_toml::{ConfigError, ConfigFiles};

/// What pairs call the profile.
pub const NAME: &str = "profile";
/// Where its attributes are declared.
const FILE: &str = "attributes.toml";

/// Reads the attributes; without the file a profile has none.
pub(super) fn read(files: &ConfigFiles, catalog: &Catalog) -> Result<RecordKind, ConfigError> {
    let problems = Problems::default();
    let mut fields = Vec::new();
    if files.get(FILE).is_some()
        && let Some(text) = files.text(FILE, &problems)
        && let Some(document) = Document::parse(files.path(FILE), text, &problems)
    {
        for item in document.root().items("attribute") {
            fields.extend(item.table().and_then(|table| attribute(&table, catalog)));
        }
    }
    problems.into_result()?;
    Ok(RecordKind {
        name: NAME.into(),
        label: Label { zh: "企业画像".into(), en: "Enterprise profile".into() },
        description: Label::default(),
        order: 0,
        boost: 1.0,
        card: Card::default(),
        sections: Vec::new(),
        sorts: Vec::new(),
        applicability: None,
        fields,
    })
}

/// Reads what matching needs of an attribute; what is wrong with it is for its own reader to say.
fn attribute(table: &Table<'_>, catalog: &Catalog) -> Option<Field> {
    let name = table.get("id")?.text()?.to_owned();
    let vocabulary = table.get("vocabulary").and_then(|node| node.text());
    let vocabulary = vocabulary.and_then(|name| catalog.vocabularies.get(name)).cloned();
    let is_tree = vocabulary
        .as_ref()
        .is_some_and(|vocabulary| vocabulary.entries.iter().any(|entry| entry.parent.is_some()));
    let coded = if is_tree { FieldType::Tree } else { FieldType::Term };
    let declared = table.get("type")?.text()?;
    let (field_type, members) = match declared {
        "bool" => (FieldType::Bool, false),
        "int" => (FieldType::Integer, false),
        "money" => (FieldType::Money, false),
        "ratio" => (FieldType::Decimal, false),
        "date" => (FieldType::Date, false),
        "code_set" => (FieldType::Object, true),
        _ => (coded, false),
    };
    let mut field = plain(&name, field_type);
    field.label = table.get("label").and_then(|node| node.label()).unwrap_or_default();
    if members {
        let mut code = plain(&format!("{name}.code"), coded);
        code.name = "code".into();
        code.vocabulary = vocabulary;
        field.multiple = true;
        field.fields = vec![code];
    } else {
        field.vocabulary = vocabulary;
    }
    Some(field)
}

fn plain(path: &str, field_type: FieldType) -> Field {
    Field {
        name: path.to_owned(),
        path: Arc::from(path),
        field_type,
        label: Label::default(),
        help: None,
        role: None,
        multiple: false,
        required: false,
        vocabulary: None,
        facet: None,
        sortable: false,
        filterable: false,
        visibility: Visibility::Public,
        deadline: false,
        suggest: None,
        unit: None,
        max_length: usize::MAX,
        min: None,
        max: None,
        fields: Vec::new(),
        open: false,
    }
}
