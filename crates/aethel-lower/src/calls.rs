//! Arguments of a call, matched to parameters.

use crate::inputs::Place;
use crate::problems::Problems;
use crate::symbols::Symbols;
use aethel_ir::{Code, Diagnostic, Span, diagnostic::Safety, quote};
use aethel_syntax::ast::{Arg, BinaryOp, Call, Expr, ExprKind, IntentDecl, Name, Param};
use std::collections::HashMap;

/// Where an argument's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum ArgumentSource<'a> {
    /// An account by name.
    Account(String, Span),
    /// A constant expression.
    Constant(&'a Expr),
    /// A text, read in the type of the parameter.
    Text(String, Place),
    /// A column of the loop's file.
    Column(&'a Name),
}

/// The arguments of a call by parameter.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallPlan<'a> {
    sources: HashMap<String, ArgumentSource<'a>>,
}

impl<'a> CallPlan<'a> {
    /// Matches arguments to parameters; `row` is the name of the loop's row. `None` when there was an error.
    pub(crate) fn new(
        symbols: &Symbols<'_>,
        decl: &IntentDecl,
        call: &'a Call,
        row: Option<&str>,
        diagnostics: &mut Problems,
    ) -> Option<Self> {
        let before = diagnostics.errors();
        let mut plan = CallPlan::default();
        let mut matching = Matching {
            symbols,
            decl,
            call,
            row,
            diagnostics,
            spans: HashMap::new(),
            position: 0,
        };
        for arg in &call.args {
            if let Some((param, source)) = matching.argument(arg) {
                plan.sources.insert(param.name.text.clone(), source);
            }
        }
        (diagnostics.errors() == before).then_some(plan)
    }

    /// Whether a parameter has an argument.
    pub(crate) fn has(&self, param: &str) -> bool {
        self.sources.contains_key(param)
    }

    /// The argument of a parameter.
    pub(crate) fn get(&self, param: &str) -> Option<&ArgumentSource<'a>> {
        self.sources.get(param)
    }

    /// Gives a parameter its argument.
    pub(crate) fn set(&mut self, param: &str, source: ArgumentSource<'a>) {
        self.sources.insert(param.to_owned(), source);
    }

    /// The arguments that are columns of the loop's file.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &'a Name)> {
        self.sources.iter().filter_map(|(param, source)| match source {
            ArgumentSource::Column(column) => Some((param.as_str(), *column)),
            _ => None,
        })
    }
}

struct Matching<'s, 'd, 'a> {
    symbols: &'s Symbols<'s>,
    decl: &'s IntentDecl,
    call: &'a Call,
    row: Option<&'s str>,
    diagnostics: &'d mut Problems,
    /// Where each parameter got its argument.
    spans: HashMap<String, Span>,
    position: usize,
}

