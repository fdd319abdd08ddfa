//! Checks the signatures of clients: AWS Signature Version 4 in the header `Authorization`.
//!
//! A check has two steps. [`SignatureClaim::read`] needs the head alone, so that a request with an unknown key or an
//! old date is refused before its body is received. [`SignatureClaim::verify`] needs the body, whose hash is signed.
//!
//! The rules are those of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

mod canonical_request;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::canonical::{Error, ErrorClass};
use crate::config::AwsCredential;

/// How far a client's clock may be off; AWS allows the same. It limits the time in which a recorded request can be
/// sent again.
const SKEW: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The service that requests have to be signed for.
const SERVICE: &str = "bedrock";
const TERMINATOR: &str = "aws4_request";
const DATE: &str = "x-amz-date";
const PAYLOAD_HASH: &str = "x-amz-content-sha256";
/// The prefix of headers that have to be signed if a request has them. AWS services act on them, so nobody may add one.
const MUST_BE_SIGNED: &str = "x-amz-";

/// The claim in a client's `Authorization` header: to have signed the request with a known key, at about this time.
#[derive(Debug)]
pub struct SignatureClaim<'a> {
    credential: &'a AwsCredential,
    /// `20260101/eu-west-1/bedrock/aws4_request`
    scope: String,
    /// `20260101T000000Z`
    date: String,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

impl<'a> SignatureClaim<'a> {
    /// Reads the claim of a request, before its body has been received.
    ///
    /// # Errors
    /// When there is no claim, or one that cannot be valid: an unknown key, another time or service, or headers that
    /// are not signed and have to be.
    pub fn read(head: &Parts, known: &'a [AwsCredential], now: SystemTime) -> Result<Self, Error> {
        // The fields of the header.
        let missing = || refused("the request is not signed: Missing Authentication Token");
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = header(AUTHORIZATION.as_str()).ok_or_else(missing)?;
        let fields = authorization.trim().strip_prefix(ALGORITHM).ok_or_else(missing)?;
        let incomplete = || refused("the Authorization header is incomplete");
        let field = |name: &str| {
            let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
            fields.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let (key_id, scope) = field("Credential")
            .and_then(|credential| credential.split_once('/'))
            .ok_or_else(incomplete)?;
        let signed_headers = field("SignedHeaders").ok_or_else(incomplete)?;
        let signature = field("Signature").and_then(parse_hex).ok_or_else(incomplete)?;
        let date = header(DATE).ok_or_else(incomplete)?;

        // The key, and the scope that it was derived for.
        let credential = known
            .iter()
            .find(|credential| credential.access_key_id == key_id)
            .ok_or_else(|| refused("the security token included in the request is invalid"))?;
        let scope_parts: Vec<&str> = scope.split('/').collect();
        let [day, _, SERVICE, TERMINATOR] = scope_parts.as_slice() else {
            let message = format!("the credential must be scoped to the service {SERVICE}");
            return Err(refused(message));
        };
        // The time. The day is in the scope as well, from which the signing key is derived.
        let time = parse_timestamp(date).ok_or_else(incomplete)?;
        if !date.starts_with(day) {
            return Err(refused(
                "the date of the credential's scope is not that of the request",
            ));
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if time.abs_diff(now) > SKEW {
            return Err(refused(
                "the signature is expired or not yet valid: compare the clocks",
            ));
        }
        // The signed headers. Whatever is not signed could have been changed or added by somebody else.
        let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_owned).collect();
        let is_signed = |name: &str| signed_headers.iter().any(|signed| signed == name);
        let names = head.headers.keys().map(http::HeaderName::as_str);
        let mut required = names.filter(|name| name.starts_with(MUST_BE_SIGNED));
        if !is_signed("host") || !required.all(is_signed) {
            return Err(refused("`host` and every `x-amz-` header have to be signed"));
        }
        Ok(Self {
            credential,
            scope: scope.to_owned(),
            date: date.to_owned(),
            signed_headers,
            signature,
        })
    }

    /// Verifies the signature of the request that the claim was read from.
    ///
    /// # Errors
    /// When the signature is wrong, or the body is not the one that was signed. Both have the same message, so that
    /// it does not help to guess a key.
    pub fn verify(&self, head: &Parts, body: &[u8]) -> Result<(), Error> {
        let wrong = || {
            refused(
                "the request signature we calculated does not match the signature you provided: \
                 check the secret access key and the signing method",
            )
        };
        let payload = lower_hex(&Sha256::digest(body));
        // A hash in the headers is signed, since its name begins with `x-amz-`; so it has to be that of the body.
        if head
            .headers
            .get(PAYLOAD_HASH)
            .is_some_and(|hash| hash != payload.as_str())
        {
            return Err(wrong());
        }
        let request = canonical_request::write_canonical_request(head, &self.signed_headers, &payload)
            .ok_or_else(wrong)?;
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.date,
            self.scope,
            lower_hex(&Sha256::digest(request))
        );
        // The signing key is derived from the secret and each part of the scope in turn.
        let secret = format!("AWS4{}", self.credential.secret_access_key.expose());
        let mut key = secret.into_bytes();
        for part in self.scope.split('/') {
            key = mac(&key, part)
                .ok_or_else(wrong)?
                .finalize()
                .into_bytes()
                .to_vec();
        }
        let mac = mac(&key, &to_sign).ok_or_else(wrong)?;
        // In constant time: how long a comparison takes must not tell how much of a guess is right.
        mac.verify_slice(&self.signature).map_err(|_| wrong())
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorClass::Authentication, message)
}

/// The authentication code of a text. Never `None`, since a key of any length is valid.
fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// Bytes as hexadecimal digits, in lower case.
pub fn lower_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The bytes of hexadecimal digits; `None` if the text is not pairs of them.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    };
    digits.map(byte).collect()
}

/// The time since 1970 of a date like `20260101T000000Z`.
fn parse_timestamp(text: &str) -> Option<Duration> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| all)
    };
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    // In years that begin in March, the leap day is the last day, and the lengths of the months follow a simple
    // formula.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    /// Days from March of the year 0 to 1970.
    const EPOCH: u64 = 719_468;
    Some(Duration::from_secs(
        (days.checked_sub(EPOCH)?) * 86_400 + hour * 3600 + minute * 60 + second,
    ))
}
