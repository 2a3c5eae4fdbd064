//! One connection after the other: who comes under a client id that is here waits for the last word of the older
//! connection.

use std::time::Duration;

use rmqtt::context::ServerContext;
use rmqtt::types::ConnectInfo;
use tokio::time::{sleep, timeout};

/// How long the older connection may take to end. The broker gives one that does not read 10 s, and clients of the city
/// wait 15 s to be let in.
const ENDS_WITHIN: Duration = Duration::from_secs(12);
/// How often it is looked at: nobody tells.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Ends the connection that has the client id of one that starts clean, if there is any, and waits until its will is
/// said.
///
/// rmqtt 0.24 lets the newer one in first, and says the will of the older one when it gets round to it: `offline`,
/// retained, would stay as the last word about a device that is there. Where an older connection is ending already, it
/// would refuse the newer one.
///
/// Who goes on with its session leaves no will (MQTT 5.0, 3.1.3.2.2), and has nothing to wait for.
pub(super) async fn make_way(context: &ServerContext, newer: &ConnectInfo) {
    if !newer.clean_start() {
        return;
    }
    let entry = context.extends.shared().await.entry(newer.id().clone());
    let Some(older) = entry.tx().filter(|older| !older.is_closed()) else { return };
    let ends = async {
        if let Ok(mut entry) = entry.try_lock().await {
            // One that is ending does not answer.
            let _ = entry.kick(true, true, false).await;
        }
        while !older.is_closed() {
            sleep(LOOK_EVERY).await;
        }
    };
    if timeout(ENDS_WITHIN, ends).await.is_err() {
        let client_id: &str = newer.client_id();
        tracing::warn!(
            client_id,
            "comes in before the last word of its older connection, which does not end"
        );
    }
}
