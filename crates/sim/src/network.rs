//! What happens to messages on their way.

use std::collections::BTreeMap;

use scenario::{Direction, Disturbance, Effect};
use types::{Seed, Stream, Timestamp};

use crate::client::Client;
use crate::interleave::Path;

/// The disturbances of the network, and what they did.
///
/// Every message draws its own fate from the seed, by disturbance, client, direction and the message's number on its
/// link: a disturbance does not change what another one does, and no client changes another one's luck.
#[derive(Debug)]
pub(crate) struct Network {
    seed: Seed,
    active: Vec<Active>,
    /// Nothing comes before this on a link that keeps its order.
    floors: BTreeMap<(Client, Way), Timestamp>,
    /// Whom nothing reaches, and since when.
    cuts: BTreeMap<Client, Timestamp>,
    /// What chooses the next message to come down, in place of the time each takes.
    path: Option<Box<Path>>,
}

#[derive(Debug)]
struct Active {
    what: Disturbance,
    /// Its place in the draws: where and when it acts, but not how strongly, so that a stronger one hits the same
    /// messages and more.
    salt: u64,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Up,
    Down,
}

/// When a message arrives: never, once, or more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrivals {
    at: [Timestamp; COPIES_MAX],
    count: usize,
}

/// Copies of one message at most: disturbances that would make more of it do not.
const COPIES_MAX: usize = 4;
/// A loss of this many parts per million is a cut.
const CUT_PPM: u32 = 1_000_000;
/// What was lost, and is not lost for good, is sent again after so long \[ms\].
const RESEND_MS: i64 = 1_000;
/// Tries of one message; the last succeeds.
const TRIES_MAX: usize = 64;

impl Network {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, active: Vec::new(), floors: BTreeMap::new(), cuts: BTreeMap::new(), path: None }
    }

    /// Whether every message arrives as it was sent.
    pub(crate) fn is_quiet(&self) -> bool {
        self.active.is_empty() && self.floors.is_empty() && self.path.is_none()
    }

    /// Has `path` choose from now on which message comes down next.
    pub(crate) fn choose_by(&mut self, path: Path) {
        self.path = Some(Box::new(path));
    }

    /// The path, which does not choose any more.
    pub(crate) fn chosen_by(&mut self) -> Option<Path> {
        self.path.take().map(|path| *path)
    }

    pub(crate) fn path_mut(&mut self) -> Option<&mut Path> {
        self.path.as_deref_mut()
    }

    /// Whether messages wait to be chosen: until none does, time stands.
    pub(crate) fn has_waiting(&self) -> bool {
        self.path.as_ref().is_some_and(|path| path.has_waiting())
    }

    /// Begins to disturb. Whether it cuts links: then the broker must look for dead connections after a while.
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        what: Disturbance,
        clients: impl Iterator<Item = Client>,
    ) -> bool {
        let salt = self.salt(now, &what);
        self.active.push(Active { what, salt });
        let cuts = what.effect.loss_ppm >= CUT_PPM;
        if cuts {
            for client in clients.filter(|client| client.is_among(what.who)) {
                self.cuts.entry(client).or_insert(now);
            }
        }
        cuts
    }

    /// Ends what is over, and gives the clients that are cut no longer.
    pub(crate) fn end(&mut self, now: Timestamp) -> Vec<Client> {
        self.active.retain(|active| active.what.until > now);
        self.floors.retain(|_, floor| *floor > now);
        let still = |client: &Client| {
            self.active
                .iter()
                .any(|active| active.what.effect.loss_ppm >= CUT_PPM && client.is_among(active.what.who))
        };
        let healed: Vec<Client> = self.cuts.keys().copied().filter(|client| !still(client)).collect();
        for client in &healed {
            self.cuts.remove(client);
        }
        healed
    }

    pub(crate) fn is_cut(&self, client: Client) -> bool {
        self.cuts.contains_key(&client)
    }

    /// Clients that nothing has reached since `since` or longer.
    pub(crate) fn cut_since(&self, since: Timestamp) -> Vec<Client> {
        self.cuts.iter().filter(|(_, from)| **from <= since).map(|(client, _)| *client).collect()
    }

    /// When message number `index` of a link arrives that would undisturbed arrive at `at`. A `lossy` one may never do;
    /// any other is sent again until it does.
    pub(crate) fn arrivals(
        &mut self,
        (client, way, lossy): (Client, Way, bool),
        index: u32,
        now: Timestamp,
        at: Timestamp,
    ) -> Arrivals {
        let mut fates = Fates { delays: [(0, false); COPIES_MAX], count: 1 };
        for active in &self.active {
            let what = &active.what;
            if now < what.until && way.is_within(what.direction) && client.is_among(what.who) {
                let cut_ms = what.until.millis_since(now);
                fates.meet(what.effect, (lossy, cut_ms), |copy| draw(active.salt, client, way, index, copy));
            }
        }
        let mut arrivals = Arrivals { at: [at; COPIES_MAX], count: fates.count };
        for (arrival, (delay_ms, keeps_order)) in arrivals.at.iter_mut().zip(fates.delays).take(fates.count) {
            *arrival = self.in_order((client, way), now, at.plus_millis(delay_ms), keeps_order);
        }
        arrivals
    }

    /// Not before what may not be overtaken.
    fn in_order(
        &mut self,
        link: (Client, Way),
        now: Timestamp,
        at: Timestamp,
        keeps_order: bool,
    ) -> Timestamp {
        let floor = self.floors.get(&link).copied().filter(|floor| *floor > now);
        let at = floor.map_or(at, |floor| floor.max(at));
        if keeps_order {
            self.floors.insert(link, at);
        }
        at
    }

    fn salt(&self, now: Timestamp, what: &Disturbance) -> u64 {
        let alike = self
            .active
            .iter()
            .filter(|active| (active.what.who, active.what.direction) == (what.who, what.direction));
        let who = match what.who {
            scenario::Clients::Service(role) => u64::from(Client::role(role).number()),
            scenario::Clients::Luminaires(range) => {
                1 << 63 | u64::from(range.first.0) << 31 | u64::from(range.last.0)
            }
        };
        let key = Seed(self.seed.0 ^ who.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ what.direction as u64);
        key.stream("disturbance", now.as_millis() as u64 ^ (alike.count() as u64) << 56).next_u64()
    }
}

