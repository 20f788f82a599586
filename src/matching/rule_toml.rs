//! `matching.toml` -> [`Matching`], or everything that is wrong with it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::profile;
use super::rule::{
    Alert, Borrow, Diversity, Explain, Feature, Matching, Pair, QueryRule, Rule, TODAY,
};
use crate::quantity::Units;
use crate::query::filter;
use crate::query::like::{Counting, LikeRules};
use crate::record::kind::{Catalog, Label};
use crate::record::kind_toml::problem::Problems;
use crate::record::kind_toml::reader::{Document, Node, Table};
use crate::record::kind_toml::{ConfigError, ConfigFiles};
use crate::record::nearest::did_you_mean;
use crate::record::{FieldType, RecordKind, Role, Visibility};

const FILE: &str = "matching.toml";
/// Greatest weight and longest window.
const MOST: f64 = 100.0;
const MAX_WINDOW: f64 = 1_000.0;

type Type = FieldType;
const CODES: [Type; 3] = [Type::Code, Type::Term, Type::Tree];
const TREES: [Type; 1] = [Type::Tree];
const NUMBERS: [Type; 3] = [Type::Integer, Type::Decimal, Type::Money];
const DATES: [Type; 1] = [Type::Date];
const LEVELS: [Type; 5] = [Type::Integer, Type::Decimal, Type::Money, Type::Term, Type::Tree];
const STATEMENTS: [Type; 2] = [Type::Quantity, Type::Text];
const FLAGS: [Type; 3] = [Type::Bool, Type::Term, Type::Tree];

impl Matching {
    /// Reads the rules of an index configuration's folder; without one, those that the program carries.
    pub fn open(dir: Option<&Path>, catalog: &Catalog) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::read(dir)?, catalog)
    }

    /// Reads the rules. A configuration without the file has no pairs but every kind with itself.
    pub fn from_files(files: &ConfigFiles, catalog: &Catalog) -> Result<Self, ConfigError> {
        let profile = Arc::new(profile::kind(catalog));
        let units = Arc::new(Units::from_files(files)?);
        let problems = Problems::default();
        let text = match files.get(FILE) {
            Some(_) => files.text(FILE, &problems),
            None => Some("version = 1\n"),
        };
        let mut pairs = Vec::new();
        if let Some(text) = text
            && let Some(document) = Document::parse(files.path(FILE), text, &problems)
        {
            let root = document.root();
            pairs =
                Reader { catalog, units, profile: &profile, declared: declared(&root) }.read(&root);
        }
        problems.into_result()?;
        let fingerprint = fingerprint(text.unwrap_or_default());
        Ok(Self { pairs: pairs.into_iter().map(Arc::new).collect(), profile, fingerprint })
    }
}

/// Names the kinds between which a file declares pairs.
fn declared(root: &Table<'_>) -> HashSet<(String, String)> {
    let mut pairs = HashSet::new();
    for table in root.items("pair").iter().filter_map(Node::table) {
        let name = |key: &str| table.get(key)?.text().map(str::to_owned);
        let (Some(from), Some(to)) = (name("from"), name("to")) else { continue };
        if table.get("reverse").is_some() {
            pairs.insert((to.clone(), from.clone()));
        }
        pairs.insert((from, to));
    }
    pairs
}

fn fingerprint(text: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text.replace('\r', ""));
    digest[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

struct Reader<'a> {
    catalog: &'a Catalog,
    units: Arc<Units>,
    profile: &'a Arc<RecordKind>,
    /// Names of the kinds between which there are pairs, before any of them is read.
    declared: HashSet<(String, String)>,
}

/// The keys of a pair that `[similar]` and `[pair.reverse]` have too.
const QUERY_KEYS: [&str; 15] = [
    "tf",
    "max_words",
    "max_grams",
    "max_chars",
    "min_word_chars",
    "words",
    "grams",
    "chars",
    "title",
    "own",
    "own_title",
    "min_terms",
    "stop_words",
    "borrow",
    "fields",
];

