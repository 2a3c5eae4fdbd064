//! `kitecity bench pay`: splits and durable settlements.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use medpay::{Bill, BillLine, Care, Category, Insured, Payer, Policies, Standing, adjudicate};
use services::bench::{BENEFICIARIES, Figures, settle, sync_time};
use services::journal::Store;
use services::journal::sqlite::Sqlite;
use tokio::runtime::Builder;
use types::{BillId, Fen, ProviderId, ResidentId, RunId, Seed};
use uuid::Uuid;
use wire::MessageIds;
use wire::roles::PayerRole;

use crate::Settings;
use crate::config::Config;
use crate::out::line;

/// What the fund opens with, so that it never runs dry.
const FUND: Fen = Fen::new(1_000_000_000_000);

/// What `bench pay` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct PayArgs {
    /// Clients that pay at the same time, each one bill after the other.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,
    /// How long \[s\].
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// On which disk; otherwise that of the folder for temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Does it.
pub(super) fn run(args: &PayArgs, settings: &Settings) -> Result<()> {
    let config = Config::load(settings.config.as_deref())?;
    let policies = config.policy()?;
    splits(&policies)?;
    let place = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::tempdir_in(&place).with_context(|| format!("cannot use {}", place.display()))?;
    let (sync_p50, sync_p99) = sync_time(folder.path()).context("cannot time the disk")?;
    line(&format!("disk: overwrite 4 KiB + fdatasync    {:>8} p50, {} p99", ms(sync_p50), ms(sync_p99)))?;

    let store = Store::over(Box::new(Sqlite::open(folder.path())?))?;
    let mut role = payer(&policies)?;
    let mut journal = store.recover(&mut role, config.city.run)?.journal;
    let time = Duration::from_secs(args.seconds);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(settle(&mut role, &mut journal, config.city.run, args.clients, time))?;
    report(args.clients, &figures, sync_p50)?;
    drop(journal);
    replay(&store, &policies, config.city.run)
}

/// Everybody whose bills are paid.
fn payer(policies: &Policies) -> Result<PayerRole> {
    let people = (1..=BENEFICIARIES).map(|number| (ResidentId(number), Fen::new(1_000_000)));
    let core = Payer::new(policies.clone(), FUND, people, Seed(7).stream("settlement ids", 0))?;
    Ok(PayerRole::new(core, MessageIds::new(Seed(7).stream("message ids", 0))))
}

/// How many bills of twelve lines one core splits in a second.
fn splits(policies: &Policies) -> Result<()> {
    let Some(policy) = policies.all().first() else { return Ok(()) };
    let position = |category, fen, preself_bp| BillLine {
        item: "item".into(),
        category,
        unit_price: Fen::new(fen),
        quantity_milli: 2_000,
        price_limit: Some(Fen::new(8_000)),
        preself_bp,
    };
    let three = [
        position(Category::A, 1_280, 0),
        position(Category::B, 8_850, 1_000),
        position(Category::C, 3_600, 0),
    ];
    let bill = |lines: usize| Bill {
        id: BillId(Uuid::nil()),
        provider: ProviderId(1),
        level: 2,
        beneficiary: ResidentId(1),
        lines: three.iter().cycle().take(lines).cloned().collect(),
        total: Fen::new((1_280 + 8_850 + 3_600) * 2 * lines as i64 / 3),
        care: Care::Outpatient,
        date: None,
    };
    let standing = Standing { balance: Fen::new(5_000), insured: Insured::Employee, ..Standing::default() };
    for lines in [3, 12] {
        let bill = bill(lines);
        adjudicate(policy, &bill, standing).context("the bill to be split")?;
        let (began, mut count) = (Instant::now(), 0_u64);
        while began.elapsed() < Duration::from_secs(1) {
            for _ in 0..1_000 {
                let _ = black_box(adjudicate(black_box(policy), black_box(&bill), black_box(standing)));
            }
            count += 1_000;
        }
        let rate = count as f64 / began.elapsed().as_secs_f64();
        line(&format!(
            "splits of bills of {lines:>2} lines         {rate:>10.0} /s on one core, with trace"
        ))?;
    }
    Ok(())
}

fn report(clients: u32, figures: &Figures, sync: Duration) -> Result<()> {
    let Figures { settlements, elapsed, commits, p50, p99 } = *figures;
    let rate = settlements as f64 / elapsed.as_secs_f64();
    line(&format!(
        "durable settlements, {clients} clients     {rate:>10.0} /s ({settlements} in {elapsed:.1?})"
    ))?;
    line(&format!("  from first request to last answer  {:>8} p50, {} p99", ms(p50), ms(p99)))?;
    let commits_per_s = commits as f64 / elapsed.as_secs_f64();
    line(&format!("  commits                            {commits_per_s:>8.0} /s, each a sync or two"))?;
    line(&format!(
        "  settlements per commit             {:>8.1}",
        settlements as f64 / commits.max(1) as f64
    ))?;
    let alone = rate * sync.as_secs_f64();
    line(&format!("  settlements per sync time          {alone:>8.1}   (rate × fdatasync p50)"))?;
    Ok(())
}

/// How long it takes to come back.
fn replay(store: &Store, policies: &Policies, run: RunId) -> Result<()> {
    let mut role = payer(policies)?;
    let began = Instant::now();
    let entries = store.recover(&mut role, run)?.entries;
    let rate = entries as f64 / began.elapsed().as_secs_f64();
    line(&format!(
        "replay                               {rate:>8.0} entries/s ({entries} in {:.1?})",
        began.elapsed()
    ))?;
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}
