//! `kitecity eid`: a phone and a counter at the command line, on a city that runs already.

mod phone;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use ::eid::{EnrolReply, EnrolRequest, Profile, QrText, Refusal, Resident, Verdict, VerifyRequest, advice};
use anyhow::{Context, Result, bail};
use chrono::DateTime;
use city::Residents;
use clap::{Args, Subcommand, ValueEnum};
use services::operator::Operator;
use tokio::time::timeout;
use types::{ResidentId, RunId};
use wire::{ReplyBody, RequestBody};

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
    /// Ask the verifier about a code: exit code 0 = accepted, 1 = refused.
    Verify(Verify),
}

/// How an operator gets in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Entry {
    /// The operator's password, as `kitecity up` prints it; otherwise it is made from the secret.
    #[arg(long, env = "KITECITY_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

impl Entry {
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
    #[command(flatten)]
    entry: Entry,
}

/// What `eid verify` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// The text of the code; `-` = the standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    code: String,
    /// Print the verdict as it is on the bus.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    entry: Entry,
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
}

impl From<Disclosed> for Profile {
    fn from(disclosed: Disclosed) -> Self {
        match disclosed {
            Disclosed::Anon => Self::Anon,
            Disclosed::Age => Self::Age,
            Disclosed::Name => Self::Name,
            Disclosed::Full => Self::Full,
        }
    }
}

/// Does it.
pub(crate) fn run(what: &Eid, settings: &Settings) -> Result<ExitCode> {
    match what {
        Eid::Show(show) => self::show(show, settings).map(|()| ExitCode::SUCCESS),
        Eid::Verify(verify) => self::verify(verify, settings),
    }
}

/// Shows until Ctrl-C, or once.
fn show(show: &Show, settings: &Settings) -> Result<()> {
    interrupt::run(async |mut interrupt| {
        let planned = settings.clone();
        let Some(city) = interrupt.unless(apart(move || City::plan(&planned))).await? else { return Ok(()) };
        let resident = show.resident;
        let citizen = Residents::new(city.cast.plan()).get(resident);
        let person =
            citizen.ok_or_else(|| UsageError(format!("no resident {resident} in this city")))?.person;
        let joining = show.entry.join(settings, city.config.city.run);
        let Some(operator) = interrupt.unless(joining).await? else { return Ok(()) };
        let live = std::io::stdout().is_terminal();
        let shown = interrupt.unless(phone::show(&operator, &person, show.profile.into(), live)).await;
        leave(operator).await;
        shown.map(|_| ())
    })
}

/// Prints the verdict.
fn verify(verify: &Verify, settings: &Settings) -> Result<ExitCode> {
    let config =
        Config::load(settings.config.as_deref()).map_err(|error| UsageError(format!("{error:#}")))?;
    let run = settings.run.unwrap_or(config.city.run);
    let verdict = interrupt::run(async |mut interrupt| {
        let given = verify.code.clone();
        let asking = async {
            let code = apart(move || read(given)).await?;
            let operator = verify.entry.join(settings, run).await?;
            let verdict = judge(&operator, code).await;
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

async fn judge(operator: &Operator, code: QrText) -> Result<Verdict> {
    let verifier = VERIFIER.parse().expect("a slug");
    let request = VerifyRequest { code, verifier, reference: String::new() };
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
        Verdict::Accepted { resident, disclosed, .. } => {
            let disclosed = disclosed.iter().map(|(name, value)| format!("  {name}: {value}\n"));
            format!(
                "accepted: {resident}\n{}The code is genuine and current, and has now been used.",
                disclosed.collect::<String>()
            )
        }
        Verdict::Refused(refusal) => refused(refusal),
    }
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
