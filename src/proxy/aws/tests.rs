use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use super::super::sigv4::SignatureClaim;
use super::*;
use crate::config::{AwsCredential, Secret};

fn signing() -> AwsSigning {
    AwsSigning {
        region: "eu-west-1".to_owned(),
        profile: None,
        service: "bedrock".to_owned(),
    }
}

fn request(url: &str) -> OutgoingRequest {
    OutgoingRequest {
        method: Method::POST,
        url: Url::parse(url).expect("a URL"),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
        body: vec![Bytes::from_static(b"{\"a\":"), Bytes::from_static(b"1}")],
    }
}

/// What AWS's own code signs is what the proxy takes from its clients: two implementations, held together.
#[test]
fn signatures_of_the_vendors_code_are_accepted() {
    let known = [AwsCredential {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("secret"),
    }];
    let now = SystemTime::now();
    for (url, token) in [
        ("https://h/model/us.anthropic.x-v1%3A0/invoke", None),
        (
            "https://h/base/model/arn%3Aaws%3Ax%2Fy/invoke?b=1&a=%20z",
            Some("token"),
        ),
        ("http://127.0.0.1:8080/model/a:b/invoke", None),
    ] {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", token.map(str::to_owned), None, "test");
        let mut request = request(url);
        sign_with(credentials, &mut request, &signing(), now).expect("a signature");
        let host = request.url.host_str().unwrap_or_default();
        let host = match request.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = url::Position::BeforePath..;
        let mut head = http::Request::post(&request.url[path]).header(HOST, host);
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let (head, ()) = head.body(()).expect("a request").into_parts();
        let claim = SignatureClaim::read(&head, &known, now).expect("a claim");
        assert_eq!(claim.verify(&head, b"{\"a\":1}"), Ok(()), "{url}");
        assert!(claim.verify(&head, b"{\"a\":2}").is_err());
        assert_eq!(head.headers.contains_key("x-amz-security-token"), token.is_some());
        assert!(request.headers["authorization"].is_sensitive());
    }
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_an_error() {
    let signing = AwsSigning {
        profile: Some("llm-proxy-test-no-such-profile".to_owned()),
        ..signing()
    };
    let signer = AwsSigner::new([&signing].into_iter());
    let outcome = signer.sign(&mut request("https://h/"), &signing).await;
    assert_eq!(outcome.map_err(|error| error.class), Err(ErrorClass::Upstream));
}
