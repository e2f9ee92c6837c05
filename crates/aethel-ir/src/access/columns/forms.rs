//! Forms over columns: what they are made of, between which numbers they lie, and their values in a block.

use super::{BLOCK, Block, Values};
use crate::access::lane::{Lane, Signs};
use crate::access::linear::Test;
use crate::batch::PlaceId;
use std::collections::BTreeMap;

/// A column that forms are made of.
pub(super) struct Load<'a, N> {
    pub source: Source<'a, N>,
    /// Every number of it that is used lies between these.
    span: (i128, i128),
}

/// Where the numbers of a column are.
#[derive(Clone, Copy)]
pub(super) enum Source<'a, N> {
    /// They are read where they are.
    Ready(&'a [N]),
    /// They are to be widened.
    Narrow(&'a [i64]),
    /// They are to be cut.
    Wide(&'a [i128]),
    /// What places hold before.
    Places(&'a [PlaceId]),
}

impl<'a, N: Lane> Load<'a, N> {
    /// Numbers that lie between `least` and `most`; `None` when that is beyond the limit.
    pub fn narrow(values: &'a [i64], (least, most): (i64, i64), limit: N) -> Option<Self> {
        let source = match N::direct(values) {
            Some(values) => Source::Ready(values),
            None => Source::Narrow(values),
        };
        let span = (i128::from(least), i128::from(most));
        within(span, limit).then_some(Self { source, span })
    }

    /// Numbers that have to be looked at, block by block.
    pub fn cut(source: Source<'a, N>, limit: N) -> Self {
        let most = limit.wide();
        Self {
            source,
            span: (-most, most),
        }
    }

    pub fn is(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Ready(a), Source::Ready(b)) => std::ptr::eq(*a, *b),
            (Source::Narrow(a), Source::Narrow(b)) => std::ptr::eq(*a, *b),
            (Source::Wide(a), Source::Wide(b)) => std::ptr::eq(*a, *b),
            (Source::Places(a), Source::Places(b)) => std::ptr::eq(*a, *b),
            _ => false,
        }
    }

    /// Its numbers in a block, of which those that are not ready were put into `room`.
    #[inline(always)]
    pub fn numbers<'r>(&self, block: Block, room: &'r Values<N>) -> Option<&'r [N]>
    where
        'a: 'r,
    {
        match self.source {
            Source::Ready(values) => block.part(values),
            _ => room.get(..block.count()),
        }
    }

    /// Puts its numbers in a block into `out`, unless they are ready; `None` when one is beyond the limit.
    #[inline(always)]
    pub fn fill(&self, block: Block, initial: &[i128], limit: N, out: &mut Values<N>) -> Option<()> {
        let out = out.get_mut(..block.count())?;
        let mut fits = true;
        match self.source {
            Source::Ready(_) => {}
            Source::Narrow(values) => {
                let values = block.part(values)?;
                (out.iter_mut().zip(values)).for_each(|(out, value)| *out = N::from_narrow(*value));
            }
            Source::Wide(values) => fits = N::cut_all(block.part(values)?, limit, out),
            Source::Places(places) => {
                for (out, place) in out.iter_mut().zip(block.part(places)?) {
                    let (narrow, all) = N::cut(*initial.get(place.0 as usize)?, limit);
                    *out = narrow;
                    fits &= all;
                }
            }
        }
        fits.then_some(())
    }
}

/// A form over columns: what is the same for all rows is summed already.
pub(super) struct Sum<N> {
    constant: N,
    /// Loads by index, and their factors.
    terms: Vec<(usize, N)>,
    /// Every value of it lies between these, and within the limit; `None` when each has to be looked at.
    span: Option<(i128, i128)>,
}