impl<'a> Reader<'a> {
    fn read(&self, root: &Table<'_>) -> Vec<Pair> {
        root.allow(&["version", "query", "similar", "pair"]);
        root.version();
        let base = QueryRule {
            terms: LikeRules {
                counting: Counting::Sqrt,
                max_words: 50,
                max_grams: 120,
                max_chars: 80,
                min_word_chars: 1,
                stop_words: HashSet::new(),
                words: 1.0,
                grams: 1.0,
                chars: 2.0,
                title: 0.35,
                own: 0.8,
            },
            fields: Vec::new(),
            own_title: 10.0,
            min_terms: 2,
            borrow: None,
        };
        let base = match root.get("query").and_then(|node| node.table()) {
            Some(table) => self.query(&table, base, None),
            None => base,
        };
        let mut pairs = Vec::new();
        let mut seen: HashSet<(Arc<str>, Arc<str>)> = HashSet::new();
        for table in root.items("pair").iter().filter_map(Node::table) {
            let id = table.get("id").and_then(|node| node.text()).unwrap_or("?");
            let table = table.called(format!("pair \"{id}\""));
            for pair in self.pair(&table, &base) {
                if !seen.insert((pair.from.clone(), pair.to.clone())) {
                    table.report(format_args!(
                        "there is already a pair from \"{}\" to \"{}\"",
                        pair.from, pair.to
                    ));
                }
                pairs.push(pair);
            }
        }
        let similar = root.get("similar").and_then(|node| node.table());
        for kind in &self.catalog.kinds {
            if seen.contains(&(kind.name.clone(), kind.name.clone())) {
                continue;
            }
            pairs.push(match &similar {
                Some(table) => self.similar(table, kind, &base),
                None => plain(kind, kind, &base),
            });
        }
        pairs
    }

    /// Reads a pair, and its reverse where it declares one.
    fn pair(&self, table: &Table<'_>, base: &QueryRule) -> Vec<Pair> {
        table.allow(&[
            "id",
            "from",
            "to",
            "title",
            "query",
            "window",
            "filter",
            "exclude_same",
            "feature",
            "diversity",
            "explain",
            "alert",
            "reverse",
        ]);
        let id = table.need("id").and_then(|node| node.text()).unwrap_or("?");
        let title = table.need("title").and_then(|node| node.label()).unwrap_or_default();
        let from = table.need("from").and_then(|node| self.kind(&node, true));
        let to = table.need("to").and_then(|node| self.kind(&node, false));
        let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
        let mut pair = plain(from, to, base);
        (pair.id, pair.title) = (id.into(), title);
        self.common(table, &mut pair, from, to, base);
        let Some(reverse) = table.get("reverse").and_then(|node| node.table()) else {
            return vec![pair];
        };
        reverse.allow(&["id", "title", "query", "window", "filter"]);
        let mut other = Pair { flipped: true, ..pair.clone() };
        (other.from, other.to) = (pair.to.clone(), pair.from.clone());
        other.id = reverse.need("id").and_then(|node| node.text()).unwrap_or("?").into();
        other.title = reverse.need("title").and_then(|node| node.label()).unwrap_or_default();
        other.query = match reverse.get("query").and_then(|node| node.table()) {
            Some(table) => self.query(&table, base.clone(), Some(to)),
            None => QueryRule { fields: texts_of(to, base.own_title), ..base.clone() },
        };
        other.filter = reverse.get("filter").and_then(|node| self.filter(&node, from));
        if let Some(window) = reverse.get("window") {
            other.window = bounded(&window, 1.0, MAX_WINDOW) as usize;
        }
        other.diversity.owner = other.diversity.owner.filter(|path| from.field_at(path).is_some());
        vec![pair, other]
    }

    fn similar(&self, table: &Table<'_>, kind: &Arc<RecordKind>, base: &QueryRule) -> Pair {
        table.allow(&["title", "query", "window", "filter", "feature", "diversity", "explain"]);
        let mut pair = plain(kind, kind, base);
        if let Some(title) = table.get("title").and_then(|node| node.label()) {
            pair.title = title;
        }
        self.common(table, &mut pair, kind, kind, base);
        pair
    }

