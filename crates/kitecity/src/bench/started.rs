//! A city in a process of its own, and what it tells about itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use services::bus::BusAddress;

use crate::process::Process;

/// A city that has said where it is.
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) bus: BusAddress,
    /// Host and port of its pages; `None` = without console.
    page: Option<String>,
}

/// What a city counts, as Prometheus reads it.
pub(super) struct Metrics(String);

impl Started {
    /// Starts `command`, a `kitecity up`, and waits until it says where it is.
    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = Process::spawn(command.stdout(Stdio::piped()))?;
        let mut output = BufReader::new(process.take_output()?);
        let (mut line, mut page) = (String::new(), None);
        while output.read_line(&mut line)? > 0 {
            let after = |scheme: &str| line.split_once(scheme)?.1.split_whitespace().next();
            if let Some(address) = after("http://") {
                page.get_or_insert_with(|| address.trim_end_matches('/').to_owned());
            }
            if let Some(address) = after("mqtt://") {
                let bus = format!("mqtt://{address}").parse().map_err(anyhow::Error::msg)?;
                // It goes on talking, and must not find that nobody listens.
                process.keep_output(output.into_inner());
                return Ok(Self { process, bus, page });
            }
            line.clear();
        }
        anyhow::bail!("the city did not start; `kitecity up` with the same settings says why")
    }

    /// What it counts now.
    pub(super) fn metrics(&self) -> Result<Metrics> {
        let page = self.page.as_ref().context("a city without console tells no metrics")?;
        Metrics::of(page).context("the city does not tell its metrics")
    }
}

impl Metrics {
    fn of(page: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(page)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.lines().next().unwrap_or("nothing");
        ensure!(status.starts_with("HTTP/1.1 200"), "it said {status}");
        Ok(Self(answer))
    }

    /// The sum of all lines that begin like this.
    pub(super) fn sum(&self, name: &str) -> f64 {
        let lines = self.0.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_one_name_add_up_over_their_labels() {
        let metrics =
            Metrics("# HELP a_total x\na_total{b=\"1\"} 2\na_total{b=\"2\"} 3.5\nab_total 9\n".to_owned());
        assert!((metrics.sum("a_total") - 5.5).abs() < 1e-9);
        assert!((metrics.sum("a_total{b=\"2\"}") - 3.5).abs() < 1e-9);
        assert!(metrics.sum("c").abs() < 1e-9);
    }
}
