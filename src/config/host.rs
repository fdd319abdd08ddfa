//! The address to listen on.

use std::net::IpAddr;

/// Parses the address to listen on: an IP address (IPv6 with or without brackets) or a host name.
///
/// # Errors
/// The problem, as the end of a sentence that begins with the quoted text.
pub fn parse_host(text: &str) -> Result<String, &'static str> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    let name = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    // Text of digits and dots is a mistyped IP address, not a host name.
    let numeric = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !numeric && text.split('.').all(name) {
        Ok(text.to_owned())
    } else {
        Err("is not an IP address or a host name (the port is set separately)")
    }
}

#[cfg(test)]
mod tests {
    use super::parse_host;

    #[test]
    fn addresses_and_names_without_a_port() {
        for (text, host) in [
            ("::1", "::1"),
            ("[::]", "::"),
            ("0.0.0.0", "0.0.0.0"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(parse_host(text).as_deref(), Ok(host));
        }
        for text in ["", "1.2.3", "localhost:80", "a b", "http://x", "a..b", "[x]"] {
            assert!(parse_host(text).is_err(), "{text}");
        }
    }
}
