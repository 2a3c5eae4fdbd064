//! `kitecity lamp dim`: one luminaire or a group.

use anyhow::{Result, bail};
use clap::Args;
use lighting::{
    CommandReport, CommandStatus, DimLevel, DimRequest, GroupDimRequest, GroupRefusal, GroupReply,
    GroupReport,
};
use scenario::show_duration;
use services::operator::Operator;
use types::{GroupId, LuminaireId};
use wire::{ReplyBody, RequestBody};

use crate::ask::Answer;

/// What `lamp dim` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Dim {
    /// A luminaire such as l-0412, or a group: `all`, `district:kuiwen`, `street:12`, `class:branch`,
    /// `cabinet:c-0012`, `circuit:c-0012:1`.
    #[arg(value_parser = whom)]
    whom: Whom,
    /// Dim level in percent, or `programme` to end the override.
    #[arg(value_parser = level)]
    level: Wanted,
    /// For how long, by the city's clock; until the next command if not given.
    #[arg(long)]
    minutes: Option<u32>,
}

/// Who is meant.
#[derive(Clone, Debug)]
enum Whom {
    One(LuminaireId),
    Group(GroupId),
}

/// The level to hold; `None` = back to the programme.
#[derive(Clone, Copy, Debug)]
struct Wanted(Option<DimLevel>);

fn whom(text: &str) -> Result<Whom, String> {
    if text.starts_with("l-") {
        return text.parse().map(Whom::One).map_err(|error: types::IdError| error.to_string());
    }
    text.parse().map(Whom::Group).map_err(|error: types::IdError| error.to_string())
}

fn level(text: &str) -> Result<Wanted, String> {
    if text == "programme" {
        return Ok(Wanted(None));
    }
    let level = text.parse().ok().and_then(|percent| DimLevel::from_percent(percent).ok());
    level
        .map(|level| Wanted(Some(level)))
        .ok_or_else(|| format!("`{text}` is not 0 to 100 [%] or `programme`"))
}

/// Gives the command, and waits for its end.
pub(super) async fn run(operator: &Operator, dim: Dim) -> Result<Answer> {
    let Dim { whom, level: Wanted(level), minutes } = dim;
    match whom {
        Whom::One(luminaire) => {
            let body = RequestBody::Dim(DimRequest { luminaire, level, minutes });
            let last = operator.follow(body, |reply| match reply {
                ReplyBody::Dim(report) => report.status.is_final(),
                _ => true,
            });
            match last.await? {
                ReplyBody::Dim(report) => {
                    let fine = report.status == CommandStatus::Successful;
                    Ok((words_of_one(&report), serde_json::to_value(report)?, fine))
                }
                ReplyBody::DimRefused(refused) => {
                    let words = format!("{luminaire}: refused: {}", refused.reason);
                    Ok((words, serde_json::to_value(refused)?, false))
                }
                _ => bail!("the lighting service answers another question"),
            }
        }
        Whom::Group(group) => {
            let body = RequestBody::DimGroup(GroupDimRequest { group, level, minutes });
            let is_last = |reply: &ReplyBody| !matches!(reply, ReplyBody::DimGroup(GroupReply::Running(_)));
            match operator.follow(body, is_last).await? {
                ReplyBody::DimGroup(reply) => {
                    let (words, fine) = words_of_group(&reply);
                    Ok((words, serde_json::to_value(reply)?, fine))
                }
                _ => bail!("the lighting service answers another question"),
            }
        }
    }
}

fn words_of_one(report: &CommandReport) -> String {
    let status = match report.status {
        CommandStatus::Successful => "obeyed",
        CommandStatus::Failed => "refused",
        CommandStatus::Expired => "expired before it arrived",
        CommandStatus::Timeout => "no answer from the luminaire",
        CommandStatus::Pending | CommandStatus::Sent | CommandStatus::Delivered => "under way",
    };
    let reason = report.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    format!("{}: {status}{reason}", report.luminaire)
}

/// In words, and whether all luminaires obeyed.
fn words_of_group(reply: &GroupReply) -> (String, bool) {
    let report = match reply {
        GroupReply::Running(report) | GroupReply::Finished(report) => report,
        GroupReply::Refused { group, reason } => {
            let reason = match reason {
                GroupRefusal::UnknownGroup => "no such group in this city",
                GroupRefusal::TooManyRunning => "too many commands to groups are running, try again later",
            };
            return (format!("{group}: refused: {reason}"), false);
        }
    };
    let GroupReport { group, luminaires, tally, last_lamp_ms, .. } = report;
    let parts = [
        (tally.successful, "obeyed"),
        (tally.failed, "refused"),
        (tally.expired, "expired or got a newer command first"),
        (tally.timeout, "without an answer"),
        (tally.open(), "under way"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let last =
        last_lamp_ms.map_or(String::new(), |ms| format!("; the last lamp after {}", show_duration(ms)));
    (format!("{group}: {luminaires} luminaires, {}{last}", parts.join(", ")), tally.successful == *luminaires)
}

#[cfg(test)]
mod tests {
    use lighting::Tally;

    use super::*;

    #[test]
    fn a_misspelt_luminaire_is_no_group_and_a_level_over_100_is_refused() {
        assert!(whom("l-412").unwrap_err().contains("l-0412"));
        assert!(whom("District").unwrap_err().contains("is no group"));
        assert!(level("101").unwrap_err().contains("0 to 100"));
        assert!(level("programme").unwrap().0.is_none());
    }

    #[test]
    fn a_group_of_which_one_did_not_answer_is_not_fine() {
        let tally = Tally { successful: 9, timeout: 1, ..Tally::default() };
        let (command, group) = ("x".parse().unwrap(), "all".parse().unwrap());
        let report = GroupReport { command, group, luminaires: 10, tally, last_lamp_ms: Some(4_200) };
        let (words, fine) = words_of_group(&GroupReply::Finished(report));
        assert!(!fine);
        assert!(
            words.starts_with("all: 10 luminaires, 9 obeyed, 1 without an answer; the last lamp after 4"),
            "{words}"
        );
    }
}
