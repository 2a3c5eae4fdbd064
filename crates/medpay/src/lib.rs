//! Medical-card payment.

mod messages;

pub use messages::{
    Bill, BillLine, Category, IdentityAnswer, IdentityCheck, IdentityResult, PayEvent, PayRefusal, PresettleReply,
    PresettleRequest, SettleReply, SettleRequest, Split, TillReply, TillRequest, TraceStep, VisitReply, VisitRequest,
};
