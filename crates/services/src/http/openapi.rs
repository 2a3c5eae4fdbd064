//! The table of an interface, and the `OpenAPI` 3.1 document made from it.

use axum::Router;
use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};

use super::interface;

/// One row of an interface's table: what can be done, where, and by which function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<S: 'static> {
    /// Its name in the document.
    pub(crate) name: &'static str,
    /// `get`, `post` or `delete`.
    pub(crate) method: &'static str,
    /// Where, with parameters in braces.
    pub(crate) path: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// The path with parameters filled in.
    pub(crate) example: &'static str,
    /// A body; empty = it takes none.
    pub(crate) request: &'static str,
    /// An answer to it; empty = an image, as SVG.
    pub(crate) answer: &'static str,
    /// Who does it.
    pub(crate) handler: fn() -> MethodRouter<S>,
    /// Whose bearer token it wants; empty = none.
    pub(crate) asker: &'static str,
    /// The media type of the answer.
    pub(crate) media: &'static str,
}

/// The media type of answers, unless said otherwise.
const JSON: &str = "application/json";

impl<S> Operation<S> {
    /// A row that changes nothing.
    pub(crate) const fn get(
        name: &'static str,
        path: &'static str,
        summary: &'static str,
        example: &'static str,
        answer: &'static str,
        handler: fn() -> MethodRouter<S>,
    ) -> Self {
        let (asker, media) = ("", JSON);
        Self { name, method: "get", path, summary, example, request: "", answer, handler, asker, media }
    }

    /// A row that takes a body, or none, and a key.
    pub(crate) const fn post(
        name: &'static str,
        path: &'static str,
        summary: &'static str,
        example: &'static str,
        (request, answer): (&'static str, &'static str),
        handler: fn() -> MethodRouter<S>,
    ) -> Self {
        let (asker, media) = ("", JSON);
        Self { name, method: "post", path, summary, example, request, answer, handler, asker, media }
    }

    /// A row that ends something; twice is as good as once.
    pub(crate) const fn delete(
        name: &'static str,
        path: &'static str,
        summary: &'static str,
        example: &'static str,
        answer: &'static str,
        handler: fn() -> MethodRouter<S>,
    ) -> Self {
        let (asker, media) = ("", JSON);
        Self { name, method: "delete", path, summary, example, request: "", answer, handler, asker, media }
    }

    /// The same, for whoever has the bearer token of an `asker`.
    pub(crate) const fn by(mut self, asker: &'static str) -> Self {
        self.asker = asker;
        self
    }

    /// The same with an answer that is no JSON.
    pub(crate) const fn gives(mut self, media: &'static str) -> Self {
        self.media = media;
        self
    }
}

/// How a domain says no: status and code.
pub(crate) type Refusal = (u16, String);

/// The routes of a table.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(table: &[Operation<S>]) -> Router<S> {
    interface(table.iter().fold(Router::new(), |router, row| router.route(row.path, (row.handler)())))
}

/// The paths of a table, as the document has them. `parameter` says what a parameter of a path is.
pub(crate) fn paths<S>(table: &[Operation<S>], parameter: fn(&str) -> &'static str) -> Map<String, Value> {
    let mut paths = Map::new();
    for row in table {
        let place = paths.entry(row.path).or_insert_with(|| json!({}));
        place[row.method] = operation(row, parameter);
    }
    paths
}

/// The document of everything that is served: `paths` from [`paths`], and how the domains say no.
pub(crate) fn document(paths: &Map<String, Value>, refusals: &[Refusal]) -> Value {
    let codes: Vec<String> = refusals.iter().map(|(status, code)| format!("{status} `{code}`")).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kitecity",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A simulated smart city. SIMULATED / 模拟: no real system, no real person, demo policies. \
                            Amounts are whole fen.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "holder": { "type": "http", "scheme": "bearer", "description": "The session of `POST /v1/enrollments`." },
                "reader": { "type": "http", "scheme": "bearer", "description": "The token of a reader, such as `museum.…`; `GET /v1/admin/readers` tells them." },
                "operator": { "type": "http", "scheme": "bearer", "description": "The operator's password." },
            },
            "parameters": { "IdempotencyKey": {
                "name": "Idempotency-Key", "in": "header", "required": true,
                "description": "Names this request: sent again under the same key, it is done once.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 64 },
                "example": "6f1c2a1e-3f0f-4f57-9a53-0d6a2c1b7e11",
            }},
            "responses": { "Problem": {
                "description": format!("Not done, nothing changed, nothing held: {}.", codes.join(", ")),
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            }},
            "schemas": { "Problem": {
                "type": "object",
                "description": "RFC 9457, with a code for programs.",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": { "type": "string" },
                    "title": { "type": "string" },
                    "status": { "type": "integer" },
                    "detail": { "type": "string" },
                    "code": { "type": "string" },
                },
            }},
        },
    })
}

fn operation<S>(row: &Operation<S>, parameter: fn(&str) -> &'static str) -> Value {
    let places = row.path.split('/').zip(row.example.split('/'));
    let named = places.filter_map(|(name, example)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "description": parameter(name),
            "schema": { "type": "string" }, "example": example,
        }))
    });
    let key = (row.method == "post").then(|| json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    let mut operation = json!({
        "operationId": row.name,
        "summary": row.summary,
        "parameters": named.chain(key).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Done.", "content": answer(row) },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if !row.request.is_empty() {
        operation["requestBody"] = json!({ "required": true, "content": body(row.request) });
    }
    if !row.asker.is_empty() {
        operation["security"] = json!([{ row.asker: [] }]);
    }
    operation
}

fn answer<S>(row: &Operation<S>) -> Value {
    if row.media == JSON { body(row.answer) } else { json!({ row.media: {} }) }
}

fn body(example: &str) -> Value {
    let example: Value = serde_json::from_str(example).expect("a test reads every example");
    json!({ "application/json": { "schema": { "type": "object" }, "example": example } })
}
