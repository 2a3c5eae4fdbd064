//! Where a request comes from.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;

/// Refuses requests that another web site makes through the visitor's browser: a foreign `Host` (DNS rebinding) or a
/// foreign `Origin` (cross-site request).
pub(crate) async fn only_from_here(
    State(address): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if is_from_here(address, request.headers()) {
        return next.run(request).await;
    }
    let detail = format!("this console answers only to pages of http://{address}");
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response()
}

fn is_from_here(address: SocketAddr, headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let own = [
        address.to_string(),
        format!("localhost:{}", address.port()),
        format!("127.0.0.1:{}", address.port()),
    ];
    let is_own = |host: &str| own.iter().any(|own| own == host);
    header(header::HOST).is_some_and(is_own)
        && header(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_own))
}
