//! `kitecity lamp firmware`: a campaign for a group.

use anyhow::{Result, bail};
use clap::Args;
use lighting::{
    CampaignRefusal, CampaignReply, CampaignReport, CampaignRequest, FirmwareImage, FirmwareVersion,
};
use services::operator::Operator;
use types::GroupId;
use wire::{ReplyBody, RequestBody};

use crate::ask::Answer;

/// What `lamp firmware` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Firmware {
    /// Which luminaires: `all`, `district:kuiwen`, `street:12`, `class:branch`, `cabinet:c-0012`, `circuit:c-0012:1`.
    group: GroupId,
    /// What they shall run, such as 1.1.0.
    version: FirmwareVersion,
    /// Size of the image in bytes.
    #[arg(long, default_value_t = 262_144)]
    bytes: u32,
    /// The hardware keeps its light while it is updated; otherwise it is updated only by day.
    #[arg(long)]
    keeps_light: bool,
    /// Share that tries it first in percent, at least one luminaire.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    canary: u8,
    /// How many follow at a time.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    wave: u32,
    /// Halt, and take it back, when more of those begun have failed, in percent.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=99))]
    failed_max: u8,
}

/// Begins the campaign, and waits for its end as long as there is news.
pub(super) async fn run(operator: &Operator, order: Firmware) -> Result<Answer> {
    let image = FirmwareImage { version: order.version, bytes: order.bytes, goes_dark: !order.keeps_light };
    let request = CampaignRequest {
        group: order.group,
        image,
        canary_percent: order.canary,
        wave: order.wave,
        failed_percent_max: order.failed_max,
    };
    let is_last = |reply: &ReplyBody| !matches!(reply, ReplyBody::Firmware(CampaignReply::Running(_)));
    match operator.follow(RequestBody::Firmware(request), is_last).await? {
        ReplyBody::Firmware(reply) => {
            let (words, fine) = words(&reply);
            Ok((words, serde_json::to_value(reply)?, fine))
        }
        _ => bail!("the lighting service answers another question"),
    }
}

/// In words, and whether everyone is updated.
fn words(reply: &CampaignReply) -> (String, bool) {
    let (what, report) = match reply {
        CampaignReply::Running(report) => ("running", report),
        CampaignReply::Finished(report) => ("finished", report),
        CampaignReply::Halted(report) => ("halted", report),
        CampaignReply::Refused { group, reason } => {
            let reason = match reason {
                CampaignRefusal::UnknownGroup => "no such group in this city",
                CampaignRefusal::CampaignRunning => "another campaign is running, wait for its end",
                CampaignRefusal::ImpossiblePlan => "a percentage or the size of a wave is out of range",
            };
            return (format!("{group}: refused: {reason}"), false);
        }
    };
    let CampaignReport { group, version, luminaires, table, .. } = report;
    let parts = [
        (table.updated, "updated"),
        (table.failed, "failed"),
        (table.hung, "hung"),
        (table.rolled_back, "taken back"),
        (table.stuck, "not taken back"),
        (table.left_out, "left out"),
        (table.not_begun, "not begun"),
        (table.waiting + table.updating + table.rolling_back, "under way"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let fine = table.updated + table.left_out == *luminaires;
    (format!("{group} to {version}: {what}: {luminaires} luminaires, {}", parts.join(", ")), fine)
}
