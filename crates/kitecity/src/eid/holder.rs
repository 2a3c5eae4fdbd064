//! The two holders of a code, as one: the issuer signs each code, or the phone proves each showing.

use ::eid::{
    Challenge, CredentialRefusal, CredentialReply, IssueReply, PhoneKey, Profile, QrText, advice, holder,
    phone,
};
use services::access::Secret;
use types::{Core, ResidentId, Seed, Timestamp};
use wire::{ReplyBody, RequestBody};

/// What a holder wants done.
pub(super) enum Act {
    /// Ask the issuer.
    Ask(RequestBody),
    /// Show this code.
    Display { code: QrText, expires: Timestamp },
    /// Show none.
    Blank,
    /// Tell why there is none.
    Tell(String),
}

/// Keeps one resident's code fresh.
pub(super) struct Holder {
    core: Kind,
    resident: ResidentId,
    profile: Profile,
    /// What its owner agreed to answer.
    challenge: Option<Challenge>,
}

enum Kind {
    Issuer(holder::Holder),
    Phone(Box<phone::Phone>),
}

impl Holder {
    /// With a key that is made now and forgotten at the end, or without one.
    pub(super) fn new(resident: ResidentId, profile: Profile, has_key: bool) -> Self {
        let core = if has_key {
            let secret = Secret::random();
            let key = PhoneKey::from_seed(secret.key_for("phone"));
            let nonces = secret.key_for("nonces");
            let seed = u64::from_be_bytes(*nonces.first_chunk().expect("32 bytes"));
            Kind::Phone(Box::new(phone::Phone::new(resident, key, Seed(seed).stream("nonces", 0))))
        } else {
            Kind::Issuer(holder::Holder::new())
        };
        Self { core, resident, profile, challenge: None }
    }

    /// A phone whose owner agrees to a challenge, and shows the answer once.
    pub(super) fn answering(resident: ResidentId, challenge: Challenge) -> Self {
        Self { challenge: Some(challenge), ..Self::new(resident, challenge.profile, true) }
    }

    /// Its owner wants to show the code.
    pub(super) fn show(&mut self, now: Timestamp) -> Vec<Act> {
        let Self { resident, profile, .. } = *self;
        match &mut self.core {
            Kind::Issuer(core) => act(core, now, holder::Input::Show { resident, profile }),
            Kind::Phone(core) => match self.challenge {
                None => act(&mut **core, now, phone::Input::Show { profile, ward: None }),
                Some(challenge) => {
                    core.handle(now, phone::Input::Challenged(challenge), &mut Vec::new());
                    act(&mut **core, now, phone::Input::Agree)
                }
            },
        }
    }

    /// The issuer answered.
    pub(super) fn take(&mut self, now: Timestamp, reply: ReplyBody) -> Vec<Act> {
        let not_enrolled = || Act::Tell(format!("{} is not enrolled", self.resident));
        match (&mut self.core, reply) {
            (Kind::Issuer(core), ReplyBody::Issue(reply)) => {
                let is_refused = reply == IssueReply::NotEnrolled;
                let mut acts = act(core, now, holder::Input::Reply(reply));
                acts.extend(is_refused.then(not_enrolled));
                acts
            }
            (Kind::Phone(core), ReplyBody::Credential(reply)) => {
                act(&mut **core, now, phone::Input::Reply(reply))
            }
            _ => vec![Act::Tell("the issuer answers another question".to_owned())],
        }
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Act> {
        fn tick<C: Core>(core: &mut C, now: Timestamp) -> Vec<Act>
        where
            Act: From<C::Output>,
        {
            let mut out = Vec::new();
            if core.next_timeout().is_some_and(|due| due <= now) {
                core.handle_timeout(now, &mut out);
            }
            out.into_iter().map(Act::from).collect()
        }
        match &mut self.core {
            Kind::Issuer(core) => tick(core, now),
            Kind::Phone(core) => tick(&mut **core, now),
        }
    }
}

fn act<C: Core>(core: &mut C, now: Timestamp, input: C::Input) -> Vec<Act>
where
    Act: From<C::Output>,
{
    let mut out = Vec::new();
    core.handle(now, input, &mut out);
    out.into_iter().map(Act::from).collect()
}

impl From<holder::Output> for Act {
    fn from(output: holder::Output) -> Self {
        match output {
            holder::Output::Request(request) => Self::Ask(RequestBody::Issue(request)),
            holder::Output::Display { code, expires } => Self::Display { code, expires },
            holder::Output::Blank => Self::Blank,
        }
    }
}

impl From<phone::Output> for Act {
    fn from(output: phone::Output) -> Self {
        match output {
            phone::Output::Request(request) => Self::Ask(RequestBody::Credential(request)),
            phone::Output::Display { code, expires } => Self::Display { code, expires },
            phone::Output::Blank | phone::Output::AskOwner(_) => Self::Blank,
            phone::Output::Refused(refusal) => {
                Self::Tell(advice::of_credentials(refusal).title_en.to_owned())
            }
        }
    }
}

/// Whether the issuer does not know the resident, any more.
pub(super) fn is_not_enrolled(reply: &ReplyBody) -> bool {
    match reply {
        ReplyBody::Issue(reply) => *reply == IssueReply::NotEnrolled,
        ReplyBody::Credential(reply) => *reply == CredentialReply::Refused(CredentialRefusal::NotEnrolled),
        _ => false,
    }
}
