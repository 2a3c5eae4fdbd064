//! `kitecity eid`: a phone and a counter at the command line, on a city that runs already or without any.

mod audit;
mod cache;
mod holder;
mod offline;
mod papers;
mod phone;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use ::eid::{
    Challenge, Demand, EnrolReply, EnrolRequest, Freshness, ManageReply, ManageRequest, Nonce, Profile,
    QrText, Refusal, Resident, Shown, Verdict, VerifyRequest, advice,
};
use anyhow::{Context, Result, bail};
use chrono::DateTime;
use city::Residents;
use clap::{Args, Subcommand, ValueEnum};
use services::operator::Operator;
use tokio::time::timeout;
use types::{ResidentId, RunId, VerifierId};
use wire::{ReplyBody, RequestBody};

use self::audit::Audit;
use self::cache::Keys;
use self::offline::Offline;
use self::papers::Papers;
use crate::Settings;
use crate::config::Config;
use crate::interrupt::{self, apart};
use crate::up::{City, UsageError};

/// The longest code that is read: what is longer than any QR code, the verifier refuses itself \[bytes\].
const CODE_BYTES_MAX: u64 = 16 * 1024;
/// Exit code for a code that was refused.
const EXIT_REFUSED: u8 = 1;
/// Exit code for Ctrl-C before there was a verdict, as shells have it.
const EXIT_INTERRUPTED: u8 = 130;
/// How long the goodbye may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);
/// Who asks the verifier.
const VERIFIER: &str = "terminal";

/// What can be done with e-ID.
#[derive(Debug, Subcommand)]
pub(crate) enum Eid {
    /// Show a resident's living code; without a terminal, print one code and end.
    Show(Show),
    /// Ask the verifier about a code, or judge it here: exit code 0 = accepted, 1 = refused.
    Verify(Verify),
    /// Fetch the issuer's keys into a file, for verifying without a network.
    Keys(Keys),
    /// Do what a clerk at the issuer's counter does, such as `{"suspend":{"resident":"r-0042"}}`.
    Counter(Counter),
    /// Print the number and name that a resident enrols with, as `POST /v1/enrollments` takes them.
    Papers(Papers),
    /// Check an audit.
    #[command(subcommand)]
    Audit(Audit),
}

/// How an operator gets in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Entry {
    /// The operator's password, as `kitecity up` prints it; otherwise it is made from the secret.
    #[arg(long, env = "KITECITY_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

impl Entry {
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(crate) async fn join(&self, settings: &Settings, run: RunId) -> Result<Operator> {
        let joined = Operator::join(&settings.link(run), self.password.as_deref()).await;
        joined.context("cannot join the city: give --broker, and --password or --secret, as it has them")
    }
}

/// What `eid show` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Whose code, such as r-0042.
    #[arg(long)]
    resident: ResidentId,
    /// What it discloses.
    #[arg(long, value_enum, default_value_t)]
    profile: Disclosed,
    /// As a phone with a key of its own, which proves every 15 s that it shows the code; otherwise the issuer signs
    /// each code.
    #[arg(long)]
    phone: bool,
    /// Print eight digits to be read aloud instead, and end: they stand for one code, once, for a minute at most.
    #[arg(long)]
    spoken: bool,
    /// Answer this challenge of a reader, such as EIDC:MUSEUM:0011223344556677:AGE, with the phone's key.
    #[arg(long, conflicts_with = "profile")]
    challenge: Option<Challenge>,
    #[command(flatten)]
    entry: Entry,
}

/// What `eid verify` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// The text of the code, or eight digits that were read aloud; `-` = the standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    code: String,
    /// Print the verdict as it is on the bus.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    offline: Offline,
    #[command(flatten)]
    entry: Entry,
}

/// As which reader a code is verified, and what it asks for.
#[derive(Clone, Debug, Args)]
struct Asking {
    /// As which reader, such as museum.
    #[arg(long = "as", value_name = "READER", default_value = VERIFIER)]
    reader: VerifierId,
    /// What the reader asks for; no more is told.
    #[arg(long, value_enum)]
    ask: Option<Disclosed>,
    /// The nonce of the challenge that was shown, 16 hex digits.
    #[arg(long, value_parser = nonce)]
    challenge: Option<Nonce>,
}

fn nonce(text: &str) -> Result<Nonce, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

