//! An enterprise's profile, read as if it were a record: its attributes are the fields.

use crate::record::attribute::{Attribute, AttributeType};
use crate::record::kind::{Catalog, Field, FieldType, Label, RecordKind};

/// What pairs call the profile.
pub const NAME: &str = "profile";

/// Makes a kind of the declared attributes.
pub(super) fn kind(catalog: &Catalog) -> RecordKind {
    RecordKind {
        name: NAME.into(),
        label: Label { zh: "企业画像".into(), en: "Enterprise profile".into() },
        fields: catalog.attributes.list.iter().map(field).collect(),
        ..RecordKind::default()
    }
}

fn field(attribute: &Attribute) -> Field {
    let is_tree = |attribute: &Attribute| {
        let entries = attribute.vocabulary.iter().flat_map(|vocabulary| &vocabulary.entries);
        entries.into_iter().any(|entry| entry.parent.is_some())
    };
    let coded = if is_tree(attribute) { FieldType::Tree } else { FieldType::Term };
    let (field_type, members) = match attribute.attribute_type {
        AttributeType::Bool => (FieldType::Bool, false),
        AttributeType::Int => (FieldType::Integer, false),
        AttributeType::Money => (FieldType::Money, false),
        AttributeType::Ratio => (FieldType::Decimal, false),
        AttributeType::Date => (FieldType::Date, false),
        AttributeType::CodeSet => (FieldType::Object, true),
        AttributeType::Code | AttributeType::Region => (coded, false),
    };
    let mut field = plain(&attribute.id, field_type);
    field.label = attribute.label.clone();
    if members {
        // `[{"code": …, "from": …, "to": …}]`
        let mut code = plain(&format!("{}.code", attribute.id), coded);
        code.name = "code".into();
        code.vocabulary = attribute.vocabulary.clone();
        field.multiple = true;
        field.fields = vec![code];
    } else {
        field.vocabulary = attribute.vocabulary.clone();
    }
    field
}

fn plain(path: &str, field_type: FieldType) -> Field {
    Field { name: path.to_owned(), path: path.into(), field_type, ..Field::default() }
}
