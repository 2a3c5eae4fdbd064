//! Terminals that work while nobody can be asked: what they may take, and what they took.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use medpay::PayRequest;
use medpay::offline::TerminalKey;
use types::{Fen, ProviderId, TerminalId};

use super::file::{read_list, read_text};
use super::{Asked, Settings, apart, desk, on_bus};
use crate::up::UsageError;

/// What can be done with a terminal.
#[derive(Debug, Subcommand)]
pub(crate) enum Terminal {
    /// Let a terminal take so much from accounts; it replaces what was left.
    Allow(Asked<Allow>),
    /// Settle what a terminal took: its vouchers, in order, as often as it takes.
    Forward(Asked<Forward>),
}

/// What `pay terminal allow` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Allow {
    /// Which, such as t-0001.
    terminal: TerminalId,
    /// Whose, such as h-0001.
    #[arg(long)]
    provider: ProviderId,
    /// A file with the key it signs with, 64 hex digits; `-` = the standard input.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// From an account, at once, in fen.
    #[arg(long, value_name = "FEN", value_parser = clap::value_parser!(i64).range(0..))]
    per_payment: i64,
    /// From accounts, in sum, in fen.
    #[arg(long, value_name = "FEN", value_parser = clap::value_parser!(i64).range(0..))]
    total: i64,
}

/// What `pay terminal forward` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Forward {
    /// Which, such as t-0001.
    terminal: TerminalId,
    /// A file with its vouchers, a JSON list as over HTTP; `-` = the standard input.
    #[arg(default_value = "-")]
    vouchers: PathBuf,
}

pub(super) fn run(what: &Terminal, settings: &Settings) -> Result<ExitCode> {
    match what {
        Terminal::Allow(asked) => on_bus(asked, settings, async |operator, allow| {
            let Allow { terminal, provider, key_file, per_payment, total } = allow;
            let key = apart(move || read_key(&key_file)).await?;
            let (per_payment, total) = (Fen::new(per_payment), Fen::new(total));
            desk(operator, PayRequest::Allow { terminal, provider, key, per_payment, total }).await
        }),
        Terminal::Forward(asked) => on_bus(asked, settings, async |operator, forward| {
            let Forward { terminal, vouchers } = forward;
            let vouchers = apart(move || read_list(&vouchers, "vouchers")).await?;
            desk(operator, PayRequest::Forward { terminal, vouchers }).await
        }),
    }
}

fn read_key(file: &std::path::Path) -> Result<TerminalKey> {
    let hex = read_text(file)?;
    serde_json::from_value(hex.trim().into())
        .map_err(|_| UsageError(format!("{} holds no key: 64 hex digits", file.display())).into())
}