impl Asking {
    fn request(&self, code: QrText) -> VerifyRequest {
        let demand = Demand { profile: self.ask.map(Into::into), challenge: self.challenge };
        VerifyRequest { code, verifier: self.reader, reference: String::new(), demand }
    }
}

/// What `eid counter` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Counter {
    /// The wish, in JSON: rotate_keys, compromise_key, set_life, suspend, resume, print_card, revoke_card, forget_phone,
    /// grant, end_grant or tell_keys, as docs/eid.md has them.
    #[arg(value_parser = wish)]
    wish: ManageRequest,
    #[command(flatten)]
    entry: Entry,
}

fn wish(text: &str) -> Result<ManageRequest, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// [`Profile`], for the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Disclosed {
    /// A pseudonym only.
    Anon,
    /// Whether the holder is 18 or older.
    Age,
    /// Name, birth date and gender.
    #[default]
    Name,
    /// All text attributes.
    Full,
    /// Name, birth date, gender and a portrait.
    Photo,
}

impl From<Disclosed> for Profile {
    fn from(disclosed: Disclosed) -> Self {
        match disclosed {
            Disclosed::Anon => Self::Anon,
            Disclosed::Age => Self::Age,
            Disclosed::Name => Self::Name,
            Disclosed::Full => Self::Full,
            Disclosed::Photo => Self::Photo,
        }
    }
}

/// Does it.
pub(crate) fn run(what: &Eid, settings: &Settings) -> Result<ExitCode> {
    match what {
        Eid::Show(show) => self::show(show, settings).map(|()| ExitCode::SUCCESS),
        Eid::Verify(verify) if verify.offline.offline => offline::verify(verify),
        Eid::Verify(verify) => self::verify(verify, settings),
        Eid::Keys(keys) => self::keys(keys, settings),
        Eid::Counter(counter) => self::counter(counter, settings),
        Eid::Papers(papers) => papers::run(papers, settings),
        Eid::Audit(audit) => audit::run(audit),
    }
}

/// A resident of the planned city.
fn person(city: &City, resident: ResidentId) -> Result<Resident> {
    let citizen = Residents::new(city.cast.plan()).get(resident);
    let nobody = || UsageError(format!("no resident {resident} in this city"));
    Ok(citizen.ok_or_else(nobody)?.person)
}

/// Shows until Ctrl-C, or once.
fn show(show: &Show, settings: &Settings) -> Result<()> {
    interrupt::run(async |mut interrupt| {
        let planned = settings.clone();
        let Some(city) = interrupt.unless(apart(move || City::plan(&planned))).await? else { return Ok(()) };
        let person = person(&city, show.resident)?;
        let joining = show.entry.join(settings, city.config.city.run);
        let Some(operator) = interrupt.unless(joining).await? else { return Ok(()) };
        let live = std::io::stdout().is_terminal();
        let shown = interrupt.unless(phone::show(&operator, &person, show, live)).await;
        leave(operator).await;
        shown.map(|_| ())
    })
}

/// Fetches the keys.
fn keys(keys: &Keys, settings: &Settings) -> Result<ExitCode> {
    let fetched = as_operator(&keys.entry, settings, async |operator| cache::fetch(operator, keys).await)?;
    let Some(words) = fetched else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    println!("{words}");
    Ok(ExitCode::SUCCESS)
}

/// Prints the issuer's answer to a clerk.
fn counter(counter: &Counter, settings: &Settings) -> Result<ExitCode> {
    let asked = as_operator(&counter.entry, settings, async |operator| {
        match operator.ask(RequestBody::Manage(counter.wish.clone())).await? {
            ReplyBody::Manage(reply) => Ok(reply),
            _ => bail!("the issuer answers another question"),
        }
    })?;
    let Some(reply) = asked else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    println!("{}", serde_json::to_string(&reply)?);
    let refused = matches!(reply, ManageReply::Refused(_));
    Ok(if refused { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS })
}

/// Joins the city, does this and leaves; nothing after Ctrl-C.
fn as_operator<T>(
    entry: &Entry,
    settings: &Settings,
    act: impl AsyncFnOnce(&Operator) -> Result<T>,
) -> Result<Option<T>> {
    let run = run_of(settings)?;
    interrupt::run(async |mut interrupt| {
        let acting = async {
            let operator = entry.join(settings, run).await?;
            let done = act(&operator).await;
            leave(operator).await;
            done
        };
        interrupt.unless(acting).await
    })
}

