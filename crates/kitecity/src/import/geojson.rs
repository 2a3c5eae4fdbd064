//! GeoJSON points as rows of a table: one feature in memory at a time.

use std::fmt;
use std::io::Read;

use anyhow::{Result, anyhow, bail};
use csv::StringRecord;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::source::Row;

/// Columns that every file has: where the point is, and the feature's own id.
pub(super) const OWN: [&str; 3] = ["@lon", "@lat", "@id"];

/// The columns: those of [`OWN`], and the names of all properties in the order they come.
pub(super) fn heads(text: impl Read, columns_max: usize) -> Result<Vec<String>> {
    let mut heads: Vec<String> = OWN.map(str::to_owned).into();
    features(text, &mut |_, feature| {
        let properties = feature.get("properties").and_then(Value::as_object);
        for name in properties.into_iter().flat_map(serde_json::Map::keys) {
            if !heads.contains(name) {
                heads.push(name.clone());
            }
        }
        if heads.len() > columns_max {
            bail!("the features have more than {columns_max} different properties");
        }
        Ok(())
    })?;
    Ok(heads)
}

/// Visits every feature as a row, counted from 1.
pub(super) fn each(
    text: impl Read,
    heads: &[String],
    visit: &mut dyn FnMut(u64, Row<'_>) -> Result<()>,
) -> Result<()> {
    features(text, &mut |number, feature| match record(&feature, heads) {
        Ok(record) => visit(number, Ok(&record)),
        Err(why) => visit(number, Err(why)),
    })
}

fn record(feature: &Value, heads: &[String]) -> Result<StringRecord, String> {
    let geometry = &feature["geometry"];
    let coordinates = match (geometry["type"].as_str(), geometry["coordinates"].as_array()) {
        (Some("Point"), Some(coordinates)) if coordinates.len() >= 2 => coordinates.as_slice(),
        (Some("Point"), _) => return Err("its point has no coordinates".to_owned()),
        (Some(other), _) => return Err(format!("it is a {other}, only points are luminaires")),
        (None, _) => &[],
    };
    let own = [coordinates.first(), coordinates.get(1), feature.get("id")];
    let own = own.into_iter().map(|value| value.map_or_else(String::new, words));
    let properties = heads[OWN.len()..].iter().map(|head| words(&feature["properties"][head.as_str()]));
    Ok(own.chain(properties).collect::<Vec<_>>().into())
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

type Visit<'a> = &'a mut dyn FnMut(u64, Value) -> Result<()>;

/// Visits every feature of a collection as it is read.
fn features(text: impl Read, visit: Visit<'_>) -> Result<()> {
    let mut stopped = None;
    let mut json = serde_json::Deserializer::from_reader(text);
    let read = Collection { visit, stopped: &mut stopped }.deserialize(&mut json);
    match (stopped, read) {
        (Some(why), _) => Err(why),
        (None, Err(error)) => Err(anyhow!("no GeoJSON: {error}")),
        (None, Ok(())) => Ok(()),
    }
}

/// The outermost object.
struct Collection<'a> {
    visit: Visit<'a>,
    /// Why `visit` wanted no more.
    stopped: &'a mut Option<anyhow::Error>,
}

impl<'de> DeserializeSeed<'de> for Collection<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collection<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "features" {
                found = true;
                map.next_value_seed(List(&mut self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(M::Error::custom("expected a FeatureCollection with `features`")) }
    }
}

/// The list of features.
struct List<'a, 'b>(&'a mut Collection<'b>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        let mut number = 0;
        while let Some(feature) = list.next_element::<Value>()? {
            number += 1;
            if let Err(why) = (self.0.visit)(number, feature) {
                *self.0.stopped = Some(why);
                return Err(S::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Result<Vec<String>, String>>> {
        let heads = heads(text.as_bytes(), 10)?;
        let mut rows = Vec::new();
        each(text.as_bytes(), &heads, &mut |_, row| {
            rows.push(row.map(|record| record.iter().map(str::to_owned).collect()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn what_is_no_collection_of_points_is_told() {
        for (text, why) in
            [("{", "EOF"), ("{\"type\": \"Feature\"}", "FeatureCollection"), ("{\"features\": 3}", "list")]
        {
            let error = rows(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let line = r#"{"features":[{"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]},"properties":{}}]}"#;
        assert_eq!(rows(line).unwrap(), [Err("it is a LineString, only points are luminaires".to_owned())]);
    }

    #[test]
    fn features_are_rows_and_their_properties_columns() {
        let text = r#"{"type":"FeatureCollection","crs":{"x":[1]},"features":[
            {"id":7,"geometry":{"type":"Point","coordinates":[119.1,36.7]},"properties":{"power":150}},
            {"geometry":null,"properties":{"road":"东风街"}}]}"#;
        let expected = [["119.1", "36.7", "7", "150", ""], ["", "", "", "", "东风街"]];
        let rows: Vec<_> = rows(text).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(rows, expected);
    }
}
