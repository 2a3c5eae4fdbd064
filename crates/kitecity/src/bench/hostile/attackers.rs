//! Hostile clients: each does one thing after the other, in an order and with pauses that come from the seed.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use services::access::Secret;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use types::{DistrictId, LuminaireId, Seed, Stream};
use wire::iotda;

use super::kinds::{Attack, KINDS};
use super::packets::{Login, Peer, connect_packet};

/// Hostile clients at once, beside the connections that they leave open.
pub(super) const ATTACKERS: usize = 8;
/// The longest pause between two tries of one of them \[ms\].
const PAUSE_MS_MAX: u64 = 200;
/// Connections left open at once; who would open more waits.
const LEFT_OPEN_MAX: usize = 1_000;
/// Connections that one try opens and leaves.
const LEFT_OPEN_BY_TRY: usize = 10;
/// How long they wait to be sent away; the broker gives 10 s.
const SENT_AWAY_WITHIN: Duration = Duration::from_secs(20);
/// How long one that reads nothing stays.
const DEAF_FOR: Duration = Duration::from_secs(5);
/// Subscriptions of a bomb: more than a client may have.
const BOMB: u16 = 1_200;
/// Messages of a flood: more than a device may send in a second.
const FLOOD: usize = 500;
/// The same, retained.
const RETAINED_FLOOD: usize = 200;
/// Messages of whom nothing limits but the rules.
const BURST: usize = 50;
/// How long the last tries may take to be given up.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// What is attacked.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) secret: Secret,
    /// Luminaires that are slandered.
    pub(super) lamps: Vec<(LuminaireId, DistrictId)>,
    pub(super) seed: Seed,
}

/// What came of one kind of traffic.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Logins, subscriptions, messages and connections that should not be.
    pub(super) tried: u64,
    /// How many of them the broker said no to, or ended.
    pub(super) refused: u64,
}

/// By the place of the kind in the table.
pub(super) type Tallies = [Tally; KINDS.len()];

/// Hostile clients at work, on a thread of their own.
pub(super) struct Attackers {
    runtime: Runtime,
    tallies: Arc<Mutex<Tallies>>,
}

/// The device from outside that is attacker `number`'s to misuse.
pub(super) fn device_id(number: usize) -> String {
    format!("hostile-{number}")
}

/// What its passwords are made from.
pub(super) const DEVICE_SECRET: &str = "stolen from a pole";

impl Attackers {
    /// Lets them loose.
    pub(super) fn loose(target: Target) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("hostile")
            .enable_all()
            .build()
            .context("no thread for hostile clients")?;
        let (target, tallies) = (Arc::new(target), Arc::new(Mutex::new(Tallies::default())));
        let left_open = Arc::new(Semaphore::new(LEFT_OPEN_MAX));
        for number in 0..ATTACKERS {
            let chance = target.seed.stream("hostile", number as u64);
            let (target, tallies, left_open) = (target.clone(), tallies.clone(), left_open.clone());
            runtime.spawn(Attacker { number, target, chance, tallies, left_open }.run());
        }
        Ok(Self { runtime, tallies })
    }

    /// Stops them, and tells what came of it. What is still waited for counts as tried only.
    pub(super) fn stop(self) -> Tallies {
        self.runtime.shutdown_timeout(STOP_WITHIN);
        *locked(&self.tallies)
    }
}

struct Attacker {
    number: usize,
    target: Arc<Target>,
    chance: Stream,
    tallies: Arc<Mutex<Tallies>>,
    left_open: Arc<Semaphore>,
}

impl Attacker {
    /// Round after round, in each of them every kind once.
    async fn run(mut self) {
        loop {
            let mut round = KINDS.map(|kind| kind.attack);
            for place in (1..round.len()).rev() {
                round.swap(place, self.chance.below(place as u64 + 1) as usize);
            }
            for attack in round {
                // A connection that ends is the broker's answer, and counted where it is one.
                let _ = self.attempt(attack).await;
                sleep(Duration::from_millis(self.chance.below(PAUSE_MS_MAX))).await;
            }
        }
    }

