//! What holds for any text, and for any valid program.
