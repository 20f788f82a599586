//! What became of the quantities that one side asks for, in the words of a page.

use super::visitor::Visitor;
use crate::matching::reason::Reason;
use crate::quantity::fit::Verdict;

/// Proofs shown with one record.
const SHOWN: usize = 4;

/// One quantity.
pub struct ProofView {
    /// Class of the style sheet.
    pub class: &'static str,
    pub verdict: String,
    pub asked: String,
    /// Empty when the other side states nothing.
    pub stated: String,
}

/// Lists what became of each quantity, first those that the other side states; nothing when it states none of them.
pub fn of(reasons: &[Reason], visitor: &Visitor) -> Vec<ProofView> {
    let mut proofs: Vec<_> = reasons.iter().flat_map(|reason| &reason.quantities).collect();
    proofs.sort_by_key(|proof| proof.verdict == Verdict::NotStated);
    if proofs.first().is_none_or(|proof| proof.verdict == Verdict::NotStated) {
        return Vec::new();
    }
    let view = |proof: &crate::matching::feature::Proof| ProofView {
        class: match proof.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "missed",
            Verdict::NotStated => "open",
        },
        verdict: visitor.lang.pick(&proof.verdict.label()).to_owned(),
        asked: proof.from.clone(),
        stated: match proof.to.is_empty() {
            true => String::new(),
            false => (visitor.texts().stated_there)(&proof.to),
        },
    };
    proofs.into_iter().take(SHOWN).map(view).collect()
}