fn run_of(settings: &Settings) -> Result<RunId> {
    let config = Config::of(settings)?;
    Ok(settings.run.unwrap_or(config.city.run))
}

/// Prints the verdict.
fn verify(verify: &Verify, settings: &Settings) -> Result<ExitCode> {
    let run = run_of(settings)?;
    let verdict = interrupt::run(async |mut interrupt| {
        let given = verify.code.clone();
        let asking = async {
            let code = apart(move || read(given)).await?;
            let operator = verify.entry.join(settings, run).await?;
            let verdict = judge(&operator, verify.asking.request(code)).await;
            leave(operator).await;
            verdict
        };
        interrupt.unless(asking).await
    })?;
    let Some(verdict) = verdict else { return Ok(ExitCode::from(EXIT_INTERRUPTED)) };
    println!("{}", if verify.json { serde_json::to_string(&verdict)? } else { words(&verdict) });
    let accepted = matches!(verdict, Verdict::Accepted { .. });
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) })
}

async fn judge(operator: &Operator, request: VerifyRequest) -> Result<Verdict> {
    match operator.ask(RequestBody::Verify(request)).await? {
        ReplyBody::Verify(verdict) => Ok(verdict),
        _ => bail!("the verifier answers another question"),
    }
}

/// The code itself, or what the standard input says up to its end. Blanks belong to a code, line ends do not.
fn read(given: String) -> Result<QrText> {
    let mut code = given;
    if code == "-" {
        code.clear();
        std::io::stdin().take(CODE_BYTES_MAX).read_to_string(&mut code).context("cannot read the code")?;
    }
    Ok(QrText(code.trim_end_matches(['\r', '\n']).to_owned()))
}

pub(crate) async fn leave(operator: Operator) {
    let _ = timeout(LEAVE_WITHIN, operator.leave()).await;
}

/// Puts the resident on this phone; harmless when already there.
async fn enrol(operator: &Operator, person: &Resident) -> Result<()> {
    let request =
        EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh.clone() };
    match operator.ask(RequestBody::Enrol(request)).await? {
        ReplyBody::Enrol(EnrolReply::Enrolled(_)) => Ok(()),
        ReplyBody::Enrol(EnrolReply::Refused(refusal)) => {
            bail!("{}: is it a city of the same seed?", advice::of_enrolment(refusal).title_en)
        }
        _ => bail!("the issuer answers another question"),
    }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted {
            pseudonym, resident, disclosed, shown, guardian, unconfirmed, freshness, ..
        } => {
            let disclosed = disclosed.iter().map(|(name, value)| format!("  {name}: {value}\n"));
            let guardian = guardian.map(|guardian| format!("  shown by guardian: {guardian}\n"));
            let end = match shown {
                Shown::Code => "The code is genuine and current, and has now been used.",
                Shown::Phone => "The holder's phone made it just now; it has now been used.",
                Shown::Card => "The card is genuine. It does not prove who holds it: compare the person.",
            };
            let caution = if *unconfirmed { " Whether it was revoked could not be told." } else { "" };
            let who = resident.map_or(pseudonym.to_string(), |resident| resident.to_string());
            format!(
                "accepted: {who}\n{}{}{end}{caution}{}",
                disclosed.collect::<String>(),
                guardian.unwrap_or_default(),
                age(freshness)
            )
        }
        Verdict::Refused(refusal) => refused(refusal),
    }
}

/// How old the verifier's knowledge is, if that is worth a word.
fn age(freshness: &Freshness) -> String {
    let hours = |seconds: i64| format!("{} h {} min old", seconds / 3_600, seconds / 60 % 60);
    let status = freshness.status_age_s.map(|age| format!(", the list of revoked cards {}", hours(age)));
    format!(" The keys are {}{}.", hours(freshness.keys_age_s), status.unwrap_or_default())
}

fn refused(refusal: &Refusal) -> String {
    let advice = advice::of(refusal.reason);
    let reason = serde_json::to_value(refusal.reason).unwrap_or_default();
    let first = refusal.first_seen.and_then(|at| DateTime::from_timestamp_millis(at.as_millis()));
    let first =
        first.map_or(String::new(), |at| format!(" It was first accepted at {}.", at.format("%F %T UTC")));
    format!(
        "refused: {} / {} ({})\n{}{first}",
        advice.title_en,
        advice.title_zh,
        reason.as_str().unwrap_or_default(),
        advice.advice_en
    )
}
