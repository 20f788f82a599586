//! Filters: an expression, or an array of expressions all of which hold, where an inner array needs one of its own.

use serde_json::Value;

use super::refusal::Refusal;
use crate::query::filter::{Dialect, Filter, MAX_LENGTH, Values, parse_in};
use crate::record::{Catalog, RecordKind};

/// Most characters of all expressions of one filter.
const MAX_TOTAL: usize = 4 * MAX_LENGTH;

/// Reads a filter for one index. `name` is the member's, `code` that of its errors.
///
/// Values mean what facets count: a code of a tree stands for itself and everything below it, the key of a bucket for
/// the bucket.
pub fn read(
    value: &Value,
    kind: &RecordKind,
    catalog: &Catalog,
    today: i32,
    code: &str,
) -> Result<Option<Filter>, Refusal> {
    let values = Values::Counted { today };
    let reader =
        Reader { dialect: Dialect { catalog, kind: Some(&kind.name), values }, code, kind };
    let total = length(value);
    if total > MAX_TOTAL {
        let found = format!("expected at most {MAX_TOTAL} characters; found {total}");
        return Err(reader.refuse("", &found));
    }
    match value {
        Value::String(text) => reader.expression(text, ""),
        Value::Array(items) => reader.all(items),
        _ => Err(reader.refuse("", "expected a string or an array")),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(length).sum(),
        _ => 0,
    }
}

struct Reader<'a> {
    dialect: Dialect<'a>,
    code: &'a str,
    kind: &'a RecordKind,
}

impl Reader<'_> {
    fn refuse(&self, place: &str, message: &str) -> Refusal {
        Refusal::bad(self.code.to_owned(), format!("Invalid value at `.filter{place}`: {message}"))
    }

    fn expression(&self, text: &str, place: &str) -> Result<Option<Filter>, Refusal> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        match parse_in(text, self.dialect) {
            Ok(filter) => Ok(Some(filter)),
            Err(error) => {
                let mut message = error.to_string();
                if error.expected.starts_with("a field") {
                    let known = filterable(self.kind, self.dialect.catalog).join(", ");
                    message.push_str(&format!(". Filterable attributes: {known}"));
                }
                Err(self.refuse(place, &message))
            }
        }
    }

    fn all(&self, items: &[Value]) -> Result<Option<Filter>, Refusal> {
        let mut all = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let place = format!("[{at}]");
            match item {
                Value::String(text) => all.extend(self.expression(text, &place)?),
                Value::Array(items) => all.extend(self.any(items, &place)?),
                _ => return Err(self.refuse(&place, "expected a string or an array of strings")),
            }
        }
        Ok(joined(all, Filter::And))
    }

    fn any(&self, items: &[Value], place: &str) -> Result<Option<Filter>, Refusal> {
        let mut any = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let place = format!("{place}[{at}]");
            let Value::String(text) = item else {
                return Err(self.refuse(&place, "expected a string"));
            };
            any.extend(self.expression(text, &place)?);
        }
        Ok(joined(any, Filter::Or))
    }
}

fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    match filters.len() {
        0 => None,
        1 => filters.pop(),
        _ => Some(join(filters)),
    }
}

/// The paths that documents of a kind can be filtered by.
pub fn filterable<'a>(kind: &RecordKind, catalog: &'a Catalog) -> Vec<&'a str> {
    let columns = catalog.columns.values().filter(|column| column.filterable);
    columns.filter(|column| column.kinds.contains(&kind.name)).map(|column| &*column.path).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrays_are_and_inner_arrays_or() {
        let catalog = Catalog::open(None).expect("the embedded configuration is good");
        let kind = catalog.kinds.iter().find(|kind| kind.field("progress").is_some()).unwrap();
        let read = |value: Value| read(&value, kind, &catalog, 0, "invalid_search_filter");
        let text = json!(
            "budget_yuan > 5 AND (\"progress\"=\"seeking\" OR progress = signed) AND NOT division_code = 3702"
        );
        let array = json!([
            "budget_yuan > 5",
            ["\"progress\"=\"seeking\"", "progress = signed"],
            "NOT division_code = 3702",
            [],
            "",
        ]);
        assert_eq!(read(text).unwrap(), read(array).unwrap());
        assert_eq!(read(json!([[], " "])).unwrap(), None);
        let refusal = read(json!(["budget_yuan > 5", ["title = x"]])).unwrap_err();
        assert_eq!(refusal.code, "invalid_search_filter");
        assert!(refusal.message.contains("`.filter[1][0]`"), "{}", refusal.message);
        assert!(refusal.message.contains("Filterable attributes: "), "{}", refusal.message);
        for wrong in [json!(1), json!([1]), json!([[["budget_yuan > 5"]]]), json!({})] {
            assert!(read(wrong).is_err());
        }
        assert!(read(json!("x".repeat(MAX_TOTAL + 1))).is_err());
    }
}