    /// Reads what pairs and `[similar]` share.
    fn common(
        &self,
        table: &Table<'_>,
        pair: &mut Pair,
        from: &Arc<RecordKind>,
        to: &Arc<RecordKind>,
        base: &QueryRule,
    ) {
        if let Some(query) = table.get("query").and_then(|node| node.table()) {
            pair.query = self.query(&query, base.clone(), Some(from));
        }
        if let Some(window) = table.get("window") {
            pair.window = bounded(&window, 1.0, MAX_WINDOW) as usize;
        }
        pair.filter = table.get("filter").and_then(|node| self.filter(&node, to));
        for node in table.items("exclude_same") {
            for kind in [from, to] {
                self.path(&node, kind, None);
            }
            pair.exclude_same.extend(node.text().map(str::to_owned));
        }
        let declared = table.items("feature");
        if !declared.is_empty() {
            let mut ids = HashSet::new();
            pair.features = declared
                .iter()
                .filter_map(Node::table)
                .filter_map(|table| self.feature(&table, from, to, &mut ids))
                .collect();
            let texts = pair.features.iter().filter(|feature| super::score::is_text(feature));
            if texts.count() != 1 && table.get("feature").is_some() {
                table.report("needs exactly one feature of kind \"text\"");
            }
        }
        if let Some(table) = table.get("diversity").and_then(|node| node.table()) {
            pair.diversity = self.diversity(&table, to);
        }
        if let Some(table) = table.get("explain").and_then(|node| node.table()) {
            table.allow(&["terms", "show_missing"]);
            if let Some(node) = table.get("terms") {
                pair.explain.terms = bounded(&node, 0.0, 50.0) as usize;
            }
            if let Some(flag) = table.get("show_missing").and_then(|node| node.flag()) {
                pair.explain.show_missing = flag;
            }
        }
        if let Some(table) = table.get("alert").and_then(|node| node.table()) {
            table.allow(&["enabled", "first", "per_day", "per_week"]);
            if let Some(flag) = table.get("enabled").and_then(|node| node.flag()) {
                pair.alert.enabled = flag;
            }
            if let Some(node) = table.get("first") {
                pair.alert.first = bounded(&node, 1.0, MAX_WINDOW) as usize;
            }
            if let Some(node) = table.get("per_day") {
                pair.alert.per_day = bounded(&node, 0.0, 1e6) as u32;
            }
            if let Some(node) = table.get("per_week") {
                pair.alert.per_week = bounded(&node, 0.0, 1e6) as u32;
            }
        }
    }

