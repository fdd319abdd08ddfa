//! The HTTP client for AWS's code that fetches credentials. It is reqwest, which the proxy has anyway; the client of
//! AWS's libraries would bring a second implementation of TLS into the program.

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

/// The longest time that a connection may take to be made. A machine without a metadata service does not refuse the
/// connection, and the search goes on only after this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time until a whole response has been received.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client for AWS's libraries.
#[derive(Clone, Debug)]
pub(super) struct AwsHttpConnector {
    /// For AWS's services, through the proxy that the environment may name.
    remote: reqwest::Client,
    /// For the metadata services of containers and machines. They have link-local addresses, which a proxy from the
    /// environment cannot reach, and do not use TLS.
    local: reqwest::Client,
}

impl AwsHttpConnector {
    /// A client. It cannot speak TLS if the system has no certificate authorities, which the metadata services do not
    /// need.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(super) fn new() -> io::Result<Self> {
        install_crypto();
        let builder = || {
            reqwest::Client::builder()
                // Credentials are not to be sent to another host.
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
        // The kind of an error decides whether AWS's code tries again.
        let to_connector_error = |error: reqwest::Error| {
            if error.is_timeout() {
                ConnectorError::timeout(error.into())
            } else {
                ConnectorError::io(error.into())
            }
        };
        let received = outcome.map_err(to_connector_error)?;
        let (status, headers) = (received.status(), received.headers().clone());
        let body = received.bytes().await.map_err(to_connector_error)?;
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
