//! The table: everything of e-ID that is served. Examples are one story, told in this order; what is made anew each time –
//! codes, proofs, sessions – stands for its like.

use axum::routing::{delete, get, post};

use super::{Identity, counter, holder, phones, published, reader};
use crate::http::openapi::Operation;

/// What a parameter of a path is.
pub(super) fn parameter(name: &str) -> &'static str {
    match name {
        "device" => "A phone's id, 16 hex digits.",
        "request" => "A request's nonce, 16 hex digits.",
        "ward" => "Whose identity it is, such as `r-0001`.",
        "guardian" => "Who may show it, such as `r-0002`.",
        _ => "The number of a status list: `0`.",
    }
}

/// All of it.
pub(super) const OPERATIONS: &[Operation<Identity>] = &[
    Operation::post(
        "enrol",
        "/v1/enrollments",
        "Enrol a resident: the session is for what only they may ask, for a day.",
        "/v1/enrollments",
        (
            r#"{"resident_no":"370799195203030018","name":"王小丁"}"#,
            r#"{"expires":1776596400000,"resident_ref":"r-0001","session":"r-0001.1776596400000.1b8f0c6de0b9a4b1c9f3f9c1a2d37b55"}"#,
        ),
        || post(holder::enrol),
    ),
    Operation::post(
        "deviceNonce",
        "/v1/devices/nonce",
        "A nonce for a phone to sign, once, within five minutes.",
        "/v1/devices/nonce",
        ("", r#"{"expires":1776510300000,"nonce":"5d0b8f7c21aa9e34"}"#),
        || post(phones::nonce),
    )
    .by("holder"),
    Operation::post(
        "registerDevice",
        "/v1/devices",
        "Register a phone by its P-256 key (a compressed point in hex, or a JWK); `proof` is its ES256 signature over the line `kitecity eid phone RESIDENT KEY NONCE`.",
        "/v1/devices",
        (
            r#"{"key":"03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd","nonce":"5d0b8f7c21aa9e34","proof":"0f6f"}"#,
            r#"{"device_id":"0f2f9a53c1d4be77"}"#,
        ),
        || post(phones::register),
    )
    .by("holder"),
    Operation::get(
        "devices",
        "/v1/devices",
        "The ids of the holder's phones.",
        "/v1/devices",
        r#"{"devices":["0f2f9a53c1d4be77"]}"#,
        || get(phones::list),
    )
    .by("holder"),
    Operation::post(
        "credentials",
        "/v1/credentials",
        "Up to 20 credentials for a phone's key, each as the text of a code without its proof; `for` names a ward, `proof` signs the request as `eid::CredentialRequest` says.",
        "/v1/credentials",
        (
            r#"{"profile":"name","count":2,"asked":1776510000000,"key":"03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd","proof":"0f6f"}"#,
            r#"{"credentials":["6BFOXN…","6BFOXN…"]}"#,
        ),
        || post(phones::credentials),
    )
    .by("holder"),
    Operation::get(
        "token",
        "/v1/token",
        "A living code, good for a minute (`?profile=anon`, `age`, `name`, `full`, `photo`); with `Accept: text/plain`, drawn for a terminal.",
        "/v1/token",
        r#"{"expires":1776510060000,"issued":1776510000000,"qr":"6BFOXN…"}"#,
        || get(holder::token),
    )
    .by("holder"),
    Operation::get("tokenSvg", "/v1/token.svg", "The same as a picture.", "/v1/token.svg", "", || {
        get(holder::token_svg)
    })
    .by("holder")
    .gives("image/svg+xml"),
    Operation::get("tokenPng", "/v1/token.png", "The same as a picture of pixels.", "/v1/token.png", "", || {
        get(holder::token_png)
    })
    .by("holder")
    .gives("image/png"),
    Operation::post(
        "speak",
        "/v1/spoken",
        "Eight digits to read aloud where no camera can read the code: for a code of the phone (`qr`), or one that the issuer makes (`profile`). They stand for it once, for a minute at most.",
        "/v1/spoken",
        (r#"{"profile":"name"}"#, r#"{"expires":1776510060000,"spoken":"04711174"}"#),
        || post(holder::speak),
    )
    .by("holder"),
    Operation::post(
        "verify",
        "/v1/verify",
        "Is this code good, now and for the first time? `qr` = what was scanned, or eight digits that were read aloud; `profile` = what is asked for, `challenge` = the nonce that was shown; `pseudonym` is who the holder is to this reader alone.",
        "/v1/verify",
        (
            r#"{"qr":"6BFOXN…","profile":"name","reference":"desk 7"}"#,
            r#"{"audit_id":"9d1cf3b7ae5e1c02","disclosed":{"birth_date":"19520303","full_name":"王小丁","gender":"female"},"freshness":{"keys_age_s":0},"guardian":null,"holder_proof":false,"pseudonym":"p-8a1d0f2b3c4d5e6f708192a3b4c5d6e7","reference":"desk 7","resident":"r-0001","verdict":"valid"}"#,
        ),
        || post(reader::verify),
    )
    .by("reader"),
    Operation::post(
        "verifyBatch",
        "/v1/verify/batch",
        "Up to 256 codes: a verdict for each, in their order; a refusal is one.",
        "/v1/verify/batch",
        (
            r#"{"codes":[{"qr":"6BFOXN…"}]}"#,
            r#"{"verdicts":[{"code":"token_replayed","first_seen":1776510000000,"retry_at":null,"verdict":"refused"}]}"#,
        ),
        || post(reader::verify_batch),
    )
    .by("reader"),
    Operation::post(
        "askHolder",
        "/v1/requests",
        "Ask a holder who is not at the counter. Their phone is told; the answer is the same for residents who do not exist.",
        "/v1/requests",
        (
            r#"{"resident":"r-0001","profile":"name"}"#,
            r#"{"expires":1776510300000,"request":"77f0c2d3e4b5a697","state":"waiting"}"#,
        ),
        || post(reader::ask),
    )
    .by("reader"),
    Operation::get(
        "pendingRequests",
        "/v1/me/requests",
        "Who waits for the holder's answer?",
        "/v1/me/requests",
        r#"{"requests":[{"asked":1776510000000,"expires":1776510300000,"profile":"name","request":"77f0c2d3e4b5a697","resident":"r-0001","verifier":"hospital"}]}"#,
        || get(holder::requests),
    )
    .by("holder"),
    Operation::post(
        "approveRequest",
        "/v1/requests/{request}/approve",
        "Agree, with a code of the phone that answers the request as its challenge (audience = the reader, nonce = the request).",
        "/v1/requests/77f0c2d3e4b5a697/approve",
        (r#"{"qr":"6BFOXN…"}"#, r#"{"answer":"shared"}"#),
        || post(holder::approve),
    )
    .by("holder"),
    Operation::get(
        "requestState",
        "/v1/requests/{request}",
        "What has become of a request: `waiting`, `denied`, or `answered` with the verdict.",
        "/v1/requests/77f0c2d3e4b5a697",
        r#"{"answer":{"audit_id":"9d1cf3b7ae5e1c0277f0c2d3e4b5a697","disclosed":{"birth_date":"19520303","full_name":"王小丁","gender":"female"},"freshness":{"keys_age_s":0},"guardian":null,"holder_proof":true,"pseudonym":"p-8a1d0f2b3c4d5e6f708192a3b4c5d6e7","reference":"","resident":"r-0001","verdict":"valid"},"state":"answered"}"#,
        || get(reader::look_after),
    )
    .by("reader"),
    Operation::post(
        "denyRequest",
        "/v1/requests/{request}/deny",
        "Do not agree.",
        "/v1/requests/77f0c2d3e4b5a698/deny",
        ("", r#"{"answer":"denied"}"#),
        || post(holder::deny),
    )
    .by("holder"),
    Operation::get(
        "history",
        "/v1/me/history",
        "What was shown of the holder, to whom, when; the newest last, at most 64.",
        "/v1/me/history",
        r#"{"resident_ref":"r-0001","showings":[{"at":1776510000000,"disclosed":["birth_date","full_name","gender"],"times":1,"verifier":"hospital"},{"at":1776510000000,"disclosed":[],"refused":"token_replayed","times":1,"verifier":"hospital"}]}"#,
        || get(holder::history),
    )
    .by("holder"),
    Operation::post(
        "grant",
        "/v1/grants",
        "Let a guardian show one's identity; the operator does it for a child (`ward`). Scopes: `all`, `medical`, `school`.",
        "/v1/grants",
        (
            r#"{"guardian":"r-0002","scope":"medical","days":30}"#,
            r#"{"guardian":"r-0002","ward":"r-0001"}"#,
        ),
        || post(phones::grant),
    )
    .by("holder"),
    Operation::delete(
        "endGrant",
        "/v1/grants/{ward}/{guardian}",
        "Not any more: by either of the two, or the operator.",
        "/v1/grants/r-0001/r-0002",
        r#"{"done":true}"#,
        || delete(phones::end_grant),
    )
    .by("holder"),
    Operation::delete(
        "forgetDevice",
        "/v1/devices/{device}",
        "A phone was lost: its credentials are revoked at once, and all sessions of the holder from before are over; the answer has a new one.",
        "/v1/devices/0f2f9a53c1d4be77",
        r#"{"done":true,"expires":1776596400000,"session":"r-0001.1776596400000.1b8f0c6de0b9a4b1c9f3f9c1a2d37b55"}"#,
        || delete(phones::forget),
    )
    .by("holder"),
    Operation::post(
        "revoke",
        "/v1/revocations",
        "Revoke a card (`card`), or suspend (`suspend`) or resume (`resume`) a resident.",
        "/v1/revocations",
        (r#"{"suspend":"r-0002"}"#, r#"{"done":true}"#),
        || post(counter::revoke),
    )
    .by("operator"),
    Operation::get(
        "status",
        "/v1/status/{list}",
        "The status list of cards: two bits for each (draft-ietf-oauth-status-list).",
        "/v1/status/0",
        "",
        || get(published::status),
    )
    .gives("application/statuslist+cwt"),
    Operation::get(
        "jwks",
        "/.well-known/jwks.json",
        "The keys that sign codes, or did (RFC 7517).",
        "/.well-known/jwks.json",
        r#"{"keys":[{"alg":"EdDSA","crv":"Ed25519","kid":"cbf65c8afcb5f690","kty":"OKP","use":"sig","x":"6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw"}]}"#,
        || get(published::jwks),
    ),
    Operation::get(
        "keySet",
        "/.well-known/eid-keys.cbor",
        "All keys in all states of their lives as a COSE_KeySet (RFC 9052, 7), in a COSE_Sign1 by the root key; its header has the status list and which phones and holders ended.",
        "/.well-known/eid-keys.cbor",
        "",
        || get(published::cose),
    )
    .gives("application/cose"),
    Operation::get(
        "time",
        "/v1/time",
        "The time by which codes are made and judged [ms since 1970].",
        "/v1/time",
        r#"{"now":1776510000000}"#,
        || get(published::time),
    ),
    Operation::get(
        "readers",
        "/v1/admin/readers",
        "The readers of this city, their tokens, and how those stand that say it on the bus (`kiosk`, as on `eid/kiosk/{reader}/state`).",
        "/v1/admin/readers",
        r#"{"readers":[{"kiosk":{"keys_issued":1776510000000,"queued":0,"software":"gate 2.1","state":"online","status_issued":1776510000000},"may_ask":["anon","age"],"name_en":"Bus","name_zh":"公交车","reader":"bus","token":"bus.1b8f0c6de0b9a4b1c9f3f9c1a2d37b55"},{"kiosk":null,"may_ask":["age"],"name_en":"Museum","name_zh":"博物馆","reader":"museum","token":"museum.93f9c1a2d37b551b8f0c6de0b9a4b1c9"}]}"#,
        || get(counter::readers),
    )
    .by("operator"),
    Operation::post(
        "rotateKeys",
        "/v1/admin/keys/rotate",
        "The next key takes over; it must have been published for a day.",
        "/v1/admin/keys/rotate",
        ("", r#"{"done":true}"#),
        || post(counter::rotate),
    )
    .by("operator"),
    Operation::post(
        "compromiseKey",
        "/v1/admin/keys/compromise",
        "A key is in the wrong hands: nothing it signed is good any more.",
        "/v1/admin/keys/compromise",
        (r#"{"kid":"cbf65c8afcb5f690"}"#, r#"{"done":true}"#),
        || post(counter::compromise),
    )
    .by("operator"),
];
