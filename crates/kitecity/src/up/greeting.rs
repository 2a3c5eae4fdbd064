//! What a city says when it is there.

use std::time::Instant;

use eid::qr::{Level, Symbol};
use services::Link;
use services::bus::BusAddress;
use services::console::{Console, Pin};
use tokio::sync::watch;

use super::City;
use crate::out;
use crate::secured::{Shown, reached_at};

/// The phone pages for the network.
pub(crate) struct Lan {
    /// Without a path.
    page: String,
    pins: watch::Receiver<Pin>,
}

impl Lan {
    pub(crate) fn of(console: &Console) -> Option<Self> {
        let (address, pins) = console.lan()?;
        Some(Self { page: format!("{}://{}", console.scheme(), reached_at(address)), pins })
    }
}

/// Prints the PIN that is good, and each that comes after.
pub(crate) async fn tell_pins(lan: Option<Lan>) {
    let Some(Lan { page, mut pins }) = lan else { return std::future::pending().await };
    pins.mark_changed();
    while pins.changed().await.is_ok() {
        let pin = pins.borrow_and_update().clone();
        // Behind the `#`, the PIN stays in the phone's browser until the page sends it.
        let symbol = Symbol::from_text(&format!("{page}/pair#{}", pin.digits()), Level::Low);
        let drawn = symbol.map(|symbol| symbol.to_terminal()).unwrap_or_default();
        let words = "for one phone of the network; then the next stands here";
        if let Err(error) = out::line(&format!("\n{drawn}\n  lan      {page}/  PIN {pin}, {words}")) {
            eprintln!("the PIN cannot be printed: {error:#}");
        }
    }
    std::future::pending().await
}

/// Where everything is.
pub(super) struct Greeting<'a> {
    /// The pages, without a path.
    pub(super) page: String,
    /// The broker, as clients outside reach it.
    pub(super) bus: BusAddress,
    pub(super) shown: Option<&'a Shown>,
    pub(super) began: Instant,
}

/// Says where everything is.
pub(super) fn print(city: &City, link: &Link, greeting: &Greeting<'_>) {
    let Greeting { page, bus, shown, began } = greeting;
    let phone = format!("{page}/phone");
    let BusAddress { host, port, .. } = bus;
    let trusting = shown.filter(|_| bus.trust.is_some());
    let cafile = trusting.map(|shown| format!(" --cafile {}", shown.file().display())).unwrap_or_default();
    println!("Kitecity `{}` – SIMULATED / 模拟 – ready in {} ms", link.run, began.elapsed().as_millis());
    println!();
    println!("  console  {page}/");
    println!("  phone    {phone}");
    println!("  kiosk    {page}/kiosk");
    println!("  till     {page}/till");
    println!("  attack   {page}/attack");
    println!("  bus      {bus}  topics kitecity/v1/{}/…", link.run);
    match &link.secret {
        Some(secret) => {
            let password = secret.password_for("operator");
            println!("           user operator, password {password}");
            println!();
            println!(
                "  listen   mosquitto_sub -h {host} -p {port}{cafile} -u operator -P {password} -t 'kitecity/#' -v"
            );
            println!("  readers  curl -H 'Authorization: Bearer {password}' {page}/v1/admin/readers");
            let lamp = city.cast.plan().luminaires().first();
            if let Some(lamp) = lamp {
                println!(
                    "  dim      mosquitto_pub -h {host} -p {port}{cafile} -u operator -P {password} -t \
                     kitecity/v1/{}/light/{}/{}/down/cmd -m '{{\"v\":1,\"id\":\"x1\",\"d\":{{\"level\":40}}}}'",
                    link.run, lamp.district, lamp.id
                );
            }
        }
        None => println!("           an outside broker, without passwords"),
    }
    if let Some(shown) = shown {
        println!("  tls      {shown}");
    }
    let devices = city.devices.lamps().count();
    if devices > 0 {
        println!(
            "  devices  {devices} from outside, as the settings say; docs/dialects.md tells how they join"
        );
    }
    if !city.shown.is_empty() {
        let password = link.secret.as_ref().map(|secret| secret.password_for("homeassistant"));
        let password = password.map(|words| format!(": user homeassistant, password {words}"));
        println!("  home     {} lights for Home Assistant{}", city.shown.len(), password.unwrap_or_default());
    }
    if let Some(outward) = &city.outward {
        println!(
            "  lights   devices of the platform at {}, which commands them; no CMS here",
            outward.platform
        );
    }
    if let Ok(symbol) = Symbol::from_text(&phone, Level::Low) {
        println!();
        println!("{}", symbol.to_terminal());
        println!("  the phone page, on this machine");
    }
}
