//! `units.toml` -> [`Units`], or everything that is wrong with it.

use std::path::Path;

use super::unit::{Dimension, PREFIXES, Symbol, Unit, Units};
use crate::record::kind_toml::problem::Problems;
use crate::record::kind_toml::reader::{Document, Node, Table};
use crate::record::kind_toml::{ConfigError, ConfigFiles};

const FILE: &str = "units.toml";

impl Units {
    /// Reads the table of an index configuration's folder; without one, that which the program carries.
    pub fn open(dir: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::read(dir)?)
    }

    /// Reads the table. A configuration without the file knows no units: nothing is read as a quantity of any.
    pub fn from_files(files: &ConfigFiles) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let mut units = Units::default();
        if files.get(FILE).is_some()
            && let Some(text) = files.text(FILE, &problems)
            && let Some(document) = Document::parse(files.path(FILE), text, &problems)
        {
            read(&document.root(), &mut units);
        }
        problems.into_result()?;
        units.years = units.parse("年").map(|unit| unit.dimension);
        Ok(units)
    }
}

fn read(root: &Table<'_>, units: &mut Units) {
    root.allow(&["version", "base", "unit"]);
    root.version();
    let mut prefixed = Vec::new();
    for (place, table) in (0..).zip(root.items("base").iter().filter_map(Node::table)) {
        table.allow(&["symbols", "prefixes", "not_before"]);
        let unit = Unit { dimension: Dimension::base(place), factor: 1.0, zero: 0.0 };
        prefixed.extend(add(&table, unit, units));
    }
    for table in root.items("unit").iter().filter_map(Node::table) {
        table.allow(&["symbols", "is", "zero", "prefixes", "not_before"]);
        let Some(node) = table.need("is") else { continue };
        let Some(mut unit) = node.text().and_then(|text| expression(text, units)) else {
            node.report(
                "must be a number and units that stand above, such as \"1000 m\" or \"1 kg m/s2\"",
            );
            continue;
        };
        unit.zero = table.get("zero").and_then(|node| node.number()).unwrap_or(0.0);
        prefixed.extend(add(&table, unit, units));
    }
    // A spelling of its own goes before one by prefix: `min` are minutes, and `ML` millilitres.
    for symbol in prefixed {
        units.add(symbol);
    }
}

/// `1000 m`, `1 kg m/s2`, `0.01`, `1 /s`
fn expression(text: &str, units: &Units) -> Option<Unit> {
    let mut parts = text.split(' ');
    let number: f64 = parts.next()?.parse().ok()?;
    let number = Unit { factor: number, ..Unit::none() };
    let known = |part: &str| {
        let chars: Vec<char> = part.chars().collect();
        units.prefix(&chars).filter(|(_, length)| *length == chars.len())
    };
    parts
        .try_fold(number, |product, part| Some(product.times(&known(part)?.0, 1)))
        .filter(|unit| unit.factor.is_finite() && unit.factor > 0.0)
}

/// Takes a unit's symbols in; returns those that prefixes make of them.
fn add(table: &Table<'_>, unit: Unit, units: &mut Units) -> Vec<Symbol> {
    let not_before: Vec<char> = match table.get("not_before").and_then(|node| node.text()) {
        Some(text) => text.chars().collect(),
        None => Vec::new(),
    };
    if table.need("symbols").is_none() {
        return Vec::new();
    }
    let spelling = |text: &str, factor: f64| Symbol {
        text: text.chars().collect(),
        unit: Unit { factor: unit.factor * factor, ..unit.clone() },
        not_before: not_before.clone(),
    };
    for node in table.items("symbols") {
        let Some(text) = node.text() else { continue };
        if text.is_empty() || text.contains(' ') {
            node.report(format_args!(
                "{text:?} is no symbol: it must have characters and no spaces"
            ));
        } else if !units.add(spelling(text, 1.0)) {
            node.report(format_args!("{text:?} is there already"));
        }
    }
    if !table.flag("prefixes") {
        return Vec::new();
    }
    let symbols = table.items("symbols");
    let latin = symbols.iter().filter_map(Node::text).filter(|text| is_latin(text));
    latin
        .flat_map(|text| {
            PREFIXES.map(|(prefix, factor)| spelling(&format!("{prefix}{text}"), factor))
        })
        .collect()
}

fn is_latin(text: &str) -> bool {
    text.is_ascii() || text == "Ω"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Units, String> {
        Units::from_files(&ConfigFiles::of([(FILE, text)])).map_err(|error| error.to_string())
    }

    #[test]
    fn the_shipped_table_is_sound() {
        let units = Units::open(None).unwrap();
        assert!((units.parse("kN").unwrap().factor - 1e3).abs() < 1e-9);
        assert_eq!(units.parse("min").unwrap().factor, 60.0);
    }

    #[test]
    fn a_bad_table_is_refused_by_file_and_key() {
        let check = |text: &str, expected: &str| {
            let refused = read(&format!("version = 1\n{text}")).unwrap_err();
            assert!(refused.starts_with("index-config/units.toml:"), "{refused}");
            assert!(refused.contains(expected), "{expected} is not in {refused}");
        };
        check("[[unit]]\nsymbols = [\"a\"]\nis = \"5 b\"", "units that stand above");
        check("[[unit]]\nsymbols = [\"a\"]\nis = \"-1\"", "units that stand above");
        check("[[base]]\nsymbols = [\"a\", \"a\"]", "is there already");
        check("[[base]]\nsymbol = [\"a\"]", "did you mean \"symbols\"?");
        check("[[base]]\nsymbols = [\"a b\"]", "no symbol");
    }
}
