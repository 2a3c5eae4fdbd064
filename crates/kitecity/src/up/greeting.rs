//! What a city says when it is there.

use std::net::SocketAddr;
use std::time::Instant;

use eid::qr::{Level, Symbol};
use services::Link;
use services::bus::BusAddress;

use super::City;

/// Says where everything is.
pub(super) fn print(city: &City, link: &Link, page: SocketAddr, began: Instant) {
    let phone = format!("http://{page}/phone");
    let BusAddress { host, port } = &link.address;
    println!("Kitecity `{}` – SIMULATED / 模拟 – ready in {} ms", link.run, began.elapsed().as_millis());
    println!();
    println!("  console  http://{page}/");
    println!("  phone    {phone}");
    println!("  kiosk    http://{page}/kiosk");
    println!("  till     http://{page}/till");
    println!("  attack   http://{page}/attack");
    println!("  bus      mqtt://{host}:{port}  topics kitecity/v1/{}/…", link.run);
    match &link.secret {
        Some(secret) => {
            let password = secret.password_for("operator");
            println!("           user operator, password {password}");
            println!();
            println!(
                "  listen   mosquitto_sub -h {host} -p {port} -u operator -P {password} -t 'kitecity/#' -v"
            );
            println!("  readers  curl -H 'Authorization: Bearer {password}' http://{page}/v1/admin/readers");
            let lamp = city.cast.plan().luminaires().first();
            if let Some(lamp) = lamp {
                println!(
                    "  dim      mosquitto_pub -h {host} -p {port} -u operator -P {password} -t \
                     kitecity/v1/{}/light/{}/{}/down/cmd -m '{{\"v\":1,\"id\":\"x1\",\"d\":{{\"level\":40}}}}'",
                    link.run, lamp.district, lamp.id
                );
            }
        }
        None => println!("           an outside broker, without passwords"),
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
        let BusAddress { host, port } = &outward.platform;
        println!(
            "  lights   devices of the platform at mqtt://{host}:{port}, which commands them; no CMS here"
        );
    }
    if let Ok(symbol) = Symbol::from_text(&phone, Level::Low) {
        println!();
        println!("{}", symbol.to_terminal());
        println!("  the phone page, on this machine");
    }
}
