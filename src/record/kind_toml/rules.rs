//! `[applicability]` of a kind -> [`RuleFields`].

use super::kind::References;
use super::reader::{Node, Table};
use crate::record::kind::{FieldType, RuleFields};

/// What each role must be: its name, its type, whether it has several values.
const ROLES: [(&str, FieldType, bool); 14] = [
    ("conditions", FieldType::Object, true),
    ("judgements", FieldType::Object, true),
    ("amounts", FieldType::Object, true),
    ("stacking", FieldType::Object, true),
    ("windows", FieldType::Object, true),
    ("regions", FieldType::Tree, true),
    ("audience", FieldType::Term, true),
    ("industries", FieldType::Tree, true),
    ("fidelity", FieldType::Term, false),
    ("checked_on", FieldType::Date, false),
    ("max_amount", FieldType::Money, false),
    ("ends", FieldType::Date, false),
    ("validity", FieldType::Term, false),
    ("relations", FieldType::Object, true),
];

impl References<'_> {
    /// Reads where records of the kind say whom they apply to.
    pub(super) fn applicability(&self, root: &Table<'_>) -> Option<RuleFields> {
        let table = root.get("applicability")?.table()?;
        let mut keys = vec!["default", "begins", "ended", "pending", "ending", "amending"];
        keys.extend(ROLES.iter().map(|(name, ..)| *name));
        table.allow(&keys);
        let role = |name: &str| {
            let node = table.get(name)?;
            let (_, field_type, multiple) = ROLES.iter().find(|(role, ..)| *role == name)?;
            self.role(&node, *field_type, *multiple)
        };
        table.need("conditions");
        Some(RuleFields {
            default: table.flag("default"),
            conditions: role("conditions")?,
            judgements: role("judgements"),
            amounts: role("amounts"),
            stacking: role("stacking"),
            windows: role("windows"),
            regions: role("regions"),
            audience: role("audience"),
            industries: role("industries"),
            fidelity: role("fidelity"),
            checked_on: role("checked_on"),
            max_amount: role("max_amount"),
            begins: table
                .items("begins")
                .iter()
                .filter_map(|node| self.role(node, FieldType::Date, false))
                .collect(),
            ends: role("ends"),
            validity: role("validity"),
            ended: table.words("ended"),
            pending: table.words("pending"),
            relations: role("relations"),
            ending: table.words("ending"),
            amending: table.words("amending"),
        })
    }

    fn role(&self, node: &Node<'_>, field_type: FieldType, multiple: bool) -> Option<String> {
        let (path, field) = self.field(node)?;
        if let Some(field) = field
            && (field.field_type != field_type || field.multiple != multiple || path.contains('.'))
        {
            let many = if multiple { "multiple " } else { "single " };
            node.report(format_args!(
                "{path:?} must be a {many}top-level field of type {}",
                field_type.name()
            ));
        }
        Some(path.to_owned())
    }
}
