//! Messages on a stream: a header with a length, then JSON. Whatever comes, the next message is found again.

use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};

/// The longest message that is read, in bytes. A program has at most 16 MiB, which JSON may make six times longer.
const MAX_MESSAGE: u64 = 128 << 20;

/// The longest line of a header.
const MAX_HEADER: u64 = 4096;

/// What came.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// A message.
    Message(Value),
    /// Something else, and what was wrong with it. It was passed over.
    Malformed(String),
    /// The other side is gone.
    End,
}

/// Reads the next message.
pub fn read(input: &mut impl BufRead) -> Incoming {
    let length = match header(input) {
        Ok(Some(length)) => length,
        Ok(None) => return Incoming::End,
        Err(problem) => return Incoming::Malformed(problem),
    };
    if length > MAX_MESSAGE {
        // What is passed over is not kept in memory.
        let passed = io::copy(&mut input.take(length), &mut io::sink());
        return match passed {
            Ok(passed) if passed == length => Incoming::Malformed(format!(
                "a message of {length} bytes was passed over; at most {MAX_MESSAGE} are read"
            )),
            _ => Incoming::End,
        };
    }
    let mut body = Vec::new();
    match input.take(length).read_to_end(&mut body) {
        Ok(read) if read as u64 == length => {}
        _ => return Incoming::End,
    }
    match serde_json::from_slice(&body) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Malformed(format!("this is no JSON: {error}")),
    }
}

/// The length that a header tells; `None` at the end of the stream.
fn header(input: &mut impl BufRead) -> Result<Option<u64>, String> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.take(MAX_HEADER).read_until(b'\n', &mut line);
        if !read.is_ok_and(|read| read > 0) {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        match (text.split_once(':'), length) {
            (None, Some(length)) if text.is_empty() => return Ok(Some(length)),
            (Some((name, value)), _) if name.eq_ignore_ascii_case("Content-Length") => {
                let value = value.trim().parse();
                length = Some(value.map_err(|_| "Content-Length is no number".to_owned())?);
            }
            // Other fields mean nothing to us.
            (Some(_), _) => {}
            (None, _) if text.is_empty() => return Err("a header without Content-Length".into()),
            (None, _) => return Err("expected a header with Content-Length".into()),
        }
    }
}

/// Writes one message.
///
/// # Errors
/// When the other side is gone.
pub fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

/// The answer to a request.
pub fn answer(id: Value, result: Result<Value, Failure>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(failure) => json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": { "code": failure.code, "message": failure.message },
        }),
    }
}

/// A message that wants no answer.
pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A number of the protocol.
    pub code: i32,
    /// What went wrong.
    pub message: String,
}

impl Failure {
    /// What came is no message of the protocol.
    pub const PARSE_ERROR: i32 = -32700;
    /// The request cannot be answered now.
    pub const INVALID_REQUEST: i32 = -32600;
    /// Nobody answers such requests.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The request lacks something.
    pub const INVALID_PARAMS: i32 = -32602;
    /// A bug in aethel.
    pub const INTERNAL: i32 = -32603;
    /// `initialize` comes first.
    pub const NOT_INITIALIZED: i32 = -32002;
    /// The client does not want the answer any more.
    pub const CANCELLED: i32 = -32800;
    /// What is asked for cannot be done.
    pub const REQUEST_FAILED: i32 = -32803;

    /// A failure with this code.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Incoming> {
        let mut found = Vec::new();
        loop {
            found.push(read(&mut input));
            if found.last() == Some(&Incoming::End) {
                return found;
            }
        }
    }

    #[test]
    fn messages_are_found_again_after_nonsense() {
        let input =
            b"hello\r\nContent-Length: 2\r\n\r\n{}Content-Length: x\r\ncontent-length:3\nOther: 1\n\n{]}\
                      Content-Length: 4\r\n\r\nnull";
        let found = all(input);
        assert!(matches!(&found[0], Incoming::Malformed(why) if why.contains("expected a header")));
        assert_eq!(found[1], Incoming::Message(json!({})));
        assert!(matches!(&found[2], Incoming::Malformed(why) if why.contains("no number")));
        assert!(matches!(&found[3], Incoming::Malformed(why) if why.contains("no JSON")));
        assert_eq!(found[4], Incoming::Message(Value::Null));
        assert_eq!(found[5], Incoming::End);
    }

    #[test]
    fn a_message_that_ends_early_is_the_end() {
        assert_eq!(all(b"Content-Length: 10\r\n\r\n{}"), [Incoming::End]);
        assert_eq!(all(b"Content-Length: 99999999999\r\n\r\n{}"), [Incoming::End]);
        assert_eq!(all(b""), [Incoming::End]);
    }

    #[test]
    fn long_messages_are_passed_over() {
        let mut input = format!("Content-Length: {}\r\n\r\n", MAX_MESSAGE + 1).into_bytes();
        input.resize(input.len() + MAX_MESSAGE as usize + 1, b' ');
        input.extend(b"Content-Length: 2\r\n\r\n[]");
        let found = all(&input);
        assert!(matches!(&found[0], Incoming::Malformed(why) if why.contains("passed over")));
        assert_eq!(found[1], Incoming::Message(json!([])));
    }
}
