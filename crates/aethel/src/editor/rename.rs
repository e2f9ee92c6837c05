//! Renaming, which proves itself: in the new text every name must refer to what it referred to before.

use super::edit::{Edit, apply};
use super::names::{Names, SymbolKind};
use super::{Analysis, Occurrence};
use aethel_ir::Span;
use aethel_syntax::{MAX_NAME_BYTES, is_reserved};

/// The edits of a renaming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// In the order of the text.
    pub edits: Vec<Edit>,
    /// What the new name changes besides the text, if it does: a person should look.
    pub warning: Option<String>,
}

/// Why something is not renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenameError {
    /// There is no name here, or one that belongs to the language.
    Nothing,
    /// It is a name, but not one that the program gives.
    Foreign(&'static str),
    /// The new name cannot be one.
    BadName(String),
    /// With the new name some name would refer to something else.
    Taken(String),
}

impl std::fmt::Display for RenameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("there is no name of the program here"),
            Self::Foreign(why) => f.write_str(why),
            Self::BadName(why) => f.write_str(why),
            Self::Taken(name) => write!(f, "`{name}` means something else here already"),
        }
    }
}

impl Analysis {
    /// The name at a byte, if it can be renamed.
    ///
    /// # Errors
    /// [`RenameError::Nothing`] and [`RenameError::Foreign`].
    pub fn renamable(&self, offset: usize) -> Result<Occurrence, RenameError> {
        let found = self.names().at(offset).ok_or(RenameError::Nothing)?;
        let symbol = self.names().symbol(found.symbol).ok_or(RenameError::Nothing)?;
        match symbol.kind {
            SymbolKind::Account => Err(RenameError::Foreign(
                "an account's name is its key in the ledger; another name is another account",
            )),
            _ if symbol.declared.is_none() => Err(RenameError::Nothing),
            _ => Ok(found),
        }
    }

    /// Renames what stands at a byte, everywhere.
    ///
    /// # Errors
    /// See [`RenameError`].
    pub fn rename(&self, offset: usize, new: &str) -> Result<Rename, RenameError> {
        let found = self.renamable(offset)?;
        let symbol = self.names().symbol(found.symbol).ok_or(RenameError::Nothing)?;
        check_name(new)?;
        let edits = self.names().of(found.symbol).map(|one| Edit {
            span: one.span,
            text: match one.prefix {
                true => new.to_ascii_lowercase(),
                false => new.to_owned(),
            },
        });
        let edits: Vec<Edit> = edits.collect();
        let text = apply(&self.text, &edits);
        let after = aethel_syntax::parse(self.source, &text).program;
        let after = super::resolve::resolve(&text, &after);
        if !same_but_for_places(self.names(), &after, &edits) {
            return Err(RenameError::Taken(new.to_owned()));
        }
        let warning = symbol.names_account.then(|| {
            format!(
                "where no call or input binds `{}`, it means the account of that name; `{new}` is another account",
                symbol.name
            )
        });
        Ok(Rename { edits, warning })
    }
}

fn check_name(new: &str) -> Result<(), RenameError> {
    let mut letters = new.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let why = "a name consists of the letters A to Z, digits and `_`, and begins with no digit";
        return Err(RenameError::BadName(why.into()));
    }
    if is_reserved(new) {
        return Err(RenameError::BadName(format!("`{new}` is a word of the language")));
    }
    if new.len() > MAX_NAME_BYTES {
        return Err(RenameError::BadName(format!(
            "a name has at most {MAX_NAME_BYTES} bytes"
        )));
    }
    Ok(())
}

/// Whether each name of the new text refers to what it referred to in the old one.
fn same_but_for_places(old: &Names, new: &Names, edits: &[Edit]) -> bool {
    if old.occurrences.len() != new.occurrences.len() || old.symbols.len() != new.symbols.len() {
        return false;
    }
    let mut edit = edits.iter().peekable();
    let mut shift: i64 = 0;
    let mut moved = |span: Span| {
        while let Some(done) = edit.next_if(|edit| edit.span.end <= span.start) {
            shift += done.text.len() as i64 - i64::from(done.span.end - done.span.start);
        }
        i64::from(span.start) + shift
    };
    old.occurrences
        .iter()
        .zip(&new.occurrences)
        .all(|(before, after)| {
            moved(before.span) == i64::from(after.span.start)
                && (before.symbol, before.role, before.prefix) == (after.symbol, after.role, after.prefix)
        })
}
