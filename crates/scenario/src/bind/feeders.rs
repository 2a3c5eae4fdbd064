//! Binds the deeds at cabinets.

use lighting::{CabinetEvent, Circuit, Control, Phase, Phases};

use super::Binder;
use crate::director::{AtCabinet, Deed};
use crate::file::{CabinetArg, CircuitArg, ControlArg, FeederArg, Step, SwitchArg};
use crate::mistake::Mistake;

impl Binder<'_> {
    /// The deeds of a step that are done at a cabinet.
    pub(super) fn cabinet_deeds(&self, step: &Step) -> [Option<Result<Deed, Mistake>>; 7] {
        let trip = |circuit, phases| CabinetEvent::Trip { circuit, phases };
        let reclose = |circuit, phases| CabinetEvent::Reclose { circuit, phases };
        [
            step.trip.as_ref().map(|arg| self.breakers(arg, trip)),
            step.reclose.as_ref().map(|arg| self.breakers(arg, reclose)),
            step.jam.as_ref().map(|arg| self.contactors(arg, CabinetEvent::Jam)),
            step.free.as_ref().map(|arg| self.contactors(arg, CabinetEvent::Free)),
            step.switch.as_ref().map(|arg| self.switch(arg)),
            step.open_door.as_ref().map(|arg| self.door(arg, CabinetEvent::OpenDoor)),
            step.close_door.as_ref().map(|arg| self.door(arg, CabinetEvent::CloseDoor)),
        ]
    }

    fn breakers(
        &self,
        arg: &FeederArg,
        event: impl Fn(Circuit, Phases) -> CabinetEvent,
    ) -> Result<Deed, Mistake> {
        let phases = self.optional(arg.phase.as_ref(), |text| {
            let phase = Phase::ALL.into_iter().find(|phase| phase.to_string() == text);
            phase.map(Phases::from).ok_or_else(|| format!("`{text}` is no phase; phases are R, S, T"))
        })?;
        let phases = phases.unwrap_or(Phases::ALL);
        let events =
            self.circuits(arg.circuit.as_ref())?.map(|circuit| circuit.map(|circuit| event(circuit, phases)));
        Ok(Deed::AtCabinet(self.cabinet(&arg.cabinet)?, AtCabinet::Events(events)))
    }

    fn contactors(&self, arg: &CircuitArg, event: impl Fn(Circuit) -> CabinetEvent) -> Result<Deed, Mistake> {
        let events = self.circuits(arg.circuit.as_ref())?.map(|circuit| circuit.map(&event));
        Ok(Deed::AtCabinet(self.cabinet(&arg.cabinet)?, AtCabinet::Events(events)))
    }

    fn door(&self, arg: &CabinetArg, event: CabinetEvent) -> Result<Deed, Mistake> {
        Ok(Deed::AtCabinet(self.cabinet(&arg.cabinet)?, AtCabinet::Events([Some(event), None])))
    }

    fn switch(&self, arg: &SwitchArg) -> Result<Deed, Mistake> {
        let control = match arg.to {
            ControlArg::On => Control::On,
            ControlArg::Off => Control::Off,
            ControlArg::Auto => Control::Auto,
        };
        let circuits = self.circuits(arg.circuit.as_ref())?;
        let for_ms = arg.duration.as_ref().map(|text| self.lasting(text)).transpose()?;
        let what = AtCabinet::Switch { circuits, control, for_ms };
        Ok(Deed::AtCabinet(self.cabinet(&arg.cabinet)?, what))
    }

    /// The one circuit, or both.
    fn circuits(&self, number: Option<&toml::Spanned<u8>>) -> Result<[Option<Circuit>; 2], Mistake> {
        let Some(number) = number else { return Ok(Circuit::ALL.map(Some)) };
        match Circuit::from_number(*number.get_ref()) {
            Some(circuit) => Ok([Some(circuit), None]),
            None => {
                let message = format!("a cabinet has circuits 1 and 2, got {}", number.get_ref());
                Err(self.script.mistake(&number.span(), message))
            }
        }
    }
}
