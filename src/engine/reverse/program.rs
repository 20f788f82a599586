//! Conditions of all standing queries in one row of numbers.
//!
//! A record has thousands of them to meet, and nearly all ask for nothing but tokens. Trees of them lie scattered in
//! memory, and reaching a tree takes longer than deciding it. Here a condition is a few numbers beside those of its
//! neighbors, and whether the record holds a token is one bit of a small set.

use std::cell::Cell;
use std::collections::HashMap;

use super::Slot;
use super::bits::Bits;
use super::condition::{Node, Test};
use super::item::Item;
use super::tokens::Tokens;

/// What a number stands for is in its upper three bits.
const TOKEN: u32 = 0;
/// Its number among the tests.
const TEST: u32 = 1;
/// How many numbers follow that are its parts: all of them must hold.
const ALL: u32 = 2;
/// How many numbers follow: how many of the parts must hold, and the parts.
const AT_LEAST: u32 = 3;
/// How many numbers follow that are its parts: none of them may hold.
const NONE_OF: u32 = 4;

const SHIFT: u32 = 29;
const OPERAND: u32 = (1 << SHIFT) - 1;

/// Numbers that are no longer used before the row is written anew.
const SPARE: usize = 1 << 16;

/// The conditions, by slot.
#[derive(Default)]
pub struct Programs {
    row: Vec<u32>,
    /// Where in the row a slot's numbers begin, and how many they are; none for a slot without a condition.
    spans: Vec<(u32, u32)>,
    tests: Tests,
    /// Numbers in the row that belong to no slot any more.
    unused: usize,
}

/// What no token tells. Many conditions ask for the same, such as a synonym in Latin letters.
#[derive(Default)]
struct Tests {
    /// By how they are written.
    ids: HashMap<String, u32>,
    /// Each with its number of uses.
    held: Vec<(Test, u32)>,
    free: Vec<u32>,
}

impl Tests {
    /// Returns the number of a test, for one use.
    fn take(&mut self, test: Test) -> u32 {
        let id = *self.ids.entry(format!("{test:?}")).or_insert_with(|| match self.free.pop() {
            Some(id) => {
                self.held[id as usize] = (test, 0);
                id
            }
            None => {
                self.held.push((test, 0));
                self.held.len() as u32 - 1
            }
        });
        self.held[id as usize].1 += 1;
        id
    }

    /// Ends one use.
    fn give_back(&mut self, id: u32) {
        let (test, uses) = &mut self.held[id as usize];
        *uses -= 1;
        if *uses == 0 {
            self.ids.remove(&format!("{test:?}"));
            self.free.push(id);
        }
    }
}

/// A record that conditions are held to: its tokens, and what came out of the tests so far.
pub struct Tried<'a> {
    held: &'a Bits,
    item: &'a Item,
    /// In days since 1970-01-01.
    today: i32,
    outcomes: Vec<Cell<Option<bool>>>,
}

impl Programs {
    /// Puts a condition at a slot that has none.
    pub fn insert(&mut self, slot: Slot, condition: Node, tokens: &mut Tokens) {
        let start = self.row.len();
        write(condition, &mut self.row, &mut self.tests, tokens);
        let at = slot as usize;
        if at >= self.spans.len() {
            self.spans.resize(at + 1, (0, 0));
        }
        self.spans[at] = (start as u32, (self.row.len() - start) as u32);
    }

    /// Takes the condition of a slot out and gives its tokens and tests back.
    pub fn remove(&mut self, slot: Slot, tokens: &mut Tokens) {
        let Some(span) = self.spans.get_mut(slot as usize) else {
            return;
        };
        let (start, len) = std::mem::take(span);
        let row = &self.row[start as usize..][..len as usize];
        each_leaf(row, &mut |code, id| match code {
            TOKEN => tokens.give_back(id),
            _ => self.tests.give_back(id),
        });
        self.unused += len as usize;
        if self.unused > SPARE && 2 * self.unused > self.row.len() {
            self.tidy();
        }
    }