impl Arrivals {
    pub(crate) fn as_slice(&self) -> &[Timestamp] {
        &self.at[..self.count]
    }
}

impl Way {
    fn is_within(self, direction: Direction) -> bool {
        match direction {
            Direction::Both => true,
            Direction::Up => self == Self::Up,
            Direction::Down => self == Self::Down,
        }
    }
}

fn draw(salt: u64, client: Client, way: Way, index: u32, copy: usize) -> Stream {
    let place = u64::from(client.number()) << 32 | u64::from(index);
    Seed(salt ^ way as u64 ^ (copy as u64) << 8).stream("", place)
}

/// How much later a message comes that was lost at first \[ms\]: after a cut, or after as many more tries as it takes.
fn lost_ms(effect: Effect, cut_ms: i64, chance: &mut Stream) -> i64 {
    if effect.loss_ppm >= CUT_PPM {
        return cut_ms + RESEND_MS;
    }
    let lost_again = || chance.below(1_000_000) < u64::from(effect.loss_ppm);
    let tries = std::iter::repeat_with(lost_again).take(TRIES_MAX).take_while(|lost| *lost).count();
    (1 + tries as i64) * RESEND_MS
}

/// The copies of one message: how much later each comes \[ms\], and whether it keeps the order of its link.
struct Fates {
    delays: [(i64, bool); COPIES_MAX],
    count: usize,
}

impl Fates {
    /// Lets every copy meet an effect. Each draws loss, duplicate and delay, whether or not it can suffer them.
    /// `cut_ms` – how long a cut lasts.
    fn meet(&mut self, effect: Effect, (lossy, cut_ms): (bool, i64), draw: impl Fn(usize) -> Stream) {
        let mut after = Self { delays: self.delays, count: 0 };
        for copy in 0..self.count {
            let mut chance = draw(copy);
            let (loss, duplicate, delay) =
                (chance.below(1_000_000), chance.below(1_000_000), chance.next_u64());
            let lost = loss < u64::from(effect.loss_ppm);
            if lost && lossy {
                continue;
            }
            let (mut late_ms, keeps_order) = self.delays[copy];
            if lost {
                late_ms += lost_ms(effect, cut_ms, &mut chance);
            }
            // TCP lets nothing overtake what it has to send again.
            let before = (late_ms, keeps_order || (effect.loss_ppm > 0 && !effect.reorder));
            after.add(before, effect, delay);
            if duplicate < u64::from(effect.duplicate_ppm) {
                after.add(before, effect, chance.next_u64());
            }
        }
        *self = after;
    }

