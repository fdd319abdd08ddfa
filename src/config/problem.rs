//! Problems in a configuration file.

use std::fmt;

use super::document::FilePosition;

/// An error or a warning about a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, both from 1; `None` if the problem concerns the whole file.
    pub position: Option<FilePosition>,
    /// The problem and, if known, the remedy. Never contains the value of a variable or a secret.
    pub message: String,
}

/// Why a configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// The name of the file as the user wrote it.
        file: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not a valid configuration.
    Invalid {
        /// The name of the file as the user wrote it.
        file: String,
        /// All problems, in the order of the file; at least one.
        problems: Vec<Problem>,
    },
}

/// Writes `file:line:column: message`, which editors and terminals recognize as a link. `kind` comes before the
/// message, such as `warning: `.
pub(crate) fn write_problem(
    f: &mut impl fmt::Write,
    file: &str,
    kind: &str,
    problem: &Problem,
) -> fmt::Result {
    match problem.position {
        Some((line, column)) => write!(f, "{file}:{line}:{column}: {kind}{}", problem.message),
        None => write!(f, "{file}: {kind}{}", problem.message),
    }
}

impl fmt::Display for ConfigError {
    /// Writes one line per problem: `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, source } => {
                let hint = match source.kind() {
                    std::io::ErrorKind::InvalidData => " (save the file as UTF-8)",
                    _ => "",
                };
                write!(f, "{file}: cannot be read: {source}{hint}")
            }
            Self::Invalid { file, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    if index > 0 {
                        f.write_str("\n")?;
                    }
                    write_problem(f, file, "", problem)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Invalid { .. } => None,
        }
    }
}
