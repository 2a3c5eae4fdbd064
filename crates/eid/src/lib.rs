//! Electronic identity shown as a dynamic QR code.

mod messages;

pub use messages::{
    EidEvent, EnrolRefusal, EnrolReply, EnrolRequest, IssueReply, IssueRequest, KeySet, Profile, PublicKey, QrText,
    Refusal, RefusalReason, Verdict, VerifyRequest,
};
