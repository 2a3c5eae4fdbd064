//! What reports for people are made of: pages, tables, charts.

pub(crate) mod chart;
pub(crate) mod page;
