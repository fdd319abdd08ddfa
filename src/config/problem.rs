//! What is wrong in a configuration file, and where.

use std::fmt;

use super::document::FilePosition;

/// One thing to tell the author of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, both counted from 1; `None` when the file as a whole is meant.
    pub position: Option<FilePosition>,
    /// What is wrong and, where it is known, what to do about it. Never holds the value of a variable or a secret.
    pub message: String,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// The file, as it was named.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a valid configuration.
    Invalid {
        /// The file, as it was named.
        file: String,
        /// All that was found, in the order of the file; at least one.
        problems: Vec<Problem>,
    },
}

/// Shows `file:line:column: message`.
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
    /// One line for each problem: `file:line:column: message`.
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
