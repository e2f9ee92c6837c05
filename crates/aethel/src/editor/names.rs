//! What the names of a program refer to.

use aethel_ir::Span;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    /// `asset NAME`
    Asset,
    /// An account: declared, or only named in calls.
    Account,
    /// `field NAME`
    Field,
    /// `const NAME`
    Constant,
    /// An intent at top level.
    Intent,
    /// An intent in a batch.
    OwnIntent,
    /// `atomic_batch NAME`
    Batch,
    /// The label of a call or loop.
    Label,
    /// The row of a loop.
    Row,
    /// A parameter that is an account.
    AccountParameter,
    /// A parameter that is a value.
    Parameter,
    /// A name that a guard gives to a value.
    Value,
}

/// A named thing of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// What it is.
    pub kind: SymbolKind,
    /// Its name.
    pub name: String,
    /// Where its name is declared; accounts that are only named in calls are declared nowhere.
    pub declared: Option<Span>,
    /// The item it can be seen in; `None` for the whole program.
    pub scope: Option<Span>,
    /// Its name says which account is meant when nothing else does, so that another name means another account.
    pub names_account: bool,
}

/// Which symbol of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(pub usize);

/// How a name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Declared here.
    Declaration,
    /// Used here.
    Read,
    /// An equation of `verify` gives it (or its balance) a new value here.
    Write,
}

/// A place where a symbol is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The name's bytes; a part of a word in `old_x`, `x_balance` and `btc_balance`.
    pub span: Span,
    /// What it refers to.
    pub symbol: SymbolId,
    /// How.
    pub role: Role,
    /// It is the prefix of a balance, `btc_balance`, which is written in lower case.
    pub prefix: bool,
}

/// All names of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Every symbol.
    pub symbols: Vec<Symbol>,
    /// Every occurrence, in the order of the text.
    pub occurrences: Vec<Occurrence>,
}

impl Names {
    /// The symbol behind an id.
    pub fn symbol(&self, id: SymbolId) -> Option<&Symbol> {
        self.symbols.get(id.0)
    }

    /// The occurrence at a byte, or ending there.
    pub fn at(&self, offset: usize) -> Option<Occurrence> {
        let after = self
            .occurrences
            .partition_point(|one| one.span.start as usize <= offset);
        let before = after.checked_sub(1)?;
        let found = *self.occurrences.get(before)?;
        if offset < found.span.end as usize {
            return Some(found);
        }
        (offset == found.span.end as usize).then_some(found)
    }

    /// Every occurrence of a symbol.
    pub fn of(&self, symbol: SymbolId) -> impl Iterator<Item = Occurrence> {
        self.occurrences
            .iter()
            .copied()
            .filter(move |one| one.symbol == symbol)
    }
}
