//! The phone at the command line: `eid::Holder` keeps the code fresh, and this shows it.

use std::time::Duration;

use ::eid::holder::{Holder, Input, Output};
use ::eid::qr::{Level, QUIET_ZONE, Symbol};
use ::eid::{IssueReply, IssueRequest, Profile, QrText, Resident};
use anyhow::{Context, Result, bail};
use console::Term;
use services::operator::Operator;
use services::time::wall_now;
use tokio::sync::mpsc;
use tokio::time::interval;
use types::{Core, SECOND_MS, Timestamp};
use wire::{ReplyBody, RequestBody};

use super::enrol;

/// How often the seconds are counted.
const TICK: Duration = Duration::from_millis(250);
/// Questions, and answers, under way: the holder asks one at a time, and again only after a while.
const UNDER_WAY_MAX: usize = 4;

/// Shows the living code of `person` for as long as it is polled; or, not `live`, prints one and ends.
pub(super) async fn show(operator: &Operator, person: &Resident, profile: Profile, live: bool) -> Result<()> {
    enrol(operator, person).await?;
    if !live {
        return print_one(operator, IssueRequest { resident: person.id, profile }).await;
    }
    let (requests, asked) = mpsc::channel(UNDER_WAY_MAX);
    let (answers, answered) = mpsc::channel(UNDER_WAY_MAX);
    let phone = Phone { holder: Holder::new(), screen: Screen::new(person), requests };
    tokio::select! {
        outcome = ask(operator, person, asked, answers) => outcome,
        outcome = phone.run(Input::Show { resident: person.id, profile }, answered) => outcome,
    }
}

async fn print_one(operator: &Operator, request: IssueRequest) -> Result<()> {
    match issue(operator, request).await? {
        IssueReply::Issued { code, .. } => println!("{}", code.0),
        IssueReply::NotEnrolled => bail!("{} is not enrolled", request.resident),
    }
    Ok(())
}

async fn issue(operator: &Operator, request: IssueRequest) -> Result<IssueReply> {
    match operator.ask(RequestBody::Issue(request)).await? {
        ReplyBody::Issue(reply) => Ok(reply),
        _ => bail!("the issuer answers another question"),
    }
}

/// Asks the issuer, beside the phone. An issuer that was restarted has forgotten the resident.
async fn ask(
    operator: &Operator,
    person: &Resident,
    mut requests: mpsc::Receiver<IssueRequest>,
    answers: mpsc::Sender<Result<IssueReply>>,
) -> Result<()> {
    while let Some(request) = requests.recv().await {
        let mut answer = issue(operator, request).await;
        if matches!(answer, Ok(IssueReply::NotEnrolled)) {
            enrol(operator, person).await?;
            answer = issue(operator, request).await;
        }
        let _ = answers.send(answer).await;
    }
    Ok(())
}

struct Phone {
    holder: Holder,
    screen: Screen,
    requests: mpsc::Sender<IssueRequest>,
}

impl Phone {
    async fn run(mut self, wish: Input, mut answers: mpsc::Receiver<Result<IssueReply>>) -> Result<()> {
        let mut ticks = interval(TICK);
        self.act(|holder, now, out| holder.handle(now, wish, out))?;
        loop {
            tokio::select! {
                Some(answer) = answers.recv() => match answer {
                    Ok(reply) => self.act(|holder, now, out| holder.handle(now, Input::Reply(reply), out))?,
                    // The holder asks again by itself.
                    Err(error) => self.screen.trouble = Some(format!("{error:#}")),
                },
                _ = ticks.tick() => {
                    if self.holder.next_timeout().is_some_and(|due| due <= wall_now()) {
                        self.act(|holder, now, out| holder.handle_timeout(now, out))?;
                    }
                }
            }
            self.screen.count(wall_now())?;
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Holder, Timestamp, &mut Vec<Output>)) -> Result<()> {
        let mut out = Vec::new();
        act(&mut self.holder, wall_now(), &mut out);
        for output in out {
            match output {
                // No room means that the question before it is still under way.
                Output::Request(request) => drop(self.requests.try_send(request)),
                Output::Display { code, expires } => self.screen.show(&code, expires)?,
                Output::Blank => self.screen.blank()?,
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