    async fn attempt(&mut self, attack: Attack) -> io::Result<()> {
        match attack {
            Attack::Silent => self.leave_open(attack, 0).await,
            Attack::Half => self.leave_open(attack, 9).await,
            Attack::WrongPassword => self.guess(attack).await,
            Attack::ForeignWill => self.bequeath(attack).await,
            Attack::SubscriptionBomb => self.bomb(attack).await,
            Attack::Eavesdrop => self.eavesdrop(attack).await,
            Attack::ForeignTopic => self.usurp(attack).await,
            Attack::Oversized => self.claim_256_mb(attack).await,
            Attack::Flood => self.flood(attack, FLOOD, false).await,
            Attack::RetainedFlood => self.flood(attack, RETAINED_FLOOD, true).await,
            Attack::Garbage => self.slander(attack).await,
            Attack::Deaf => self.stay_deaf(attack).await,
        }
    }

    /// Connections that say no more than the first bytes of a login.
    async fn leave_open(&mut self, attack: Attack, bytes: usize) -> io::Result<()> {
        let first = connect_packet(&self.user("operator"), None);
        for _ in 0..LEFT_OPEN_BY_TRY {
            let Ok(place) = self.left_open.clone().acquire_owned().await else { return Ok(()) };
            let mut peer = Peer::connect(self.target.address).await?;
            peer.say(&first[..bytes]).await?;
            self.count(attack, 1, 0);
            let tallies = self.tallies.clone();
            tokio::spawn(async move {
                if peer.is_ended_within(SENT_AWAY_WITHIN).await {
                    locked(&tallies)[attack as usize].refused += 1;
                }
                drop(place);
            });
        }
        Ok(())
    }

    async fn guess(&mut self, attack: Attack) -> io::Result<()> {
        for _ in 0..BURST {
            let password = format!("{:016x}{:016x}", self.chance.next_u64(), self.chance.next_u64());
            let login = Login { password, ..self.user("operator") };
            self.try_login(attack, &login, None).await?;
        }
        Ok(())
    }

    async fn bequeath(&mut self, attack: Attack) -> io::Result<()> {
        let (login, will) = (self.user("viewer"), self.topic("sim/clock"));
        self.try_login(attack, &login, Some(&will)).await
    }

    async fn try_login(&self, attack: Attack, login: &Login, will: Option<&str>) -> io::Result<()> {
        let mut peer = Peer::connect(self.target.address).await?;
        let let_in = peer.log_in(login, will).await;
        // A broker that closes without a word refuses too.
        self.count(attack, 1, u64::from(!let_in.unwrap_or(false)));
        Ok(())
    }

    async fn bomb(&mut self, attack: Attack) -> io::Result<()> {
        let mut peer = self.joined(&self.user("operator")).await?;
        for id in 1..=BOMB {
            let filter = self.topic(&format!("light/+/+/bomb-{id}"));
            let granted = peer.subscribe(id, &filter).await;
            self.count(attack, 1, u64::from(!granted.as_ref().is_ok_and(|granted| *granted)));
            granted?;
        }
        Ok(())
    }

    async fn eavesdrop(&mut self, attack: Attack) -> io::Result<()> {
        let mut peer = self.joined(&self.user("viewer")).await?;
        for (id, filter) in [(1, "rpc/#"), (2, "rsp/#"), (3, "evt/#"), (4, "#")] {
            let granted = peer.subscribe(id, &self.topic(filter)).await?;
            self.count(attack, 1, u64::from(!granted));
        }
        Ok(())
    }

