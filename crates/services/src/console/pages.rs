//! The pages, inside the binary.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::Json;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

use crate::http::no_such_place;

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pages");

/// What names all that the phone page loads.
const PHONE: [&str; 2] = ["phone.html", "phone.webmanifest"];

/// The operator's console.
pub(crate) async fn console() -> Response {
    page("index.html")
}

/// The phone.
pub(crate) async fn phone() -> Response {
    page("phone.html")
}

/// What makes the phone page a program of its own on a telephone.
pub(crate) async fn phone_manifest() -> Response {
    page("phone.webmanifest")
}

/// What keeps the phone page. It stands here because it may only look after pages below its own place.
pub(crate) async fn phone_worker() -> Response {
    page("js/phone-worker.js")
}

/// Everything that the phone page is made of, for its worker to keep.
pub(crate) async fn phone_shell() -> Json<Vec<String>> {
    Json(loaded_by(&PHONE).into_iter().map(|file| format!("/assets/{file}")).collect())
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

/// Where a device of the network shows the PIN.
pub(crate) async fn pair() -> Response {
    page("pair.html")
}

/// Scripts, styles and pictures, if the pages for the network load them.
pub(crate) async fn asset_of_phone(Path(path): Path<String>) -> Response {
    static LOADED: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| loaded_by(&[&PHONE[..], &["pair.html"]].concat()));
    if LOADED.contains(&path) { page(&path) } else { no_such_place().await.into_response() }
}

/// The bus view.
pub(crate) async fn bus() -> Response {
    page("bus.html")
}

/// Scenarios: choose one, play it, read its report.
pub(crate) async fn scenarios() -> Response {
    page("scenarios.html")
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
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    (headers, file.contents()).into_response()
}

/// The files that `pages` load, and those load in turn: what they name in quotes, from the root or beside themselves.
fn loaded_by(pages: &[&str]) -> BTreeSet<String> {
    let mut loaded = BTreeSet::new();
    let mut unread: Vec<String> = pages.iter().map(|&page| page.to_owned()).collect();
    while let Some(path) = unread.pop() {
        let Some(text) = PAGES.get_file(&path).and_then(|file| file.contents_utf8()) else { continue };
        let named = text.split(['"', '\'', '`']).filter_map(|word| named_file(&path, word));
        let new: Vec<_> =
            named.filter(|file| PAGES.get_file(file).is_some() && !loaded.contains(file)).collect();
        loaded.extend(new.iter().cloned());
        unread.extend(new);
    }
    loaded
}

/// The file that a word in `path` may mean.
fn named_file(path: &str, word: &str) -> Option<String> {
    if let Some(file) = word.strip_prefix("/assets/") {
        return Some(file.to_owned());
    }
    if !word.starts_with("./") && !word.starts_with("../") {
        return None;
    }
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    for step in word.split('/') {
        match step {
            "." => {}
            ".." => drop(folders.pop()?),
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_gets_what_the_phone_page_loads_and_neither_console_nor_kiosk() {
        let loaded = loaded_by(&["phone.html", "pair.html"]);
        for foreign in
            ["index.html", "kiosk.html", "js/console.js", "js/kiosk.js", "js/map.js", "style/console.css"]
        {
            assert!(PAGES.get_file(foreign).is_some() && !loaded.contains(foreign), "{foreign}");
        }
        for own in ["js/phone.js", "js/pair.js", "js/i18n/en/phone.js", "style/phone.css", "icons/kite.svg"] {
            assert!(loaded.contains(own), "{own}");
        }
    }
}