    /// Writes the row anew, in the order of the slots.
    fn tidy(&mut self) {
        let mut row = Vec::with_capacity(self.row.len() - self.unused);
        for (start, len) in &mut self.spans {
            let from = std::mem::replace(start, row.len() as u32) as usize;
            row.extend_from_slice(&self.row[from..][..*len as usize]);
        }
        (self.row, self.unused) = (row, 0);
    }

    /// Makes a record ready. `held` are its tokens, `today` is in days since 1970-01-01.
    pub fn tried<'a>(&self, held: &'a Bits, item: &'a Item, today: i32) -> Tried<'a> {
        Tried { held, item, today, outcomes: vec![Cell::new(None); self.tests.held.len()] }
    }

    /// Tells whether a record meets the condition of a slot.
    pub fn holds(&self, slot: Slot, tried: &Tried<'_>) -> bool {
        let Some(&(start, len)) = self.spans.get(slot as usize) else {
            return false;
        };
        let row = &self.row[start as usize..][..len as usize];
        !row.is_empty() && self.decide(row, tried)
    }

    /// Decides the part that `row` begins with.
    fn decide(&self, row: &[u32], tried: &Tried<'_>) -> bool {
        let (code, operand) = (row[0] >> SHIFT, row[0] & OPERAND);
        match code {
            TOKEN => tried.held.contains(operand),
            TEST => {
                let outcome = &tried.outcomes[operand as usize];
                outcome.get().unwrap_or_else(|| {
                    let (test, _) = &self.tests.held[operand as usize];
                    let passes = test.passes(tried.item, tried.today);
                    outcome.set(Some(passes));
                    passes
                })
            }
            ALL => parts(&row[1..]).all(|part| self.decide(part, tried)),
            NONE_OF => !parts(&row[1..]).any(|part| self.decide(part, tried)),
            _ => {
                let minimum = row[1] as usize;
                let holding = parts(&row[2..]).filter(|part| self.decide(part, tried));
                holding.take(minimum).count() == minimum
            }
        }
    }
}

/// Cuts numbers into the parts that they are.
fn parts(mut row: &[u32]) -> impl Iterator<Item = &[u32]> {
    std::iter::from_fn(move || {
        let first = *row.first()?;
        let len = match first >> SHIFT {
            TOKEN | TEST => 1,
            _ => 1 + (first & OPERAND) as usize,
        };
        let (part, rest) = row.split_at(len);
        row = rest;
        Some(part)
    })
}

/// Calls `f` with what each number that has no parts stands for.
fn each_leaf(row: &[u32], f: &mut impl FnMut(u32, u32)) {
    for part in parts(row) {
        match part[0] >> SHIFT {
            code @ (TOKEN | TEST) => f(code, part[0] & OPERAND),
            AT_LEAST => each_leaf(&part[2..], f),
            _ => each_leaf(&part[1..], f),
        }
    }
}

