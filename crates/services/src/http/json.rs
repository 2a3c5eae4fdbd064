//! Bodies in JSON.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::Problem;

/// A body in JSON; what is wrong with it is told as a [`Problem`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(rejection)) => {
                let detail = "the body must be JSON, and say so: `Content-Type: application/json`";
                Err(Problem::new(rejection.status(), "not_json", detail))
            }
            Err(rejection) => Err(Problem::invalid(rejection.body_text())),
        }
    }
}
