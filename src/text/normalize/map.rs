//! Where normalized bytes came from.

use std::ops::Range;

/// Remembers, or not, where normalized bytes came from.
pub(super) trait Map: Default {
    /// The next bytes, from `at` on, come from `range`; `linear`: byte by byte.
    fn add(&mut self, at: usize, range: Range<usize>, linear: bool);
    /// Forgets everything from `len` on.
    fn truncate(&mut self, len: usize);
    fn original(&self, range: Range<usize>) -> Range<usize>;
}

#[derive(Default)]
pub(super) struct Forgetful;

impl Map for Forgetful {
    fn add(&mut self, _: usize, _: Range<usize>, _: bool) {}
    fn truncate(&mut self, _: usize) {}
    fn original(&self, range: Range<usize>) -> Range<usize> {
        range
    }
}

/// The original of each stretch of normalized bytes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Where the stretch begins in the normalized text; it ends where the next begins.
    normalized: u32,
    original: u32,
    original_end: u32,
    /// Whether bytes stand at the same distances on both sides; if not, the stretch came from its original as a whole.
    linear: bool,
}

impl Map for Pieces {
    #[inline]
    fn add(&mut self, at: usize, range: Range<usize>, linear: bool) {
        if linear
            && let Some(before) = self.0.last_mut()
            && before.linear
            && before.original_end as usize == range.start
        {
            before.original_end = range.end as u32;
            return;
        }
        self.0.push(Piece {
            normalized: at as u32,
            original: range.start as u32,
            original_end: range.end as u32,
            linear,
        });
    }

    fn truncate(&mut self, len: usize) {
        while self.0.last().is_some_and(|piece| piece.normalized as usize >= len) {
            self.0.pop();
        }
        if let Some(last) = self.0.last_mut()
            && last.linear
        {
            last.original_end = last.original_end.min(last.original + len as u32 - last.normalized);
        }
    }

    fn original(&self, range: Range<usize>) -> Range<usize> {
        let piece_at = |at: usize| {
            let index = self.0.partition_point(|piece| piece.normalized as usize <= at);
            self.0.get(index.wrapping_sub(1))
        };
        let Some(piece) = piece_at(range.start) else { return 0..0 };
        let offset = if piece.linear { range.start - piece.normalized as usize } else { 0 };
        let start = (piece.original as usize + offset).min(piece.original_end as usize);
        if range.end <= range.start {
            return start..start;
        }
        let Some(piece) = piece_at(range.end - 1) else { return start..start };
        let end = piece.original_end as usize;
        let end = match piece.linear {
            true => end.min(piece.original as usize + range.end - piece.normalized as usize),
            false => end,
        };
        start..end.max(start)
    }
}
