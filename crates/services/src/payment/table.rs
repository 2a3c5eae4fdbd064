//! The table: everything of medical payment that is served. Examples are one story, told in this order.

use axum::routing::{get, post};

use super::{bills, books, desk, offline, stays};
use crate::caller::Caller;
use crate::http::openapi::Operation;

/// What a parameter of a path is.
pub(super) fn parameter(name: &str) -> &'static str {
    match name {
        "bill" => "A bill's id, chosen by who makes it.",
        "stay" => "A stay's id, chosen by who admits; its bill will have it too.",
        "settlement" => "A settlement's id.",
        "beneficiary" => "A resident, such as `r-0042`.",
        "terminal" => "A terminal, such as `t-0001`.",
        "provider" => "A provider, such as `h-0001`.",
        _ => "A day of business, such as `2026-04-18`.",
    }
}

/// All of it.
pub(super) const OPERATIONS: &[Operation<Caller>] = &[
    Operation::post(
        "eligibility",
        "/v1/eligibility",
        "Is somebody insured for a kind of care, and how?",
        "/v1/eligibility",
        (
            r#"{"beneficiary":"r-0001"}"#,
            r#"{"balance":50000,"beneficiary":"r-0001","day":"2026-04-18","deductible_used":0,"fund_used":0,"insured":"employee","policy":"emp_outpatient_demo@1"}"#,
        ),
        || post(desk::eligibility),
    ),
    Operation::post(
        "fileBill",
        "/v1/bills",
        "Keep a bill, if it could be presettled.",
        "/v1/bills",
        (
            r#"{"id":"019d9e2c-5b80-7000-8000-000000000001","provider":"h-0001","level":2,"beneficiary":"r-0001","lines":[{"item":"antibiotic","category":"A","unit_price":1280,"quantity_milli":10000},{"item":"chest-x-ray","category":"B","unit_price":8850,"quantity_milli":8000,"preself_bp":1000},{"item":"vitamins","category":"C","unit_price":3600,"quantity_milli":1000}],"total":87200}"#,
            r#"{"bill":"019d9e2c-5b80-7000-8000-000000000001"}"#,
        ),
        || post(bills::file),
    ),
    Operation::post(
        "presettleBill",
        "/v1/bills/{bill}/presettle",
        "How would a bill be paid? The answer is valid for some minutes.",
        "/v1/bills/019d9e2c-5b80-7000-8000-000000000001/presettle",
        (
            r#"{"family_payer":null}"#,
            r#"{"bill":"019d9e2c-5b80-7000-8000-000000000001","expires":1776510900000,"presettlement":"019da03f-5b80-7e64-822b-94b1b19a9eb6","split":{"account":50000,"cash":11636,"deductible":40000,"in_scope":76520,"pool":25564,"total":87200},"trace":[{"input":87200,"output":3600,"rule":"scope.not_insured"},{"input":83600,"output":0,"rule":"scope.over_price_limit"},{"input":83600,"output":7080,"rule":"scope.first_share"},{"input":76520,"output":40000,"rule":"deductible.level_2"},{"input":36520,"output":25564,"rule":"ratio.level_2"},{"input":25564,"output":25564,"rule":"cap.year"},{"input":58036,"output":50000,"rule":"account"},{"input":61636,"output":11636,"rule":"cash"}]}"#,
        ),
        || post(bills::presettle),
    ),
    Operation::get(
        "billCode",
        "/v1/bills/{bill}/qr",
        "The EMV QR code by which the patient pays the cash part: its text, and how much that is.",
        "/v1/bills/019d9e2c-5b80-7000-8000-000000000001/qr",
        r#"{"cash":11636,"emv":"00020101021226630013city.kite.pay0106h-00010232019d9e2c5b80700080000000000000015204806253031565406116.365802CN5915Kitecity h-00016007Weifang63042662"}"#,
        || get(bills::code),
    ),
    Operation::get(
        "billSymbol",
        "/v1/bills/{bill}/qr.svg",
        "The same code as an image, to be shown at the till.",
        "/v1/bills/019d9e2c-5b80-7000-8000-000000000001/qr.svg",
        "",
        || get(bills::symbol),
    )
    .gives("image/svg+xml"),
    Operation::post(
        "settleBill",
        "/v1/bills/{bill}/settle",
        "Pay a bill as it was presettled, with a fresh e-ID code.",
        "/v1/bills/019d9e2c-5b80-7000-8000-000000000001/settle",
        (
            r#"{"presettlement_id":"019da03f-5b80-7e64-822b-94b1b19a9eb6","eid_token":"HC1:R-0001/1"}"#,
            r#"{"bill":"019d9e2c-5b80-7000-8000-000000000001","settlement":"019da03f-5b80-7e6d-a295-2df56536b301","split":{"account":50000,"cash":11636,"deductible":40000,"in_scope":76520,"pool":25564,"total":87200}}"#,
        ),
        || post(bills::settle),
    ),
    Operation::get(
        "showBill",
        "/v1/bills/{bill}",
        "A bill, and how far it is.",
        "/v1/bills/019d9e2c-5b80-7000-8000-000000000001",
        r#"{"bill":{"beneficiary":"r-0001","id":"019d9e2c-5b80-7000-8000-000000000001","level":2,"lines":[{"category":"A","item":"antibiotic","preself_bp":0,"quantity_milli":10000,"unit_price":1280},{"category":"B","item":"chest-x-ray","preself_bp":1000,"quantity_milli":8000,"unit_price":8850},{"category":"C","item":"vitamins","preself_bp":0,"quantity_milli":1000,"unit_price":3600}],"provider":"h-0001","total":87200},"state":{"settled":{"settlement":"019da03f-5b80-7e6d-a295-2df56536b301","split":{"account":50000,"cash":11636,"deductible":40000,"in_scope":76520,"pool":25564,"total":87200}}}}"#,
        || get(bills::show),
    ),
    Operation::get(
        "trace",
        "/v1/trace/{settlement}",
        "Why was a bill paid as it was? Step by step.",
        "/v1/trace/019da03f-5b80-7e6d-a295-2df56536b301",
        r#"{"bill":{"beneficiary":"r-0001","bill":"019d9e2c-5b80-7000-8000-000000000001","day":"2026-04-18","provider":"h-0001","settled":1776510000000,"settlement":"019da03f-5b80-7e6d-a295-2df56536b301","split":{"account":50000,"cash":11636,"deductible":40000,"in_scope":76520,"pool":25564,"total":87200}},"policy":"emp_outpatient_demo@1","trace":[{"input":87200,"output":3600,"rule":"scope.not_insured"},{"input":83600,"output":0,"rule":"scope.over_price_limit"},{"input":83600,"output":7080,"rule":"scope.first_share"},{"input":76520,"output":40000,"rule":"deductible.level_2"},{"input":36520,"output":25564,"rule":"ratio.level_2"},{"input":25564,"output":25564,"rule":"cap.year"},{"input":58036,"output":50000,"rule":"account"},{"input":61636,"output":11636,"rule":"cash"}]}"#,
        || get(desk::trace),
    ),
    Operation::get(
        "statement",
        "/v1/accounts/{beneficiary}/statement",
        "Where does somebody stand today?",
        "/v1/accounts/r-0001/statement",
        r#"{"balance":0,"beneficiary":"r-0001","deductible_used":40000,"fund_used":25564,"settled":1}"#,
        || get(desk::statement),
    ),
    Operation::post(
        "linkFamily",
        "/v1/family-links",
        "A family member agrees, by a fresh code, to pay for a beneficiary from their account.",
        "/v1/family-links",
        (
            r#"{"beneficiary":"r-0001","family":"r-0002","eid_token":"HC1:R-0002/2"}"#,
            r#"{"beneficiary":"r-0001","family":"r-0002"}"#,
        ),
        || post(desk::link),
    ),
    Operation::post(
        "freezeAccount",
        "/v1/accounts/{beneficiary}/freeze",
        "Freeze an account, or thaw it.",
        "/v1/accounts/r-0002/freeze",
        (r#"{"frozen":true}"#, r#"{"beneficiary":"r-0002","frozen":true}"#),
        || post(desk::freeze),
    ),
    Operation::post(
        "refund",
        "/v1/settlements/{settlement}/refund",
        "Give back some of the lines: the settlement is reversed and what is left is settled, together or not at all.",
        "/v1/settlements/019da03f-5b80-7e6d-a295-2df56536b301/refund",
        (
            r#"{"lines":[{"line":2,"quantity_milli":3000}]}"#,
            r#"{"replacement":"019da03f-5b80-757e-86f1-1ab832b8a665","reversal":"019da03f-5b80-7165-bc12-e43af0ef0833","settlement":"019da03f-5b80-7e6d-a295-2df56536b301","split":{"account":48213,"cash":3600,"deductible":40000,"in_scope":52625,"pool":8837,"total":60650}}"#,
        ),
        || post(desk::refund),
    ),
    Operation::post(
        "reverse",
        "/v1/settlements/{settlement}/reverse",
        "Take a settlement back as a whole, by counter-entries.",
        "/v1/settlements/019da03f-5b80-757e-86f1-1ab832b8a665/reverse",
        (
            "",
            r#"{"reversal":"019da03f-5b80-7d36-a76d-22dac4c011da","settlement":"019da03f-5b80-757e-86f1-1ab832b8a665"}"#,
        ),
        || post(desk::reverse),
    ),
    Operation::post(
        "confirm",
        "/v1/settlements/{settlement}/confirm",
        "The cash of a held settlement was paid, or was not.",
        "/v1/settlements/019da03f-5b80-7b45-98d5-0ec4f731491d/confirm",
        (r#"{"paid":true}"#, r#"{"paid":true,"settlement":"019da03f-5b80-7b45-98d5-0ec4f731491d"}"#),
        || post(desk::confirm),
    ),
    Operation::post(
        "compareTotals",
        "/v1/recon/{provider}/{day}",
        "Do the totals of a day agree with the provider's own?",
        "/v1/recon/h-0001/2026-04-18",
        (
            r#"{"settled":3,"reversed":2,"total":1280,"fund":0,"account":0,"cash":1280}"#,
            r#"{"agree":true,"hospital":{"account":0,"cash":1280,"fund":0,"reversed":2,"settled":3,"total":1280},"platform":{"account":0,"cash":1280,"fund":0,"reversed":2,"settled":3,"total":1280}}"#,
        ),
        || post(books::totals),
    ),
    Operation::post(
        "compareBooks",
        "/v1/recon/{provider}/{day}/detail",
        "Where do the books of a day differ, row by row?",
        "/v1/recon/h-0001/2026-04-18/detail",
        (
            r#"{"rows":[]}"#,
            r#"{"day":"2026-04-18","differences":[{"amount":60650,"class":"platform_only","refund":false,"settlement":"019da03f-5b80-757e-86f1-1ab832b8a665"},{"amount":-60650,"class":"refund_missing","refund":true,"settlement":"019da03f-5b80-757e-86f1-1ab832b8a665"},{"amount":1280,"class":"platform_only","refund":false,"settlement":"019da03f-5b80-7b45-98d5-0ec4f731491d"},{"amount":87200,"class":"platform_only","refund":false,"settlement":"019da03f-5b80-7e6d-a295-2df56536b301"},{"amount":-87200,"class":"refund_missing","refund":true,"settlement":"019da03f-5b80-7e6d-a295-2df56536b301"}],"hospital":{"account":0,"cash":0,"fund":0,"reversed":0,"settled":0,"total":0},"platform":{"account":0,"cash":1280,"fund":0,"reversed":2,"settled":3,"total":1280}}"#,
        ),
        || post(books::detail),
    ),
    Operation::post(
        "parkDifference",
        "/v1/recon/{provider}/{day}/diffs",
        "Put aside what a difference is about, until it is resolved.",
        "/v1/recon/h-0001/2026-04-18/diffs",
        (
            r#"{"difference":{"settlement":"019da03f-5b80-7b45-98d5-0ec4f731491d","refund":false,"class":"platform_only","amount":1280}}"#,
            r#"{"balance":1280}"#,
        ),
        || post(books::park),
    ),
    Operation::get(
        "parkedDifferences",
        "/v1/recon/{provider}/{day}/diffs",
        "Which differences of a day are put aside? The first hundred.",
        "/v1/recon/h-0001/2026-04-18/diffs",
        r#"{"more":false,"parked":[{"amount":1280,"refund":false,"settlement":"019da03f-5b80-7b45-98d5-0ec4f731491d"}]}"#,
        || get(books::parked),
    ),
    Operation::post(
        "resolveDifference",
        "/v1/recon/{provider}/{day}/diffs/{settlement}/resolve",
        "Resolve a difference: `rebook` (the payer is right), `accept` (the provider is), `reverse` (take it back).",
        "/v1/recon/h-0001/2026-04-18/diffs/019da03f-5b80-7b45-98d5-0ec4f731491d/resolve",
        (r#"{"action":"rebook"}"#, r#"{"balance":0}"#),
        || post(books::resolve),
    ),
    Operation::post(
        "closeDay",
        "/v1/recon/{provider}/{day}/close",
        "Close a day: what it owes is paid out, and nothing more is booked on it.",
        "/v1/recon/h-0001/2026-04-18/close",
        ("", r#"{"paid_out":1280}"#),
        || post(books::close),
    ),
    Operation::post(
        "allowTerminal",
        "/v1/offline/terminals/{terminal}",
        "Let a terminal take so much from accounts while nobody can be asked; it replaces what was left.",
        "/v1/offline/terminals/t-0001",
        (
            r#"{"provider":"h-0002","key":"0707070707070707070707070707070707070707070707070707070707070707","per_payment":5000,"total":50000}"#,
            r#"{"next":1,"terminal":"t-0001","total":50000}"#,
        ),
        || post(offline::allow),
    ),
    Operation::post(
        "forwardVouchers",
        "/v1/offline/batches",
        "What a terminal took while nobody could be asked, in order. Sent again, it is told again.",
        "/v1/offline/batches",
        (
            r#"{"terminal":"t-0001","vouchers":[{"counter":1,"taken":1776509000000,"bill":{"id":"019d9e2c-5b80-7000-8000-000000000003","provider":"h-0002","level":2,"beneficiary":"r-0001","lines":[{"item":"antibiotic","category":"A","unit_price":1280,"quantity_milli":1000}],"total":1280},"account":1280,"mac":"216ae290aaad1b1e6be57c096164b90e5313395f435d67b0d85dcfb709c3adaa"}]}"#,
            r#"{"next":2,"terminal":"t-0001","vouchers":[{"counter":1,"outcome":{"settled":{"borne":0,"settlement":"019da03f-5b80-7bdd-af08-be1f7b4e9747"}}}]}"#,
        ),
        || post(offline::forward),
    ),
    Operation::post(
        "deposit",
        "/v1/deposits",
        "Take cash at admission, before the bill of a stay is settled; or give it back (`back`).",
        "/v1/deposits",
        (
            r#"{"bill":"019d9e2c-5b80-7000-8000-000000000004","amount":50000}"#,
            r#"{"balance":50000,"bill":"019d9e2c-5b80-7000-8000-000000000004"}"#,
        ),
        || post(bills::deposit),
    ),
    Operation::post(
        "openStay",
        "/v1/admissions",
        "Open a stay in hospital: deposits can be taken for it, and lines added, until it is discharged.",
        "/v1/admissions",
        (
            r#"{"stay":"019d9e2c-5b80-7000-8000-000000000005","provider":"h-0002","level":3,"beneficiary":"r-0001"}"#,
            r#"{"deductible":80000,"earlier":0,"policy":"emp_inpatient_demo@1","stay":"019d9e2c-5b80-7000-8000-000000000005"}"#,
        ),
        || post(stays::admit),
    ),
    Operation::post(
        "interimBill",
        "/v1/interim",
        "Add lines to a stay, or none, and tell how it would be paid if it ended now.",
        "/v1/interim",
        (
            r#"{"stay":"019d9e2c-5b80-7000-8000-000000000005","lines":[{"item":"bed-day","category":"A","unit_price":90000,"quantity_milli":2000}]}"#,
            r#"{"deposit":{"due":46280,"refund":0,"used":0},"split":{"account":48720,"cash":46280,"deductible":80000,"in_scope":180000,"pool":85000,"total":180000},"stay":"019d9e2c-5b80-7000-8000-000000000005"}"#,
        ),
        || post(stays::interim),
    ),
    Operation::get(
        "showStay",
        "/v1/admissions/{stay}",
        "A stay: its lines so far, and what is deposited for it; later, its bill.",
        "/v1/admissions/019d9e2c-5b80-7000-8000-000000000005",
        r#"{"bill":{"beneficiary":"r-0001","care":"inpatient","id":"019d9e2c-5b80-7000-8000-000000000005","level":3,"lines":[{"category":"A","item":"bed-day","preself_bp":0,"quantity_milli":2000,"unit_price":90000}],"provider":"h-0002","total":180000},"state":{"admitted":{"deposit":0}}}"#,
        || get(stays::show),
    ),
    Operation::post(
        "dischargeStay",
        "/v1/admissions/{stay}/discharge",
        "End a stay: all its lines become one bill, which is presettled and settled like any other.",
        "/v1/admissions/019d9e2c-5b80-7000-8000-000000000005/discharge",
        (
            "",
            r#"{"bill":{"beneficiary":"r-0001","care":"inpatient","id":"019d9e2c-5b80-7000-8000-000000000005","level":3,"lines":[{"category":"A","item":"bed-day","preself_bp":0,"quantity_milli":2000,"unit_price":90000}],"provider":"h-0002","total":180000}}"#,
        ),
        || post(stays::discharge),
    ),
];