    async fn usurp(&mut self, attack: Attack) -> io::Result<()> {
        let mut peer = self.joined(&self.user("viewer")).await?;
        for _ in 0..BURST {
            let topic = match self.chance.below(2) {
                0 => self.topic("sim/clock"),
                _ => self.lamp_topic("down/cmd"),
            };
            peer.publish(&topic, br#"{"v":1,"id":"mine","d":{"level":0}}"#, false).await?;
            self.count(attack, 1, 0);
        }
        peer.ping().await
    }

    async fn claim_256_mb(&mut self, attack: Attack) -> io::Result<()> {
        let mut peer = self.joined(&self.user("operator")).await?;
        self.count(attack, 1, 0);
        // MQTT 3.1.1, 2.2.3: a PUBLISH of the greatest length there is.
        peer.say(&[0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'x']).await?;
        let chunk = vec![0; 64 * 1_024];
        // One that it took on would be 4,096 chunks.
        for _ in 0..512 {
            if peer.say(&chunk).await.is_err() {
                self.count(attack, 0, 1);
                break;
            }
        }
        Ok(())
    }

    async fn flood(&mut self, attack: Attack, messages: usize, retain: bool) -> io::Result<()> {
        let id = device_id(self.number);
        let hour = "2026010100";
        let login = Login {
            client_id: format!("{id}_0_0_{hour}"),
            username: id.clone(),
            password: iotda::password(DEVICE_SECRET, hour),
        };
        let mut peer = self.joined(&login).await?;
        for _ in 0..messages {
            // What is retained has a topic of its own each time.
            let name = if retain { self.chance.next_u64() } else { 0 };
            let topic = format!("$oc/devices/{id}/user/{name:016x}");
            peer.publish(&topic, &self.chance.bytes::<64>(), retain).await?;
            self.count(attack, 1, 0);
        }
        peer.ping().await
    }

    async fn slander(&mut self, attack: Attack) -> io::Result<()> {
        let mut peer = self.joined(&self.user("operator")).await?;
        for _ in 0..BURST {
            let topic = self.lamp_topic("up/state");
            peer.publish(&topic, &self.chance.bytes::<64>(), false).await?;
            self.count(attack, 1, 0);
        }
        peer.ping().await
    }

    async fn stay_deaf(&mut self, attack: Attack) -> io::Result<()> {
        let Ok(place) = self.left_open.clone().acquire_owned().await else { return Ok(()) };
        let mut peer = Peer::connect_deaf(self.target.address).await?;
        let login =
            Login { client_id: format!("deaf-{:x}", self.chance.next_u64()), ..self.user("operator") };
        if peer.log_in(&login, None).await? && peer.subscribe(1, "kitecity/#").await? {
            self.count(attack, 1, 0);
            tokio::spawn(async move {
                sleep(DEAF_FOR).await;
                drop((peer, place));
            });
        }
        Ok(())
    }

    async fn joined(&self, login: &Login) -> io::Result<Peer> {
        let mut peer = Peer::connect(self.target.address).await?;
        match peer.log_in(login, None).await? {
            true => Ok(peer),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    /// A user with the right password, and a client id of this attacker's own.
    fn user(&self, username: &str) -> Login {
        let password = self.target.secret.password_for(username);
        Login {
            client_id: format!("hostile-{username}-{}", self.number),
            username: username.to_owned(),
            password,
        }
    }

    fn topic(&self, rest: &str) -> String {
        format!("kitecity/v1/demo/{rest}")
    }

    fn lamp_topic(&mut self, rest: &str) -> String {
        let lamps = &self.target.lamps;
        let (lamp, district) = &lamps[self.chance.below(lamps.len() as u64) as usize];
        format!("kitecity/v1/demo/light/{district}/{lamp}/{rest}")
    }

    fn count(&self, attack: Attack, tried: u64, refused: u64) {
        let tally = &mut locked(&self.tallies)[attack as usize];
        tally.tried += tried;
        tally.refused += refused;
    }
}

fn locked(tallies: &Mutex<Tallies>) -> MutexGuard<'_, Tallies> {
    tallies.lock().unwrap_or_else(PoisonError::into_inner)
}
