//! `[[field]]` -> [`Field`], checked by itself.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use super::facet::read_facet;
use super::problem::{Place, Problems};
use super::reader::{Node, Table};
use crate::record::Vocabulary;
use crate::record::kind::{Field, FieldType, Role, Suggested, Visibility};
use crate::record::nearest::did_you_mean;

const KEYS: [&str; 21] = [
    "name",
    "type",
    "label",
    "help",
    "role",
    "multiple",
    "required",
    "vocabulary",
    "facet",
    "sortable",
    "filterable",
    "deadline",
    "suggest",
    "opening",
    "visibility",
    "unit",
    "max_length",
    "min",
    "max",
    "field",
    "open",
];

/// What a kind may say about a field that every kind has.
const OVERRIDE_KEYS: [&str; 6] = ["name", "type", "label", "help", "facet", "required"];

/// Names that the service itself uses in a record.
const RESERVED: [&str; 2] = ["kind", "id"];

/// Longest name of a kind or a field.
const MAX_NAME: usize = 64;

/// Longest text that `max_length` may allow.
const MAX_LENGTH: i64 = 2_000_000;

/// Longest URL.
pub const MAX_URL: usize = 2_000;

/// Objects within each other, the outermost included.
const MAX_OBJECTS: usize = 3;

/// Fields of a file, and what is needed to talk about them.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub fields: Vec<Field>,
    /// Where each field stands, by its path.
    pub places: HashMap<Arc<str>, Place>,
    /// Paths of fields of which something is wrong: nothing more is said about them.
    pub broken: HashSet<Arc<str>>,
}

/// Reads the fields of one file.
pub(super) struct FieldReader<'a> {
    pub vocabularies: &'a HashMap<String, Arc<Vocabulary>>,
    /// Names of the vocabularies that exist but have problems of their own.
    pub broken_vocabularies: &'a HashSet<String>,
    pub problems: &'a Problems,
}

