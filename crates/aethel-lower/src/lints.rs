//! Notes and warnings that need no proof.

use crate::constant::{self, names_in};
use crate::intent::{Compiler, Named};
use crate::problems::Problems;
use crate::symbols::Constant;
use aethel_ir::{Code, Diagnostic, Safety, Span, Type};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, Name, Statement};
use std::collections::{HashMap, HashSet};

/// Everything worth saying about one intent that compiled.
pub(crate) fn intent(compiler: &mut Compiler<'_, '_>) {
    if compiler.decl.broken {
        return;
    }
    parameters(compiler);
    for line in &compiler.decl.guard {
        if let Statement::Let { name, .. } = line {
            hides_constant(compiler, name);
        }
    }
    flat_form(compiler);
    conditions(compiler);
}

fn parameters(compiler: &mut Compiler<'_, '_>) {
    let source = compiler.symbols.source;
    if compiler.decl.verify.is_empty() && !compiler.decl.params.is_empty() {
        // That its parameters change nothing follows from that.
        let name = &compiler.decl.name;
        compiler.diagnostics.push(
            Diagnostic::new(Code::AE0215, format!("`{}` changes nothing", name.text))
                .label(source, name.span, "it has no equation in `verify`")
                .help("say what holds after it: `verify { alice.balance == alice.balance + amount; }`"),
        );
        return;
    }
    let written = compiler.intent.written();
    let changed = compiler.intent.places.iter().zip(&written);
    let changed: HashSet<u16> = changed.filter(|(_, w)| **w).map(|(p, _)| p.account).collect();
    let guarded = guarded(&compiler.decl.guard);
    for param in &compiler.decl.params {
        let name = param.name.text.as_str();
        if !compiler.used.contains(name) {
            compiler.diagnostics.push(
                Diagnostic::new(Code::AE0214, format!("`{name}` is never used"))
                    .label(source, param.name.span, "this parameter has no effect")
                    .help("use it in `guard` or `verify`, or remove it"),
            );
            continue;
        }
        if compiler.symbols.constants.contains_key(name) {
            compiler.diagnostics.push(
                Diagnostic::new(Code::AE0213, format!("`{name}` hides the constant of that name"))
                    .label(
                        source,
                        param.name.span,
                        "inside this intent it means the parameter",
                    )
                    .help("rename the parameter"),
            );
        }
        let index = match compiler.names.get(name) {
            Some(Named::Account(index)) => *index,
            Some(Named::Value(_, Type::Amount(_))) if !guarded.contains(name) => {
                compiler.diagnostics.push(
                    Diagnostic::new(Code::AE0311, format!("`{name}` may be negative"))
                        .label(source, param.name.span, "no guard forbids it")
                        .help(format!("add `{name} >= 0;` to `guard`")),
                );
                continue;
            }
            _ => continue,
        };
        if !changed.contains(&index) {
            compiler.diagnostics.push(
                Diagnostic::new(Code::AE0215, format!("`{name}` is never changed"))
                    .label(source, param.name.span, "only read")
                    .help("if it should change, add an equation for it to `verify`"),
            );
        }
    }
}

fn hides_constant(compiler: &mut Compiler<'_, '_>, name: &Name) {
    if compiler.symbols.constants.contains_key(name.text.as_str()) {
        compiler.diagnostics.push(
            Diagnostic::new(
                Code::AE0213,
                format!("`{}` hides the constant of that name", name.text),
            )
            .label(
                compiler.symbols.source,
                name.span,
                "inside this intent it means this one",
            )
            .help("rename one of them"),
        );
    }
}

/// The names that some line of the guard plainly keeps from being negative.
fn guarded(guard: &[Statement]) -> HashSet<&str> {
    fn bounds<'a>(expr: &'a Expr, names: &mut HashSet<&'a str>) {
        let (bounded, bound) = match &expr.kind {
            ExprKind::Binary(BinaryOp::And, _, a, b) => {
                bounds(a, names);
                return bounds(b, names);
            }
            ExprKind::Binary(BinaryOp::GreaterEqual | BinaryOp::Greater | BinaryOp::Equal, _, a, b) => (a, b),
            ExprKind::Binary(BinaryOp::LessEqual | BinaryOp::Less, _, a, b) => (b, a),
            _ => return,
        };
        if let (ExprKind::Name(name), true) = (&bounded.kind, not_negative(bound)) {
            names.insert(name);
        }
    }
    let mut names = HashSet::new();
    for line in guard {
        if let Statement::Condition(expr) = line {
            bounds(expr, &mut names);
        }
    }
    names
}

/// Literals and names count as not negative here; this only decides whether a reminder is printed.
fn not_negative(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Number(_) | ExprKind::Name(_))
}

