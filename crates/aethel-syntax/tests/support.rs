//! A plain renderer for diagnostics and a compact one for trees.

use aethel_ir::{Diagnostic, SourceFile};
use aethel_syntax::ast::*;
use std::fmt::Write;

/// `line:column code message | label | help`, one block per diagnostic.
pub fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
    let file = SourceFile {
        name: "case.ae".into(),
        text: text.into(),
    };
    let mut out = String::new();
    for problem in diagnostics {
        let place = problem
            .labels
            .first()
            .map(|label| file.line_column(label.span.start));
        let (line, column) = place.map_or((0, 0), |place| (place.line, place.column));
        writeln!(out, "{line}:{column} {} {}", problem.code.id(), problem.message).unwrap();
        for (index, label) in problem.labels.iter().enumerate() {
            let at = file.line_column(label.span.start);
            let shown: String = file.slice(label.span).chars().take(30).collect();
            if index > 0 || !label.message.is_empty() {
                writeln!(out, "    | {}:{} {shown:?} {}", at.line, at.column, label.message).unwrap();
            }
        }
        if let Some(help) = &problem.help {
            writeln!(out, "    help: {help}").unwrap();
        }
        for fix in &problem.fixes {
            writeln!(out, "    fix ({:?}): {}", fix.safety, fix.title).unwrap();
        }
    }
    out
}

/// The tree of a program, one line per part.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    for item in &program.items {
        match item {
            Item::Asset(a) => {
                writeln!(
                    out,
                    "asset {} scale {}",
                    a.name.text,
                    a.scale.as_ref().map_or("-", |s| &s.text)
                )
                .unwrap();
            }
            Item::Account(a) => {
                writeln!(
                    out,
                    "account {:?} unbounded {}",
                    a.name.text,
                    a.unbounded.is_some()
                )
                .unwrap();
            }
            Item::Field(f) => writeln!(out, "field {}: {}", f.name.text, ty(&f.ty)).unwrap(),
            Item::Const(c) => writeln!(out, "const {} = {}", c.name.text, expr(&c.value)).unwrap(),
            Item::Intent(i) => intent(&mut out, "", i),
            Item::Batch(b) => {
                writeln!(
                    out,
                    "batch {}{}",
                    b.name.text,
                    if b.broken { " (broken)" } else { "" }
                )
                .unwrap();
                for item in &b.items {
                    match item {
                        BatchItem::Intent(i) => intent(&mut out, "  ", i),
                        BatchItem::Call(c) => writeln!(out, "  {}", call(c)).unwrap(),
                        BatchItem::Loop(l) => {
                            let label = l
                                .label
                                .as_ref()
                                .map_or(String::new(), |l| format!("{}: ", l.text));
                            let after = names(" after ", &l.after);
                            writeln!(out, "  {label}for {} in {:?}{after}", l.row.text, l.file.text).unwrap();
                            for c in &l.calls {
                                writeln!(out, "    {}", call(c)).unwrap();
                            }
                        }
                    }
                }
            }
        }
    }
    out
}

fn names(prefix: &str, names: &[Name]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(
        "{prefix}{}",
        names
            .iter()
            .map(|n| n.text.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn ty(ty: &TypeRef) -> String {
    let args = names("<", &ty.args);
    let end = if args.is_empty() { "" } else { ">" };
    format!("{}{args}{end}", ty.name.text)
}

fn intent(out: &mut String, indent: &str, i: &IntentDecl) {
    let params: Vec<_> = i
        .params
        .iter()
        .map(|p| {
            let external = if p.external.is_some() { "external " } else { "" };
            let secret = if p.secret.is_some() { "secret " } else { "" };
            format!("{external}{secret}{}: {}", p.name.text, ty(&p.ty))
        })
        .collect();
    let broken = if i.broken { " (broken)" } else { "" };
    writeln!(
        out,
        "{indent}intent {}({}){}{broken}",
        i.name.text,
        params.join(", "),
        names(" after ", &i.after)
    )
    .unwrap();
    for (section, there, lines) in [
        ("guard", i.guard_span, &i.guard),
        ("verify", i.verify_span, &i.verify),
    ] {
        if section == "verify" {
            for entry in &i.solve {
                let values: Vec<_> = entry
                    .values
                    .iter()
                    .map(|value| match value {
                        SolveValue::Name(n) => n.text.clone(),
                        SolveValue::Number(n) => format!("#{}", n.text),
                        SolveValue::Text(n) => format!("{:?}", n.text),
                    })
                    .collect();
                let list = if entry.list { " list" } else { "" };
                writeln!(
                    out,
                    "{indent}  solve {}{list}: {}",
                    entry.name.text,
                    values.join(" ")
                )
                .unwrap();
            }
        }
        if there.is_some() {
            writeln!(out, "{indent}  {section}").unwrap();
        }
        for line in lines {
            writeln!(out, "{indent}    {}", statement(line)).unwrap();
        }
    }
}

pub fn statement(line: &Statement) -> String {
    match line {
        Statement::Condition(e) => expr(e),
        Statement::Let { name, value, .. } => format!("let {} = {}", name.text, expr(value)),
        Statement::Assign { target, value, .. } => format!("assign {} = {}", expr(target), expr(value)),
    }
}

fn call(c: &Call) -> String {
    let label = c
        .label
        .as_ref()
        .map_or(String::new(), |l| format!("{}: ", l.text));
    let args: Vec<_> = c
        .args
        .iter()
        .map(|a| a.name.as_ref().map_or(String::new(), |n| format!("{}: ", n.text)) + &expr(&a.value))
        .collect();
    format!(
        "{label}call {}({}){}",
        c.intent.text,
        args.join(", "),
        names(" after ", &c.after)
    )
}

pub fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number(n) => n.clone(),
        ExprKind::Text(t) => format!("{t:?}"),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Name(n) => n.clone(),
        ExprKind::Field(base, field) => format!("{}.{}", base.text, field.text),
        ExprKind::Old(inner) => format!("(old {})", expr(inner)),
        ExprKind::Call(name, args) => {
            format!(
                "{}({})",
                name.text,
                args.iter().map(expr).collect::<Vec<_>>().join(", ")
            )
        }
        ExprKind::Unary(UnaryOp::Negate, inner) => format!("(- {})", expr(inner)),
        ExprKind::Unary(UnaryOp::Not, inner) => format!("(! {})", expr(inner)),
        ExprKind::Binary(op, _, left, right) => format!("({} {} {})", op.as_str(), expr(left), expr(right)),
    }
}

/// Every span of a parsed text, for checking.
pub fn spans(program: &Program, diagnostics: &[Diagnostic]) -> Vec<aethel_ir::Span> {
    let mut found: Vec<_> = diagnostics
        .iter()
        .flat_map(|d| {
            let labels = d.labels.iter().map(|label| label.span);
            labels.chain(d.fixes.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.1)))
        })
        .collect();
    // The debug form names every span of the tree, whatever variants may be added to it.
    let debug = format!("{program:?}");
    for piece in debug.split("Span { start: ").skip(1) {
        let mut numbers = piece
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| !n.is_empty());
        let mut number = || numbers.next().and_then(|n| n.parse().ok()).unwrap();
        found.push(aethel_ir::Span {
            start: number(),
            end: number(),
        });
    }
    found
}
