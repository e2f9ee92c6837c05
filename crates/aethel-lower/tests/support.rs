//! Lowers a program, gives it balances, runs it one transaction after the other.

use aethel_ir::{Batch, Diagnostic, Evaluator, Failure, SourceId, SourceMap, TransactionId};
use aethel_lower::{Files, Inputs, LoweredBatch, Purpose, Selection};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Files by path, for loops.
#[derive(Default)]
pub struct Memory {
    pub sources: SourceMap,
    pub files: HashMap<String, String>,
}

impl Files for Memory {
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic> {
        let text = self.files.get(path).ok_or_else(|| {
            Diagnostic::new(aethel_ir::Code::AE0901, format!("cannot read \"{path}\"")).help("check the path")
        })?;
        let text: Arc<str> = text.as_str().into();
        Ok((self.sources.add(path, text.clone()), text))
    }
}

/// Lowers `text` with an inputs file in JSON and CSV files by name.
pub fn lower(
    text: &str,
    inputs: &str,
    files: &[(&str, &str)],
    purpose: Purpose,
) -> (Vec<LoweredBatch>, Vec<Diagnostic>, SourceMap) {
    let mut memory = Memory::default();
    let source = memory.sources.add("test.ae", text);
    let inputs_source = memory.sources.add("test.inputs.json", inputs);
    memory.files.extend(
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
    );
    let parsed = aethel_syntax::parse(source, text);
    let mut diagnostics = parsed.diagnostics;
    let inputs = match Inputs::from_json(inputs_source, inputs) {
        Ok(inputs) => inputs,
        Err(problems) => {
            diagnostics.extend(problems);
            Inputs::default()
        }
    };
    let lowered = aethel_lower::lower(
        source,
        &parsed.program,
        &Selection::All,
        &inputs,
        &mut memory,
        purpose,
        &mut diagnostics,
    );
    for batch in &lowered {
        batch.batch.validate().expect("the lowering makes valid batches");
    }
    (lowered, diagnostics, memory.sources)
}

/// Balances by `account asset` or `account.field`, in minor units.
pub type State = BTreeMap<String, i128>;

fn place_name(batch: &Batch, index: usize) -> String {
    let (account, field) = batch.places[index];
    let account = &batch.accounts[account.0 as usize];
    match &batch.fields[usize::from(field.0)] {
        aethel_ir::Field::Balance(asset) => format!("{account} {}", batch.assets[usize::from(asset.0)].name),
        aethel_ir::Field::Integer(name) | aethel_ir::Field::Bool(name) => format!("{account}.{name}"),
    }
}

/// Runs a batch in source order from its openings and `state`.
pub fn run(lowered: &LoweredBatch, state: &mut State) -> Result<(), (String, Failure)> {
    let batch = &lowered.batch;
    let mut values = vec![0_i128; batch.places.len()];
    for opening in &lowered.openings {
        values[opening.place.0 as usize] = opening.amount;
    }
    for (index, value) in values.iter_mut().enumerate() {
        if let Some(known) = state.get(&place_name(batch, index)) {
            *value = *known;
        }
    }
    let mut evaluator = Evaluator::default();
    for index in 0..batch.len() {
        let id = TransactionId(index as u32);
        let view = batch.transaction(id).unwrap();
        let places: Vec<usize> = view
            .group
            .places
            .iter()
            .map(|column| column.get(view.row).unwrap().0 as usize)
            .collect();
        let before: Vec<i128> = places.iter().map(|place| values[*place]).collect();
        let after = evaluator
            .execute(view, &before)
            .map_err(|failure| (batch.transaction_name(id), failure))?;
        for (place, value) in places.iter().zip(after) {
            values[*place] = *value;
        }
    }
    for (index, value) in values.iter().enumerate() {
        state.insert(place_name(batch, index), *value);
    }
    Ok(())
}

/// Lowers and runs; the program must lower without errors.
pub fn outcome(text: &str, inputs: &str, files: &[(&str, &str)]) -> Result<State, (String, Failure)> {
    let (lowered, diagnostics, sources) = lower(text, inputs, files, Purpose::Run);
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.is_error())
        .map(|d| show(d, &sources))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let mut state = State::new();
    for batch in &lowered {
        run(batch, &mut state)?;
    }
    Ok(state)
}

/// One line per part of a diagnostic.
pub fn show(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut out = format!(
        "{} {}: {}",
        diagnostic.severity.as_str(),
        diagnostic.code.id(),
        diagnostic.message
    );
    for label in &diagnostic.labels {
        let file = sources.get(label.source).unwrap();
        let at = file.line_column(label.span.start);
        let text = file.slice(label.span);
        out += &format!(
            "\n  {}:{}:{} `{text}` {}",
            file.name, at.line, at.column, label.message
        );
    }
    if let Some(help) = &diagnostic.help {
        out += &format!("\n  help: {help}");
    }
    out
}

/// The codes of the errors of a program, in order.
pub fn codes(text: &str, inputs: &str, files: &[(&str, &str)], purpose: Purpose) -> Vec<&'static str> {
    let (_, diagnostics, _) = lower(text, inputs, files, purpose);
    let errors = diagnostics.iter().filter(|d| d.is_error());
    errors.map(|d| d.code.id()).collect()
}
