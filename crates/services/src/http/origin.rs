//! Where a request comes from, by what its browser says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;
use crate::tls::Certificate;

/// Under which hosts a listener is known.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    address: SocketAddr,
    /// With TLS: every host of the certificate.
    certificate: Option<Arc<Certificate>>,
}

impl Origins {
    pub(crate) fn new(address: SocketAddr, certificate: Option<Certificate>) -> Self {
        Self { address, certificate: certificate.map(Arc::new) }
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }

    /// Whether browsers take its pages for safe: behind TLS, or of this machine.
    pub(super) fn is_trusted(&self) -> bool {
        self.certificate.is_some() || self.address.ip().is_loopback()
    }

    fn allows(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let own_page = |origin: &str| {
            let host = origin.split_once("://").filter(|(scheme, _)| *scheme == self.scheme());
            host.is_some_and(|(_, host)| self.is_own(host))
        };
        // Every request has a host, and one at most says from which page it comes.
        headers.get_all(header::HOST).iter().count() == 1
            && text(header::HOST).is_some_and(|host| self.is_own(host))
            && text(header::ORIGIN).is_none_or(own_page)
    }

    /// Whether `host`, with its port, is one of ours. A foreign site whose name leads here (DNS rebinding) says its own.
    fn is_own(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(if self.certificate.is_some() { 443 } else { 80 })),
        };
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        port == Some(self.address.port()) && self.is_own_name(name)
    }

    fn is_own_name(&self, name: &str) -> bool {
        let here = self.address.ip();
        let by_address = |ip: IpAddr| ip == here || here.is_unspecified() || ip.is_loopback();
        name == "localhost"
            || name.parse().is_ok_and(by_address)
            || self.certificate.as_ref().is_some_and(|certificate| certificate.covers(name))
    }
}

/// Refuses requests that another web site makes through the visitor's browser: a foreign `Host` (DNS rebinding) or a
/// foreign `Origin` (cross-site request).
pub(crate) async fn only_from_here(State(own): State<Origins>, request: Request, next: Next) -> Response {
    if own.allows(request.headers()) {
        return next.run(request).await;
    }
    let detail =
        format!("this is {}://{}, which answers only to pages of its own", own.scheme(), own.address);
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(own: &Origins, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        own.allows(&headers)
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let own = Origins::new("127.0.0.1:8080".parse().unwrap(), None);
        for (host, origin) in [
            ("evil.example:8080", None),
            ("evil.example", None),
            ("127.0.0.1", None),
            ("127.0.0.1:8081", None),
            ("192.0.2.7:8080", None),
            ("", None),
            ("127.0.0.1:8080", Some("http://evil.example")),
            ("127.0.0.1:8080", Some("https://127.0.0.1:8080")),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8081")),
            ("127.0.0.1:8080", Some("null")),
            ("127.0.0.1:8080", Some("")),
        ] {
            assert!(!asked(&own, host, origin), "{host} {origin:?}");
        }
        assert!(!own.allows(&HeaderMap::new()), "no host");
        let mut twice = HeaderMap::new();
        twice.append(header::HOST, "127.0.0.1:8080".parse().unwrap());
        twice.append(header::HOST, "evil.example".parse().unwrap());
        assert!(!own.allows(&twice));
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert!(asked(&own, host, None) && asked(&own, host, Some(&format!("http://{host}"))), "{host}");
        }
    }

    #[test]
    fn on_all_addresses_any_address_is_its_own_but_no_name() {
        let own = Origins::new("0.0.0.0:8090".parse().unwrap(), None);
        assert!(!asked(&own, "evil.example:8090", None));
        assert!(asked(&own, "192.0.2.7:8090", Some("http://192.0.2.7:8090")));
    }

    #[test]
    fn with_tls_the_names_of_the_certificate_are_its_own() {
        let names = ["kite.example".to_owned()];
        let certificate = Certificate::self_signed(&names, crate::time::wall_now()).unwrap();
        let own = Origins::new("127.0.0.1:443".parse().unwrap(), Some(certificate));
        assert!(!asked(&own, "evil.example", None));
        assert!(!asked(&own, "kite.example", Some("http://kite.example")));
        assert!(asked(&own, "kite.example", Some("https://kite.example")));
    }
}
