//! `kitecity doctor`: what this machine has for running a city.

use std::net::{SocketAddr, TcpListener};

use anyhow::Result;

use crate::config::Config;
use crate::{Settings, descriptors};

/// Prints one line per check; fails if the city could not start.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let config = Config::load(settings.config.as_deref())?;
    config.check()?;
    println!("ok    settings read");
    port("mqtt", config.broker.listen);
    port("websocket", config.broker.websocket);
    port("console", config.console.listen);
    let wanted = descriptors::wanted(config.city.luminaires as usize, 2);
    match descriptors::raised(wanted) {
        Some(limit) if limit >= wanted => println!("ok    files: {limit} may be open, {wanted} are wanted"),
        Some(limit) => {
            println!("note  files: only {limit} may be open, {wanted} are wanted: raise `ulimit -n`")
        }
        None => println!("note  files: limit unknown"),
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
