//! The pages, inside the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pages");

/// What a page may load and talk to: itself.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The operator's console.
pub(crate) async fn console() -> Response {
    page("index.html")
}

/// The phone.
pub(crate) async fn phone() -> Response {
    page("phone.html")
}

/// The kiosk.
pub(crate) async fn kiosk() -> Response {
    page("kiosk.html")
}

/// A hospital's till.
pub(crate) async fn till() -> Response {
    page("till.html")
}

/// The attack desk.
pub(crate) async fn attack() -> Response {
    page("attack.html")
}

/// Scripts, styles and pictures.
pub(crate) async fn asset(Path(path): Path<String>) -> Response {
    page(&path)
}

fn page(path: &str) -> Response {
    let Some(file) = PAGES.get_file(path) else {
        return (StatusCode::NOT_FOUND, "no such page").into_response();
    };
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, file.contents()).into_response()
}
