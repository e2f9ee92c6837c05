//! `aethel graph`: what waits for what in a batch, and what need not.

use crate::exit::Exit;
use crate::options::graph::{GraphForm, GraphOptions};
use crate::printer::Printer;
use aethel::files;
use aethel::graph::pictures;
use aethel::ir::{Code, Diagnostic, SourceMap, quote};
use aethel::runtime::Picture;
use aethel_report::graph as draw;

/// Draws the batches of a file.
pub fn run(options: &GraphOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let library = aethel::graph::GraphOptions {
        selection: options.chosen.selection(),
        inputs: options.given.sources(false),
        allow_path: options.given.allow_path.clone(),
        most: options.nodes as usize,
    };
    let drawn = pictures(&options.file, &library, &mut sources).and_then(|pictures| {
        let document = draw::json(&pictures);
        printer.document(|out| out.write_all(document.as_bytes()));
        if options.out.is_some() || printer.wants_more() {
            let text = drawn(&pictures, options.form).map_err(|problem| vec![problem])?;
            match &options.out {
                Some(path) => files::write(path, &text).map_err(|problem| vec![problem])?,
                None => printer.result(&text),
            }
        }
        Ok(())
    });
    match drawn {
        Ok(()) => Exit::Fine,
        Err(problems) => {
            printer.diagnostics(&problems, &sources);
            Exit::of(&problems)
        }
    }
}

/// The picture in its form. A terminal takes several; what another program draws is one.
fn drawn(pictures: &[Picture], form: GraphForm) -> Result<String, Diagnostic> {
    if form == GraphForm::Text {
        let texts: Vec<String> = pictures.iter().map(draw::text).collect();
        return Ok(texts.join("\n"));
    }
    let draw = match form {
        GraphForm::Dot => draw::dot,
        GraphForm::Mermaid => draw::mermaid,
        GraphForm::Svg | GraphForm::Text => draw::svg,
    };
    match pictures {
        [one] => Ok(draw(one)),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|one| format!("`{}`", quote(&one.batch)))
                .collect();
            let message = format!("there are {} batches, and a picture shows one", several.len());
            let help = format!("choose one with `--batch`: {}", names.join(", "));
            Err(Diagnostic::new(Code::AE0911, message).help(help))
        }
    }
}
