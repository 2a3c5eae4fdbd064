//! Between Home Assistant and the city.

use std::collections::BTreeMap;

use lighting::{DimLevel, DimRequest};
use types::{LuminaireId, ReplyTo, RunId, Timestamp};

use super::{
    Config, SET_FILTER, Word, commanded_node, decode, encode, is_home_assistant, node_of, node_prefix,
};
use crate::dialect::{Bridge, Said};
use crate::{DecodeError, Directory, Light, Message, MessageIds, ReplyBody, Request, RequestBody, RoleName};

/// Shows some of the city's luminaires to Home Assistant, and hands its commands to the CMS, as any operator's.
///
/// A sample, because Home Assistant is made for a house: thousands of lights would slow it down.
#[derive(Debug)]
pub struct HomeAssistantBridge {
    lights: BTreeMap<LuminaireId, Shown>,
    by_node: BTreeMap<String, LuminaireId>,
    /// What the node ids of this city begin with: others on the same broker are somebody else's.
    own: String,
    ids: MessageIds,
    asked: u64,
}

/// One luminaire that is shown.
#[derive(Debug)]
struct Shown {
    node: String,
    name: String,
    online: bool,
}

/// How many luminaires may be shown.
pub const SAMPLE_MAX: usize = 1_000;

impl HomeAssistantBridge {
    /// Shows these luminaires of the city `run`, each with what people call it: the first [`SAMPLE_MAX`] of them.
    pub fn new(
        run: RunId,
        luminaires: impl IntoIterator<Item = (LuminaireId, String)>,
        ids: MessageIds,
    ) -> Self {
        let shown = |(id, name)| (id, Shown { node: node_of(run, id), name, online: false });
        let lights: BTreeMap<_, _> = luminaires.into_iter().take(SAMPLE_MAX).map(shown).collect();
        let by_node = lights.iter().map(|(id, light)| (light.node.clone(), *id)).collect();
        Self { lights, by_node, own: node_prefix(run), ids, asked: 0 }
    }

    fn request(&mut self, now: Timestamp, request: DimRequest) -> Message {
        self.asked += 1;
        let path = format!("{}/{}", RoleName::HomeAssistant.client_id(), self.asked);
        let reply_to = ReplyTo { path: path.into(), correlation: self.asked.to_string().into_bytes().into() };
        let body = RequestBody::Dim(request);
        Message::Request(Request { id: self.ids.next(now), time: now, reply_to, body })
    }
}

impl Bridge for HomeAssistantBridge {
    fn role(&self) -> RoleName {
        RoleName::HomeAssistant
    }

    fn filters(&self, directory: &Directory) -> Vec<String> {
        let known = self.lights.keys().filter_map(|id| Some((id, directory.get(id)?)));
        known
            .flat_map(|(id, district)| {
                [format!("light/{district}/{id}/up/state"), format!("light/{district}/{id}/status")]
            })
            .collect()
    }

    fn foreign_filters(&self) -> Vec<String> {
        vec![SET_FILTER.to_owned()]
    }

    fn is_foreign(&self, topic: &str) -> bool {
        is_home_assistant(topic)
    }

    fn connected(&mut self, _now: Timestamp, out: &mut Vec<Said>) {
        for Shown { node, name, online } in self.lights.values() {
            let config = Word::Config(Some(Box::new(Config::new(node, name))));
            out.push(Said::Frame(encode(node, &config)));
            out.push(Said::Frame(encode(node, &Word::Available(*online))));
        }
    }

    fn on_bus(&mut self, _now: Timestamp, message: Message, out: &mut Vec<Said>) {
        match message {
            Message::Light { luminaire, body, .. } => {
                let Some(light) = self.lights.get_mut(&luminaire) else { return };
                let word = match body {
                    Light::State(report) => Word::State(report.body.actual),
                    Light::Online(online) => {
                        light.online = online;
                        Word::Available(online)
                    }
                    _ => return,
                };
                out.push(Said::Frame(encode(&light.node, &word)));
            }
            Message::Reply(reply) => {
                if let ReplyBody::DimRefused(refused) = reply.body {
                    out.push(Said::Note(format!("{}: {}", refused.luminaire, refused.reason)));
                }
            }
            _ => {}
        }
    }

    fn on_foreign(
        &mut self,
        now: Timestamp,
        topic: &str,
        payload: &[u8],
        retained: bool,
        out: &mut Vec<Said>,
    ) -> Result<(), DecodeError> {
        // A command that was kept is of the past.
        let ours = |node: &&str| !retained && node.starts_with(&self.own);
        let Some(node) = commanded_node(topic).filter(ours) else { return Ok(()) };
        let (_, word) = decode(topic, payload)?;
        let (Some(&luminaire), Word::Set(level)) = (self.by_node.get(node), word) else {
            let reason = "no such light is shown".to_owned();
            out.push(Said::Refused { topic: topic.to_owned(), reason });
            return Ok(());
        };
        let level = Some(level.unwrap_or(DimLevel::FULL));
        let request = DimRequest { luminaire, level, minutes: None };
        let message = self.request(now, request);
        out.push(Said::Bus(message));
        Ok(())
    }

    fn handle_timeout(&mut self, _now: Timestamp, _out: &mut Vec<Said>) {}

    fn next_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn farewell(&mut self, out: &mut Vec<Said>) {
        for light in self.lights.values() {
            out.push(Said::Frame(encode(&light.node, &Word::Available(false))));
            out.push(Said::Frame(encode(&light.node, &Word::Config(None))));
        }
    }
}

#[cfg(test)]
mod tests;
