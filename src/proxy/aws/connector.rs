//! The proxy's HTTP client, lent to AWS's code that asks for credentials: no second one with a TLS of its own.

use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;

use super::super::upstream::install_crypto;

/// How long a connection may take to be made: the metadata service of a machine that has none is silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The client.
#[derive(Clone, Debug)]
pub(super) struct AwsHttpConnector {
    /// For AWS's services, by the proxy that the environment may name.
    remote: reqwest::Client,
    /// For the metadata services of containers and machines, which no proxy reaches and which speak no TLS.
    local: reqwest::Client,
}

impl AwsHttpConnector {
    /// A client, one that cannot speak TLS where the system has no certificate authorities.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(super) fn new() -> io::Result<Self> {
        install_crypto();
        let builder = || {
            reqwest::Client::builder()
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
        };
        let remote = builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build());
        let local = builder().no_proxy().tls_certs_only([]).build();
        Ok(Self {
            remote: remote.map_err(io::Error::other)?,
            local: local.map_err(io::Error::other)?,
        })
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
        let client = if head.uri.scheme() == Some(&http::uri::Scheme::HTTPS) {
            self.remote
        } else {
            self.local
        };
        let outcome = client
            .request(head.method, head.uri.to_string())
            .headers(head.headers)
            .body(body)
            .send()
            .await;
        let failed = |error: reqwest::Error| {
            if error.is_timeout() {
                ConnectorError::timeout(error.into())
            } else {
                ConnectorError::io(error.into())
            }
        };
        let answer = outcome.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(failed)?;
        let mut response = http::Response::new(SdkBody::from(body.to_vec()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
    }
}

impl HttpConnector for AwsHttpConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for AwsHttpConnector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
