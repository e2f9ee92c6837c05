//! The kinds of parts a file is cut into.

use crate::strict::Rule;

/// What a part of the text should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AssetHead,
    AssetEntry,
    AccountHead,
    AccountEntry,
    Field,
    Const,
    BatchHead,
    IntentHead,
    Param,
    After,
    LoopHead,
    Call,
    Statement,
    SolveEntry,
    Expr,
}

impl Kind {
    /// The rule of the grammar that reads it, from its first byte to its last.
    pub(crate) fn rule(self) -> Rule {
        match self {
            Self::AssetHead => Rule::piece_asset_head,
            Self::AssetEntry => Rule::piece_asset_entry,
            Self::AccountHead => Rule::piece_account_head,
            Self::AccountEntry => Rule::piece_account_entry,
            Self::Field => Rule::piece_field,
            Self::Const => Rule::piece_const,
            Self::BatchHead => Rule::piece_batch_head,
            Self::IntentHead => Rule::piece_intent_head,
            Self::Param => Rule::piece_param,
            Self::After => Rule::piece_after,
            Self::LoopHead => Rule::piece_loop_head,
            Self::Call => Rule::piece_call,
            Self::Statement => Rule::piece_statement,
            Self::SolveEntry => Rule::piece_solve_entry,
            Self::Expr => Rule::piece_expr,
        }
    }

    /// What must follow it, in words.
    pub(crate) fn follow(self) -> &'static str {
        match self {
            Self::AssetHead
            | Self::AccountHead
            | Self::BatchHead
            | Self::IntentHead
            | Self::After
            | Self::LoopHead => "`{`",
            Self::Param => "`,` or `)`",
            Self::Expr => "the end of the condition",
            Self::AssetEntry
            | Self::AccountEntry
            | Self::Field
            | Self::Const
            | Self::Call
            | Self::Statement
            | Self::SolveEntry => "`;`",
        }
    }

    /// Whether it stands before a `{` rather than before a `;`.
    pub(crate) fn is_head(self) -> bool {
        self.follow() == "`{`"
    }

    /// Whether `and`, `or` and `not` in it can only be meant as operators.
    pub(crate) fn has_conditions(self) -> bool {
        matches!(self, Self::Statement | Self::Const | Self::Expr)
    }
}