impl<'s, 'a> Matching<'s, '_, 'a> {
    fn refuse<T>(&mut self, code: Code, message: String, span: Span, label: &str, help: String) -> Option<T> {
        let diagnostic = Diagnostic::new(code, message)
            .label(self.symbols.source, span, label)
            .help(help);
        self.diagnostics.push(diagnostic);
        None
    }

    fn signature(&self) -> String {
        let params: Vec<&str> = self.decl.params.iter().map(|p| p.name.text.as_str()).collect();
        format!("`{}` takes {}", self.decl.name.text, params.join(", "))
    }

    /// `1,000` read as two arguments: where it stands, and the number that was meant.
    fn thousands(&self, second: &Arg) -> Option<(Span, String)> {
        let at = self.call.args.iter().position(|arg| std::ptr::eq(arg, second))?;
        let first = self.call.args.get(at.checked_sub(1)?)?;
        let (ExprKind::Number(whole), ExprKind::Number(rest)) = (&first.value.kind, &second.value.kind)
        else {
            return None;
        };
        let (one, two) = (first.value.span, second.value.span);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let group = rest
            .split('.')
            .next()
            .is_some_and(|group| group.len() == 3 && digits(group));
        // Nothing but the comma between them.
        let meant = group && digits(whole) && whole.len() <= 3 && one.end + 1 == two.start;
        meant.then(|| (one.to(two), format!("{whole}_{rest}")))
    }

    fn argument(&mut self, arg: &'a Arg) -> Option<(&'s Param, ArgumentSource<'a>)> {
        let callee = &self.decl.name.text;
        let param = match &arg.name {
            Some(name) => match self.decl.params.iter().find(|p| p.name.text == name.text) {
                Some(param) => param,
                None => {
                    let known = self.decl.params.iter().map(|p| p.name.text.as_str());
                    let message = format!("`{callee}` has no parameter `{}`", quote(&name.text));
                    let source = self.symbols.source;
                    let diagnostic = Diagnostic::new(Code::AE0210, message)
                        .label(source, name.span, "unknown parameter")
                        .help(self.signature())
                        .meant(source, name.span, &name.text, known);
                    self.diagnostics.push(diagnostic);
                    return None;
                }
            },
            None => {
                let position = self.position;
                self.position += 1;
                match self.decl.params.get(position) {
                    Some(param) => param,
                    None => {
                        let message = format!("too many arguments for `{callee}`");
                        let mut diagnostic = Diagnostic::new(Code::AE0210, message)
                            .label(self.symbols.source, arg.value.span, "one too many")
                            .help(self.signature());
                        if let Some((span, number)) = self.thousands(arg) {
                            diagnostic = diagnostic
                                .help(format!(
                                    "`,` ends an argument; thousands are grouped with `_`: write `{number}`"
                                ))
                                .fix(
                                    format!("write `{number}`"),
                                    Safety::Unsafe,
                                    self.symbols.source,
                                    span,
                                    number,
                                );
                        }
                        self.diagnostics.push(diagnostic);
                        return None;
                    }
                }
            }
        };
        let name = param.name.text.as_str();
        if self.spans.insert(name.to_owned(), arg.value.span).is_some() {
            let message = format!("`{name}` is given twice");
            let help = format!("keep one of them in the call of `{}`", self.call.intent.text);
            return self.refuse(Code::AE0210, message, arg.value.span, "second argument", help);
        }
        if let Some(external) = param.external {
            let message = format!("`{name}` comes from an oracle, it takes no argument");
            let diagnostic = Diagnostic::new(Code::AE0304, message)
                .label(self.symbols.source, arg.value.span, "given here")
                .label(self.symbols.source, external, "declared external")
                .help("remove the argument; the inputs file brings the oracle's proof");
            self.diagnostics.push(diagnostic);
            return None;
        }
        let source = self.source(param, &arg.value)?;
        Some((param, source))
    }

    fn source(&mut self, param: &Param, value: &'a Expr) -> Option<ArgumentSource<'a>> {
        let flat = self.symbols.flat.get(self.decl.name.text.as_str());
        let flat = flat.is_some_and(|names| names.contains(param.name.text.as_str()));
        let account = param.ty.name.text == "Account" || flat;
        match &value.kind {
            ExprKind::Field(base, column) => {
                if self.row == Some(base.text.as_str()) {
                    return Some(ArgumentSource::Column(column));
                }
                let message = format!("`{}` is not a row", quote(&base.text));
                let help = match self.row {
                    Some(row) => format!("the row of this loop is `{row}`"),
                    None => "an argument is a constant, an account, or a column of a loop's row".into(),
                };
                self.refuse(Code::AE0210, message, value.span, "not known here", help)
            }
            ExprKind::Name(name) if account => Some(ArgumentSource::Account(name.clone(), value.span)),
            ExprKind::Text(text) => Some(ArgumentSource::Text(
                text.clone(),
                Some((self.symbols.source, value.span)),
            )),
            _ if account => {
                let message = format!("`{}` needs an account", param.name.text);
                let help = match hyphenated(value) {
                    Some(name) => format!("a name with `-` in it stands in double quotes: `\"{name}\"`"),
                    None => "write the account's name, or a string for names with other characters".into(),
                };
                self.refuse(Code::AE0210, message, value.span, "not an account", help)
            }
            ExprKind::Name(name) if !self.symbols.constants.contains_key(name.as_str()) => {
                // Outside of a loop the constant's own reader says what is wrong.
                let Some(row) = self.row else {
                    return Some(ArgumentSource::Constant(value));
                };
                let message = format!("`{}` is not a constant", quote(name));
                let help = format!("a column of the file is written `{row}.{}`", quote(name));
                let label = "only constants, numbers and columns can be used here";
                self.refuse(Code::AE0201, message, value.span, label, help)
            }
            _ => Some(ArgumentSource::Constant(value)),
        }
    }
}

/// The name that was meant by a difference of names without space, such as `john-smith`.
fn hyphenated(value: &Expr) -> Option<String> {
    match &value.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Binary(BinaryOp::Subtract, at, a, b)
            if a.span.end == at.start && at.end == b.span.start =>
        {
            Some(format!("{}-{}", hyphenated(a)?, hyphenated(b)?))
        }
        _ => None,
    }
}
