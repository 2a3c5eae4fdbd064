//! A provider's own book, as it comes: JSON, or a table of comma- or tab-separated values.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use medpay::reconcile::Row;
use serde::Deserialize;

use crate::http::{JsonBody, Problem};

/// The rows of a book: of the day, and of the days around it, where what was booked on another day is found.
#[derive(Debug)]
pub(super) struct BookBody(pub(super) Vec<Row>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    rows: Vec<Row>,
}

impl<S: Send + Sync> FromRequest<S> for BookBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let between = match kind.split(';').next().unwrap_or_default().trim() {
            "text/csv" => b',',
            "text/tab-separated-values" => b'\t',
            _ => {
                let JsonBody(Detail { rows }) = JsonBody::from_request(request, state).await?;
                return Ok(Self(rows));
            }
        };
        let table = Bytes::from_request(request, state).await.map_err(|rejection| {
            Problem::new(rejection.status(), "book_unreadable", rejection.body_text())
        })?;
        let unreadable = |detail| Problem::new(StatusCode::BAD_REQUEST, "book_unreadable", detail);
        rows(&table, between).map(Self).map_err(unreadable)
    }
}

/// The rows of a table whose first line names its columns, in any order; or what is wrong with it, and where.
pub(crate) fn rows(table: &[u8], between: u8) -> Result<Vec<Row>, String> {
    // What spreadsheets put in front.
    let table = table.strip_prefix("\u{feff}".as_bytes()).unwrap_or(table);
    let mut reader = csv::ReaderBuilder::new().delimiter(between).trim(csv::Trim::All).from_reader(table);
    reader.deserialize().collect::<Result<_, csv::Error>>().map_err(|error| {
        let place = error.position().map_or_else(String::new, |place| format!("line {}: ", place.line()));
        let what = match error.kind() {
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            _ => error.to_string(),
        };
        let columns = "settlement, refund, bill, day, total, fund, account, cash";
        format!("{place}{what}; the first line names the columns {columns}")
    })
}

#[cfg(test)]
mod tests {
    use types::Fen;

    use super::*;

    const HEAD: &str = "day,settlement,refund,bill,total,fund,account,cash";
    const ROW: &str = "2026-04-18,019da03f-5b80-7e6d-a295-2df56536b301,false,019d9e2c-5b80-7000-8000-000000000001,87200,25564,50000,11636";

    fn told(table: &str) -> String {
        rows(table.as_bytes(), b',').expect_err("it must be refused")
    }

    #[test]
    fn a_table_without_a_column_or_with_something_else_in_it_is_refused_by_its_line() {
        assert!(told(&format!("{}\n{ROW}", HEAD.replace("cash", "money"))).contains("missing field `cash`"));
        let odd = ROW.replace("87200", "872.00");
        let said = told(&format!("{HEAD}\n{ROW}\n{odd}"));
        assert!(said.starts_with("line 3: ") && said.contains("the first line names the columns"), "{said}");
        assert!(told(&format!("{HEAD}\n2026-04-18,x")).starts_with("line 2: "));
    }

    #[test]
    fn columns_are_found_by_name_between_commas_or_tabs() {
        let table = format!("\u{feff}{HEAD}\r\n{ROW}\r\n");
        let read = rows(table.as_bytes(), b',').unwrap();
        assert_eq!(read, rows(table.replace(',', "\t").as_bytes(), b'\t').unwrap());
        assert_eq!((read.len(), read[0].cash), (1, Fen::new(11_636)));
        assert_eq!(rows(HEAD.as_bytes(), b',').unwrap(), []);
    }
}
