//! Owns the SDK's way in without sockets, so that tokio's paused clock works.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::core::Core;
use crate::dispatch;

/// Brings an SDK client's requests to a sandbox of the same process.
#[derive(Clone, Debug)]
pub struct InMemoryClient {
    core: Arc<Core>,
}

impl InMemoryClient {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl HttpClient for InMemoryClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(InMemoryConnector {
            core: Arc::clone(&self.core),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct InMemoryConnector {
    core: Arc<Core>,
    read_timeout: Option<Duration>,
}

impl HttpConnector for InMemoryConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let core = Arc::clone(&self.core);
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let answering = answer(core, request);
            match read_timeout {
                None => answering.await,
                Some(limit) => tokio::time::timeout(limit, answering)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
            }
        })
    }
}

async fn answer(core: Arc<Core>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body = body
        .bytes()
        .ok_or_else(|| ConnectorError::user("the sandbox takes no streamed bodies".into()))?
        .to_vec();
    let response = dispatch::handle(&core, http::Request::from_parts(head, body))
        .await
        .map_err(|dropped| ConnectorError::io(dropped.into()))?;
    HttpResponse::try_from(response.map(SdkBody::from))
        .map_err(|error| ConnectorError::user(error.into()))
}
