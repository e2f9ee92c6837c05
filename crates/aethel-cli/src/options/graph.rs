//! The options of `graph`.

use super::subject::{Chosen, Given};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What the lines mean.
pub const GRAPH_HELP: &str = "\
Two transactions are joined where they access one balance one after the other and one of them \
writes it: RAW is a read after a write, WAW a write after a write, WAR a write after a read. \
Dashed edges need no order: it is proved that every order gives the same result.

Examples:
  aethel graph pay.ae --as svg --out pay.svg
  aethel graph pay.ae --as dot | dot -Tpdf > pay.pdf";

/// Options of `graph`.
#[derive(Debug, Args)]
pub struct GraphOptions {
    /// A program (.ae), a transaction list (.json), or `-` for a program on standard input
    pub file: PathBuf,
    #[command(flatten)]
    pub chosen: Chosen,
    /// The form of the picture
    #[arg(long = "as", value_enum, value_name = "FORM", default_value = "text")]
    pub form: GraphForm,
    /// Write the picture to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Draw transactions together when there would be more nodes than this
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..=2000))]
    pub nodes: u32,
    #[command(flatten)]
    pub given: Given,
}

/// Forms of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// Lines for the terminal
    Text,
    /// For graphviz
    Dot,
    /// For mermaid, which GitHub and GitLab draw in Markdown
    Mermaid,
    /// A drawing that needs nothing else
    Svg,
}
