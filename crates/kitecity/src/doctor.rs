//! `kitecity doctor`: what this machine has for running a city.

use std::net::{SocketAddr, TcpListener};

use anyhow::Result;

use crate::Settings;
use crate::config::Config;

/// Prints one line per check; fails if the city could not start.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let config = Config::load(settings.config.as_deref())?;
    config.check()?;
    println!("ok    settings read");
    port("mqtt", config.broker.listen);
    port("websocket", config.broker.websocket);
    port("console", config.console.listen);
    let wanted = 2 * u64::from(config.city.luminaires) + 512;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit >= wanted => println!("ok    files: {limit} may be open, {wanted} are wanted"),
        Ok(limit) => {
            println!("note  files: only {limit} may be open, {wanted} are wanted: raise `ulimit -n`")
        }
        Err(error) => println!("note  files: limit unknown ({error})"),
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("ok    cores: {cores}");
    Ok(())
}

fn port(name: &str, address: SocketAddr) {
    match TcpListener::bind(address) {
        Ok(_) => println!("ok    {name}: {address} is free"),
        Err(error) => println!("note  {name}: {address} is not free ({error}); the next free port is taken"),
    }
}