impl<N: Lane> Sum<N> {
    /// `None` when the constant alone is beyond the limit.
    pub fn new(constant: i128, terms: Vec<(usize, N)>, loads: &[Load<'_, N>], limit: N) -> Option<Self> {
        let span = span(
            constant,
            terms.iter().map(|(load, factor)| (*load, factor.wide())),
            loads,
        );
        let constant = N::from_wide(constant).filter(|constant| constant.within(limit))?;
        Some(Self {
            constant,
            terms,
            span: span.filter(|span| within(*span, limit)),
        })
    }

    /// The load that it is.
    #[inline(always)]
    pub fn alias(&self) -> Option<usize> {
        match self.terms.as_slice() {
            [(load, factor)] if self.constant == N::default() && *factor == N::ONE => Some(*load),
            _ => None,
        }
    }

    /// What all its values have in common, where that is known of all rows.
    #[inline(always)]
    pub fn signs(&self) -> Option<Signs> {
        match self.span? {
            (_, ..=-1) => Some(Signs::AllNegative),
            (1.., _) => Some(Signs::AllPositive),
            _ => None,
        }
    }

    /// Whether its values are in this range, whatever the row; `false` says nothing.
    pub fn lies_in(&self, least: i128, most: i128) -> bool {
        self.span.is_some_and(|span| least <= span.0 && span.1 <= most)
    }

    /// Whether it passes a test, whatever the row; `false` says nothing.
    pub fn passes(&self, test: Test) -> bool {
        match test {
            Test::AtLeastZero => self.lies_in(0, i128::MAX),
            Test::Zero => self.lies_in(0, 0),
            Test::NotZero => self.signs().is_some(),
        }
    }

    /// Whether, as the least that must be there before a change, it asks for no more than zero after it; `false` says
    /// nothing.
    pub fn asks_nothing(&self, delta: &Self, loads: &[Load<'_, N>]) -> bool {
        if self.lies_in(i128::MIN, 0) {
            return true;
        }
        // The same argument is mostly in both, with the other sign.
        let mut factors: BTreeMap<usize, i128> = BTreeMap::new();
        for (load, factor) in self.terms.iter().chain(&delta.terms) {
            let sum = factors.entry(*load).or_default();
            *sum = sum.saturating_add(factor.wide());
        }
        let constant = self.constant.wide().saturating_add(delta.constant.wide());
        let left = span(constant, factors.into_iter(), loads);
        delta.lies_in(i128::MIN, 0) && left.is_some_and(|left| left.1 <= 0)
    }

    /// Whether it is plain that no row is below zero: a load and a constant are compared. `false` says nothing.
    #[inline]
    pub fn surely_at_least_zero(
        &self,
        block: Block,
        loads: &[Load<'_, N>],
        room: &[Values<N>],
    ) -> Option<bool> {
        Some(match self.terms.as_slice() {
            [(load, factor)] if *factor == N::ONE && self.constant != N::LOWEST => {
                let values = loads.get(*load)?.numbers(block, room.get(*load)?)?;
                N::none_below(values, self.constant.negated())
            }
            _ => false,
        })
    }

    /// Its values in a block; `None` when one does not fit or is beyond the limit.
    #[inline(always)]
    pub fn values(
        &self,
        block: Block,
        loads: &[Load<'_, N>],
        room: &[Values<N>],
        limit: N,
        out: &mut Values<N>,
    ) -> Option<()> {
        let out = out.get_mut(..block.count().min(BLOCK))?;
        let load = |index: &usize| loads.get(*index)?.numbers(block, room.get(*index)?);
        // What was loaded is within the limit, and so is its opposite.
        match self.terms.as_slice() {
            [] => out.fill(self.constant),
            [(one, factor)] if self.constant == N::default() && *factor == N::ONE => {
                out.copy_from_slice(load(one)?);
            }
            [(one, factor)] if self.constant == N::default() && *factor == N::ONE.negated() => {
                for (out, value) in out.iter_mut().zip(load(one)?) {
                    *out = value.negated();
                }
            }
            // All sums fit: what wraps on the way comes back.
            terms if self.span.is_some() => {
                out.fill(self.constant);
                for (one, factor) in terms {
                    for (out, value) in out.iter_mut().zip(load(one)?) {
                        *out = out.plus(value.times(*factor).0).0;
                    }
                }
            }
            terms => {
                out.fill(self.constant);
                let mut fits = true;
                for (one, factor) in terms {
                    for (out, value) in out.iter_mut().zip(load(one)?) {
                        let (product, wide) = value.times(*factor);
                        let (sum, more) = out.plus(product);
                        *out = sum;
                        fits &= !wide & !more & sum.within(limit);
                    }
                }
                return fits.then_some(());
            }
        }
        Some(())
    }
}

fn within<N: Lane>((least, most): (i128, i128), limit: N) -> bool {
    -limit.wide() <= least && most <= limit.wide()
}

/// Between which numbers a constant and loads with factors lie together; `None` when that does not fit.
fn span<N: Lane>(
    constant: i128,
    mut terms: impl Iterator<Item = (usize, i128)>,
    loads: &[Load<'_, N>],
) -> Option<(i128, i128)> {
    terms.try_fold((constant, constant), |(least, most), (load, factor)| {
        let (low, high) = loads.get(load)?.span;
        let (low, high) = (low.checked_mul(factor)?, high.checked_mul(factor)?);
        Some((
            least.checked_add(low.min(high))?,
            most.checked_add(low.max(high))?,
        ))
    })
}
