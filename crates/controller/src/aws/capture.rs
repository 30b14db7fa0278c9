//! Owns keeping an answer's body as it came, with the fields that the SDK does not know.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// An interceptor that keeps the last body of one operation.
#[derive(Debug, Clone, Default)]
pub(super) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// The body as JSON; null if there was none.
    pub(super) fn json(&self) -> Value {
        let body = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }
}

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "CaptureBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = body.to_vec();
        Ok(())
    }
}
