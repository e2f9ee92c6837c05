//! Reading a text again after a change, as an editor does at every key.
//!
//! Nearly all parts of a text are as they were. A part that the grammar has accepted is kept by its text; when the same
//! text comes again, wherever it stands, its tree is copied and moved there. The skeleton is read anew each time, and
//! so is every part that cannot be read: what a problem says may depend on what stands around it. So the outcome is that
//! of [`crate::parse`], which tests compare it with.

use crate::ast::{Arg, Call, Expr, ExprKind, Name, Param, Statement, TypeRef};
use crate::parse::{Parsed, too_large};
use crate::skeleton;
use crate::strict::{IntentHead, Part, Strict};
use aethel_ir::{SourceId, Span};
use std::collections::HashMap;

/// Reads versions of one text, each faster for what it has in common with the one before.
///
/// ```
/// let mut reader = aethel_syntax::Reader::default();
/// let first = reader.parse(Default::default(), "const A = 1; const B = 2;");
/// let second = reader.parse(Default::default(), "const A = 1; const C = 3; const B = 2;");
/// assert_eq!((first.program.items.len(), second.program.items.len()), (2, 3));
/// ```
#[derive(Debug, Default)]
pub struct Reader {
    known: Known,
}

impl Reader {
    /// Reads a version: the same as [`crate::parse`].
    pub fn parse(&mut self, source: SourceId, text: &str) -> Parsed {
        if too_large(source, text.len()).is_some() {
            return crate::parse(source, text);
        }
        let (program, diagnostics) = skeleton::read_again(source, text, &mut self.known);
        self.known.end_version();
        Parsed { program, diagnostics }
    }
}

/// The parts that are kept: those that programs have many of.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) statements: Kept<Statement>,
    pub(crate) heads: Kept<IntentHead>,
    pub(crate) calls: Kept<Call>,
}

impl Known {
    /// Forgets what the version just read did not have, so that no more is kept than it takes.
    fn end_version(&mut self) {
        self.statements.end_version();
        self.heads.end_version();
        self.calls.end_version();
    }
}

/// Trees of one kind of part by its text.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    places: HashMap<Box<str>, Place<T>>,
    /// The version that is being read.
    version: bool,
}

/// A tree and the first byte of the part that it was read from.
#[derive(Debug)]
struct Place<T> {
    start: usize,
    tree: T,
    /// The last version that had it.
    version: bool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            version: false,
        }
    }
}

impl<T: Clone + Moved> Kept<T> {
    /// The tree of a part, read by `read` unless one with its text was.
    pub(crate) fn read<'t>(&mut self, part: Part<'t>, read: fn(&Part<'t>) -> Strict<T>) -> Strict<T> {
        let version = self.version;
        if let Some(place) = self.places.get_mut(part.slice()) {
            place.version = version;
            return Ok(place.moved_to(part.start));
        }
        let tree = read(&part)?;
        let start = part.start;
        let place = Place {
            start,
            tree: tree.clone(),
            version,
        };
        self.places.insert(part.slice().into(), place);
        Ok(tree)
    }

    /// Only what the version just read had is left, so two marks are enough to tell versions apart.
    fn end_version(&mut self) {
        self.places.retain(|_, place| place.version == self.version);
        self.version = !self.version;
    }
}

impl<T: Clone + Moved> Place<T> {
    fn moved_to(&self, start: usize) -> T {
        let mut tree = self.tree.clone();
        if start != self.start {
            tree.each_span(&mut |span| {
                let at = |byte: u32| byte as usize - self.start + start;
                *span = Span::new(at(span.start), at(span.end));
            });
        }
        tree
    }
}

/// A tree that can stand elsewhere.
pub(crate) trait Moved {
    /// Shows every place in the tree, to be changed. All lie within the part it was read from.
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span));
}

impl<T: Moved> Moved for Vec<T> {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        self.iter_mut().for_each(|one| one.each_span(see));
    }
}

impl<T: Moved> Moved for Option<T> {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        self.iter_mut().for_each(|one| one.each_span(see));
    }
}

impl Moved for Span {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        see(self);
    }
}

// Every pattern names every field, so that one that is added later cannot be forgotten here.

impl Moved for Name {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let Name { text: _, span } = self;
        see(span);
    }
}

impl Moved for IntentHead {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let IntentHead { name, params, after } = self;
        name.each_span(see);
        params.each_span(see);
        after.each_span(see);
    }
}

impl Moved for Param {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let Param {
            name,
            external,
            secret,
            ty,
            span,
        } = self;
        name.each_span(see);
        external.each_span(see);
        secret.each_span(see);
        ty.each_span(see);
        see(span);
    }
}

impl Moved for TypeRef {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let TypeRef { name, args, span } = self;
        name.each_span(see);
        args.each_span(see);
        see(span);
    }
}

impl Moved for Statement {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        match self {
            Statement::Condition(expr) => expr.each_span(see),
            Statement::Let { name, value, span } => {
                name.each_span(see);
                value.each_span(see);
                see(span);
            }
            Statement::Assign {
                target,
                equals,
                value,
                span,
            } => {
                target.each_span(see);
                see(equals);
                value.each_span(see);
                see(span);
            }
        }
    }
}

impl Moved for Call {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let Call {
            label,
            intent,
            args,
            after,
            span,
        } = self;
        label.each_span(see);
        intent.each_span(see);
        args.each_span(see);
        after.each_span(see);
        see(span);
    }
}

impl Moved for Arg {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let Arg { name, value } = self;
        name.each_span(see);
        value.each_span(see);
    }
}

impl Moved for Expr {
    fn each_span(&mut self, see: &mut impl FnMut(&mut Span)) {
        let Expr { kind, span } = self;
        see(span);
        match kind {
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Name(_) => {}
            ExprKind::Field(base, field) => {
                base.each_span(see);
                field.each_span(see);
            }
            ExprKind::Old(inner) | ExprKind::Unary(_, inner) => inner.each_span(see),
            ExprKind::Call(name, args) => {
                name.each_span(see);
                args.each_span(see);
            }
            ExprKind::Binary(_, operator, left, right) => {
                see(operator);
                left.each_span(see);
                right.each_span(see);
            }
        }
    }
}