fn write(node: Node, row: &mut Vec<u32>, tests: &mut Tests, tokens: &mut Tokens) {
    let (code, minimum, mut nodes) = match node {
        Node::Token(token, _) | Node::Value(token) => {
            row.push(TOKEN << SHIFT | tokens.take(token));
            return;
        }
        Node::Test(test) => {
            row.push(TEST << SHIFT | tests.take(test));
            return;
        }
        Node::All(mut nodes) | Node::AtLeast(1, mut nodes) if nodes.len() == 1 => {
            return write(nodes.remove(0), row, tests, tokens);
        }
        Node::All(nodes) => (ALL, None, nodes),
        Node::AtLeast(minimum, nodes) => (AT_LEAST, Some(minimum as u32), nodes),
        Node::NoneOf(nodes) => (NONE_OF, None, nodes),
    };
    // What a bit decides comes first.
    nodes.sort_by_key(|node| match node {
        Node::Token(..) | Node::Value(_) => 0,
        Node::All(_) | Node::AtLeast(..) | Node::NoneOf(_) => 1,
        Node::Test(_) => 2,
    });
    let start = row.len();
    row.push(0);
    row.extend(minimum);
    for node in nodes {
        write(node, row, tests, tokens);
    }
    row[start] = code << SHIFT | (row.len() - start - 1) as u32;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::document::IndexRecord;
    use crate::query::TokenField;
    use crate::record::{Catalog, RecordId, Revision};

    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::open(None).expect("the embedded configuration is good"));

    fn item(words: &[u8]) -> Item {
        let words: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
        let record = IndexRecord {
            id: RecordId::new("k", "r"),
            revision: Revision(1),
            tokens: vec![(TokenField::Words, words.join(" "))],
            values: Vec::new(),
            newest: 0,
        };
        Item::new(&record, &CATALOG)
    }

    fn token(word: u8) -> Node {
        let token = super::super::item::text_token(TokenField::Words, &format!("w{word}"));
        Node::Token(token, 1)
    }

    /// The same thing said plainly.
    fn plainly(node: &Node, words: &HashSet<u64>) -> bool {
        let count = |nodes: &[Node]| nodes.iter().filter(|node| plainly(node, words)).count();
        match node {
            Node::Token(token, _) | Node::Value(token) => words.contains(token),
            // The item has no values.
            Node::Test(_) => false,
            Node::All(nodes) => count(nodes) == nodes.len(),
            Node::AtLeast(minimum, nodes) => count(nodes) >= *minimum,
            Node::NoneOf(nodes) => count(nodes) == 0,
        }
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let test = |path: &str| Node::Test(Test::Exists(path.into()));
        let leaf = prop_oneof![4 => (0u8..12).prop_map(token), 1 => "[ab]".prop_map(move |path| test(&path))];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let nodes = prop::collection::vec(inner, 0..4);
            prop_oneof![
                nodes.clone().prop_map(Node::All),
                (1usize..4, nodes.clone()).prop_map(|(least, nodes)| Node::AtLeast(least, nodes)),
                nodes.prop_map(Node::NoneOf),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_row_of_numbers_says_what_the_tree_says(
            nodes in prop::collection::vec(any_node(), 1..20),
            gone in prop::collection::vec(any::<bool>(), 20),
            words in prop::collection::vec(0u8..12, 0..12),
        ) {
            let (mut tokens, mut programs) = (Tokens::default(), Programs::default());
            for (slot, node) in (0..).zip(&nodes) {
                programs.insert(slot, node.clone(), &mut tokens);
            }
            for slot in (0..nodes.len()).filter(|slot| gone[*slot]) {
                programs.remove(slot as Slot, &mut tokens);
            }
            programs.tidy();
            let item = item(&words);
            let (_, held) = tokens.of(&item);
            let tried = programs.tried(&held, &item, 0);
            let said: HashSet<u64> = item.tokens().map(|(token, _)| token).collect();
            for (slot, node) in nodes.iter().enumerate() {
                let expected = !gone[slot] && plainly(node, &said);
                prop_assert_eq!(programs.holds(slot as Slot, &tried), expected, "{:?}", node);
                if !gone[slot] {
                    programs.remove(slot as Slot, &mut tokens);
                }
            }
            prop_assert!(tokens.of(&item).0.is_empty(), "every token was given back");
            prop_assert!(programs.tests.ids.is_empty(), "and every test");
            prop_assert_eq!(programs.unused, programs.row.len());
        }
    }

    #[test]
    fn the_row_does_not_grow_for_ever() {
        let (mut tokens, mut programs) = (Tokens::default(), Programs::default());
        programs.insert(7, token(1), &mut tokens);
        for round in 0..SPARE {
            programs.insert(3, Node::All(vec![token(2), token(round as u8)]), &mut tokens);
            programs.remove(3, &mut tokens);
        }
        assert!(programs.row.len() <= 2 * SPARE, "{}", programs.row.len());
        let item = item(&[1]);
        let (_, held) = tokens.of(&item);
        let tried = programs.tried(&held, &item, 0);
        assert!(programs.holds(7, &tried) && !programs.holds(3, &tried));
    }
}