    fn add(&mut self, (before_ms, keeps_order): (i64, bool), effect: Effect, chance: u64) {
        if self.count == COPIES_MAX {
            return;
        }
        let spread = u64::from(effect.delay_max_ms.saturating_sub(effect.delay_min_ms)) + 1;
        // Multiply-shift, as in `Stream::below`.
        let drawn = (u128::from(chance) * u128::from(spread)) >> 64;
        let delay_ms = i64::from(effect.delay_min_ms) + drawn as i64;
        let keeps_order = keeps_order || (effect.delay_max_ms > 0 && !effect.reorder);
        self.delays[self.count] = (before_ms + delay_ms, keeps_order);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use scenario::{Clients, Luminaires};
    use types::LuminaireId;

    use super::*;

    fn lamps(first: u32, last: u32) -> Clients {
        Clients::Luminaires(Luminaires { first: LuminaireId(first), last: LuminaireId(last) })
    }

    fn disturbed(effects: &[Effect]) -> Network {
        let mut network = Network::new(Seed(7));
        for (number, &effect) in effects.iter().enumerate() {
            let who = lamps(1, 100 + number as u32);
            let (direction, until) = (Direction::Up, ms(1_000_000));
            network.begin(ms(0), Disturbance { who, direction, until, effect }, std::iter::empty());
        }
        network
    }

    fn ms(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// The arrivals of a thousand messages of one luminaire, one a millisecond.
    fn thousand(network: &mut Network) -> Vec<Vec<Timestamp>> {
        let link = (Client::lamp(0), Way::Up, true);
        (0..1_000)
            .map(|n| network.arrivals(link, n, ms(i64::from(n)), ms(i64::from(n))).as_slice().to_vec())
            .collect()
    }

    fn loss(ppm: u32) -> Effect {
        Effect { loss_ppm: ppm, ..Effect::default() }
    }

    #[test]
    fn what_is_not_meant_is_not_touched() {
        let mut network = disturbed(&[loss(CUT_PPM)]);
        let arrives = |network: &mut Network, client, way, now| {
            network.arrivals((client, way, true), 0, ms(now), ms(now)).as_slice() == [ms(now)]
        };
        assert!(!arrives(&mut network, Client::lamp(99), Way::Up, 5));
        assert!(arrives(&mut network, Client::lamp(100), Way::Up, 5));
        assert!(arrives(&mut network, Client::lamp(99), Way::Down, 5));
        assert!(arrives(&mut network, Client::role(wire::RoleName::Payer), Way::Up, 5));
        assert!(arrives(&mut network, Client::lamp(99), Way::Up, 1_000_000));
    }

    #[test]
    fn a_tenth_is_lost_and_a_higher_loss_takes_the_same_and_more() {
        let (some, more) =
            (thousand(&mut disturbed(&[loss(100_000)])), thousand(&mut disturbed(&[loss(300_000)])));
        let lost = |all: &[Vec<Timestamp>]| all.iter().filter(|one| one.is_empty()).count();
        assert!((70..130).contains(&lost(&some)), "{}", lost(&some));
        assert!((250..350).contains(&lost(&more)), "{}", lost(&more));
        assert!(some.iter().zip(&more).all(|(some, more)| !some.is_empty() || more.is_empty()));
    }

    #[test]
    fn what_may_not_be_lost_comes_later_and_in_order() {
        let mut network = disturbed(&[loss(300_000)]);
        let link = (Client::lamp(0), Way::Up, false);
        let arrive = |n: u32| network.arrivals(link, n, ms(i64::from(n)), ms(i64::from(n))).at[0];
        let arrivals: Vec<Timestamp> = (0..1_000).map(arrive).collect();
        assert!(arrivals.is_sorted());
        assert!(arrivals.iter().zip(0..).any(|(at, sent)| *at > ms(sent)));
    }

    #[test]
    fn what_may_not_be_lost_comes_after_a_cut() {
        let mut network = disturbed(&[loss(CUT_PPM)]);
        let cut = (Client::lamp(0), Way::Up, false);
        assert_eq!(network.arrivals(cut, 0, ms(5), ms(5)).as_slice(), [ms(1_000_000 + RESEND_MS)]);
    }

    #[test]
    fn another_disturbance_does_not_reshuffle_the_first() {
        let alone = thousand(&mut disturbed(&[loss(100_000)]));
        let duplicating = Effect { duplicate_ppm: 500_000, ..Effect::default() };
        let both = thousand(&mut disturbed(&[loss(100_000), duplicating]));
        assert!(alone.iter().zip(&both).all(|(alone, both)| alone.is_empty() == both.is_empty()));
        let twice = both.iter().filter(|one| one.len() == 2).count();
        assert!((380..520).contains(&twice), "{twice}");
    }

    #[test]
    fn a_link_keeps_its_order_unless_it_may_not() {
        let delay = |reorder| Effect { delay_min_ms: 10, delay_max_ms: 200, reorder, ..Effect::default() };
        let firsts =
            |effect| thousand(&mut disturbed(&[effect])).into_iter().map(|one| one[0]).collect::<Vec<_>>();
        let (kept, shuffled) = (firsts(delay(false)), firsts(delay(true)));
        assert!(kept.is_sorted());
        assert!(!shuffled.is_sorted());
        assert!(shuffled.iter().zip(0..).all(|(at, sent)| (10..=200).contains(&at.millis_since(ms(sent)))));
        assert!(shuffled.iter().zip(&kept).all(|(drawn, kept)| drawn <= kept));
    }

    #[test]
    fn a_message_sent_after_the_disturbance_does_not_overtake_one_that_is_late() {
        let effect = Effect { delay_min_ms: 500, delay_max_ms: 500, ..Effect::default() };
        let mut network = disturbed(&[effect]);
        let link = (Client::lamp(0), Way::Up, true);
        assert_eq!(network.arrivals(link, 0, ms(999_999), ms(999_999)).as_slice(), [ms(1_000_499)]);
        assert!(network.end(ms(1_000_000)).is_empty());
        assert!(!network.is_quiet());
        assert_eq!(network.arrivals(link, 1, ms(1_000_001), ms(1_000_001)).as_slice(), [ms(1_000_499)]);
        network.end(ms(1_000_500));
        assert!(network.is_quiet());
    }
}
