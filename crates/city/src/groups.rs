use std::collections::BTreeMap;

use lighting::Group;
use types::LuminaireId;

use crate::Plan;
use crate::sites::LuminaireSite;

/// The groups of luminaires that follow from the plan: all, and those of each district, street (by its number in
/// [`Plan::streets`]), road class, cabinet, and circuit of a cabinet.
pub fn groups(plan: &Plan) -> Vec<Group> {
    let mut groups = by(plan, |_| (), |()| "all".to_owned());
    groups.extend(by(plan, |site| site.district, |district| format!("district:{district}")));
    groups.extend(by(plan, |site| site.street, |street| format!("street:{street}")));
    groups.extend(by(plan, |site| site.class, |class| format!("class:{class}")));
    groups.extend(by(plan, |site| site.cabinet, |cabinet| format!("cabinet:{cabinet}")));
    let circuit = |site: &LuminaireSite| (site.cabinet, site.circuit);
    groups.extend(by(plan, circuit, |(cabinet, circuit)| format!("circuit:{cabinet}:{circuit}")));
    groups
}

/// A group for each value of `key` that some luminaire has.
fn by<K: Ord>(plan: &Plan, key: impl Fn(&LuminaireSite) -> K, name: impl Fn(K) -> String) -> Vec<Group> {
    let mut members: BTreeMap<K, Vec<LuminaireId>> = BTreeMap::new();
    for site in plan.luminaires() {
        members.entry(key(site)).or_default().push(site.id);
    }
    let group = |(key, members)| Group::new(name(key).parse().expect("names here are groups"), members);
    members.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use types::Seed;

    use super::*;
    use crate::CitySpec;

    #[test]
    fn each_luminaire_is_in_one_group_of_each_kind() {
        let spec = CitySpec { seed: Seed(1), luminaires: 2_000, residents: 1, clinics: 0 };
        let plan = Plan::generate(&spec).unwrap();
        let groups = groups(&plan);
        for kind in ["all", "district:", "street:", "class:", "cabinet:", "circuit:"] {
            let of_kind = groups.iter().filter(|group| group.id().to_string().starts_with(kind));
            assert_eq!(of_kind.map(Group::len).sum::<u32>(), 2_000, "{kind}");
        }
        let site = &plan.luminaires()[777];
        for name in [
            format!("district:{}", site.district),
            format!("street:{}", site.street),
            format!("class:{}", site.class),
            format!("circuit:{}:{}", site.cabinet, site.circuit),
        ] {
            let group = groups.iter().find(|group| group.id().to_string() == name).expect(&name);
            assert!(group.contains(site.id), "{name}");
        }
    }
}
