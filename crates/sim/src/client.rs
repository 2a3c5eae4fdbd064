use scenario::Clients;
use types::{LuminaireId, Timestamp};
use wire::RoleName;

/// One client of the bus: a role, a luminaire, or a cabinet. Never depends on how many others there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client(u32);

/// Numbers below are for roles.
const LUMINAIRES_FROM: u32 = 16;
/// Numbers from here on are for cabinets.
const CABINETS_FROM: u32 = 1 << 31;

impl Client {
    pub(crate) const fn role(role: RoleName) -> Self {
        Self(role as u32)
    }

    /// The luminaire at this place, counted from 0.
    pub(crate) const fn lamp(index: usize) -> Self {
        Self(LUMINAIRES_FROM + index as u32)
    }

    /// The cabinet at this place, counted from 0.
    pub(crate) const fn cabinet(index: usize) -> Self {
        Self(CABINETS_FROM + index as u32)
    }

    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn who(self) -> Who {
        match self.0 {
            ..LUMINAIRES_FROM => Who::Role(self.0 as usize),
            LUMINAIRES_FROM..CABINETS_FROM => Who::Lamp((self.0 - LUMINAIRES_FROM) as usize),
            CABINETS_FROM.. => Who::Cabinet((self.0 - CABINETS_FROM) as usize),
        }
    }

    pub(crate) fn is_among(self, clients: Clients) -> bool {
        match clients {
            Clients::Service(role) => self == Self::role(role),
            Clients::Luminaires(range) => {
                matches!(self.who(), Who::Lamp(index) if range.contains(luminaire_at(index)))
            }
        }
    }
}

/// What stands behind a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// The role at this place of [`RoleName::ALL`].
    Role(usize),
    /// The luminaire at this place, counted from 0.
    Lamp(usize),
    /// The cabinet at this place, counted from 0.
    Cabinet(usize),
}

/// The number of the luminaire at a place.
pub(crate) fn luminaire_at(index: usize) -> LuminaireId {
    LuminaireId(index as u32 + 1)
}

/// The place of a luminaire, if there may be one.
pub(crate) fn index_of(luminaire: LuminaireId) -> Option<usize> {
    luminaire.0.checked_sub(1).map(|index| index as usize)
}

/// A client's connection with the broker, and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// What it said, as one number.
    pub(crate) chain: u64,
    /// The first moment it is queued for; [`NEVER`] if none.
    pub(crate) armed: Timestamp,
    /// Messages it sent.
    pub(crate) sent: u32,
    /// Messages sent to it.
    pub(crate) received: u32,
    /// Which connection this is: what is on its way in an earlier one is lost.
    pub(crate) session: u16,
    pub(crate) connected: bool,
    /// Whether its clock is not the city's.
    pub(crate) skewed: bool,
}

/// The end of time.
pub(crate) const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

impl Link {
    pub(crate) const fn new() -> Self {
        Self { chain: 0, armed: NEVER, sent: 0, received: 0, session: 0, connected: false, skewed: false }
    }

    pub(crate) fn disconnect(&mut self) {
        self.connected = false;
        self.session = self.session.wrapping_add(1);
    }
}
