use http::Request;
use proptest::prelude::*;

use super::*;
use crate::config::Secret;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z, the time of AWS's own test suite.
const NOW: u64 = 1_440_938_160;

fn credentials() -> Vec<AwsCredential> {
    vec![AwsCredential {
        access_key_id: KEY.to_owned(),
        secret_access_key: Secret::new(SECRET),
    }]
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A request signed with this code's own parts: what it takes is checked against other signers elsewhere.
fn signed(path: &str, body: &[u8], more: &[(&str, &str)]) -> Parts {
    let mut names = vec!["host".to_owned(), DATE.to_owned()];
    let mut request = Request::post(path)
        .header("host", "proxy:8080")
        .header(DATE, "20150830T123600Z");
    for (name, value) in more {
        request = request.header(*name, *value);
        names.push((*name).to_owned());
    }
    names.sort();
    let (mut head, ()) = request.body(()).expect("a request").into_parts();
    let scope = "20150830/eu-west-1/bedrock/aws4_request";
    let payload = lower_hex(&Sha256::digest(body));
    let text =
        canonical_request::write_canonical_request(&head, &names, &payload).expect("a canonical request");
    let text = lower_hex(&Sha256::digest(text));
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in scope.split('/') {
        key = mac(&key, part).expect("a code").finalize().into_bytes().to_vec();
    }
    let to_sign = format!("{ALGORITHM}\n20150830T123600Z\n{scope}\n{text}");
    let signature = lower_hex(&mac(&key, &to_sign).expect("a code").finalize().into_bytes());
    let names = names.join(";");
    let value = format!("{ALGORITHM} Credential={KEY}/{scope}, SignedHeaders={names}, Signature={signature}");
    head.headers
        .insert(AUTHORIZATION, value.parse().expect("a value"));
    head
}

fn check(head: &Parts, body: &[u8], now: u64) -> Result<(), String> {
    let known = credentials();
    let claim = SignatureClaim::read(head, &known, at(now)).map_err(|error| error.message)?;
    claim.verify(head, body).map_err(|error| error.message)
}

/// The derivation of the signing key that AWS's documentation works out.
#[test]
fn the_key_is_derived_as_documented() {
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in ["20120215", "us-east-1", "iam", "aws4_request"] {
        key = mac(&key, part).expect("a code").finalize().into_bytes().to_vec();
    }
    assert_eq!(
        lower_hex(&key),
        "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
    );
}

#[test]
fn a_signature_holds_for_its_request_only() {
    let path = "/p/model/us.anthropic.x-v1%3A0/invoke";
    let head = signed(path, b"{}", &[]);
    assert_eq!(check(&head, b"{}", NOW), Ok(()));
    assert!(check(&head, b"{ }", NOW).is_err(), "another body");
    let mut other = head.clone();
    other.uri = "/p/model/us.anthropic.y-v1%3A0/invoke".parse().expect("a path");
    assert!(check(&other, b"{}", NOW).is_err(), "another path");
    let mut other = head.clone();
    other
        .headers
        .insert("host", "elsewhere".parse().expect("a value"));
    assert!(check(&other, b"{}", NOW).is_err(), "another host");
    let mut other = head.clone();
    other
        .headers
        .insert("x-amz-security-token", "t".parse().expect("a value"));
    assert!(check(&other, b"{}", NOW).is_err(), "a header that is not signed");
    let hash = lower_hex(&Sha256::digest(b"{}"));
    assert_eq!(
        check(&signed(path, b"{}", &[(PAYLOAD_HASH, &hash)]), b"{}", NOW),
        Ok(())
    );
    let unsigned = signed(path, b"{}", &[(PAYLOAD_HASH, "UNSIGNED-PAYLOAD")]);
    assert!(check(&unsigned, b"{}", NOW).is_err(), "a body that is not signed");
}

#[test]
fn clocks_may_be_five_minutes_apart() {
    let head = signed("/model/m/invoke", b"", &[]);
    for (now, expected) in [
        (NOW - 300, true),
        (NOW + 300, true),
        (NOW - 301, false),
        (NOW + 301, false),
        (0, false),
    ] {
        assert_eq!(check(&head, b"", now).is_ok(), expected, "{now}");
    }
    assert_eq!(
        parse_timestamp("20150830T123600Z"),
        Some(Duration::from_secs(NOW))
    );
    assert_eq!(
        parse_timestamp("20240229T000000Z"),
        Some(Duration::from_secs(1_709_164_800))
    );
    for text in [
        "20150830T123600",
        "2015083012T3600Z",
        "20151330T123600Z",
        "+0150830T123600Z",
        "19691231T235959Z",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text}");
    }
}

#[test]
fn what_is_incomplete_or_foreign_is_refused() {
    let head = signed("/model/m/invoke", b"", &[]);
    let original = head.headers[AUTHORIZATION].to_str().expect("text").to_owned();
    for (from, to) in [
        (original.as_str(), ""),
        (original.as_str(), "Bearer token"),
        (KEY, "AKIDOTHER"),
        ("/bedrock/", "/s3/"),
        ("20150830/", "20150831/"),
        ("SignedHeaders=host;", "SignedHeaders="),
        ("SignedHeaders", "Signed"),
        ("Signature=", "Signature=zz"),
        ("/aws4_request", ""),
    ] {
        let mut head = head.clone();
        let value = original.replacen(from, to, 1);
        head.headers
            .insert(AUTHORIZATION, value.parse().expect("a value"));
        assert!(check(&head, b"", NOW).is_err(), "{value}");
    }
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(value in "[ -~]{0,200}", date in "[ -~]{0,20}") {
        let request = Request::post("/model/m/invoke").header(AUTHORIZATION, value).header(DATE, date);
        let (head, ()) = request.body(()).expect("a request").into_parts();
        prop_assert!(check(&head, b"", NOW).is_err());
    }
}