    fn kind(&self, node: &Node<'_>, or_profile: bool) -> Option<&'a Arc<RecordKind>> {
        let found = node.text()?;
        if or_profile && found == profile::NAME {
            return Some(self.profile);
        }
        let known = self.catalog.kind(found);
        if known.is_none() {
            let mut names: Vec<&str> = self.catalog.kinds.iter().map(|kind| &*kind.name).collect();
            if or_profile {
                names.push(profile::NAME);
            }
            let hint = did_you_mean(found, names.iter().copied());
            node.report(format_args!(
                "{found:?} is not a kind; there are: {}{hint}",
                names.join(", ")
            ));
        }
        known
    }

    /// Reads a filter of the records of a kind.
    fn filter(&self, node: &Node<'_>, kind: &RecordKind) -> Option<String> {
        let text = node.text()?;
        match filter::parse(&text.replace(TODAY, "2026-01-01"), self.catalog) {
            Err(error) => node.report(format_args!(
                "cannot be read at character {}: expected {}, found {}",
                error.position, error.expected, error.found
            )),
            Ok(filter) => filter.paths(&mut |path| {
                if &**path != "kind" && kind.field_at(path).is_none() {
                    report_unknown(node, path, kind);
                }
            }),
        }
        Some(text.to_owned())
    }

    fn query(
        &self,
        table: &Table<'_>,
        mut query: QueryRule,
        from: Option<&Arc<RecordKind>>,
    ) -> QueryRule {
        match from {
            Some(_) => table.allow(&QUERY_KEYS),
            None => table.allow(&QUERY_KEYS[..QUERY_KEYS.len() - 1]),
        }
        let terms = &mut query.terms;
        if let Some(counting) = table.get("tf").and_then(|node| node.choice(&Counting::NAMES)) {
            terms.counting = counting;
        }
        let counts = [
            ("max_words", &mut terms.max_words),
            ("max_grams", &mut terms.max_grams),
            ("max_chars", &mut terms.max_chars),
            ("min_word_chars", &mut terms.min_word_chars),
            ("min_terms", &mut query.min_terms),
        ];
        for (key, count) in counts {
            if let Some(node) = table.get(key) {
                *count = bounded(&node, 0.0, 10_000.0) as usize;
            }
        }
        let weights = [
            ("words", &mut terms.words),
            ("grams", &mut terms.grams),
            ("chars", &mut terms.chars),
            ("title", &mut terms.title),
            ("own", &mut terms.own),
            ("own_title", &mut query.own_title),
        ];
        for (key, weight) in weights {
            if let Some(node) = table.get(key) {
                *weight = bounded(&node, 0.0, MOST) as f32;
            }
        }
        if let Some(table) = table.get("borrow").and_then(|node| node.table()) {
            table.allow(&["share", "from", "below"]);
            let number = |key: &str, usual, most| {
                table.get(key).map_or(usual, |node| bounded(&node, 0.0, most))
            };
            let (from, below) = (number("from", 5.0, 20.0), number("below", 25.0, 100.0));
            let share = number("share", 0.5, MOST) as f32;
            query.borrow = Some(Borrow { share, from: from as usize, below: below as usize });
        }
        let stop_words = table.items("stop_words");
        terms.stop_words.extend(stop_words.iter().filter_map(|node| Some(node.text()?.to_owned())));
        let Some(from) = from else { return query };
        query.fields = texts_of(from, query.own_title);
        if table.get("fields").is_some() {
            query.fields = table
                .items("fields")
                .iter()
                .filter_map(|node| {
                    let table = node.table()?;
                    table.allow(&["field", "weight"]);
                    let path = self.path(&table.need("field")?, from, Some(&TEXTS))?;
                    let weight = table.get("weight").map_or(1.0, |node| bounded(&node, 0.0, MOST));
                    Some((path, weight as f32))
                })
                .collect();
        }
        query
    }

    fn feature(
        &self,
        table: &Table<'_>,
        from: &Arc<RecordKind>,
        to: &Arc<RecordKind>,
        ids: &mut HashSet<String>,
    ) -> Option<Feature> {
        let id = table.need("id").and_then(|node| node.text()).unwrap_or("?");
        let table = &table.clone().called(format!("feature \"{id}\""));
        if !ids.insert(id.to_owned()) {
            table.report("there is already a feature of this id");
        }
        let names: Vec<(&'static str, &'static str)> =
            Rule::NAMES.iter().map(|name| (*name, *name)).collect();
        let kind = table.need("kind").and_then(|node| node.choice(&names))?;
        let weight = table.need("weight").map_or(0.0, |node| bounded(&node, 0.0, MOST)) as f32;
        let label = table.need("label").and_then(|node| node.label()).unwrap_or_default();
        let allow = |more: &[&str]| {
            let mut keys = vec!["id", "kind", "weight", "label"];
            keys.extend(more);
            table.allow(&keys);
        };
        let need = |key: &str, side: &RecordKind, types: &[Type]| -> Vec<Arc<str>> {
            table.need(key).map(|node| self.paths(&node, side, types)).unwrap_or_default()
        };
        let optional = |key: &str, side: &RecordKind, types: &[Type]| -> Vec<Arc<str>> {
            table.get(key).map(|node| self.paths(&node, side, types)).unwrap_or_default()
        };
        let number = |key: &str, least: f64, most: f64| {
            table.need(key).map_or(least.max(1.0), |node| bounded(&node, least, most)) as f32
        };
        let both = |types: &[Type]| (need("from", from, types), need("to", to, types));
        let ((from_paths, to_paths), rule) = match kind {
            "text" => {
                allow(&["scale"]);
                let scale = table.get("scale").map_or(0.5, |node| bounded(&node, 0.01, MOST));
                (Default::default(), Rule::Text { scale: scale as f32 })
            }
            "dense" => {
                allow(&["candidates"]);
                let node = table.get("candidates");
                let candidates = node.map_or(0.0, |node| bounded(&node, 0.0, MAX_WINDOW)) as usize;
                (Default::default(), Rule::Dense { candidates })
            }
            "code_equal" => {
                allow(&["from", "to"]);
                (both(&CODES), Rule::CodeEqual)
            }
            "tree_near" | "region_near" => {
                allow(&["from", "to"]);
                let paths = both(&TREES);
                self.same_tree(table, (from, &paths.0), (to, &paths.1));
                (paths, if kind == "tree_near" { Rule::TreeNear } else { Rule::RegionNear })
            }
            "set_overlap" => {
                allow(&["from", "to", "map", "missing"]);
                let paths = both(&CODES);
                let map = self.map(table, (from, &paths.0), (to, &paths.1));
                let missing = table.items("missing");
                let missing = missing.iter().filter_map(|node| Some(node.text()?.to_owned()));
                (paths, Rule::SetOverlap { map, missing: missing.collect() })
            }
            "range_fit" => {
                allow(&["from", "to", "to_high", "reach"]);
                let to_high = optional("to_high", to, &NUMBERS);
                (both(&NUMBERS), Rule::RangeFit { to_high, reach: table.flag("reach") })
            }
            "quantity_fit" => {
                allow(&["from", "to"]);
                (both(&STATEMENTS), Rule::QuantityFit { units: self.units.clone() })
            }
            "half_life" => {
                allow(&["to", "days"]);
                let days = number("days", 1.0, 1e6);
                ((Vec::new(), need("to", to, &DATES)), Rule::HalfLife { days })
            }
            "ordinal_gap" => {
                allow(&["from", "to", "wanted", "low", "high"]);
                let wanted = table.get("wanted").and_then(|node| node.number());
                if wanted.is_none() && table.get("from").is_none() {
                    table.report("needs \"from\" or \"wanted\"");
                }
                let (low, high) = self.span(table);
                let paths = (optional("from", from, &LEVELS), need("to", to, &LEVELS));
                (paths, Rule::OrdinalGap { wanted: wanted.map(|w| w as f32), low, high })
            }
            "flag" => {
                allow(&["to", "values"]);
                let values = table.need("values").map(|node| node.items()).unwrap_or_default();
                let values = values.iter().filter_map(|node| Some(node.text()?.to_owned()));
                ((Vec::new(), need("to", to, &FLAGS)), Rule::Flag { values: values.collect() })
            }
            "number" => {
                allow(&["to", "low", "high", "log"]);
                let (low, high) = self.span(table);
                let rule = Rule::Number { low, high, log: table.flag("log") };
                ((Vec::new(), need("to", to, &NUMBERS)), rule)
            }
            "conditions" => {
                allow(&[]);
                if from.name != self.profile.name || to.applicability.is_none() {
                    table.report(format_args!(
                        "is for pairs from \"{}\" to a kind with [applicability]",
                        self.profile.name
                    ));
                }
                (Default::default(), Rule::Conditions)
            }
            "via" => {
                allow(&["via", "link", "top", "best"]);
                (Default::default(), self.via(table, from, to)?)
            }
            other => unreachable!("{other} is one of the names"),
        };
        Some(Feature { id: id.into(), label, weight, from: from_paths, to: to_paths, rule })
    }

    fn via(&self, table: &Table<'_>, from: &RecordKind, to: &RecordKind) -> Option<Rule> {
        let node = table.need("via")?;
        let kind = self.kind(&node, false)?;
        if kind.name == to.name || kind.name == from.name {
            node.report("goes round in a circle: it must be a third kind");
        } else if !self.declared.contains(&(from.name.to_string(), kind.name.to_string())) {
            node.report(format_args!(
                "needs a pair from \"{}\" to \"{}\": the votes are its matches",
                from.name, kind.name
            ));
        }
        let link = self.path(&table.need("link")?, kind, Some(&CODES))?;
        let whole = |key: &str, absent: usize| {
            table.get(key).map_or(absent, |node| bounded(&node, 1.0, MAX_WINDOW) as usize)
        };
        Some(Rule::Via {
            kind: kind.name.clone(),
            link,
            top: whole("top", 50),
            best: whole("best", 5),
        })
    }

    fn diversity(&self, table: &Table<'_>, to: &Arc<RecordKind>) -> Diversity {
        table.allow(&["collapse", "owner", "per_owner", "relevance"]);
        let mut diversity = plain_diversity();
        if let Some(flag) = table.get("collapse").and_then(|node| node.flag()) {
            diversity.collapse = flag;
        }
        diversity.owner = table.get("owner").and_then(|node| self.path(&node, to, Some(&CODES)));
        if let Some(node) = table.get("per_owner") {
            diversity.per_owner = bounded(&node, 1.0, 100.0) as usize;
        }
        if let Some(node) = table.get("relevance") {
            diversity.relevance = bounded(&node, 0.0, 1.0) as f32;
        }
        diversity
    }

    fn span(&self, table: &Table<'_>) -> (f32, f32) {
        let low = table.need("low").and_then(|node| node.number()).unwrap_or(0.0);
        let high = table.need("high").and_then(|node| node.number()).unwrap_or(1.0);
        if low >= high {
            table.report(format_args!("low must be less than high, found {low} and {high}"));
        }
        (low as f32, high as f32)
    }

    fn map(
        &self,
        table: &Table<'_>,
        (from, from_paths): (&RecordKind, &[Arc<str>]),
        (to, to_paths): (&RecordKind, &[Arc<str>]),
    ) -> BTreeMap<String, Vec<String>> {
        let mut map = BTreeMap::new();
        let Some(node) = table.get("map") else { return map };
        for item in node.items() {
            let Some(table) = item.table() else { continue };
            table.allow(&["from", "to"]);
            let code = |node: &Node<'_>, kind: &RecordKind, paths: &[Arc<str>]| -> Option<String> {
                let found = node.text()?;
                let vocabulary =
                    paths.iter().find_map(|path| kind.field_at(path)?.vocabulary.clone());
                if let Some(vocabulary) = vocabulary.filter(|known| known.get(found).is_none()) {
                    let codes = vocabulary.entries.iter().map(|entry| &*entry.code);
                    let hint = did_you_mean(found, codes);
                    node.report(format_args!(
                        "{found:?} is not in the vocabulary \"{}\"{hint}",
                        vocabulary.name
                    ));
                }
                Some(found.to_owned())
            };
            let key = table.need("from").and_then(|node| code(&node, from, from_paths));
            let values = table.need("to").map(|node| node.items()).unwrap_or_default();
            let values = values.iter().filter_map(|node| code(node, to, to_paths)).collect();
            map.extend(key.map(|key| (key, values)));
        }
        map
    }

