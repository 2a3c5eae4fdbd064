//! What an attacker, and those they attack, can do in this city.

use std::time::Duration;

use axum::http::StatusCode;
use city::Residents;
use eid::{
    CredentialReply, Demand, ManageReply, ManageRequest, Phone, PhoneKey, Profile, QrText, Verdict,
    VerifyRequest, phone as phone_core,
};
use serde_json::Value;
use tokio::time::sleep;
use types::{Core, ResidentId, Seed, VerifierId};
use wire::{ReplyBody, RequestBody};

use super::report::{End, Report, Step};
use crate::console::{App, phone};
use crate::http::Problem;
use crate::operator::{AskError, Operator};
use crate::time::wall_now;

/// The counter where codes are shown: it has no preset, and takes any living code.
const COUNTER: &str = "attack-desk";
/// Residents up to this number are adults who live here, in every city.
const ADULTS: u32 = 20;
/// How often is looked whether something that is on its way has come about, and after which time.
const LOOKS_MAX: u32 = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One attack under way: what was done so far.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) app: &'a App,
    steps: Vec<Step>,
    after: Vec<Step>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self { app, steps: Vec::new(), after: Vec::new() }
    }

    /// Notes something that was done.
    pub(super) fn did(&mut self, what: &'static str, facts: Value) {
        self.steps.push(Step { what, facts });
    }

    /// Notes something that was put back, or stays.
    pub(super) fn left(&mut self, what: &'static str, facts: Value) {
        self.after.push(Step { what, facts });
    }

    pub(super) fn report(self, end: impl Into<End>) -> Report {
        Report { steps: self.steps, end: end.into(), after: self.after }
    }

    /// Somebody, another one each time.
    pub(super) fn victim(&self) -> ResidentId {
        let people = self.app.cast.plan().spec().residents.min(ADULTS);
        ResidentId(1 + random() as u32 % people)
    }

    /// A code that the issuer has just signed for them.
    pub(super) async fn code_of(&self, resident: ResidentId) -> Result<QrText, Problem> {
        self.enrol(resident).await?;
        Ok(phone::by_issuer(self.app, resident, Profile::Age).await?.code)
    }

    /// A credential that is bound to the phone of its holder, and the key of that phone.
    pub(super) async fn credential_of(&self, resident: ResidentId) -> Result<(QrText, PhoneKey), Problem> {
        self.enrol(resident).await?;
        let key = self.app.wallets.key_of(resident);
        let mut phone = Phone::new(resident, key.clone(), Seed(random()).stream("nonces", 0));
        let mut out = Vec::new();
        let show = phone_core::Input::Show { profile: Profile::Age, ward: None };
        phone.handle(wall_now(), show, &mut out);
        let Some(phone_core::Output::Request(request)) = out.pop() else {
            unreachable!("a phone without credentials asks for some")
        };
        match self.app.caller.ask(RequestBody::Credential(request)).await {
            Some(ReplyBody::Credential(CredentialReply::Issued { credentials }))
                if !credentials.is_empty() =>
            {
                Ok((credentials[0].clone(), key))
            }
            Some(ReplyBody::Credential(CredentialReply::Refused(refusal))) => {
                Err(Problem::invalid(format!("{resident} gets no credentials: {refusal:?}")))
            }
            _ => Err(Problem::silent("e-ID issuer")),
        }
    }

    async fn enrol(&self, resident: ResidentId) -> Result<(), Problem> {
        let person = Residents::new(self.app.cast.plan()).get(resident);
        let unknown = || Problem::not_found(format!("no resident {resident} in this city"));
        phone::enrol(self.app, &person.ok_or_else(unknown)?.person).await
    }

    /// Shows a code at the desk's own counter.
    pub(super) async fn show(&self, code: QrText) -> Result<Verdict, Problem> {
        self.show_to(COUNTER.parse().expect("a slug"), Demand::default(), code).await
    }

    pub(super) async fn show_to(
        &self,
        verifier: VerifierId,
        demand: Demand,
        code: QrText,
    ) -> Result<Verdict, Problem> {
        let request = VerifyRequest { code, verifier, reference: String::new(), demand };
        match self.app.caller.ask(RequestBody::Verify(request)).await {
            Some(ReplyBody::Verify(verdict)) => Ok(verdict),
            _ => Err(Problem::silent("e-ID verifier")),
        }
    }

    /// The issuer's counter: only an operator may ask there, and no service.
    pub(super) async fn clerk(&self) -> Result<Clerk, Problem> {
        let joined = Operator::join(&self.app.link, None).await;
        let no_way = |error: AskError| {
            let detail = format!("{error}: this attack needs an operator's rights on the bus");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_operator", detail)
        };
        joined.map(Clerk).map_err(no_way)
    }
}

/// Someone with an operator's rights.
#[derive(Debug)]
pub(super) struct Clerk(Operator);

impl Clerk {
    pub(super) async fn ask(&self, request: ManageRequest) -> Result<ManageReply, Problem> {
        match self.0.ask(RequestBody::Manage(request)).await {
            Ok(ReplyBody::Manage(ManageReply::Refused(refusal))) => {
                Err(Problem::invalid(format!("the issuer's counter refuses: {refusal:?}")))
            }
            Ok(ReplyBody::Manage(reply)) => Ok(reply),
            _ => Err(Problem::silent("e-ID issuer")),
        }
    }

    pub(super) async fn leave(self) {
        self.0.leave().await;
    }
}

/// Something genuine that was not taken: then the attack proves nothing.
pub(super) fn check_genuine(verdict: &Verdict) -> Result<(), Problem> {
    match verdict {
        Verdict::Accepted { .. } => Ok(()),
        Verdict::Refused(refusal) => {
            let code = super::report::code_of(refusal.reason);
            let detail = format!("what is genuine was refused as {code}: the attack would prove nothing");
            Err(Problem::new(StatusCode::CONFLICT, "not_ready", detail).with("reason", code))
        }
    }
}

/// How often was looked for something that is on its way.
#[derive(Debug, Default)]
pub(super) struct Looks(u32);

impl Looks {
    /// Waits until it is time to look again; whether it is worth it.
    pub(super) async fn again(&mut self) -> bool {
        self.0 += 1;
        sleep(LOOK_AGAIN).await;
        self.0 < LOOKS_MAX
    }
}

pub(super) fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}
