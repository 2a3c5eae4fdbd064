//! Counts requests and how long they take, by route.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::metrics::metrics;

/// Counts the request by its route, not by its path: that would name people and lamps.
pub(crate) async fn measured(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = word(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics().http_latency.with_label_values(&[route]).observe(began.elapsed().as_secs_f64());
    metrics().http_requests.with_label_values(&[route, method, response.status().as_str()]).inc();
    response
}

/// A client may invent methods, but not label values.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;

    fn counted(labels: [&str; 3]) -> u64 {
        metrics().http_requests.with_label_values(&labels).get()
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_and_neither_by_path_nor_by_an_invented_method() {
        let router = Router::new()
            .route("/measured/{who}", get(async || "hello"))
            .fallback(async || "nothing")
            .layer(middleware::from_fn(measured));
        for (method, path) in [("GET", "/measured/me"), ("PAINT", "/measured/me"), ("GET", "/me")] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }
        assert_eq!(counted(["/measured/{who}", "GET", "200"]), 1);
        assert_eq!(counted(["/measured/{who}", "other", "405"]), 1);
        assert!(counted(["none", "GET", "200"]) >= 1);
    }
}
