//! Cases as JUnit XML, which GitLab, Jenkins and others show beside a change.

use super::FileReport;
use crate::diagnostics::concise;
use crate::escape::xml;
use aethel_ir::{Diagnostic, SourceMap};

/// One suite for each file; a file whose cases could not run is a case with an error.
pub fn junit(files: &[FileReport], sources: &SourceMap) -> String {
    let mut text =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"aethel test\">\n");
    for file in files {
        let cases = file.cases.len() + usize::from(!file.problems.is_empty());
        let failed = file.cases.iter().filter(|case| !case.passed).count();
        text += &format!(
            "  <testsuite name=\"{}\" tests=\"{cases}\" failures=\"{failed}\" errors=\"{}\">\n",
            xml(&file.file),
            usize::from(!file.problems.is_empty()),
        );
        for case in &file.cases {
            let milliseconds = case.nanoseconds / 1_000_000;
            text += &format!(
                "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" time=\"{}.{:03}\"",
                xml(&case.name),
                xml(&file.program),
                xml(&file.file),
                milliseconds / 1000,
                milliseconds % 1000,
            );
            if case.passed {
                text += "/>\n";
            } else {
                text += &format!(
                    ">\n{}    </testcase>\n",
                    wrong("failure", &case.diagnostics, sources)
                );
            }
        }
        if !file.problems.is_empty() {
            let name = xml(&file.file);
            text += &format!("    <testcase name=\"{name}\" classname=\"{name}\" file=\"{name}\">\n");
            text += &format!("{}    </testcase>\n", wrong("error", &file.problems, sources));
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

fn wrong(element: &str, diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let message = diagnostics.first().map_or("", |one| one.message.as_str());
    let code = diagnostics.first().map_or("", |one| one.code.id());
    format!(
        "      <{element} type=\"{code}\" message=\"{}\">{}</{element}>\n",
        xml(message),
        xml(&concise(diagnostics, sources))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_attribute() {
        assert_eq!(
            xml("a\"><b>\u{1b}\u{0}&\u{202e}"),
            "a&quot;&gt;&lt;b&gt;\\u{1b}\\u{0}&amp;\\u{202e}"
        );
    }
}
