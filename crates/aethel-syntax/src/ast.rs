//! The syntax tree: what was written, with the place of every part. It says nothing about meaning.

use aethel_ir::Span;

/// An identifier and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The identifier, without quotes.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The items in source order.
    pub items: Vec<Item>,
}

/// Anything that may stand at top level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `asset USD { scale: 2; }`
    Asset(AssetDecl),
    /// `account world { unbounded; }`
    Account(AccountDecl),
    /// `field frozen: Bool;`
    Field(FieldDecl),
    /// `const FEE = 0.01;`
    Const(ConstDecl),
    /// `intent pay(..) { .. }`
    Intent(IntentDecl),
    /// `atomic_batch payroll { .. }`
    Batch(AtomicBatch),
}

/// `asset NAME { scale: n; }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetDecl {
    /// The asset's name.
    pub name: Name,
    /// The digits of the scale as written, with their place; `None` when the line is missing.
    pub scale: Option<Name>,
    /// The whole item.
    pub span: Span,
}

/// `account NAME { unbounded; }`; NAME is an identifier or a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDecl {
    /// The account's name (quotes removed).
    pub name: Name,
    /// Where `unbounded` stands, or `None` for an explicitly bounded account (`account x { }` or `{ bounded; }`).
    pub unbounded: Option<Span>,
    /// The whole item.
    pub span: Span,
}

/// `field NAME: Integer;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDecl {
    /// The field's name.
    pub name: Name,
    /// The type as written.
    pub ty: TypeRef,
    /// The whole item.
    pub span: Span,
}

/// `const NAME = expr;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstDecl {
    /// The constant's name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole item.
    pub span: Span,
}

/// An intent, at top level or in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentDecl {
    /// The intent's name.
    pub name: Name,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// `after a, b` (only meaningful in a batch).
    pub after: Vec<Name>,
    /// Statements of `guard`.
    pub guard: Vec<Statement>,
    /// Entries of `solve`.
    pub solve: Vec<SolveEntry>,
    /// Statements of `verify`.
    pub verify: Vec<Statement>,
    /// Where `guard` stands, when the section is there.
    pub guard_span: Option<Span>,
    /// Where `verify` stands, when the section is there.
    pub verify_span: Option<Span>,
    /// The whole intent.
    pub span: Span,
    /// Some part had a syntax error and is missing here: do not complain about what may follow from that.
    pub broken: bool,
}

/// `external secret name: Type<ARG, ARG>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The parameter's name.
    pub name: Name,
    /// Where `external` stands.
    pub external: Option<Span>,
    /// Where `secret` stands.
    pub secret: Option<Span>,
    /// Its type as written.
    pub ty: TypeRef,
    /// The whole parameter.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    /// `Account`, `Balance`, …
    pub name: Name,
    /// What stands between `<` and `>`.
    pub args: Vec<Name>,
    /// All of it.
    pub span: Span,
}

/// A line of `guard` or `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// An expression.
    Condition(Expr),
    /// `let v = expr;`
    Let {
        /// The name.
        name: Name,
        /// The value.
        value: Expr,
        /// The whole line without `;`.
        span: Span,
    },
    /// `x = expr;`: accepted by the grammar so that the lowering can say what it should have been.
    Assign {
        /// What stands on the left.
        target: Expr,
        /// The place of `=`.
        equals: Span,
        /// What stands on the right.
        value: Expr,
        /// The whole line without `;`.
        span: Span,
    },
}

/// `name: value;` in `solve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolveEntry {
    /// The name.
    pub name: Name,
    /// The values; more than one, or none, when a list was written.
    pub values: Vec<SolveValue>,
    /// Whether a list `[..]` was written.
    pub list: bool,
}

/// A value in `solve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SolveValue {
    /// A bare name.
    Name(Name),
    /// A number as written.
    Number(Name),
    /// A string, quotes removed.
    Text(Name),
}

/// `atomic_batch name { .. }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtomicBatch {
    /// The batch's name.
    pub name: Name,
    /// What it holds, in source order.
    pub items: Vec<BatchItem>,
    /// The whole batch.
    pub span: Span,
    /// Some part had a syntax error and is missing here.
    pub broken: bool,
}

/// Anything that may stand in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchItem {
    /// An intent that is its own single invocation.
    Intent(IntentDecl),
    /// A call of a top-level intent.
    Call(Call),
    /// A loop over a CSV file.
    Loop(Loop),
}

/// `label: pay(company: company, amount: 1000) after a, b;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The label, if any (never on a call inside a loop).
    pub label: Option<Name>,
    /// The intent that is called.
    pub intent: Name,
    /// Arguments in order.
    pub args: Vec<Arg>,
    /// `after a, b` (never on a call inside a loop).
    pub after: Vec<Name>,
    /// The whole call.
    pub span: Span,
}

/// One argument, named or positional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The parameter, when named.
    pub name: Option<Name>,
    /// The value. `row.column` is [`ExprKind::Field`] on the loop's row name.
    pub value: Expr,
}

/// `label: for row in "file.csv" after a { pay(..); }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The label, if any; it stands for all rows.
    pub label: Option<Name>,
    /// The name of the row.
    pub row: Name,
    /// The file's path as written, quotes removed.
    pub file: Name,
    /// `after a, b`
    pub after: Vec<Name>,
    /// The calls made for each row, in order.
    pub calls: Vec<Call>,
    /// The whole loop.
    pub span: Span,
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place, without surrounding parentheses.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// A number as written, such as `1_000` or `0.95`.
    Number(String),
    /// A string, quotes removed and escapes resolved.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A bare name.
    Name(String),
    /// `base.field`.
    Field(Name, Name),
    /// `old(expr)`.
    Old(Box<Expr>),
    /// `function(args)`.
    Call(Name, Vec<Expr>),
    /// `-x` or `!x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a op b`; the span is the operator's.
    Binary(BinaryOp, Span, Box<Expr>, Box<Expr>),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// Infix operators, weakest first: `==>` (right associative), `||`, `&&`, comparisons (not associative), `+ -`, `* / %`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operator of its name")]
pub enum BinaryOp {
    Implies,
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl BinaryOp {
    /// The operator as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Implies => "==>",
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
