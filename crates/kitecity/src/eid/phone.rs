//! The phone at the command line: a holder keeps the code fresh, and this shows it.

use std::time::Duration;

use ::eid::qr::{Level, QUIET_ZONE, Symbol};
use ::eid::{HolderReply, HolderRequest, QrText, Resident, SpokenCode, advice};
use anyhow::{Context, Result, bail};
use console::Term;
use services::operator::Operator;
use services::time::wall_now;
use tokio::sync::mpsc;
use tokio::time::interval;
use types::{SECOND_MS, Timestamp};
use wire::{ReplyBody, RequestBody};

use super::holder::{Act, Holder, is_not_enrolled};
use super::{Show, enrol};

/// How often the seconds are counted.
const TICK: Duration = Duration::from_millis(250);
/// Questions, and answers, under way: the holder asks one at a time, and again only after a while.
const UNDER_WAY_MAX: usize = 4;

/// Shows the living code of `person` for as long as it is polled; or, not `live`, prints one and ends. Digits are printed
/// once at any rate.
pub(super) async fn show(operator: &Operator, person: &Resident, show: &Show, live: bool) -> Result<()> {
    enrol(operator, person).await?;
    let holder = match show.challenge {
        Some(challenge) => Holder::answering(person.id, challenge),
        None => Holder::new(person.id, show.profile.into(), show.phone),
    };
    if show.spoken {
        let code = one(operator, holder).await?;
        println!("{}", digits_for(operator, person, code).await?);
        return Ok(());
    }
    if !live {
        println!("{}", one(operator, holder).await?.0);
        return Ok(());
    }
    let (requests, asked) = mpsc::channel(UNDER_WAY_MAX);
    let (answers, answered) = mpsc::channel(UNDER_WAY_MAX);
    let phone = Phone { holder, screen: Screen::new(person), requests };
    tokio::select! {
        outcome = ask(operator, person, asked, answers) => outcome,
        outcome = phone.run(answered) => outcome,
    }
}

/// The first code.
async fn one(operator: &Operator, mut holder: Holder) -> Result<QrText> {
    let mut acts = holder.show(wall_now());
    while let Some(act) = acts.pop() {
        match act {
            Act::Ask(request) => acts = holder.take(wall_now(), operator.ask(request).await?),
            Act::Display { code, .. } => return Ok(code),
            Act::Blank => {}
            Act::Tell(why) => bail!(why),
        }
    }
    bail!("the issuer sends no code")
}

/// What stands for a code when it is read aloud.
async fn digits_for(operator: &Operator, person: &Resident, code: QrText) -> Result<SpokenCode> {
    let question = RequestBody::Holder(HolderRequest::Speak { resident: person.id, code });
    match operator.ask(question).await? {
        ReplyBody::Holder(HolderReply::Spoken { spoken, .. }) => Ok(spoken),
        ReplyBody::Holder(HolderReply::Refused(refusal)) => bail!(advice::of(refusal.reason).title_en),
        _ => bail!("the verifier answers another question"),
    }
}

/// Asks the issuer, beside the phone. An issuer that was restarted has forgotten the resident.
async fn ask(
    operator: &Operator,
    person: &Resident,
    mut requests: mpsc::Receiver<RequestBody>,
    answers: mpsc::Sender<Result<ReplyBody>>,
) -> Result<()> {
    while let Some(request) = requests.recv().await {
        let mut answer = operator.ask(request.clone()).await;
        if answer.as_ref().is_ok_and(is_not_enrolled) {
            enrol(operator, person).await?;
            answer = operator.ask(request).await;
        }
        let _ = answers.send(answer.map_err(Into::into)).await;
    }
    Ok(())
}

struct Phone {
    holder: Holder,
    screen: Screen,
    requests: mpsc::Sender<RequestBody>,
}

impl Phone {
    async fn run(mut self, mut answers: mpsc::Receiver<Result<ReplyBody>>) -> Result<()> {
        let mut ticks = interval(TICK);
        let acts = self.holder.show(wall_now());
        self.act(acts)?;
        loop {
            tokio::select! {
                Some(answer) = answers.recv() => match answer {
                    Ok(reply) => {
                        let acts = self.holder.take(wall_now(), reply);
                        self.act(acts)?;
                    }
                    // The holder asks again by itself.
                    Err(error) => self.screen.trouble = Some(format!("{error:#}")),
                },
                _ = ticks.tick() => {
                    let acts = self.holder.tick(wall_now());
                    self.act(acts)?;
                }
            }
            self.screen.count(wall_now())?;
        }
    }

    fn act(&mut self, acts: Vec<Act>) -> Result<()> {
        for act in acts {
            match act {
                // No room means that the question before it is still under way.
                Act::Ask(request) => drop(self.requests.try_send(request)),
                Act::Display { code, expires } => self.screen.show(&code, expires)?,
                Act::Blank => self.screen.blank()?,
                Act::Tell(why) => self.screen.trouble = Some(why),
            }
        }
        Ok(())
    }
}

/// The terminal: a symbol, and a line below it that counts down.
struct Screen {
    term: Term,
    whose: String,
    expires: Option<Timestamp>,
    trouble: Option<String>,
    line: String,
}

impl Screen {
    fn new(person: &Resident) -> Self {
        let whose = format!("{} {} {}", person.id, person.name_zh, person.name_en);
        Self { term: Term::stdout(), whose, expires: None, trouble: None, line: String::new() }
    }

    fn show(&mut self, code: &QrText, expires: Timestamp) -> Result<()> {
        let symbol = Symbol::from_text(&code.0, Level::Low).context("this code has no symbol")?;
        self.blank()?;
        let full = symbol.side() + 2 * QUIET_ZONE;
        let (rows, columns) = self.term.size();
        // One row for the line below, one for the cursor.
        if usize::from(columns) < full || usize::from(rows) < full.div_ceil(2) + 2 {
            let rows = full.div_ceil(2) + 2;
            self.term.write_line(&format!("The code needs a window of {full} columns and {rows} rows."))?;
        } else {
            self.term.write_str(&symbol.to_terminal())?;
        }
        (self.expires, self.trouble) = (Some(expires), None);
        Ok(())
    }

    fn blank(&mut self) -> Result<()> {
        self.expires = None;
        self.line.clear();
        Ok(self.term.clear_screen()?)
    }

    /// Writes the line anew if it changed.
    fn count(&mut self, now: Timestamp) -> Result<()> {
        let state = match (self.expires, &self.trouble) {
            (Some(expires), _) => format!("good for {} s", (expires.millis_since(now) / SECOND_MS).max(0)),
            (None, Some(trouble)) => format!("no code: {trouble}"),
            (None, None) => "a code comes …".to_owned(),
        };
        let line = format!("{}  {state}  SIMULATED / 模拟  Ctrl-C ends", self.whose);
        if line != self.line {
            self.term.clear_line()?;
            self.term.write_str(&line)?;
            self.line = line;
        }
        Ok(())
    }
}

/// What was shown does not stay: a code is good for whoever reads it first.
impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.term.clear_screen();
    }
}