fn flat_form(compiler: &mut Compiler<'_, '_>) {
    let source = compiler.symbols.source;
    let mut uses: HashMap<&str, Vec<Span>> = HashMap::new();
    for line in compiler.decl.guard.iter().chain(&compiler.decl.verify) {
        match line {
            Statement::Condition(expr) => bare_names(expr, &mut uses),
            Statement::Let { value, .. } => bare_names(value, &mut uses),
            Statement::Assign { target, value, .. } => {
                bare_names(target, &mut uses);
                bare_names(value, &mut uses);
            }
        }
    }
    for param in &compiler.decl.params {
        let name = param.name.text.as_str();
        if !matches!(compiler.names.get(name), Some(Named::Flat(_))) {
            continue;
        }
        let ty = param
            .ty
            .args
            .first()
            .map_or("Account".into(), |asset| format!("Account<{}>", asset.text));
        let mut diagnostic = Diagnostic::new(Code::AE0216, format!("`{name}` is read as an account"))
            .label(
                source,
                param.name.span,
                "its balance is what the equations change",
            )
            .help(format!(
                "the modern spelling is `{name}: {ty}` and `{name}.balance`"
            ));
        let bare = uses.get(name).into_iter().flatten();
        let edits = std::iter::once((source, param.ty.span, ty));
        let edits = edits
            .chain(bare.map(|span| (source, *span, format!("{name}.balance"))))
            .collect();
        diagnostic.fixes.push(aethel_ir::Fix {
            title: format!("make `{name}` an account parameter"),
            safety: Safety::Safe,
            edits,
        });
        compiler.diagnostics.push(diagnostic);
    }
}

/// The places of bare names.
fn bare_names<'a>(expr: &'a Expr, uses: &mut HashMap<&'a str, Vec<Span>>) {
    match &expr.kind {
        ExprKind::Name(name) => uses.entry(name).or_default().push(expr.span),
        ExprKind::Old(inner) | ExprKind::Unary(_, inner) => bare_names(inner, uses),
        ExprKind::Call(_, args) => args.iter().for_each(|arg| bare_names(arg, uses)),
        ExprKind::Binary(_, _, a, b) => {
            bare_names(a, uses);
            bare_names(b, uses);
        }
        _ => {}
    }
}

/// Comparisons that always have the same answer.
fn conditions(compiler: &mut Compiler<'_, '_>) {
    let source = compiler.symbols.source;
    let defining: HashSet<Span> = compiler.intent.effects.iter().map(|e| e.span).collect();
    for line in compiler.decl.guard.iter().chain(&compiler.decl.verify) {
        let Statement::Condition(expr) = line else {
            continue;
        };
        let ExprKind::Binary(op, _, a, b) = &expr.kind else {
            continue;
        };
        let answer = match op {
            BinaryOp::Equal | BinaryOp::GreaterEqual | BinaryOp::LessEqual if same(a, b) => Some(true),
            BinaryOp::NotEqual | BinaryOp::Greater | BinaryOp::Less if same(a, b) => Some(false),
            _ => constants(compiler, *op, a, b),
        };
        // `x == x` with a place defines it, which is odd but not a comparison.
        let defines = matches!(op, BinaryOp::Equal) && defining.contains(&expr.span);
        match answer {
            Some(true) if !defines => compiler.diagnostics.push(
                Diagnostic::new(Code::AE0310, "this condition is always true")
                    .label(source, expr.span, "it tests nothing")
                    .help("remove it, or compare what was meant"),
            ),
            Some(false) => compiler.diagnostics.push(
                Diagnostic::new(Code::AE0316, "this condition is always false")
                    .label(source, expr.span, "no run can pass it")
                    .help("compare what was meant"),
            ),
            _ => {}
        }
    }
}

fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Name(a), ExprKind::Name(b)) => a == b,
        (ExprKind::Field(a, x), ExprKind::Field(b, y)) => a.text == b.text && x.text == y.text,
        _ => false,
    }
}

/// Whether a comparison of two constant expressions holds.
fn constants(compiler: &Compiler<'_, '_>, op: BinaryOp, a: &Expr, b: &Expr) -> Option<bool> {
    let number = |expr: &Expr| {
        let mut names = Vec::new();
        names_in(expr, &mut names);
        if names.iter().any(|name| compiler.names.contains_key(name)) {
            return None;
        }
        // What is not constant is no problem here, so what is said about it is dropped.
        match constant::evaluate(compiler.symbols, expr, &mut Problems::default())? {
            Constant::Number(number) => Some(number),
            Constant::Bool(_) => None,
        }
    };
    let order = number(a)?.cmp(&number(b)?);
    Some(match op {
        BinaryOp::Equal => order.is_eq(),
        BinaryOp::NotEqual => order.is_ne(),
        BinaryOp::Less => order.is_lt(),
        BinaryOp::LessEqual => order.is_le(),
        BinaryOp::Greater => order.is_gt(),
        BinaryOp::GreaterEqual => order.is_ge(),
        _ => return None,
    })
}
