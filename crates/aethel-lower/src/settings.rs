//! Keys of bindings and arguments: each must name a parameter that exists.

use crate::inputs::{Inputs, Setting};
use crate::problems::Problems;
use crate::symbols::Symbols;
use aethel_ir::{Code, Diagnostic, closest, did_you_mean, quote};
use aethel_syntax::ast::{BatchItem, IntentDecl};
use std::collections::{HashMap, HashSet};

/// Settings by key.
pub(crate) struct Index<'s> {
    by_key: HashMap<&'s str, &'s Setting>,
}

impl<'s> Index<'s> {
    pub(crate) fn new(settings: &'s [Setting]) -> Self {
        let by_key = settings.iter().map(|setting| (setting.key.as_str(), setting));
        Self {
            by_key: by_key.collect(),
        }
    }

    /// The setting for a parameter: with the batch's name in front, else without.
    pub(crate) fn get(&self, batch: &str, name: &str, param: &str) -> Option<&'s Setting> {
        if self.by_key.is_empty() {
            return None;
        }
        let long = format!("{batch}.{name}.{param}");
        let short = long.get(batch.len() + 1..).unwrap_or_default();
        let found = self.by_key.get(long.as_str());
        found.or_else(|| self.by_key.get(short)).copied()
    }
}

/// Complains about keys that address nothing, keys given twice, and arguments for external parameters.
pub(crate) fn check(symbols: &Symbols<'_>, inputs: &Inputs, diagnostics: &mut Problems) {
    if inputs.bind.is_empty() && inputs.args.is_empty() {
        return;
    }
    let known = parameters(symbols);
    for (settings, is_argument) in [(&inputs.bind, false), (&inputs.args, true)] {
        let mut seen: HashSet<&str> = HashSet::new();
        for setting in settings {
            if diagnostics.full() {
                return;
            }
            if !seen.insert(&setting.key) {
                let message = format!("`{}` is given twice", quote(&setting.key));
                diagnostics.push(
                    Diagnostic::new(Code::AE0908, message)
                        .label_at(setting.value.at, "second value")
                        .help("keep one of them"),
                );
                continue;
            }
            match known.get(setting.key.as_str()) {
                None => {
                    let suggests = diagnostics.suggests();
                    diagnostics.push(unknown(setting, &known, suggests));
                }
                Some(true) if is_argument => {
                    let message = format!(
                        "`{}` comes from an oracle, it takes no argument",
                        quote(&setting.key)
                    );
                    diagnostics.push(
                        Diagnostic::new(Code::AE0304, message)
                            .label_at(setting.value.at, "given here")
                            .help("bring the oracle's proof in the inputs file"),
                    );
                }
                Some(_) => {}
            }
        }
    }
}

fn unknown(setting: &Setting, known: &HashMap<String, bool>, suggests: bool) -> Diagnostic {
    let names = known.keys().map(String::as_str).filter(|_| suggests);
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    // A parameter without the intent's name is the likeliest mistake.
    let bare = names.iter().find(|name| {
        name.rsplit_once('.')
            .is_some_and(|(_, param)| param == setting.key)
    });
    let close = match bare {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => did_you_mean(&setting.key, names.iter().copied()).or_else(|| {
            let parameter = |name: &&str| name.rsplit_once('.').map(|(_, parameter)| parameter.to_owned());
            let parameters: Vec<String> = names.iter().filter_map(parameter).collect();
            let meant = closest(&setting.key, parameters.iter().map(String::as_str))?;
            let whole = names.iter().find(|name| name.ends_with(&format!(".{meant}")))?;
            Some(format!("did you mean `{whole}`?"))
        }),
    };
    let help = close.unwrap_or_else(|| {
        let some: Vec<String> = names
            .iter()
            .filter(|n| n.matches('.').count() == 1)
            .take(6)
            .map(|n| format!("`{n}`"))
            .collect();
        if some.is_empty() && !known.is_empty() {
            "write `name.parameter`".into()
        } else if some.is_empty() {
            "nothing in this program can be addressed; label a call: `name: pay(..);`".into()
        } else {
            format!("write `name.parameter`, for example {}", some.join(", "))
        }
    });
    let message = format!("`{}` addresses no parameter", quote(&setting.key));
    Diagnostic::new(Code::AE0905, message)
        .label_at(setting.value.at, "given here")
        .help(help)
}

/// Every key that means something, and whether the parameter is external.
fn parameters(symbols: &Symbols<'_>) -> HashMap<String, bool> {
    let mut known = HashMap::new();
    let mut add = |batch: Option<&str>, name: &str, decl: &IntentDecl| {
        for param in &decl.params {
            let key = format!("{name}.{}", param.name.text);
            if let Some(batch) = batch {
                known.insert(format!("{batch}.{key}"), param.external.is_some());
            }
            known.insert(key, param.external.is_some());
        }
    };
    for intent in &symbols.intent_list {
        add(None, &intent.name.text, intent);
    }
    for batch in &symbols.batches {
        let name = Some(batch.name.text.as_str());
        for item in &batch.items {
            match item {
                BatchItem::Intent(intent) => add(name, &intent.name.text, intent),
                BatchItem::Call(call) => {
                    if let (Some(label), Some(decl)) =
                        (&call.label, symbols.intents.get(call.intent.text.as_str()))
                    {
                        add(name, &label.text, decl);
                    }
                }
                BatchItem::Loop(each) => {
                    for call in &each.calls {
                        if let (Some(label), Some(decl)) =
                            (&each.label, symbols.intents.get(call.intent.text.as_str()))
                        {
                            add(name, &label.text, decl);
                        }
                    }
                }
            }
        }
    }
    known
}

/// A batch or intent that was asked for but is not there.
pub(crate) fn no_such(symbols: &Symbols<'_>, kind: &str, name: &str, diagnostics: &mut Problems) {
    let names: Vec<&str> = if kind == "batch" {
        symbols
            .batches
            .iter()
            .map(|decl| decl.name.text.as_str())
            .collect()
    } else {
        symbols
            .intent_list
            .iter()
            .map(|decl| decl.name.text.as_str())
            .collect()
    };
    let help = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
        if names.is_empty() {
            format!("the program has no {kind}")
        } else {
            let shown: Vec<String> = names.iter().take(8).map(|n| format!("`{n}`")).collect();
            format!("the program has {}", shown.join(", "))
        }
    });
    diagnostics
        .push(Diagnostic::new(Code::AE0314, format!("there is no {kind} `{}`", quote(name))).help(help));
}
