//! Values of Python as JSON, exactly: whole numbers of any size, decimals and strings; a float is refused, because it has
//! been rounded already.

use crate::words;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};

/// How deep values may be nested; transaction lists and inputs need five levels.
const MAX_NESTING: usize = 24;

/// A decimal beyond so many digits on either side of the point is shown as it is, to be refused by who reads it.
const MAX_DIGITS: i64 = 400;

/// The fields of a transaction; those that may be left out are written only when there is something in them.
const FIELDS: [(&str, bool); 7] = [
    ("id", true),
    ("intent_name", true),
    ("accounts", true),
    ("operations", true),
    ("verify_conditions", true),
    ("depends_on", false),
    ("oracle_proofs", false),
];

static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Makes an exception of what the value is called.
type Raise = Box<dyn FnOnce(Python<'_>, &str) -> PyErr>;

/// Why a value has no exact form, and the way to it, the innermost key first.
struct Problem {
    error: Raise,
    way: Vec<String>,
}

impl From<PyErr> for Problem {
    fn from(error: PyErr) -> Self {
        Self {
            error: Box::new(move |_, _| error),
            way: Vec::new(),
        }
    }
}

impl Problem {
    fn new(error: impl FnOnce(Python<'_>, &str) -> PyErr + 'static) -> Self {
        Self {
            error: Box::new(error),
            way: Vec::new(),
        }
    }

    fn at(mut self, key: String) -> Self {
        self.way.push(key);
        self
    }

    fn raise(self, py: Python<'_>, what: &str) -> PyErr {
        let way: String = self.way.into_iter().rev().collect();
        (self.error)(py, &format!("{what}{way}"))
    }
}

/// The JSON text of a value; `what` is what messages call it.
#[pyfunction]
pub fn to_json(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let mut out = String::new();
    write(value, &mut out, 0).map_err(|problem| problem.raise(value.py(), what))?;
    Ok(out)
}

/// The JSON text of a transaction list. `transactions` are objects with the fields of a transaction, or dictionaries.
#[pyfunction]
pub fn transactions_json(
    name: &str,
    assets: Option<&Bound<'_, PyAny>>,
    unbounded: Option<&Bound<'_, PyAny>>,
    transactions: &Bound<'_, PyAny>,
) -> PyResult<String> {
    let py = transactions.py();
    let mut out = String::from("{\"name\":");
    write_text(name, &mut out);
    for (key, value) in [("assets", assets), ("unbounded", unbounded)] {
        if let Some(value) = value {
            out += &format!(",\"{key}\":");
            write(value, &mut out, 1).map_err(|problem| problem.raise(py, key))?;
        }
    }
    out += ",\"transactions\":[";
    for (index, transaction) in transactions.try_iter()?.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_transaction(&transaction?, &mut out)
            .map_err(|problem| problem.raise(py, &format!("transactions[{index}]")))?;
    }
    out += "]}";
    Ok(out)
}

fn write_transaction(transaction: &Bound<'_, PyAny>, out: &mut String) -> Result<(), Problem> {
    if transaction.cast::<PyDict>().is_ok() {
        return write(transaction, out, 2);
    }
    if transaction.cast::<PyString>().is_ok() || !transaction.hasattr("operations")? {
        let found = type_name(transaction);
        return Err(Problem::new(move |_, at| {
            PyTypeError::new_err(format!("{at} is of type {found}; expected a Transaction"))
        }));
    }
    out.push('{');
    for (index, (field, always)) in FIELDS.into_iter().enumerate() {
        let value = match transaction.getattr_opt(field)? {
            Some(value) if always || value.is_truthy()? => value,
            _ => continue,
        };
        if index > 0 {
            out.push(',');
        }
        *out += &format!("\"{field}\":");
        write(&value, out, 3).map_err(|problem| problem.at(format!(".{field}")))?;
    }
    out.push('}');
    Ok(())
}

fn write(value: &Bound<'_, PyAny>, out: &mut String, depth: usize) -> Result<(), Problem> {
    if depth > MAX_NESTING {
        return Err(Problem::new(|_, at| {
            // The way to it is as deep as it is.
            let start: String = at.chars().take(80).collect();
            PyValueError::new_err(format!("{start}… is nested too deep"))
        }));
    }
    if let Ok(text) = value.cast::<PyString>() {
        write_text(text.to_str()?, out);
    } else if value.is_none() {
        *out += "null";
    } else if let Ok(flag) = value.cast::<PyBool>() {
        *out += if flag.is_true() { "true" } else { "false" };
    } else if value.cast::<PyFloat>().is_ok() {
        return Err(float(value));
    } else if value.is_exact_instance_of::<PyInt>() {
        *out += value.str()?.to_str()?;
    } else if let Ok(map) = value.cast::<PyDict>() {
        write_entries(map.iter().map(Ok), out, depth)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        write_items(list.iter(), out, depth)?;
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        write_items(tuple.iter(), out, depth)?;
    } else if value.is_instance(DECIMAL.import(value.py(), "decimal", "Decimal")?)? {
        write_text(&decimal(value)?, out);
    } else if let Ok(map) = value.cast::<PyMapping>() {
        let items = map.items()?;
        let pairs = items
            .iter()
            .map(|pair| pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>());
        write_entries(pairs, out, depth)?;
    } else if let Some(index) = value.getattr_opt("__index__")? {
        *out += index.call0()?.str()?.to_str()?;
    } else if value.hasattr("__float__")? {
        return Err(float(value));
    } else {
        let found = type_name(value);
        return Err(Problem::new(move |_, at| {
            PyTypeError::new_err(format!(
                "{at} is of type {found}; expected a string, an int, a Decimal, a list or a dict"
            ))
        }));
    }
    Ok(())
}

fn write_entries<'py>(
    entries: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
    out: &mut String,
    depth: usize,
) -> Result<(), Problem> {
    out.push('{');
    for (index, entry) in entries.enumerate() {
        let (key, value) = entry?;
        if index > 0 {
            out.push(',');
        }
        let Ok(text) = key.cast::<PyString>() else {
            let found = type_name(&key);
            return Err(Problem::new(move |_, at| {
                PyTypeError::new_err(format!("a key of {at} is of type {found}; expected a string"))
            }));
        };
        let text = text.to_str()?;
        write_text(text, out);
        out.push(':');
        write(&value, out, depth + 1).map_err(|problem| problem.at(format!("[{text:?}]")))?;
    }
    out.push('}');
    Ok(())
}

fn write_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    out: &mut String,
    depth: usize,
) -> Result<(), Problem> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(&item, out, depth + 1).map_err(|problem| problem.at(format!("[{index}]")))?;
    }
    out.push(']');
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    *out += &serde_json::Value::from(text).to_string();
}

/// A decimal without an exponent.
fn decimal(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let finite: bool = value.call_method0("is_finite")?.extract()?;
    let plain = finite && {
        let exponent = value.call_method0("as_tuple")?.getattr("exponent")?;
        let (first, last): (i64, i64) = (value.call_method0("adjusted")?.extract()?, exponent.extract()?);
        first.abs() <= MAX_DIGITS && last.abs() <= MAX_DIGITS
    };
    let text = match plain {
        true => value.call_method1("__format__", ("f",))?,
        false => value.str()?.into_any(),
    };
    Ok(text.cast::<PyString>()?.to_str()?.to_owned())
}

fn float(value: &Bound<'_, PyAny>) -> Problem {
    let (found, shown) = (
        type_name(value),
        value.str().map_or_else(|_| "…".into(), |text| text.to_string()),
    );
    Problem::new(move |py, at| words::inexact(py, at, &found, &shown))
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .name()
        .map_or_else(|_| "object".into(), |name| name.to_string())
}
