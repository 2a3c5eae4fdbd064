use std::collections::BTreeMap;
use std::fmt;

use types::ResidentId;

use crate::resident_no::check_within;
use crate::{EnrolRefusal, EnrolRequest, LifeState, Resident, ResidentNo, ResidentNoError, UNREAL_REGION};

/// The census: everybody who lives or lived in the city. It does not change.
pub struct Registry {
    residents: BTreeMap<ResidentId, Resident>,
    by_number: BTreeMap<ResidentNo, ResidentId>,
}

impl Registry {
    /// A registry of these residents. Of two with one id or one number, the first is kept.
    pub fn new(residents: impl IntoIterator<Item = Resident>) -> Self {
        let mut registry = Self { residents: BTreeMap::new(), by_number: BTreeMap::new() };
        for resident in residents {
            let taken = registry.residents.contains_key(&resident.id)
                || registry.by_number.contains_key(&resident.number);
            if !taken {
                registry.by_number.insert(resident.number, resident.id);
                registry.residents.insert(resident.id, resident);
            }
        }
        registry
    }

    /// How many residents there are.
    pub fn len(&self) -> usize {
        self.residents.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.residents.is_empty()
    }

    /// Everybody, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Resident> {
        self.residents.values()
    }

    /// The resident with this pseudonym.
    pub fn by_id(&self, id: ResidentId) -> Option<&Resident> {
        self.residents.get(&id)
    }

    /// The resident with this number.
    pub fn by_number(&self, number: &ResidentNo) -> Option<&Resident> {
        self.by_number.get(number).and_then(|id| self.by_id(*id))
    }

    /// Whether this number and name belong to a resident who may have an e-ID, and to whom.
    ///
    /// The name may be given in Chinese, or in Latin letters whatever their case.
    ///
    /// # Errors
    ///
    /// The first [`EnrolRefusal`] that applies, in the order of its variants. A wrong name is answered like an
    /// unknown number, so that nobody learns here which numbers exist.
    pub fn check_enrolment(&self, request: &EnrolRequest) -> Result<&Resident, EnrolRefusal> {
        let number = check_within(request.resident_no.trim(), |region| region == UNREAL_REGION)?;
        let resident = self
            .by_number(&number)
            .filter(|resident| is_name_of(resident, request.name.trim()))
            .ok_or(EnrolRefusal::ResidentUnknown)?;
        match resident.life {
            LifeState::Active => Ok(resident),
            LifeState::Deceased | LifeState::Moved => Err(EnrolRefusal::ResidentInactive),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} residents)", self.len())
    }
}

fn is_name_of(resident: &Resident, name: &str) -> bool {
    resident.name_zh == name || resident.name_en.eq_ignore_ascii_case(name)
}

impl From<ResidentNoError> for EnrolRefusal {
    fn from(error: ResidentNoError) -> Self {
        match error {
            ResidentNoError::Checksum | ResidentNoError::Sequence => Self::ResidentChecksum,
            ResidentNoError::Region => Self::ResidentRegion,
            ResidentNoError::Date => Self::ResidentDate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{number_with_check, registry, resident};

    fn answer(resident_no: &str, name: &str) -> Result<ResidentId, EnrolRefusal> {
        let request = EnrolRequest { resident_no: resident_no.to_owned(), name: name.to_owned() };
        registry().check_enrolment(&request).map(|resident| resident.id)
    }

    #[test]
    fn a_wrong_check_character_is_told_before_anything_else() {
        for number in ["", "1", "370799198801020011", "999999999999999999"] {
            assert_eq!(answer(number, "nobody"), Err(EnrolRefusal::ResidentChecksum), "{number}");
        }
    }

    #[test]
    fn a_number_of_a_real_region_is_refused_even_with_an_impossible_date() {
        for digits in ["11010519491231002", "37070519880102001", "37079819880102001", "37070519889999001"] {
            let number = number_with_check(digits);
            assert_eq!(answer(&number, "nobody"), Err(EnrolRefusal::ResidentRegion), "{digits}");
        }
    }

    #[test]
    fn an_impossible_date_is_refused() {
        let number = number_with_check("37079920230229001");
        assert_eq!(answer(&number, "nobody"), Err(EnrolRefusal::ResidentDate));
    }

    #[test]
    fn an_unknown_number_and_a_wrong_name_get_the_same_answer() {
        let nobody = number_with_check("37079919010101001");
        let somebody = resident(1);
        assert_eq!(answer(&nobody, &somebody.name_zh), Err(EnrolRefusal::ResidentUnknown));
        assert_eq!(answer(somebody.number.as_str(), "张三"), Err(EnrolRefusal::ResidentUnknown));
        assert_eq!(answer(somebody.number.as_str(), ""), Err(EnrolRefusal::ResidentUnknown));
    }

    #[test]
    fn who_died_or_moved_is_refused_but_only_to_those_who_know_the_name() {
        for life in [LifeState::Deceased, LifeState::Moved] {
            let gone = Resident { life, ..resident(1) };
            let registry = Registry::new([gone.clone()]);
            let ask = |name: &str| {
                let request =
                    EnrolRequest { resident_no: gone.number.as_str().to_owned(), name: name.to_owned() };
                registry.check_enrolment(&request).map(|resident| resident.id)
            };
            assert_eq!(ask(&gone.name_zh), Err(EnrolRefusal::ResidentInactive));
            assert_eq!(ask("张三"), Err(EnrolRefusal::ResidentUnknown));
        }
    }

    #[test]
    fn a_resident_is_found_by_either_name_and_with_blanks_around() {
        let known = resident(1);
        for name in [known.name_zh.clone(), known.name_en.to_uppercase(), format!(" {}\n", known.name_zh)] {
            assert_eq!(answer(known.number.as_str(), &name), Ok(known.id), "{name}");
        }
        assert_eq!(answer(&format!(" {}", known.number.as_str()), &known.name_zh), Ok(known.id));
    }

    #[test]
    fn the_first_of_two_with_one_number_or_id_is_kept() {
        let first = resident(1);
        let same_number = Resident { id: ResidentId(99), ..first.clone() };
        let same_id = Resident { id: first.id, ..resident(2) };
        let registry = Registry::new([first.clone(), same_number, same_id]);
        assert_eq!(registry.iter().collect::<Vec<_>>(), [&first]);
        assert_eq!(registry.by_number(&resident(2).number), None);
    }

    #[test]
    fn debug_shows_no_resident() {
        assert_eq!(format!("{:?}", registry()), format!("Registry({} residents)", registry().len()));
    }
}