impl FieldReader<'_> {
    /// Reads the `[[field]]` tables of a file. `common` are the fields that the file adds to.
    pub fn read(&self, file: &Table<'_>, common: &Fields) -> Fields {
        let mut read = common.clone();
        let mut declared: HashMap<&str, Option<usize>> = HashMap::new();
        for node in file.items("field") {
            let Some(table) = node.table() else { continue };
            let Some(name) = self.name(&table, &RESERVED) else {
                continue;
            };
            let table = table.called(format!("field \"{name}\""));
            if let Some(line) = declared.insert(name, table.place.line) {
                let line = line.unwrap_or_default();
                table.report(format_args!("is already declared on line {line}"));
            } else if let Some(field) = read.fields.iter_mut().find(|field| field.name == name) {
                let before = self.problems.len();
                self.override_common(&table, field);
                read.places.insert(field.path.clone(), table.place.clone());
                if self.problems.len() > before {
                    read.broken.insert(field.path.clone());
                }
            } else {
                let field = self.field(&table, name, None, &mut read);
                read.fields.push(field);
            }
        }
        read
    }

    fn name<'d>(&self, table: &Table<'d>, reserved: &[&str]) -> Option<&'d str> {
        let node = table.need("name")?;
        let name = node.text()?;
        if reserved.contains(&name) {
            node.report(format_args!("{name:?} is reserved for the service"));
            return None;
        }
        check_name(&node, name).then_some(name)
    }

    fn override_common(&self, table: &Table<'_>, field: &mut Field) {
        table.allow(&OVERRIDE_KEYS);
        if let Some(node) = table.get("type")
            && let Some(found) = node.choice(&FieldType::NAMES)
            && found != field.field_type
        {
            let common = field.field_type.name();
            node.report(format_args!(
                "{:?} must stay {common:?}, as every kind has it",
                found.name()
            ));
        }
        if let Some(label) = table.get("label").and_then(|node| node.label()) {
            field.label = label;
        }
        if let Some(help) = table.get("help").and_then(|node| node.label()) {
            field.help = Some(help);
        }
        if table.get("required").is_some() {
            field.required = table.flag("required");
        }
        if let Some(node) = table.get("facet") {
            field.facet = read_facet(&node, Some(field.field_type));
            check_public(&node, field.visibility);
        }
    }

    /// Reads one field and those within it. Notes it as broken when something is wrong with it.
    fn field(
        &self,
        table: &Table<'_>,
        name: &str,
        parent: Option<&Field>,
        read: &mut Fields,
    ) -> Field {
        let before = self.problems.len();
        table.allow(&KEYS);
        let field_type = table.need("type").and_then(|node| node.choice(&FieldType::NAMES));
        let visibility = self.visibility(table, parent);
        let vocabulary = self.vocabulary(table, field_type);
        let path: Arc<str> = match parent {
            Some(parent) => format!("{}.{name}", parent.path).into(),
            None => name.into(),
        };
        let role = self.role(table, field_type);
        let (min, max) = self.bounds(table, field_type);
        let facet = table.get("facet").and_then(|node| {
            check_public(&node, visibility);
            read_facet(&node, field_type)
        });
        let mut field = Field {
            name: name.to_owned(),
            path: path.clone(),
            // A type that is not known has been reported, and the field is broken.
            field_type: field_type.unwrap_or(FieldType::Text),
            label: table.need("label").and_then(|node| node.label()).unwrap_or_default(),
            help: table.get("help").and_then(|node| node.label()),
            role,
            multiple: table.flag("multiple"),
            required: table.flag("required"),
            vocabulary,
            facet,
            sortable: self.column_flag(table, "sortable", field_type, visibility, false),
            filterable: self.column_flag(table, "filterable", field_type, visibility, true),
            visibility,
            deadline: self.only_for(table, "deadline", field_type, &[FieldType::Date], Node::flag)
                == Some(true),
            suggest: self.suggest(table, field_type, role, visibility),
            opening: self.only_for(table, "opening", field_type, &[FieldType::Date], Node::flag)
                == Some(true),
            unit: self.only_for(table, "unit", field_type, &NUMBERS, |node| {
                node.text().map(str::to_owned)
            }),
            max_length: self.max_length(table, field_type, role),
            min,
            max,
            fields: Vec::new(),
            open: self.only_for(table, "open", field_type, &[FieldType::Object], Node::flag)
                == Some(true),
        };
        field.fields = self.inner_fields(table, field_type, &field, read);
        if self.problems.len() > before {
            read.broken.insert(path.clone());
        }
        read.places.insert(path, table.place.clone());
        field
    }

    fn inner_fields(
        &self,
        table: &Table<'_>,
        field_type: Option<FieldType>,
        object: &Field,
        read: &mut Fields,
    ) -> Vec<Field> {
        let items = self
            .only_for(table, "field", field_type, &[FieldType::Object], |node| Some(node.items()))
            .unwrap_or_default();
        match (field_type, object.open, items.is_empty()) {
            (Some(FieldType::Object), false, true) => {
                table.report("an object needs [[field.field]] tables, or open = true");
            }
            (Some(FieldType::Object), true, false) => {
                table.report("an open object has no [[field.field]] tables");
            }
            _ => {}
        }
        if object.path.split('.').count() > MAX_OBJECTS && !items.is_empty() {
            table.report(format_args!("objects may be at most {MAX_OBJECTS} deep"));
            return Vec::new();
        }
        let mut fields: Vec<Field> = Vec::new();
        for node in items {
            let Some(inner) = node.table() else { continue };
            let inner = inner.called(format!("field \"{}\"", object.path));
            let Some(name) = self.name(&inner, &[]) else {
                continue;
            };
            let inner = inner.called(format!("field \"{}.{name}\"", object.path));
            if fields.iter().any(|field| field.name == name) {
                inner.report("is declared twice");
                continue;
            }
            fields.push(self.field(&inner, name, Some(object), read));
        }
        fields
    }

    fn visibility(&self, table: &Table<'_>, parent: Option<&Field>) -> Visibility {
        let inherited = parent.map(|parent| parent.visibility).unwrap_or_default();
        let Some(node) = table.get("visibility") else {
            return inherited;
        };
        let visibility = node.choice(&Visibility::NAMES).unwrap_or(inherited);
        if visibility < inherited {
            node.report(format_args!(
                "{:?} shows more than the object that holds it, which is {:?}",
                visibility.name(),
                inherited.name()
            ));
        }
        visibility.max(inherited)
    }

    fn vocabulary(
        &self,
        table: &Table<'_>,
        field_type: Option<FieldType>,
    ) -> Option<Arc<Vocabulary>> {
        let allowed = [FieldType::Tree, FieldType::Term];
        if field_type == Some(FieldType::Tree) {
            table.need("vocabulary")?;
        }
        self.only_for(table, "vocabulary", field_type, &allowed, |node| {
            let name = node.text()?;
            let found = self.vocabularies.get(name);
            if found.is_none() && !self.broken_vocabularies.contains(name) {
                let mut names: Vec<&str> = self.vocabularies.keys().map(String::as_str).collect();
                names.sort_unstable();
                let hint = did_you_mean(name, names);
                node.report(format_args!("{name:?} is not a file vocabularies/{name}.tsv{hint}"));
            }
            found.cloned()
        })
    }

    fn role(&self, table: &Table<'_>, field_type: Option<FieldType>) -> Option<Role> {
        use FieldType::{Code, Term, Text, Tree};
        if field_type == Some(Text) && table.get("role").is_none() {
            let names = Role::NAMES.map(|(name, _)| name).join(", ");
            table.report(format_args!("a text needs a role; allowed: {names}"));
        }
        self.only_for(table, "role", field_type, &[Text, Term, Tree, Code], |node| {
            node.choice(&Role::NAMES)
        })
    }

    /// Reads what the field's values are suggested as. Titles, keywords and codes that are searched are suggested
    /// unless the field says no, terms when it says yes.
    fn suggest(
        &self,
        table: &Table<'_>,
        field_type: Option<FieldType>,
        role: Option<Role>,
        visibility: Visibility,
    ) -> Option<Suggested> {
        use FieldType::{Code, Term, Text};
        let wanted = self.only_for(table, "suggest", field_type, &[Text, Code, Term], Node::flag);
        if let Some(node) = table.get("suggest").filter(|_| wanted == Some(true)) {
            check_public(&node, visibility);
        }
        let suggested = match (field_type?, role) {
            (Text, Some(Role::Title)) => Suggested::Title,
            (Text, Some(Role::Keywords)) => Suggested::Term,
            (Code, Some(_)) => Suggested::Code,
            (Code, None) if wanted == Some(true) => Suggested::Code,
            (Text | Term, _) if wanted == Some(true) => Suggested::Name,
            _ => return None,
        };
        (wanted != Some(false) && visibility == Visibility::Public).then_some(suggested)
    }

    fn max_length(
        &self,
        table: &Table<'_>,
        field_type: Option<FieldType>,
        role: Option<Role>,
    ) -> usize {
        use FieldType::{Code, Term, Text, Url};
        let limit = if field_type == Some(Url) { MAX_URL as i64 } else { MAX_LENGTH };
        let given =
            self.only_for(table, "max_length", field_type, &[Text, Code, Term, Url], |node| {
                let length = node.whole()?;
                if !(1..=limit).contains(&length) {
                    node.report(format_args!("must be 1 to {limit}, found {length}"));
                }
                usize::try_from(length).ok()
            });
        given.unwrap_or(match (field_type, role) {
            (Some(Text), Some(Role::Body)) => 200_000,
            (Some(Text), _) => 5_000,
            (Some(Url), _) => MAX_URL,
            _ => 200,
        })
    }

    fn bounds(
        &self,
        table: &Table<'_>,
        field_type: Option<FieldType>,
    ) -> (Option<f64>, Option<f64>) {
        let [min, max] = ["min", "max"].map(|key| {
            self.only_for(table, key, field_type, &NUMBERS, |node| match field_type {
                Some(FieldType::Decimal) => node.number(),
                _ => node.whole().map(|number| number as f64),
            })
        });
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            table.report(format_args!("min {min} is greater than max {max}"));
        }
        (min, max)
    }

    /// Reads `sortable` or `filterable`; `default` holds for public fields of a type that fits.
    fn column_flag(
        &self,
        table: &Table<'_>,
        key: &str,
        field_type: Option<FieldType>,
        visibility: Visibility,
        default: bool,
    ) -> bool {
        let fits = |field_type: FieldType| match key {
            "sortable" => field_type.is_sortable(),
            _ => field_type.fits_column(),
        };
        let Some(field_type) = field_type else {
            return false;
        };
        let Some(node) = table.get(key) else {
            return default && fits(field_type) && visibility == Visibility::Public;
        };
        let flag = node.flag() == Some(true);
        if flag && !fits(field_type) {
            let allowed: Vec<FieldType> = FieldType::NAMES
                .map(|(_, field_type)| field_type)
                .into_iter()
                .filter(|&t| fits(t))
                .collect();
            report_misfit(&node, field_type, &allowed);
        } else if flag {
            check_public(&node, visibility);
        }
        flag
    }

    /// Reads a key that only some types have, or reports that it is there.
    fn only_for<'d, T>(
        &self,
        table: &Table<'d>,
        key: &str,
        field_type: Option<FieldType>,
        allowed: &[FieldType],
        read: impl FnOnce(&Node<'d>) -> Option<T>,
    ) -> Option<T> {
        let node = table.get(key)?;
        // An unknown type has been reported; what would fit it cannot be told.
        let field_type = field_type?;
        if !allowed.contains(&field_type) {
            report_misfit(&node, field_type, allowed);
            return None;
        }
        read(&node)
    }
}

const NUMBERS: [FieldType; 3] = [FieldType::Integer, FieldType::Decimal, FieldType::Money];

fn report_misfit(node: &Node<'_>, field_type: FieldType, allowed: &[FieldType]) {
    let allowed: Vec<&str> = allowed.iter().map(|field_type| field_type.name()).collect();
    node.report(format_args!(
        "does not fit type \"{}\"; allowed for: {}",
        field_type.name(),
        allowed.join(", ")
    ));
}

/// Reports what only public fields can have.
fn check_public(node: &Node<'_>, visibility: Visibility) {
    if visibility != Visibility::Public {
        let found = visibility.name();
        node.report(format_args!("needs visibility \"public\", found \"{found}\""));
    }
}

/// Tells whether a name of a kind or a field has the right form, and reports when not.
pub(super) fn check_name(node: &Node<'_>, name: &str) -> bool {
    let right = name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !right {
        node.report(format_args!(
            "{name:?} must be lower-case letters, digits and _, beginning with a letter, at most {MAX_NAME}"
        ));
    }
    right
}