    fn same_tree(
        &self,
        table: &Table<'_>,
        (from, from_paths): (&RecordKind, &[Arc<str>]),
        (to, to_paths): (&RecordKind, &[Arc<str>]),
    ) {
        let trees = |kind: &RecordKind, paths: &[Arc<str>]| -> Vec<String> {
            paths
                .iter()
                .filter_map(|path| Some(kind.field_at(path)?.vocabulary.as_ref()?.name.clone()))
                .collect()
        };
        let mut names = trees(from, from_paths);
        names.extend(trees(to, to_paths));
        names.dedup();
        if names.len() > 1 {
            table.report(format_args!(
                "the fields must have one vocabulary, found {}",
                names.join(" and ")
            ));
        }
    }

    /// Reads one path or an array of them.
    fn paths(&self, node: &Node<'_>, kind: &RecordKind, types: &[Type]) -> Vec<Arc<str>> {
        match node.is_array() {
            true => node.items().iter().filter_map(|n| self.path(n, kind, Some(types))).collect(),
            false => self.path(node, kind, Some(types)).into_iter().collect(),
        }
    }

    /// Reads the path of a field of one of `types`, and reports any other.
    fn path(&self, node: &Node<'_>, kind: &RecordKind, types: Option<&[Type]>) -> Option<Arc<str>> {
        let path = node.text()?;
        let Some(field) = kind.field_at(path) else {
            report_unknown(node, path, kind);
            return None;
        };
        if field.visibility != Visibility::Public {
            node.report(format_args!(
                "{path:?} of \"{}\" is not public, and reasons show what is compared",
                kind.name
            ));
        }
        if let Some(types) = types.filter(|types| !types.contains(&field.field_type)) {
            let allowed: Vec<&str> = types.iter().map(|allowed| allowed.name()).collect();
            node.report(format_args!(
                "{path:?} of \"{}\" must be {}, found {}",
                kind.name,
                allowed.join(" or "),
                field.field_type.name()
            ));
        }
        Some(path.into())
    }
}

