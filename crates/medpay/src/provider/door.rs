//! What comes in at a clinic, and what goes out.

use types::{BillId, ProviderId, ReplyTo};
use uuid::Uuid;

use crate::messages::{
    BooksReply, BooksRequest, PayEvent, PayReply, PayRequest, PresettleReply, PresettleRequest, Replacement,
    SettleReply, SettleRequest, Split, TillReply, TillRequest, VisitReply, VisitRequest,
};

/// What can happen to a clinic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A patient is here.
    Visit {
        /// Who asks, and which request: one that comes twice makes one bill.
        from: ReplyTo,
        /// Who came where.
        request: VisitRequest,
    },
    /// The payer answered the newest [`Output::Presettle`] of this bill. An answer to an older one must be dropped.
    PresettleReply {
        /// The bill that was asked about.
        bill: BillId,
        /// The answer.
        reply: PresettleReply,
    },
    /// The payer answered a question about a stay ([`Output::Stay`]).
    StayReply {
        /// The stay.
        stay: BillId,
        /// The number of the question.
        question: u8,
        /// The answer.
        reply: PayReply,
    },
    /// A patient pays at the till.
    Till {
        /// Who asks, and which request: one that comes twice pays once, and is answered twice in the same words.
        from: ReplyTo,
        /// The bill and the code.
        request: TillRequest,
    },
    /// Somebody asks for the book of a day.
    Books {
        /// Who, and which request.
        from: ReplyTo,
        /// Which day.
        request: BooksRequest,
    },
    /// The payer told everyone that it took back a settlement. May come twice.
    Reversed(Reversed),
    /// The payer answered the newest [`Output::Settle`] of this bill. An answer to an older one must be dropped.
    SettleReply {
        /// The bill that was to be paid.
        bill: BillId,
        /// The answer.
        reply: SettleReply,
    },
}

/// A settlement that the payer took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversed {
    /// The bill.
    pub bill: BillId,
    /// Whose.
    pub provider: ProviderId,
    /// The settlement.
    pub settlement: Uuid,
    /// How it had been paid.
    pub split: Split,
    /// What took its place.
    pub replacement: Option<Box<Replacement>>,
}

/// What a clinic wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the payer how a bill would be paid.
    Presettle(PresettleRequest),
    /// Ask the payer to pay.
    Settle(SettleRequest),
    /// Ask the payer about a stay. The same question may come again; it must be done once.
    Stay {
        /// The stay.
        stay: BillId,
        /// The number of the question, from 0.
        question: u8,
        /// What is asked.
        request: PayRequest,
    },
    /// Answer a patient who came.
    VisitReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: VisitReply,
    },
    /// Answer a patient who pays.
    TillReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: TillReply,
    },
    /// Answer who asked for a book.
    BooksReply {
        /// Who asked.
        to: ReplyTo,
        /// The answer.
        reply: BooksReply,
    },
    /// Tell everyone.
    Event(PayEvent),
}
