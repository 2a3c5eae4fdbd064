//! What it costs to split a bill. Run with `cargo bench -p medpay`.
//!
//! To reach: a million bills per second and core.

use divan::{Bencher, black_box, counter::ItemsCount};
use medpay::{Bill, BillLine, Care, Category, Policies, Standing, adjudicate};
use types::{BillId, Fen, ProviderId, ResidentId};
use uuid::Uuid;

fn main() {
    divan::main();
}

/// Four lines of each category.
fn bill() -> Bill {
    let line = |category, fen, preself_bp| BillLine {
        item: "item".into(),
        category,
        unit_price: Fen::new(fen),
        quantity_milli: 2_000,
        price_limit: Some(Fen::new(8_000)),
        preself_bp,
    };
    let three = [line(Category::A, 1_280, 0), line(Category::B, 8_850, 1_000), line(Category::C, 3_600, 0)];
    let lines = three.iter().cycle().take(12).cloned().collect();
    Bill {
        id: BillId(Uuid::nil()),
        provider: ProviderId(1),
        level: 2,
        beneficiary: ResidentId(1),
        lines,
        total: Fen::new((1_280 + 8_850 + 3_600) * 2 * 4),
        care: Care::Outpatient,
        date: None,
    }
}

#[divan::bench]
fn split_a_bill_of_twelve_lines(bencher: Bencher<'_, '_>) {
    let policies: Policies =
        toml::from_str(include_str!("../../../config/policies/demo.toml")).expect("it is checked");
    let policy = &policies.all()[0];
    let bill = bill();
    let standing = Standing { balance: Fen::new(5_000), ..Standing::default() };
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| adjudicate(black_box(policy), black_box(&bill), black_box(standing)).expect("it adds up"));
}