const TEXTS: [Type; 3] = [Type::Text, Type::Term, Type::Tree];

fn report_unknown(node: &Node<'_>, path: &str, kind: &RecordKind) {
    let mut paths = Vec::new();
    all_paths(&kind.fields, &mut paths);
    let hint = did_you_mean(path, paths);
    node.report(format_args!("{path:?} is not a field of \"{}\"{hint}", kind.name));
}

fn all_paths<'k>(fields: &'k [crate::record::Field], paths: &mut Vec<&'k str>) {
    for field in fields {
        paths.push(&field.path);
        all_paths(&field.fields, paths);
    }
}

/// Reads a number, and reports one that is out of bounds.
fn bounded(node: &Node<'_>, least: f64, most: f64) -> f64 {
    let Some(number) = node.number() else { return least };
    if !(least..=most).contains(&number) {
        node.report(format_args!("must be {least} to {most}, found {number}"));
    }
    number.clamp(least, most)
}

/// The texts of a kind that say what a record is about; a title counts `title` times.
fn texts_of(kind: &RecordKind, title: f32) -> Vec<(Arc<str>, f32)> {
    kind.fields
        .iter()
        .filter(|field| field.field_type == FieldType::Text)
        .filter_map(|field| Some((field, field.role?)))
        .map(|(field, role)| (field.path.clone(), if role == Role::Title { title } else { 1.0 }))
        .collect()
}

fn plain_diversity() -> Diversity {
    Diversity { collapse: true, owner: None, per_owner: 2, relevance: 0.85 }
}

/// A pair that goes by the text alone.
fn plain(from: &Arc<RecordKind>, to: &Arc<RecordKind>, base: &QueryRule) -> Pair {
    let label = |zh: &str, en: &str| Label { zh: zh.into(), en: en.into() };
    Pair {
        id: format!("{}-{}", from.name, to.name).into(),
        from: from.name.clone(),
        to: to.name.clone(),
        title: Label {
            zh: format!("相近的{}", to.label.zh),
            en: format!("Similar: {}", to.label.en),
        },
        query: QueryRule { fields: texts_of(from, base.own_title), ..base.clone() },
        window: 100,
        filter: None,
        exclude_same: Vec::new(),
        features: vec![Feature {
            id: "text".into(),
            label: label("内容相近", "Text"),
            weight: 1.0,
            from: Vec::new(),
            to: Vec::new(),
            rule: Rule::Text { scale: 0.5 },
        }],
        flipped: false,
        diversity: plain_diversity(),
        explain: Explain { terms: 6, show_missing: true },
        alert: Alert { enabled: true, first: 20, per_day: 5, per_week: 15 },
    }
}
